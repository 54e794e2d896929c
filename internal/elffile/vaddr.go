package elffile

import (
	"debug/elf"
	"fmt"
	"os"
)

const (
	// minPage is the smallest page size in bytes of any Linux.
	minPage = 4 << 10
	// maxPage is the largest that [Mapped] may give: a huge page.
	maxPage = 2 << 20
)

// Mapped is the mapping through which an offset was reached: what [File.Vaddr]
// needs to know of a row of a process's maps. Offset and the off given with it
// are counted from the ELF's first byte; for a member of an archive the caller
// takes the member's own offset off both.
type Mapped struct {
	// Offset and Size are the mapping's file offset and length in bytes, both
	// multiples of the page size. Size 0 is a mapping of unknown length.
	Offset, Size uint64
	// Read, Write and Exec are the mapping's permissions.
	Read, Write, Exec bool
	// PageSize is the page size of the kernel that made the mapping; 0 is this
	// machine's.
	PageSize uint64
	// HasBias: Start is the mapping's first addr and Bias the load bias (addr -
	// vaddr, modulo 2^64) that another mapping of the same load has shown.
	// Only a segment that agrees with it is then taken, so that no ambiguity
	// is left. The other mapping must be of the same load: one file can be
	// loaded twice.
	HasBias     bool
	Start, Bias uint64
}

// fit says how well a segment explains a mapping; more is better.
type fit uint8

const (
	// fitNone: the segment cannot have made this mapping.
	fitNone fit = iota
	// fitChanged: the mapping has permissions that the process must have
	// changed afterwards: added any, or taken writing away.
	fitChanged
	// fitLoaded: the mapping is as a loader makes and leaves it.
	fitLoaded
)

// Vaddr returns the vaddr at which the byte at off is mapped by m. It is the
// only conversion of an off to a vaddr.
//
// A loader (load_elf_binary in fs/binfmt_elf.c, ld.so) maps for every PT_LOAD
// segment the pages that hold its p_filesz bytes, with its permissions. So off
// belongs to a segment whose file range, rounded to pages, holds it; whose
// permissions are m's (writing may have gone: RELRO); and m must reach into no
// other segment's part of the address space. Two segments often share a page of
// the file: then the permissions decide, where they do, and their exact ends do
// not, because each mapping has the whole page.
//
// It returns [ErrNoVaddr] or [ErrAmbiguous] where that does not leave exactly
// one vaddr, and never guesses. The bytes of a separate debug file are laid out
// otherwise than its program headers tell: ask the object itself.
func (f *File) Vaddr(off uint64, m Mapped) (vaddr uint64, err error) {
	page, err := m.page()
	if err != nil {
		return 0, err
	}
	if off < m.Offset || m.Size != 0 && off-m.Offset >= m.Size {
		return 0, fmt.Errorf("offset %#x is not in the mapping of %#x+%#x: %w", off, m.Offset, m.Size, ErrNoVaddr)
	}
	var best fit
	unique := true
	for i := range f.progs {
		s := &f.progs[i]
		ft := f.fit(s, off, &m, page)
		if ft == fitNone || ft < best {
			continue
		}
		v := off - s.Off + s.Vaddr
		unique = ft > best || unique && v == vaddr
		best, vaddr = ft, v
	}
	switch {
	case best == fitNone:
		return 0, fmt.Errorf("offset %#x mapped %s at %#x+%#x: %w", off, m.perms(), m.Offset, m.Size, ErrNoVaddr)
	case !unique:
		return 0, fmt.Errorf("offset %#x mapped %s at %#x+%#x: %w", off, m.perms(), m.Offset, m.Size, ErrAmbiguous)
	}
	return vaddr, nil
}

// page returns the size of the pages that m is made of.
func (m *Mapped) page() (uint64, error) {
	page := m.PageSize
	if page == 0 {
		page = uint64(os.Getpagesize())
	}
	if page < minPage || page > maxPage || page&(page-1) != 0 {
		return 0, fmt.Errorf("page size of %#x bytes: %w", page, ErrNoVaddr)
	}
	if m.Offset%page != 0 || m.Size%page != 0 || m.Offset+m.Size < m.Offset {
		return 0, fmt.Errorf("mapping of %#x+%#x is not of pages of %#x bytes: %w", m.Offset, m.Size, page, ErrNoVaddr)
	}
	return page, nil
}

// perms are m's permissions as maps prints them.
func (m *Mapped) perms() string {
	p := []byte("---")
	for i, on := range [...]bool{m.Read, m.Write, m.Exec} {
		if on {
			p[i] = "rwx"[i]
		}
	}
	return string(p)
}

// flags are m's permissions as a segment has them.
func (m *Mapped) flags() (fl elf.ProgFlag) {
	if m.Read {
		fl |= elf.PF_R
	}
	if m.Write {
		fl |= elf.PF_W
	}
	if m.Exec {
		fl |= elf.PF_X
	}
	return fl
}

// pages is a range of addresses or offsets that consists of whole pages; end
// is exclusive.
type pages struct{ start, end uint64 }

func (p pages) has(n uint64) bool { return n >= p.start && n < p.end }

// rounded returns the pages that hold the size bytes at start. The end of the
// last page of all may be 0; it is then cut off by one page, as nothing maps it.
func rounded(start, size, page uint64) pages {
	end := (start + size + page - 1) &^ (page - 1)
	if end < start {
		end = -page
	}
	return pages{start &^ (page - 1), end}
}

// loadable tells whether a loader maps s at all.
func loadable(s *elf.ProgHeader, page uint64) bool {
	return s.Type == elf.PT_LOAD && s.Filesz != 0 && (s.Vaddr-s.Off)%page == 0
}

// fit tells whether segment s can have made mapping m of the byte at off.
func (f *File) fit(s *elf.ProgHeader, off uint64, m *Mapped, page uint64) fit {
	if !loadable(s, page) || !rounded(s.Off, s.Filesz, page).has(off) {
		return fitNone
	}
	delta := s.Vaddr - s.Off // modulo 2^64, as all that follows
	if m.HasBias && off+delta+m.Bias != off-m.Offset+m.Start {
		return fitNone
	}
	ft := f.permFit(s, m, delta, page)
	if ft == fitNone || m.Size != 0 && !f.alone(s, m, delta, page) {
		return fitNone
	}
	return ft
}

// permFit compares permissions. A mapping without any is a hole that ld.so
// left, or was protected: either way it shows nothing of the segment.
func (f *File) permFit(s *elf.ProgHeader, m *Mapped, delta, page uint64) fit {
	const all = elf.PF_R | elf.PF_W | elf.PF_X
	has, want := m.flags(), s.Flags&all
	switch {
	case has == 0:
		return fitNone
	case has == want:
		return fitLoaded
	case has == want&^elf.PF_W && f.relro(m, s, delta, page):
		return fitLoaded
	case has&want == want&^elf.PF_W || has&want == want:
		return fitChanged
	}
	return fitNone
}

// relro tells whether the part of m that s made lies in PT_GNU_RELRO, which
// ld.so protects from writing page by page: its end is rounded down, and its
// last page may stay writable.
func (f *File) relro(m *Mapped, s *elf.ProgHeader, delta, page uint64) bool {
	own := rounded(s.Vaddr, s.Filesz, page)
	start, end := max(m.Offset+delta, own.start), min(m.Offset+m.Size+delta, own.end)
	for i := range f.progs {
		r := &f.progs[i]
		if r.Type != elf.PT_GNU_RELRO {
			continue
		}
		if m.Size == 0 || start >= r.Vaddr&^(page-1) && end <= (r.Vaddr+r.Memsz)&^(page-1) {
			return true
		}
	}
	return false
}

// alone tells whether m, taken as a mapping that s made, covers nothing but
// what s can have made: its own pages; those of a neighbour whose vaddrs
// continue the same way and whose permissions fit (the kernel merges such
// mappings); and what no segment claims behind it (musl's ld.so leaves its
// first mapping in the holes between segments).
func (f *File) alone(s *elf.ProgHeader, m *Mapped, delta, page uint64) bool {
	own := rounded(s.Vaddr, s.Filesz, page)
	start := m.Offset + delta
	end := start + m.Size
	if end < start {
		return false
	}
	begins := own.has(start)
	for i := range f.progs {
		t := &f.progs[i]
		if t == s || t.Type != elf.PT_LOAD {
			continue
		}
		other := rounded(t.Vaddr, max(t.Filesz, t.Memsz), page)
		if !overlapsOutside(pages{start, end}, other, own) {
			continue
		}
		if !loadable(t, page) || t.Vaddr-t.Off != delta || !f.permFits(t, m) {
			return false
		}
		begins = begins || other.has(start)
	}
	return begins
}

// permFits tells whether t can have become m's permissions at all.
func (f *File) permFits(t *elf.ProgHeader, m *Mapped) bool {
	want := t.Flags & (elf.PF_R | elf.PF_X)
	return m.flags()&want == want
}

// overlapsOutside tells whether a and b share a page that is not of own.
func overlapsOutside(a, b, own pages) bool {
	start, end := max(a.start, b.start), min(a.end, b.end)
	return start < end && (start < own.start || end > own.end)
}
