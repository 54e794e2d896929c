package elffile

import (
	"debug/elf"
	"fmt"
	"math"
	"strings"
)

const (
	// maxSections bounds the section headers that are read. Linked objects
	// have 25 to 60; an object file of one section for each function has some
	// ten thousand.
	maxSections = 1 << 18
	// maxNames is the size in bytes of the largest table of section names.
	maxNames = 16 << 20
)

// sectionTable is the decoded section header table.
type sectionTable struct {
	all []elf.SectionHeader
}

// Sections are the section headers in the file's order, the empty one at index
// 0 included. Size and FileSize are both the size in the file (of a compressed
// section: compressed). The slice is shared: not to be written to. An ELF
// without section headers, as every memory image, gives [ErrNoSection].
func (f *File) Sections() ([]elf.SectionHeader, error) {
	t, err := f.table()
	if err != nil {
		return nil, err
	}
	return t.all, nil
}

// Section returns the first section of that name; [ErrNoSection] if there is
// none.
func (f *File) Section(name string) (*elf.SectionHeader, error) {
	t, err := f.table()
	if err != nil {
		return nil, err
	}
	for i := range t.all {
		if t.all[i].Name == name {
			return &t.all[i], nil
		}
	}
	return nil, fmt.Errorf("%s: %w", name, ErrNoSection)
}

// sectionOfType returns the first section of type t, nil if there is none.
func (t *sectionTable) sectionOfType(typ elf.SectionType) *elf.SectionHeader {
	for i := range t.all {
		if t.all[i].Type == typ {
			return &t.all[i]
		}
	}
	return nil
}

// table reads the section headers on first use.
func (f *File) table() (*sectionTable, error) {
	if t := f.sections.Load(); t != nil {
		return t, nil
	}
	t, err := f.readSections()
	if err != nil {
		return nil, err
	}
	f.sections.Store(t)
	return t, nil
}

// rawSections returns the section headers' bytes and their number.
func (f *File) rawSections() (raw []byte, n int, err error) {
	h := &f.hdr
	if f.image != nil || h.shoff == 0 {
		return nil, 0, fmt.Errorf("section headers: %w", ErrNoSection)
	}
	want := uint16(shdrSize32)
	if h.is64() {
		want = shdrSize64
	}
	if h.shentsize != want {
		return nil, 0, badFormat("ELF header", 0, "section headers of %d bytes, want %d", h.shentsize, want)
	}
	num, err := f.sectionCount()
	if err != nil {
		return nil, 0, err
	}
	size := num * uint64(want)
	if total := uint64(f.src.Size()); h.shoff > total || size > total-h.shoff {
		return nil, 0, badFormat("section headers", h.shoff, "%d bytes lie outside the file of %#x bytes", size, total)
	}
	raw, err = copyOf(f.src, int64(h.shoff), int64(size))
	return raw, int(num), err
}

// sectionCount returns the number of section headers. From 0xff00 on it is in
// the size of the section header 0 (gABI, "e_shnum").
func (f *File) sectionCount() (uint64, error) {
	n := uint64(f.hdr.shnum)
	if n == 0 {
		first, err := f.readShdr(0)
		if err != nil {
			return 0, err
		}
		n = first.Size
	}
	switch {
	case n == 0:
		return 0, fmt.Errorf("section headers: %w", ErrNoSection)
	case n > maxSections:
		return 0, fmt.Errorf("%d section headers: %w", n, ErrTooLarge)
	}
	return n, nil
}

// readShdr reads the section header i alone.
func (f *File) readShdr(i uint64) (elf.SectionHeader, error) {
	size := uint64(f.hdr.shentsize)
	off := f.hdr.shoff + i*size
	if total := uint64(f.src.Size()); off > total || size > total-off || off < f.hdr.shoff {
		return elf.SectionHeader{}, badFormat("section headers", off, "header %d lies outside the file of %#x bytes", i, total)
	}
	b, err := copyOf(f.src, int64(off), int64(size))
	if err != nil {
		return elf.SectionHeader{}, err
	}
	s, _ := f.decodeShdr(b)
	return s, nil
}

// decodeShdr decodes one section header, without its name, whose offset in the
// table of names it returns.
func (f *File) decodeShdr(b []byte) (s elf.SectionHeader, name uint32) {
	o := f.order
	s.Type = elf.SectionType(o.Uint32(b[4:]))
	if f.hdr.is64() {
		s.Flags, s.Addr = elf.SectionFlag(o.Uint64(b[8:])), o.Uint64(b[16:])
		s.Offset, s.Size = o.Uint64(b[24:]), o.Uint64(b[32:])
		s.Link, s.Info = o.Uint32(b[40:]), o.Uint32(b[44:])
		s.Addralign, s.Entsize = o.Uint64(b[48:]), o.Uint64(b[56:])
	} else {
		s.Flags, s.Addr = elf.SectionFlag(o.Uint32(b[8:])), uint64(o.Uint32(b[12:]))
		s.Offset, s.Size = uint64(o.Uint32(b[16:])), uint64(o.Uint32(b[20:]))
		s.Link, s.Info = o.Uint32(b[24:]), o.Uint32(b[28:])
		s.Addralign, s.Entsize = uint64(o.Uint32(b[32:])), uint64(o.Uint32(b[36:]))
	}
	s.FileSize = s.Size
	return s, o.Uint32(b)
}

// readSections decodes the section headers and their names.
func (f *File) readSections() (*sectionTable, error) {
	raw, n, err := f.rawSections()
	if err != nil {
		return nil, err
	}
	t := &sectionTable{all: make([]elf.SectionHeader, n)}
	nameOff := make([]uint32, n)
	size := int(f.hdr.shentsize)
	for i := range t.all {
		t.all[i], nameOff[i] = f.decodeShdr(raw[i*size:])
	}
	names, err := f.sectionNames(t.all)
	if err != nil {
		return nil, err
	}
	for i, off := range nameOff {
		t.all[i].Name = cString(names, off)
	}
	return t, nil
}

// sectionNames returns the table of section names; "" if there is none.
func (f *File) sectionNames(all []elf.SectionHeader) (string, error) {
	ndx := uint32(f.hdr.shstrndx)
	if elf.SectionIndex(ndx) == elf.SHN_XINDEX {
		ndx = all[0].Link
	}
	if ndx == 0 {
		return "", nil
	}
	if int64(ndx) >= int64(len(all)) {
		return "", badFormat("ELF header", 0, "section names in section %d of %d", ndx, len(all))
	}
	s := &all[ndx]
	if s.Size > maxNames {
		return "", fmt.Errorf("section names of %d bytes: %w", s.Size, ErrTooLarge)
	}
	if err := f.checkData(s); err != nil {
		return "", err
	}
	b, err := copyOf(f.src, int64(s.Offset), int64(s.Size))
	return string(b), err
}

// cString returns the zero-terminated string at off of names; "" where it does
// not begin or does not end there.
func cString(names string, off uint32) string {
	if uint64(off) >= uint64(len(names)) {
		return ""
	}
	s, _, ok := strings.Cut(names[off:], "\x00")
	if !ok {
		return ""
	}
	return s
}

// checkData tells whether s has bytes in the file and whether they lie in it.
func (f *File) checkData(s *elf.SectionHeader) error {
	if s.Type == elf.SHT_NOBITS || s.Type == elf.SHT_NULL {
		return fmt.Errorf("%s: %w", s.Name, ErrNoData)
	}
	if total := uint64(f.src.Size()); s.Offset > total || s.Size > total-s.Offset {
		return badFormat(s.Name, s.Offset, "%d bytes lie outside the file of %#x bytes", s.Size, total)
	}
	return nil
}

// rawData returns a section's bytes as they are in the file.
func (f *File) rawData(s *elf.SectionHeader) ([]byte, error) {
	if err := f.checkData(s); err != nil {
		return nil, err
	}
	return f.src.View(int64(s.Offset), int64(s.Size))
}

// sectionsEnd returns the end of the section header table and of all sections
// with bytes; at most the largest offset that there is.
func (f *File) sectionsEnd() uint64 {
	h := &f.hdr
	if h.shoff == 0 {
		return 0
	}
	end := clampEnd(h.shoff, uint64(h.shnum)*uint64(h.shentsize))
	t, err := f.table()
	if err != nil {
		return end
	}
	end = max(end, clampEnd(h.shoff, uint64(len(t.all))*uint64(h.shentsize)))
	for i := range t.all {
		if s := &t.all[i]; s.Type != elf.SHT_NOBITS && s.Type != elf.SHT_NULL {
			end = max(end, clampEnd(s.Offset, s.Size))
		}
	}
	return end
}

// clampEnd returns off+size, at most the largest offset that there is.
func clampEnd(off, size uint64) uint64 {
	if off > math.MaxInt64 || size > math.MaxInt64-off {
		return math.MaxInt64
	}
	return off + size
}
