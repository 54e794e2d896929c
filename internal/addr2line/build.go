package addr2line

import (
	"errors"
	"slices"
)

// What the parts of a table take, in bytes: a row, a segment, a node, and a
// function with its node and its description.
const (
	rowBytes      = 12
	segmentBytes  = 8
	nodeBytes     = 24
	functionBytes = 8 + 96 + 56
	tableBytes    = 512
)

// errTableTooBig is why a table is not made.
var errTableTooBig = errors.New("table exceeds the memory limit")

// build makes the table of a unit, nil if it is malformed or does not fit the
// table's narrow columns or limit bytes: such units are read through each time.
func (u *unit) build(w *work, limit int64) *table {
	s := u.d.getScratch()
	defer u.d.scratch.Put(s)
	full, err := u.full(w)
	if err != nil {
		return nil
	}
	if err := s.segments(full, w, int(limit/nodeBytes)); err != nil {
		return nil
	}
	lines, err := u.lineTable(w)
	if err != nil {
		return nil
	}
	rows := &s.rows
	rows.reset()
	rows.max = int(limit / rowBytes)
	if lines != nil {
		if err := rows.collect(lines, &s.hits, w); err != nil {
			return nil
		}
	}
	t := &table{u: full, files: []string{""}}
	b := tableBuilder{t: t, lines: lines, extra: rows.extra, index: make(map[uint32]uint32)}
	if !b.setBase(s.targets, rows.addrs) || !b.setSegments(s.targets, s.walk.deep) || !b.setRows(rows) || !b.setNodes(s.walk.nodes) {
		return nil
	}
	t.size = tableBytes + rowBytes*int64(len(t.rows)) + segmentBytes*int64(len(t.segNode)) + t.rowAddrs.bytes() + t.segAddrs.bytes() +
		nodeBytes*int64(len(t.nodes)) + functionBytes*int64(len(t.functions)) + b.bytes
	return t
}

// segments leaves in s.targets the vaddrs, ascending, where the innermost node
// can change, and in s.walk.deep the node that holds from each to the next.
func (s *scratch) segments(u *unit, w *work, maxNodes int) error {
	k := &s.walk
	k.reset(u, w, nil)
	k.all, k.maxNodes = true, maxNodes
	if err := k.run(); err != nil {
		return err
	}
	s.targets = s.targets[:0]
	for _, r := range k.spans {
		s.targets = append(s.targets, r.lo, r.hi)
	}
	slices.Sort(s.targets)
	s.targets = slices.Compact(s.targets)
	return k.paintAll(s.targets)
}

// tableBuilder fills a table.
type tableBuilder struct {
	t     *table
	lines *lineTable
	extra []fileEntry
	// index has the index in t.files of a file of the line table.
	index map[uint32]uint32
	path  []byte
	bytes int64 // of the paths
}

// setBase finds the lowest vaddr; ok is false if the others are too far away.
func (b *tableBuilder) setBase(segs, rows []uint64) (ok bool) {
	lo, hi := ^uint64(0), uint64(0)
	for _, a := range [][]uint64{segs, rows} {
		if len(a) > 0 {
			lo, hi = min(lo, a[0]), max(hi, a[len(a)-1])
		}
	}
	b.t.base = lo
	return lo > hi || hi-lo < 1<<32-1
}

// setSegments takes the innermost nodes, joining neighbours.
func (b *tableBuilder) setSegments(targets []uint64, deep []int32) bool {
	t := b.t
	n, last := 0, int32(noNode)
	for _, id := range deep {
		if id != last {
			n, last = n+1, id
		}
	}
	addrs := make([]uint32, 0, n)
	t.segNode = make([]int32, 0, n)
	last = noNode
	for i, id := range deep {
		if id != last {
			addrs, t.segNode = append(addrs, uint32(targets[i]-t.base)), append(t.segNode, id)
			last = id
		}
	}
	t.segAddrs = newAddrs(addrs)
	return true
}

// setRows takes the rows; ok is false if a column does not fit.
func (b *tableBuilder) setRows(rows *lineRows) (ok bool) {
	t := b.t
	addrs := make([]uint32, len(rows.addrs))
	t.rows = make([]tableRow, len(rows.addrs))
	for i, v := range rows.addrs {
		addrs[i] = uint32(v - t.base)
		p := &rows.places[i]
		if !p.ok {
			t.rows[i].place = noPlace
			continue
		}
		file, ok := b.file(p.file)
		if !ok || file >= maxFiles || p.col > maxColumn {
			return false
		}
		t.rows[i] = tableRow{p.line, file<<16 | p.col}
	}
	t.rowAddrs = newAddrs(addrs)
	return true
}

// file returns the index in t.files of a file of the line table; ok is false if
// its name cannot be read.
func (b *tableBuilder) file(i uint32) (index uint32, ok bool) {
	if index, ok := b.index[i]; ok {
		return index, true
	}
	if b.lines == nil {
		return unknownFile, true
	}
	path, found, err := b.lines.appendPath(b.path[:0], i, b.extra)
	b.path = path[:0]
	if err != nil {
		return 0, false
	}
	index = unknownFile
	if found {
		index = uint32(len(b.t.files))
		b.t.files = append(b.t.files, b.lines.u.d.strings().path(path))
		b.bytes += int64(len(path)) + 16
	}
	b.index[i] = index
	return index, true
}

// setNodes takes the nodes, and finds those that have one function.
func (b *tableBuilder) setNodes(nodes []node) bool {
	t := b.t
	t.nodes = make([]tableNode, len(nodes))
	byOrigin := make(map[uint64]uint32)
	for i := range nodes {
		n := &nodes[i]
		file, ok := uint32(unknownFile), true
		if n.parent != noNode {
			file, ok = b.file(n.callFile)
		}
		if !ok {
			return false
		}
		key := n.originKey()
		fn, known := byOrigin[key]
		if key == 0 || !known {
			fn = uint32(len(t.origins))
			t.origins = append(t.origins, *n)
			if key != 0 {
				byOrigin[key] = fn
			}
		}
		entry := uint32(0)
		if n.parent == noNode {
			entry = uint32(n.entry - t.base)
		}
		t.nodes[i] = tableNode{n.parent, fn, entry, file, n.callLine, n.callColumn}
	}
	t.origins = slices.Clip(t.origins)
	t.functions = newFunctions(len(t.origins))
	return true
}
