package pclntab

import (
	"debug/elf"
	"iter"
)

// candidate is a place that looks like the start of a pclntab.
type candidate struct {
	vaddr uint64
	// data starts at vaddr. It is the whole section if sized, else only the
	// header.
	data  []byte
	sized bool
}

// sectionNames are those under which a pclntab has a section of its own. The
// second is that of position independent programs before go1.26; an external
// linker merges it into .data.rel.ro.
var sectionNames = [...]string{".gopclntab", ".data.rel.ro.gopclntab"}

// goSections are sections that only linked Go code brings along.
var goSections = [...]string{".go.buildinfo", ".note.go.buildid", ".gosymtab"}

// candidates yields the places to try, best first. An error is one of
// reading, and not the last word.
func candidates(img Image) iter.Seq2[candidate, error] {
	return func(yield func(candidate, error) bool) {
		for _, name := range sectionNames {
			if data, vaddr, err := img.SectionData(name); err == nil {
				yield(candidate{vaddr: vaddr, data: data, sized: true}, nil)
				return
			}
		}
		if hasSections(img) {
			if !isGo(img) {
				return
			}
			if data, vaddr, err := img.SectionData(".data.rel.ro"); err == nil {
				if !scanBytes(img, data, vaddr, yield) {
					return
				}
			}
		}
		scanSegments(img, yield)
	}
}

// hasSections reports whether there are section headers to trust.
func hasSections(img Image) bool {
	for _, name := range [...]string{".text", ".shstrtab", ".dynsym"} {
		if _, _, err := img.SectionData(name); err == nil {
			return true
		}
	}
	return false
}

func isGo(img Image) bool {
	for _, name := range goSections {
		if _, _, err := img.SectionData(name); err == nil {
			return true
		}
	}
	return false
}

// scanChunk bytes are looked at in one piece, maxScan in all.
const (
	scanChunk = 1 << 20
	scanPage  = 4 << 10
	maxScan   = 1 << 30
)

// scanSegments looks for headers in the file bytes of all segments: first in
// those where linkers put them.
func scanSegments(img Image, yield func(candidate, error) bool) {
	for pass := range 3 {
		for c := range chunks(img, func(p elf.ProgHeader) bool { return scanPass(p.Flags) == pass }) {
			if !scanBytes(img, c.data, c.vaddr, yield) {
				return
			}
		}
	}
}

func scanPass(f elf.ProgFlag) int {
	switch {
	case f&elf.PF_X != 0:
		return 2
	case f&elf.PF_W != 0:
		return 1
	}
	return 0
}

// chunk is a piece of a segment. Its vaddr is aligned to the pointer size.
type chunk struct {
	vaddr uint64
	data  []byte
}

// chunks yields the file bytes of the chosen PT_LOAD segments, except pages
// that cannot be read. Pieces overlap by no byte: what is looked for is
// aligned, and its first word tells.
func chunks(img Image, choose func(elf.ProgHeader) bool) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		budget := uint64(maxScan)
		for _, p := range img.Progs() {
			if p.Type != elf.PT_LOAD || !choose(p) {
				continue
			}
			lo := (p.Vaddr + 7) &^ 7
			if lo-p.Vaddr >= p.Filesz || p.Vaddr+p.Filesz < p.Vaddr {
				continue
			}
			end := p.Vaddr + p.Filesz
			for lo < end && budget > 0 {
				n := min(scanChunk, end-lo, budget)
				if !readChunk(img, lo, n, yield) {
					return
				}
				lo, budget = lo+n, budget-n
			}
		}
	}
}

// readChunk yields n bytes at vaddr, page by page if they cannot be read as a
// whole.
func readChunk(img Image, vaddr, n uint64, yield func(chunk) bool) bool {
	if data, err := img.ReadVaddr(vaddr, int(n)); err == nil {
		return yield(chunk{vaddr, data})
	}
	for end := vaddr + n; vaddr < end; {
		next := min(end, vaddr&^(scanPage-1)+scanPage)
		if data, err := img.ReadVaddr(vaddr, int(next-vaddr)); err == nil {
			if !yield(chunk{vaddr, data}) {
				return false
			}
		}
		vaddr = next
	}
	return true
}

// scanBytes yields every plausible header in data. It reports whether to go
// on.
func scanBytes(img Image, data []byte, vaddr uint64, yield func(candidate, error) bool) bool {
	order, ptrSize := img.ByteOrder(), img.PtrSize()
	start := int(-vaddr & uint64(ptrSize-1))
	for i := start; i+8 <= len(data); i += ptrSize {
		if !isHeaderStart(data[i:], order, ptrSize) {
			continue
		}
		at := vaddr + uint64(i)
		head, err := img.ReadVaddr(at, headerSize(ptrSize))
		if err != nil {
			continue
		}
		if _, err := parseHeader(head, img); err != nil {
			continue
		}
		if !yield(candidate{vaddr: at, data: head}, nil) {
			return false
		}
	}
	return true
}
