package pclntab

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sort"
	"sync"
)

// Table answers questions about one object's Go code. It is safe for
// concurrent use as long as its Image's bytes live.
//
// Like everything that reads a mapped file, its methods fault if the file is
// truncated meanwhile; no lock is held while they read.
type Table struct {
	mod    *module
	big    bool
	minLC  uint32
	nfunc  int
	ftab   []byte // nfunc (entry offset, _func offset) pairs and the end offset
	funcs  []byte // functab: ftab, then the _func records
	names  []byte
	cutab  []byte
	files  []byte
	pctab  []byte
	inl    inlineData
	strs   strs
	decode sync.Pool // of *decoder
}

// newTable cuts the tables out of the candidate's bytes, which it completes
// if they are the header only.
func newTable(img Image, c candidate, h header, m *module) (*Table, error) {
	end := max(h.names+m.names, h.cutab+m.cutab, h.files+m.files, h.pctab+m.pctab, h.funcs+m.funcs)
	if m.gofuncEnd != 0 {
		end = max(end, m.gofuncEnd-h.vaddr)
	}
	data := c.data
	if !c.sized {
		if end > maxTable {
			return nil, corrupt("%#x bytes", end)
		}
		var err error
		if data, err = img.ReadVaddr(h.vaddr, int(end)); err != nil {
			return nil, fmt.Errorf("pclntab at %#x: %w", h.vaddr, err)
		}
	}
	if uint64(len(data)) < end {
		return nil, corrupt("tables end at %#x+%#x, the section at %#x+%#x", h.vaddr, end, h.vaddr, len(data))
	}
	cut := func(off, n uint64) []byte { return data[off : off+n : off+n] }
	t := &Table{
		mod:   m,
		big:   img.ByteOrder() == binary.ByteOrder(binary.BigEndian),
		minLC: h.minLC,
		nfunc: int(h.nfunc),
		names: cut(h.names, m.names),
		cutab: cut(h.cutab, m.cutab),
		files: cut(h.files, m.files),
		pctab: cut(h.pctab, m.pctab),
		funcs: cut(h.funcs, m.funcs),
	}
	t.ftab = t.funcs[:8*t.nfunc+4]
	t.strs.init(t.nfunc)
	if m.gofuncEnd != 0 {
		t.inl.data = cut(m.gofunc-h.vaddr, m.gofuncEnd-m.gofunc)
	} else if err := t.inl.initLazy(img, m.gofunc); err != nil {
		return nil, err
	}
	return t, t.probeInline()
}

// Version names the oldest release that wrote tables of this layout, with a
// plus sign: "go1.18+", "go1.20+" or "go1.26+".
func (t *Table) Version() string { return t.mod.layout.version }

// Bounds returns the vaddrs between which the object's Go functions lie.
func (t *Table) Bounds() (lo, hi uint64) { return t.mod.minpc, t.mod.maxpc }

// Len returns the number of functions.
func (t *Table) Len() int { return t.nfunc }

func (t *Table) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if t.big {
		return bits.ReverseBytes32(v)
	}
	return v
}

// entry returns the text offset of function i, or for i == nfunc the end of
// the last one.
func (t *Table) entry(i int) uint32 { return t.u32(t.ftab[8*i:]) }

// find returns the last function whose entry is at or before off, which is
// before the end of the last one.
func (t *Table) find(off uint32) (int, bool) {
	i := sort.Search(t.nfunc, func(i int) bool { return t.entry(i) > off }) - 1
	// The second half holds by the search, unless the table is not sorted.
	return i, i >= 0 && t.entry(i) <= off && off < t.entry(i+1)
}

// function is a decoded runtime._func. Table offsets are into pctab; 0 means
// that there is no table.
type function struct {
	entry, size  uint32 // text offset; distance to the next function's entry
	nameOff      uint32
	pcfile, pcln uint32
	cu           uint32
	startLine    int32
	pcinl        uint32
	inltree      uint32 // offset from gofunc, noInline = none
}

// noInline is what the linker writes for absent funcdata.
const noInline = ^uint32(0)

// Indices of the pcdata and funcdata that describe inlining; unchanged since
// go1.18 (internal/abi/symtab.go).
const (
	pcdataInlTreeIndex = 2
	funcdataInlTree    = 3
)

// function reads the record of function i.
func (t *Table) function(i int) (function, error) {
	entry := t.entry(i)
	at := uint64(t.u32(t.ftab[8*i+4:]))
	size := uint64(t.mod.layout.funcSize)
	if at < uint64(len(t.ftab)) || at+size > uint64(len(t.funcs)) {
		return function{}, corrupt("function %d at %#x of %#x", i, at, len(t.funcs))
	}
	b := t.funcs[at:]
	f := function{
		entry:   t.u32(b),
		size:    t.entry(i+1) - entry,
		nameOff: t.u32(b[4:]),
		pcfile:  t.u32(b[20:]),
		pcln:    t.u32(b[24:]),
		cu:      t.u32(b[32:]),
		inltree: noInline,
	}
	if f.entry != entry {
		return f, corrupt("function %d at %#x has entry %#x, want %#x", i, at, f.entry, entry)
	}
	if t.mod.layout.hasStartLine {
		f.startLine = int32(t.u32(b[36:]))
	}
	npcdata, nfuncdata := uint64(t.u32(b[28:])), uint64(b[size-1])
	if size+4*(npcdata+nfuncdata) > uint64(len(b)) {
		return f, corrupt("function %d at %#x has %d pcdata, %d funcdata", i, at, npcdata, nfuncdata)
	}
	if npcdata > pcdataInlTreeIndex && nfuncdata > funcdataInlTree {
		f.pcinl = t.u32(b[size+4*pcdataInlTreeIndex:])
		f.inltree = t.u32(b[size+4*(npcdata+funcdataInlTree):])
	}
	return f, nil
}
