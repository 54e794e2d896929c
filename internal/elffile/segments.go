package elffile

import (
	"debug/elf"
	"fmt"
)

// load returns the PT_LOAD segment whose initialised bytes hold vaddr.
func (f *File) load(vaddr uint64) *elf.ProgHeader {
	for i := range f.progs {
		p := &f.progs[i]
		if p.Type == elf.PT_LOAD && vaddr >= p.Vaddr && vaddr-p.Vaddr < p.Filesz {
			return p
		}
	}
	return nil
}

// Off returns the offset of the byte that is loaded at vaddr; false where no
// PT_LOAD segment has bytes for it (zero-initialised data too).
func (f *File) Off(vaddr uint64) (off uint64, ok bool) {
	p := f.load(vaddr)
	if p == nil {
		return 0, false
	}
	return vaddr - p.Vaddr + p.Off, true
}

// ReadVaddr returns the n initialised bytes that one PT_LOAD segment loads at
// vaddr: a view or a private copy, as [Source.View] gives it. Of a memory image
// it is what the memory holds now. Bytes that reach out of the segment are
// [ErrNotLoaded].
func (f *File) ReadVaddr(vaddr uint64, n int) ([]byte, error) {
	p := f.load(vaddr)
	if p == nil || n < 0 || uint64(n) > p.Filesz-(vaddr-p.Vaddr) {
		return nil, fmt.Errorf("%d bytes at vaddr %#x: %w", n, vaddr, ErrNotLoaded)
	}
	return f.src.View(int64(vaddr-p.Vaddr+p.Off), int64(n))
}

// Extent is the ELF's length in bytes as its own headers tell: the end of what
// reaches furthest of the header tables, the segments and the sections with
// bytes. It serves to cut a member out of an archive and to notice a truncated
// file. Where the section headers cannot be read, only their table's own end
// counts; in a memory image only the segments do.
func (f *File) Extent() int64 {
	end := uint64(f.hdr.size())
	end = max(end, f.hdr.phoff+uint64(f.hdr.progSize()))
	for i := range f.progs {
		if p := &f.progs[i]; p.Type != elf.PT_NULL {
			end = max(end, p.Off+p.Filesz)
		}
	}
	if f.image == nil {
		end = max(end, f.sectionsEnd())
	}
	return int64(end)
}
