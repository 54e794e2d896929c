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

	// Row i of the line table holds from rowAddr[i] to rowAddr[i+1]. rowPlace
	// has the file, an index of files, and the column: 16 bits each.
	rowAddr, rowLine, rowPlace []uint32
	files                      []string

	// From segAddr[i] to segAddr[i+1], node segNode[i] is the innermost.
	segAddr []uint32
	segNode []int32
	nodes   []tableNode

	// Of the functions of nodes, with one of the nodes each.
	functions []atomic.Pointer[function]
	origins   []node

	size int64 // in bytes
	used atomic.Bool
}

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
	// maxFiles and maxColumn are what rowPlace can hold.
	maxFiles, maxColumn = 1<<16 - 1, 1<<16 - 1
)

// search returns the index of the last element of a that is not above v, -1 if
// there is none.
func search(a []uint32, v uint32) int {
	lo, hi := 0, len(a)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if a[mid] <= v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

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
	if i := search(t.rowAddr, at); i >= 0 && t.rowPlace[i] != noPlace {
		file, line, column, covered = t.rowPlace[i]>>16, t.rowLine[i], t.rowPlace[i]&0xffff, true
	}
	id := int32(noNode)
	if i := search(t.segAddr, at); i >= 0 {
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
	t.functions[i].Store(&fn)
	return &fn, nil
}
