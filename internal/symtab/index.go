package symtab

import (
	"cmp"
	"slices"
	"sort"
)

// index holds the entries that can name code, by ascending entry address, as
// numbers without pointers.
type index struct {
	entries []place
	// reach is, for each entry, the furthest end of all entries up to it: it
	// bounds how far back a covering one can lie.
	reach []uint64
}

type place struct {
	vaddr uint64
	sym   uint32 // number in the raw table
}

// maxBack bounds the entries that are looked at for one address. Real tables
// have a handful of names at one address; a hostile one can nest all.
const maxBack = 1 << 12

func (t *Table) buildIndex() *index {
	x := new(index)
	n := 0
	for i := range t.Len() {
		if _, ok := t.entry(i); ok {
			n++
		}
	}
	x.entries = make([]place, 0, n)
	for i := range t.Len() {
		if e, ok := t.entry(i); ok {
			x.entries = append(x.entries, place{e.vaddr, uint32(i)})
		}
	}
	slices.SortFunc(x.entries, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.vaddr, b.vaddr), cmp.Compare(a.sym, b.sym))
	})
	x.reach = make([]uint64, len(x.entries))
	var far uint64
	for i, p := range x.entries {
		e, _ := t.entry(int(p.sym))
		far = max(far, e.end, e.vaddr+1)
		x.reach[i] = far
	}
	return x
}

// lookup walks back from the last entry at or before vaddr as long as one can
// still cover it.
func (x *index) lookup(t *Table, vaddr uint64) (Symbol, bool) {
	i := sort.Search(len(x.entries), func(i int) bool { return x.entries[i].vaddr > vaddr }) - 1
	var best entry
	found := false
	for back := 0; i >= 0 && x.reach[i] > vaddr; i, back = i-1, back+1 {
		if back == maxBack {
			return Symbol{}, false // no real table; half an answer may be a wrong one
		}
		if found && vaddr-x.entries[i].vaddr >= best.end-best.vaddr && best.size != 0 {
			break // whatever starts so early and covers vaddr is larger
		}
		e, ok := t.entry(int(x.entries[i].sym))
		if !ok || !t.covers(e, vaddr) {
			continue
		}
		if !found || t.better(e, best) {
			best, found = e, true
		}
	}
	if !found {
		return Symbol{}, false
	}
	return t.symbol(best)
}
