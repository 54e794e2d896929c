package pclntab

import (
	"debug/elf"
	"sync/atomic"
)

// inlineData holds the inline trees (go:func.*). Since go1.26 they are part
// of the pclntab; before, they lie in read-only data whose end nothing tells,
// and are read piece by piece.
type inlineData struct {
	data []byte

	img    Image
	base   uint64 // vaddr of go:func.*
	end    uint64 // end of the segment's file bytes
	chunks []atomic.Pointer[[]byte]
}

// inlineChunk is a piece's size; records that straddle pieces are read with
// the first of them.
const (
	inlineChunk = 64 << 10
	maxInline   = 1 << 31
)

// initLazy prepares reading at base, which must lie in a segment.
func (d *inlineData) initLazy(img Image, base uint64) error {
	for _, p := range img.Progs() {
		if p.Type == elf.PT_LOAD && base >= p.Vaddr && base-p.Vaddr < p.Filesz {
			size := min(p.Filesz-(base-p.Vaddr), maxInline)
			d.img, d.base, d.end = img, base, base+size
			d.chunks = make([]atomic.Pointer[[]byte], (size+inlineChunk-1)/inlineChunk)
			return nil
		}
	}
	return corrupt("inline trees at %#x: no segment", base)
}

// record returns n bytes at off.
func (d *inlineData) record(off uint64, n int) ([]byte, error) {
	if d.img == nil {
		if off > uint64(len(d.data)) || uint64(n) > uint64(len(d.data))-off {
			return nil, corrupt("inline record at %#x of %#x", off, len(d.data))
		}
		return d.data[off : off+uint64(n)], nil
	}
	i := off / inlineChunk
	if i >= uint64(len(d.chunks)) {
		return nil, corrupt("inline record at %#x+%#x, segment ends at %#x", d.base, off, d.end)
	}
	b, err := d.chunk(i)
	if err != nil {
		return nil, err
	}
	at := off % inlineChunk
	if at+uint64(n) > uint64(len(b)) {
		return nil, corrupt("inline record at %#x+%#x, segment ends at %#x", d.base, off, d.end)
	}
	return b[at : at+uint64(n)], nil
}

// chunk returns piece i with the first bytes of the next.
func (d *inlineData) chunk(i uint64) ([]byte, error) {
	if p := d.chunks[i].Load(); p != nil {
		return *p, nil
	}
	const overlap = 32
	lo := d.base + i*inlineChunk
	b, err := d.img.ReadVaddr(lo, int(min(inlineChunk+overlap, d.end-lo)))
	if err != nil {
		return nil, err
	}
	d.chunks[i].Store(&b)
	return b, nil
}

// inlinedCall is runtime.inlinedCall, as far as it is needed.
type inlinedCall struct {
	nameOff   uint32
	parentPC  uint32 // offset from the function's entry
	startLine int32
}

// inlined reads call idx of f's inline tree.
func (t *Table) inlined(f *function, idx int32) (inlinedCall, error) {
	l := t.mod.layout
	if f.inltree == noInline {
		return inlinedCall{}, corrupt("function at %#x: inlined call %d without inline tree", f.entry, idx)
	}
	b, err := t.inl.record(uint64(f.inltree)+uint64(idx)*uint64(l.inlSize), l.inlSize)
	if err != nil {
		return inlinedCall{}, err
	}
	c := inlinedCall{nameOff: t.u32(b[l.inlName:]), parentPC: t.u32(b[l.inlParent:])}
	if l.inlStartLine != 0 {
		c.startLine = int32(t.u32(b[l.inlStartLine:]))
	}
	if c.parentPC >= f.size {
		return c, corrupt("function at %#x: inlined call %d has call site %#x of %#x", f.entry, idx, c.parentPC, f.size)
	}
	return c, nil
}

// probes is how many functions probeInline looks at, of how many at most.
const (
	probes     = 8
	probeFuncs = 1 << 12
)

// probeInline checks where the inline trees were found: the first calls of
// some functions must have names. A later release's moduledata that only
// looks like one known would fail here.
func (t *Table) probeInline() error {
	seen := 0
	for i := 0; i < min(t.nfunc, probeFuncs) && seen < probes; i++ {
		f, err := t.function(i)
		if err != nil {
			return err
		}
		if f.inltree == noInline || f.pcinl == 0 {
			continue
		}
		c, err := t.inlined(&f, 0)
		if err != nil {
			return err
		}
		if err := t.checkName(c.nameOff); err != nil {
			return err
		}
		seen++
	}
	return nil
}
