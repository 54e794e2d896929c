package addr2line

import (
	"sync/atomic"

	"github.com/symfetch/symfetch/internal/frame"
)

// table answers lookups in one unit by binary search. It holds hardly any
// pointers, so that the collector need not look through it. It is immutable,
// but for the functions, which are described when they are first met.
type table struct {
	slot *slot
	u    *unit  // that has the DIEs
	base uint64 // to which the addresses below are relative

	// Row i of the line table holds from address i of rowAddrs to the next.
	rowAddrs addrs
	rows     []tableRow
	files    []string

	// From address i of segAddrs to the next, node segNode[i] is the innermost.
	segAddrs addrs
	segNode  []int32
	nodes    []tableNode

	// Of the functions of nodes, with one of the nodes each.
	functions []atomic.Pointer[function]
	origins   []node

	size int64 // in bytes, guarded by resident.mu
	used atomic.Bool
}

// tableRow is a row in a table. place has the file, an index of table.files, and
// the column: 16 bits each.
type tableRow struct{ line, place uint32 }

// tableNode is a node in a table.
type tableNode struct {
	parent   int32
	function uint32 // in table.functions
	entry    uint32
	// The call site; the file is an index of files.
	callFile, callLine, callColumn uint32
}

const (
	// noPlace marks an address range that the line table does not cover.
	noPlace = 1<<32 - 1
	// unknownFile is the index of the file that the line table does not have.
	unknownFile = 0
	// maxFiles and maxColumn are what tableRow.place can hold.
	maxFiles, maxColumn = 1<<16 - 1, 1<<16 - 1
)

func newFunctions(n int) []atomic.Pointer[function] { return make([]atomic.Pointer[function], n) }

// appendFrames is scratch.appendFrames from the table.
func (t *table) appendFrames(dst []frame.Frame, vaddr uint64) (out []frame.Frame, named bool, err error) {
	off := vaddr - t.base
	if off > 1<<32-1 {
		return dst, false, ErrNoSymbol
	}
	at := uint32(off)
	file, line, column := uint32(unknownFile), uint32(0), uint32(0)
	covered := false
	if i := t.rowAddrs.search(at); i >= 0 && t.rows[i].place != noPlace {
		r := t.rows[i]
		file, line, column, covered = r.place>>16, r.line, r.place&0xffff, true
	}
	id := int32(noNode)
	if i := t.segAddrs.search(at); i >= 0 {
		id = t.segNode[i]
	}
	if id == noNode {
		if !covered {
			return dst, false, ErrNoSymbol
		}
		return append(dst, frame.Frame{File: t.files[file], Line: int(line), Column: int(column), Engine: frame.EngineDWARF}), false, nil
	}
	for {
		n := &t.nodes[id]
		fn, e := t.function(n.function)
		if e != nil && err == nil {
			err = e
		}
		dst = append(dst, frame.Frame{
			Function: fn.name, LinkageName: fn.linkage, StartLine: fn.startLine,
			File: t.files[file], Line: int(line), Column: int(column), Inlined: n.parent != noNode, Engine: frame.EngineDWARF,
		})
		if n.parent == noNode {
			if last := &dst[len(dst)-1]; at >= n.entry {
				last.Offset, last.HasOffset = uint64(at-n.entry), true
			}
			return dst, true, err
		}
		file, line, column = n.callFile, n.callLine, n.callColumn
		id = n.parent
	}
}

// function returns function i, described. It is never nil.
func (t *table) function(i uint32) (*function, error) {
	if fn := t.functions[i].Load(); fn != nil {
		return fn, nil
	}
	fn, err := t.u.describe(&t.origins[i], t.u.d.newWork())
	if err != nil {
		return &function{}, err
	}
	if t.functions[i].CompareAndSwap(nil, &fn) {
		d := t.u.d
		d.resident.grow(t, int64(len(fn.name)+len(fn.linkage)), d.maxMemory())
	}
	return &fn, nil
}
