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

// Vaddr returns the vaddr at which the byte at off is mapped by m. It is the
// only conversion of an off to a vaddr.
//
// A loader (load_elf_binary in fs/binfmt_elf.c, ld.so) maps for every PT_LOAD
// segment the pages that hold its p_filesz bytes, with its permissions. So off
// belongs to a segment whose file range, rounded to pages, holds it; whose
// permissions are m's (writing may have gone: RELRO); and m may reach into no
// other segment's part of the address space. Two segments often share a page of
// the file: then the permissions decide, where they do, and their exact ends do
// not, because each mapping has the whole page.
//
// It returns [ErrNoVaddr] or [ErrAmbiguous] where that does not leave exactly
// one vaddr, and never guesses. What no look at one mapping can tell are
// permissions that the process changed itself to those of another segment which
// shares the page; a known load bias settles that too ([Mapped]).
//
// The bytes of a separate debug file are laid out otherwise than its program
// headers tell: ask the object itself.
func (f *File) Vaddr(off uint64, m Mapped) (vaddr uint64, err error) {
	page, err := m.page()
	if err != nil {
		return 0, err
	}
	if off < m.Offset || m.Size != 0 && off-m.Offset >= m.Size {
		return 0, fmt.Errorf("offset %#x is not in the mapping of %#x+%#x: %w", off, m.Offset, m.Size, ErrNoVaddr)
	}
	l := layout{progs: f.progs, page: page, m: m, has: m.flags()}
	l.findLowest()
	var best fit
	unique := true
	for i := range f.progs {
		s := &f.progs[i]
		ft := l.fit(s, off)
		if ft == fitNone || ft < best {
			continue
		}
		v := off - s.Off + s.Vaddr
		unique = ft > best || unique && v == vaddr
		best, vaddr = ft, v
	}
	hole := l.inHole(off)
	switch {
	case best == fitNone || hole && best < fitLoaded:
		err = ErrNoVaddr
	case !unique || hole:
		err = ErrAmbiguous
	default:
		return vaddr, nil
	}
	return 0, fmt.Errorf("offset %#x mapped %s at %#x+%#x: %w", off, m.perms(), m.Offset, m.Size, err)
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
