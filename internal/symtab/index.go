package symtab

import (
	"cmp"
	"math"
	"slices"
)

// none is the owner of addresses that no symbol covers.
const none = math.MaxUint32

// index is the table as a partition of the address space: owner[k] names
// [starts[k], starts[k+1]), as the number of a symbol or none. It has at most
// two ranges for each symbol, twelve bytes each.
type index struct {
	starts []uint64
	owner  []uint32
}

// indexed returns the index and builds it if nobody has. It is stored only
// when it is complete, so that a fault while building leaves none.
func (t *Table) indexed() *index {
	t.build.Lock()
	defer t.build.Unlock()
	if ix := t.index.Load(); ix != nil {
		return ix
	}
	ix := t.buildIndex()
	t.index.Store(ix)
	return ix
}

// find looks vaddr up in ix.
func (t *Table) find(ix *index, vaddr uint64) (span, bool) {
	k, exact := slices.BinarySearch(ix.starts, vaddr)
	if !exact {
		k--
	}
	if k < 0 || ix.owner[k] == none {
		return span{}, false
	}
	return t.span(int(ix.owner[k]))
}

// buildIndex sweeps over the symbols by address and notes where the answer
// changes.
func (t *Table) buildIndex() *index {
	spans := t.distinct()
	ix := &index{starts: make([]uint64, 0, len(spans)+1), owner: make([]uint32, 0, len(spans)+1)}
	open := &covers{t: t} // those that cover pos, the best first
	var pos uint64
	for len(spans) > 0 || len(open.spans) > 0 {
		if len(open.spans) == 0 {
			ix.change(pos, none)
			pos = spans[0].start
		}
		for len(spans) > 0 && spans[0].start == pos {
			open.push(spans[0])
			spans = spans[1:]
		}
		best := open.spans[0]
		ix.change(pos, best.i)
		pos = best.end
		if len(spans) > 0 {
			pos = min(pos, spans[0].start)
		}
		for len(open.spans) > 0 && open.spans[0].end <= pos {
			open.pop()
		}
	}
	ix.change(pos, none)
	ix.starts, ix.owner = slices.Clip(ix.starts), slices.Clip(ix.owner)
	return ix
}

// change notes that the answer is owner from pos on.
func (ix *index) change(pos uint64, owner uint32) {
	last := len(ix.starts) - 1
	switch {
	case last >= 0 && ix.starts[last] == pos:
		ix.owner[last] = owner
	case last >= 0 && ix.owner[last] == owner, last < 0 && owner == none:
	default:
		ix.starts = append(ix.starts, pos)
		ix.owner = append(ix.owner, owner)
	}
}

// distinct returns the spans by ascending start, of those that cover the same
// only the best.
func (t *Table) distinct() []span {
	spans := make([]span, 0, t.count)
	for i := range t.count {
		if s, ok := t.span(i); ok {
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b span) int {
		if c := cmp.Compare(a.start, b.start); c != 0 {
			return c
		}
		return cmp.Compare(a.end, b.end)
	})
	out := spans[:0]
	for _, s := range spans {
		last := len(out) - 1
		if last < 0 || out[last].start != s.start || out[last].end != s.end {
			out = append(out, s)
		} else if t.better(s, out[last]) {
			out[last] = s
		}
	}
	return out
}

// covers is a heap of spans, the best first. Names are never compared: no two
// cover the same. (container/heap would allocate for every span.)
type covers struct {
	t     *Table
	spans []span
}

func (c *covers) push(s span) {
	c.spans = append(c.spans, s)
	for i := len(c.spans) - 1; i > 0; {
		parent := (i - 1) / 2
		if !c.t.better(c.spans[i], c.spans[parent]) {
			return
		}
		c.spans[i], c.spans[parent] = c.spans[parent], c.spans[i]
		i = parent
	}
}

// pop removes the best.
func (c *covers) pop() {
	last := len(c.spans) - 1
	c.spans[0] = c.spans[last]
	c.spans = c.spans[:last]
	for i := 0; ; {
		best := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < last && c.t.better(c.spans[child], c.spans[best]) {
				best = child
			}
		}
		if best == i {
			return
		}
		c.spans[i], c.spans[best] = c.spans[best], c.spans[i]
		i = best
	}
}
