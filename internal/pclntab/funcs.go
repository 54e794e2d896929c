package pclntab

import "iter"

// Func is a function as the table lists it. Entry and End are vaddrs; the
// code is [Entry, End). End equals Entry where the table does not tell the
// size (see the package's comment). File is where the function is declared,
// StartLine its line, 0 if unknown (before go1.20, and in assembly).
type Func struct {
	Name       string
	Entry, End uint64
	File       string
	StartLine  int
}

// Func returns function i of Len, in ascending order of Entry.
func (t *Table) Func(i int) (Func, error) {
	if i < 0 || i >= t.nfunc {
		return Func{}, ErrNoSymbol
	}
	f, err := t.function(i)
	if err != nil {
		return Func{}, err
	}
	out := Func{Entry: t.mod.addr(f.entry), StartLine: max(0, int(f.startLine))}
	if out.Name, err = t.name(f.nameOff); err != nil {
		return Func{}, err
	}
	p := t.pcTable(f.pcln)
	for p.end < f.size && p.next() {
	}
	if p.bad {
		return Func{}, corrupt("function at %#x: line table at %#x", f.entry, f.pcln)
	}
	out.End = out.Entry + uint64(min(p.end, f.size))
	if out.End == out.Entry {
		return out, nil
	}
	// The file at the entry may be that of a call inlined there; that of the
	// physical function's frame is the function's own.
	d := t.getDecoder()
	defer t.decode.Put(d)
	d.fn, d.f, d.decoded, d.target = i, f, false, 0
	if err := d.chain(t); err != nil {
		return Func{}, err
	}
	out.File, err = t.file(f.cu, d.calls[len(d.calls)-1].file)
	return out, err
}

// Functions yields the functions by ascending Entry, except those whose
// records are corrupt.
func (t *Table) Functions() iter.Seq[Func] {
	return func(yield func(Func) bool) {
		for i := range t.nfunc {
			if f, err := t.Func(i); err == nil && !yield(f) {
				return
			}
		}
	}
}
