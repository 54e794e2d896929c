package pclntab

import (
	"debug/elf"
	"fmt"
	"iter"
)

// module is what is needed of runtime.moduledata. All addresses are vaddrs.
type module struct {
	layout *layout
	// Lengths of the header's tables in bytes.
	names, cutab, files, pctab, funcs uint64
	minpc, maxpc, text, etext         uint64
	// gofunc is the base of the inline trees; its end is known since go1.26
	// only, else 0.
	gofunc, gofuncEnd uint64
	sects             []textSect
	vaddr             uint64
}

// textSect is runtime.textsect: with several text sections (big programs on
// arm and ppc64), a text offset means section vaddr, and baseaddr is where the
// section came to lie.
type textSect struct{ off, end, base uint64 }

// Words of runtime.moduledata that are in the same place since go1.18.
const (
	mdHeader    = 0
	mdNames     = 1 // slices: pointer, length, capacity
	mdCutab     = 4
	mdFiles     = 7
	mdPctab     = 10
	mdFuncs     = 13
	mdFtab      = 16
	mdMinPC     = 20
	mdMaxPC     = 21
	mdText      = 22
	mdEtext     = 23
	mdEpclntab  = 41 // go1.26
	mdWords     = 45
	maxTextSect = 1 << 10
)

// findModule finds the moduledata that belongs to the pclntab with header h,
// by its section, else by searching for a pointer to the header. A candidate
// counts only if all it says agrees with the pclntab and the segments.
func findModule(img Image, h header) (*module, error) {
	var firstErr error
	for at := range moduleCandidates(img, h) {
		m, err := readModule(img, h, at)
		if err == nil {
			return m, nil
		}
		if firstErr == nil {
			firstErr = fmt.Errorf("moduledata at %#x: %w", at.vaddr, err)
		}
	}
	if firstErr == nil {
		firstErr = corrupt("no moduledata points to it")
	}
	return nil, firstErr
}

// modulePlace is where a moduledata may be. If relocs is not nil its pointers
// are not in the bytes but in the relocations.
type modulePlace struct {
	vaddr  uint64
	relocs *relocs
}

func moduleCandidates(img Image, h header) iter.Seq[modulePlace] {
	return func(yield func(modulePlace) bool) {
		if _, vaddr, err := img.SectionData(".go.module"); err == nil {
			if !yield(modulePlace{vaddr: vaddr}) {
				return
			}
		}
		if data, vaddr, err := img.SectionData(".noptrdata"); err == nil {
			if !scanPointers(img, chunk{vaddr, data}, h.vaddr, yield) {
				return
			}
		}
		if r := findRelocs(img); r != nil {
			for vaddr := range r.pointersTo(h.vaddr) {
				if !yield(modulePlace{vaddr, r}) {
					return
				}
			}
		}
		writable := func(p elf.ProgHeader) bool { return p.Flags&elf.PF_W != 0 }
		for c := range chunks(img, writable) {
			if !scanPointers(img, c, h.vaddr, yield) {
				return
			}
		}
	}
}

// scanPointers yields the places in c that hold a pointer to target.
func scanPointers(img Image, c chunk, target uint64, yield func(modulePlace) bool) bool {
	order, ptrSize := img.ByteOrder(), img.PtrSize()
	target += img.Bias()
	if ptrSize == 4 {
		target = uint64(uint32(target))
	}
	start := int(-c.vaddr & uint64(ptrSize-1))
	for i := start; i+ptrSize <= len(c.data); i += ptrSize {
		if word(c.data[i:], order, ptrSize) == target && !yield(modulePlace{vaddr: c.vaddr + uint64(i)}) {
			return false
		}
	}
	return true
}

// readModule reads the moduledata at a place and verifies it.
func readModule(img Image, h header, at modulePlace) (*module, error) {
	w, err := readWords(img, at, mdWords)
	if err != nil {
		return nil, err
	}
	m := &module{vaddr: at.vaddr}
	if err := m.tables(img, h, w); err != nil {
		return nil, err
	}
	if err := m.chooseLayout(img, h, w, at.relocs); err != nil {
		return nil, err
	}
	if err := m.bounds(img, h, w); err != nil {
		return nil, err
	}
	return m, nil
}

// words are consecutive pointer-sized words: numbers in num, and the same
// read as pointers, that is without the bias, in ptr.
type words struct{ num, ptr []uint64 }

func readWords(img Image, at modulePlace, n int) (words, error) {
	ptrSize := img.PtrSize()
	b, err := img.ReadVaddr(at.vaddr, n*ptrSize)
	if err != nil {
		return words{}, err
	}
	w := words{make([]uint64, n), make([]uint64, n)}
	for i := range n {
		w.num[i] = word(b[i*ptrSize:], img.ByteOrder(), ptrSize)
	}
	if at.relocs != nil {
		at.relocs.apply(at.vaddr, w.num)
	}
	mask := ^uint64(0)
	if ptrSize == 4 {
		mask = 1<<32 - 1
	}
	for i, v := range w.num {
		w.ptr[i] = (v - img.Bias()) & mask
	}
	return w, nil
}

// slice checks the slice at word i: it must begin at vaddr and have as many
// elements as room. It returns the length.
func (w words) slice(what string, i int, vaddr, room uint64) (uint64, error) {
	if w.ptr[i] != vaddr {
		return 0, corrupt("%s at %#x, want %#x", what, w.ptr[i], vaddr)
	}
	n := w.num[i+1]
	if n != w.num[i+2] || n > room {
		return 0, corrupt("%s: length %#x, capacity %#x, room for %#x", what, n, w.num[i+2], room)
	}
	return n, nil
}

// tables checks the slices of the pclntab against its header.
func (m *module) tables(img Image, h header, w words) error {
	if w.ptr[mdHeader] != h.vaddr {
		return corrupt("header at %#x, want %#x", w.ptr[mdHeader], h.vaddr)
	}
	for _, s := range [...]struct {
		what      string
		word      int
		off, next uint64
		n         *uint64
	}{
		{"funcnametab", mdNames, h.names, h.cutab, &m.names},
		{"cutab", mdCutab, h.cutab, h.files, &m.cutab},
		{"filetab", mdFiles, h.files, h.pctab, &m.files},
		{"pctab", mdPctab, h.pctab, h.funcs, &m.pctab},
		{"pclntable", mdFuncs, h.funcs, maxTable, &m.funcs},
	} {
		n, err := w.slice(s.what, s.word, h.vaddr+s.off, s.next-s.off)
		if err != nil {
			return err
		}
		*s.n = n
	}
	// The linker wrote cutab's length in bytes before go1.26, in its 4-byte
	// elements since.
	if room := h.files - h.cutab; m.cutab*4 <= room {
		m.cutab *= 4
	}
	nftab, err := w.slice("ftab", mdFtab, h.vaddr+h.funcs, maxFuncs+1)
	if err != nil {
		return err
	}
	if nftab != h.nfunc+1 || h.nfunc*8+4 > m.funcs {
		return corrupt("ftab has %d entries, header %d, table %#x bytes", nftab, h.nfunc, m.funcs)
	}
	return nil
}

// chooseLayout tells go1.26 from go1.20: the magic is the same, but the words
// behind gofunc are those of a slice one word later.
func (m *module) chooseLayout(img Image, h header, w words, r *relocs) error {
	isSlice := func(i int) bool {
		return w.num[i+1] == w.num[i+2] && w.num[i+1] <= maxTextSect
	}
	switch {
	case h.magic == magic118 && isSlice(layout118.sectmap):
		m.layout = &layout118
	case h.magic == magic120 && isSlice(layout120.sectmap):
		m.layout = &layout120
	case h.magic == magic120 && isSlice(layout126.sectmap):
		m.layout = &layout126
	default:
		return fmt.Errorf("%w: moduledata words %#x", ErrVersion, w.num[layout118.gofunc:mdWords])
	}
	m.gofunc = w.ptr[m.layout.gofunc]
	if m.layout == &layout126 {
		m.gofuncEnd = w.ptr[mdEpclntab]
		if m.gofunc < h.vaddr+h.funcs+m.funcs || m.gofuncEnd < m.gofunc || m.gofuncEnd-h.vaddr > maxTable {
			return corrupt("go:func.* %#x to %#x behind functab %#x+%#x", m.gofunc, m.gofuncEnd, h.vaddr+h.funcs, m.funcs)
		}
	}
	return m.sections(img, w, r)
}

// sections reads the text sections if there are several.
func (m *module) sections(img Image, w words, r *relocs) error {
	i := m.layout.sectmap
	n := int(w.num[i+1])
	if n <= 1 {
		return nil
	}
	s, err := readWords(img, modulePlace{w.ptr[i], r}, 3*n)
	if err != nil {
		return fmt.Errorf("textsectmap: %w", err)
	}
	var off, base uint64
	for k := range n {
		t := textSect{s.num[3*k], s.num[3*k+1], s.ptr[3*k+2]}
		if t.off < off || t.end < t.off || t.base < base || t.base+(t.end-t.off) < t.base {
			return corrupt("text section %d: %#x-%#x at %#x", k, t.off, t.end, t.base)
		}
		off, base = t.end, t.base+(t.end-t.off)
		m.sects = append(m.sects, t)
	}
	return nil
}

// bounds checks the text's bounds: against the sentinels of ftab (the first
// function's entry, the last one's end), the header and the segments.
func (m *module) bounds(img Image, h header, w words) error {
	m.minpc, m.maxpc, m.text, m.etext = w.ptr[mdMinPC], w.ptr[mdMaxPC], w.ptr[mdText], w.ptr[mdEtext]
	if m.text > m.minpc || m.minpc >= m.maxpc || m.maxpc > m.etext || m.etext-m.text > 1<<32 {
		return corrupt("text %#x, functions %#x to %#x, etext %#x", m.text, m.minpc, m.maxpc, m.etext)
	}
	first, err := img.ReadVaddr(h.vaddr+h.funcs, 4)
	if err != nil {
		return fmt.Errorf("ftab: %w", err)
	}
	last, err := img.ReadVaddr(h.vaddr+h.funcs+8*h.nfunc, 4)
	if err != nil {
		return fmt.Errorf("ftab: %w", err)
	}
	lo := m.addr(img.ByteOrder().Uint32(first))
	hi := m.addr(img.ByteOrder().Uint32(last))
	if lo != m.minpc || hi != m.maxpc {
		return corrupt("functions %#x to %#x by ftab, %#x to %#x by moduledata", lo, hi, m.minpc, m.maxpc)
	}
	if !executable(img, m.text, m.etext) {
		return corrupt("text %#x to %#x is not executable", m.text, m.etext)
	}
	return nil
}

// addr turns a text offset into a vaddr; see moduledata.textAddr.
func (m *module) addr(off32 uint32) uint64 {
	off := uint64(off32)
	for i, s := range m.sects {
		if off >= s.off && off < s.end || i == len(m.sects)-1 && off == s.end {
			return s.base + off - s.off
		}
	}
	return m.text + off
}

// off turns a vaddr in [minpc, maxpc) into a text offset; see
// moduledata.textOff. It reports false between text sections.
func (m *module) off(vaddr uint64) (uint32, bool) {
	if len(m.sects) == 0 {
		return uint32(vaddr - m.text), true
	}
	for _, s := range m.sects {
		if vaddr < s.base {
			return 0, false
		}
		if vaddr-s.base < s.end-s.off {
			return uint32(vaddr - s.base + s.off), true
		}
	}
	return 0, false
}

// executable reports whether one executable segment holds [lo, hi).
func executable(img Image, lo, hi uint64) bool {
	for _, p := range img.Progs() {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && lo >= p.Vaddr && hi-p.Vaddr <= p.Memsz && hi >= p.Vaddr {
			return true
		}
	}
	return false
}
