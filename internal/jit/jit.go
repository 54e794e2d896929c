// Package jit reads what runtimes that compile while they run tell of their
// code: perf maps (/tmp/perf-PID.map) and jitdump files (jit-PID.dump).
//
// Both are text of the target's own, written while it runs and read while it
// goes on writing: a line or a record that is not whole yet is left for later,
// one that makes no sense costs itself only.
package jit

import (
	"cmp"
	"container/heap"
	"slices"
)

// Symbol is a piece of generated code.
type Symbol struct {
	// Addr is its runtime address in the process, Size its size in bytes.
	Addr, Size uint64
	// Name is as the runtime wrote it: raw bytes.
	Name string
}

// piece is one entry: where it lies, and where its name lies in the text.
type piece struct {
	start, end uint64
	at, n      uint32
}

// layers is a set of pieces that may overlap: code is moved, freed, and
// compiled again at the same place. The one that was written last is true.
type layers struct {
	pieces []piece // as written
	spans  []span  // what is visible, ascending, without overlap
}

// span is a range in which one piece is the latest.
type span struct {
	start, end uint64
	piece      uint32
}

// settle works out the visible spans.
func (l *layers) settle() {
	order := make([]uint32, len(l.pieces))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(l.pieces[a].start, l.pieces[b].start), cmp.Compare(a, b))
	})
	l.spans = l.spans[:0]
	var open latest // pieces that cover pos, and some that ended
	pos := uint64(0)
	advance := func(to uint64) {
		for len(open) > 0 && pos < to {
			top := open[0]
			end := l.pieces[top].end
			if end <= pos {
				heap.Pop(&open)
				continue
			}
			l.show(pos, min(end, to), top)
			pos = min(end, to)
		}
		pos = max(pos, to)
	}
	for _, i := range order {
		advance(l.pieces[i].start)
		heap.Push(&open, i)
	}
	for len(open) > 0 {
		advance(l.pieces[open[0]].end)
		heap.Pop(&open)
	}
}

// show appends a visible span, joining those of one piece.
func (l *layers) show(start, end uint64, piece uint32) {
	if n := len(l.spans); n > 0 && l.spans[n-1].piece == piece && l.spans[n-1].end == start {
		l.spans[n-1].end = end
		return
	}
	l.spans = append(l.spans, span{start, end, piece})
}

// find returns the latest piece at addr.
func (l *layers) find(addr uint64) (uint32, bool) {
	i, _ := slices.BinarySearchFunc(l.spans, addr, func(s span, addr uint64) int {
		if s.end <= addr {
			return -1
		}
		return 1
	})
	if i < len(l.spans) && l.spans[i].start <= addr {
		return l.spans[i].piece, true
	}
	return 0, false
}

// latest is a heap of pieces' numbers, the latest on top.
type latest []uint32

func (h latest) Len() int           { return len(h) }
func (h latest) Less(i, j int) bool { return h[i] > h[j] }
func (h latest) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *latest) Push(x any)        { *h = append(*h, x.(uint32)) }
func (h *latest) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}
