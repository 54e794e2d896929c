package pclntab

import (
	"bytes"
	"sync/atomic"
)

// Limits on strings.
const (
	// maxString bytes of a name or a path. Names of generic functions reach
	// some thousands.
	maxString = 64 << 10
	// maxInterned bytes of a string that is kept, maxStrs strings at most.
	maxInterned = 2 << 10
	maxStrs     = 1 << 12
)

// strs keeps the strings handed out lately, so that a batch allocates each
// about once. A slot is overwritten by the next string that falls into it:
// the memory is bounded, and no lock is needed.
type strs struct {
	slots []atomic.Pointer[str]
}

type str struct {
	key uint64
	s   string
}

// init allocates the slots for a table of n functions.
func (s *strs) init(n int) {
	size := 64
	for size < 2*n && size < maxStrs {
		size *= 2
	}
	s.slots = make([]atomic.Pointer[str], size)
}

// get returns the string at off of tab as a string of its own. tag tells
// tables apart.
func (s *strs) get(tab []byte, off uint32, tag uint64) (string, error) {
	key := uint64(off)<<1 | tag
	slot := &s.slots[(key*0x9e3779b97f4a7c15>>40)&uint64(len(s.slots)-1)]
	if e := slot.Load(); e != nil && e.key == key {
		return e.s, nil
	}
	if uint64(off) >= uint64(len(tab)) {
		return "", corrupt("string at %#x of %#x", off, len(tab))
	}
	b := tab[off:min(uint64(len(tab)), uint64(off)+maxString)]
	n := bytes.IndexByte(b, 0)
	if n < 0 {
		return "", corrupt("string at %#x does not end", off)
	}
	v := string(b[:n])
	if n <= maxInterned {
		slot.Store(&str{key, v})
	}
	return v, nil
}

// checkName reports an error if no name starts at off of funcnametab: names
// follow each other, each ended by a zero byte.
func (t *Table) checkName(off uint32) error {
	if uint64(off) >= uint64(len(t.names)) || off > 0 && t.names[off-1] != 0 {
		return corrupt("no function name at %#x of %#x", off, len(t.names))
	}
	return nil
}

func (t *Table) name(off uint32) (string, error) {
	if err := t.checkName(off); err != nil {
		return "", err
	}
	return t.strs.get(t.names, off, 0)
}

// file returns the name of file number i of the unit whose files begin at cu;
// "" if the linker recorded none.
func (t *Table) file(cu uint32, i int32) (string, error) {
	if i < 0 || cu == ^uint32(0) {
		return "", nil
	}
	at := (uint64(cu) + uint64(i)) * 4
	if at+4 > uint64(len(t.cutab)) {
		return "", corrupt("file %d of unit %#x: cutab has %#x bytes", i, cu, len(t.cutab))
	}
	off := t.u32(t.cutab[at:])
	if off == ^uint32(0) {
		return "", nil
	}
	return t.strs.get(t.files, off, 1)
}
