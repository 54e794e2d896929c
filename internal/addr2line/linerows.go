package addr2line

import (
	"cmp"
	"slices"
)

// lineRows is a whole line table, flattened: places[i] holds from addrs[i] to
// addrs[i+1]. Ranges that no sequence covers have a place that is not ok.
type lineRows struct {
	addrs  []uint64
	places []place
	extra  []fileEntry

	max  int // rows
	raw  []row
	seqs []sequence
}

// sequence is rows [lo, hi) of lineRows.raw, the last of which ends it.
type sequence struct{ lo, hi int }

func (l *lineRows) reset() {
	l.addrs, l.places, l.raw, l.seqs, l.extra = l.addrs[:0], l.places[:0], l.raw[:0], l.seqs[:0], nil
}

// collect runs the program of t.
func (l *lineRows) collect(t *lineTable, h *lineHits, w *work) error {
	ordered, err := l.read(t, w)
	if err != nil {
		return err
	}
	if !ordered {
		return l.flatten(t, h, w)
	}
	for _, s := range l.seqs {
		rows := l.raw[s.lo:s.hi]
		for i := range rows[:len(rows)-1] {
			if r := &rows[i]; r.addr < rows[i+1].addr {
				l.add(r.addr, place{r.file, r.line, r.col, true})
			}
		}
		l.add(rows[len(rows)-1].addr, place{})
	}
	return nil
}

// add appends a place that holds from v on.
func (l *lineRows) add(v uint64, p place) {
	n := len(l.addrs)
	if n > 0 && l.addrs[n-1] == v { // a gap of no size
		l.addrs, l.places = l.addrs[:n-1], l.places[:n-1]
		n--
	}
	if n > 0 && l.places[n-1] == p {
		return
	}
	l.addrs, l.places = append(l.addrs, v), append(l.places, p)
}

// read runs the program and keeps its rows. ordered says that addresses ascend
// in every sequence and that no two sequences, which it sorts, overlap.
func (l *lineRows) read(t *lineTable, w *work) (ordered bool, err error) {
	if !w.charge(len(t.program)) {
		return false, errTooMuchWork
	}
	var p lineProgram
	p.init(t)
	start := 0
	ordered = true
	for {
		n := len(l.raw)
		if n > l.max {
			return false, errTableTooBig
		}
		l.raw = slices.Grow(l.raw, 1024)[:n+1024]
		made, err := p.run(l.raw[n:])
		l.raw = l.raw[:n+made]
		for i := n; i < n+made; i++ {
			r := &l.raw[i]
			if i > start && r.addr < l.raw[i-1].addr {
				ordered = false
			}
			if r.end {
				if first := l.raw[start].addr; t.u.covers(first, r.addr) {
					l.seqs = append(l.seqs, sequence{start, i + 1})
				}
				start = i + 1
			}
		}
		if err != nil {
			return false, err
		}
		if made < 1024 {
			break
		}
	}
	l.extra = p.extra
	slices.SortStableFunc(l.seqs, func(a, b sequence) int { return cmp.Compare(l.raw[a.lo].addr, l.raw[b.lo].addr) })
	for i := 1; i < len(l.seqs); i++ {
		if l.raw[l.seqs[i].lo].addr < l.raw[l.seqs[i-1].hi-1].addr {
			ordered = false
		}
	}
	return ordered, nil
}

// flatten asks the program itself for what holds at each address at which that
// can change.
func (l *lineRows) flatten(t *lineTable, h *lineHits, w *work) error {
	var targets []uint64
	for _, s := range l.seqs {
		for i := range l.raw[s.lo:s.hi] {
			targets = append(targets, l.raw[s.lo+i].addr)
		}
	}
	slices.Sort(targets)
	targets = slices.Compact(targets)
	h.reset(targets)
	if err := h.run(t, w); err != nil {
		return err
	}
	for i, v := range targets {
		l.add(v, h.places[i])
	}
	return nil
}
