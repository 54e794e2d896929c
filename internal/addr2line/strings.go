package addr2line

import (
	"hash/maphash"
	"sync/atomic"
)

// Limits on kept strings: the slots of each cache, and the longest string that
// goes into one, in bytes.
const (
	nameSlots   = 1 << 13
	pathSlots   = 1 << 10
	maxInterned = 4 << 10
)

// strs hands out owned strings and keeps those handed out lately, so that a
// batch allocates each about once. A slot is overwritten by the next string
// that falls into it: the memory is bounded, and no lock is needed.
type strs struct {
	names [nameSlots]atomic.Pointer[name]
	paths [pathSlots]atomic.Pointer[string]
	seed  maphash.Seed
}

func newStrs() *strs { return &strs{seed: maphash.MakeSeed()} }

// name is a name of a string section, owned.
type name struct {
	key               stringKey
	linkage, function string
}

// name returns the name that a DIE's attribute holds or refers to.
func (u *unit) name(a attr) (*name, error) {
	s, key, err := u.str(a)
	if err != nil {
		return nil, err
	}
	slot := &u.d.strings().names[(key.off*0x9e3779b97f4a7c15>>40^uint64(key.file)*31^uint64(key.sec))%nameSlots]
	if n := slot.Load(); n != nil && n.key == key {
		return n, nil
	}
	n := &name{key: key, linkage: string(s)}
	n.function = u.d.in.Names.Demangle(n.linkage)
	if len(s) <= maxInterned {
		slot.Store(n)
	}
	return n, nil
}

// path returns an owned string of a path's bytes.
func (s *strs) path(b []byte) string {
	slot := &s.paths[maphash.Bytes(s.seed, b)%pathSlots]
	if p := slot.Load(); p != nil && *p == string(b) {
		return *p
	}
	p := string(b)
	if len(b) <= maxInterned {
		slot.Store(&p)
	}
	return p
}
