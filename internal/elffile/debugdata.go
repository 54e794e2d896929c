package elffile

import (
	"debug/elf"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DebugData returns a section of debug information as a reader of DWARF wants
// it: inflated as by [File.SectionData], of a relocatable object with its
// relocations applied (see [File.CodeSections]), and all sections of that name
// one behind the other, as .dwo files and relocatable objects have them for
// type units. private says that the bytes are a copy on the heap.
//
// It returns [ErrNoSection], [ErrNoData], [ErrTooLarge] or a *[FormatError].
func (f *File) DebugData(name string) (data []byte, private bool, err error) {
	t, err := f.table()
	if err != nil {
		return nil, false, err
	}
	if f.hdr.typ != elf.ET_REL {
		data, err := f.oneOrMore(t, name)
		s, serr := f.Section(name)
		private = serr != nil || s.Flags&elf.SHF_COMPRESSED != 0
		return data, private, err
	}
	r, err := f.newRelocator(t)
	if err != nil {
		return nil, false, err
	}
	for i := range t.all {
		if t.all[i].Name != name {
			continue
		}
		part, err := r.section(i)
		if err != nil {
			return nil, false, err
		}
		if len(part) > MaxInflated-len(data) {
			return nil, false, fmt.Errorf("%s: %w", name, ErrTooLarge)
		}
		data, private = append(data, part...), true
	}
	if !private {
		return nil, false, fmt.Errorf("%s: %w", name, ErrNoSection)
	}
	return data, true, nil
}

// oneOrMore returns the section, or the sections, of that name.
func (f *File) oneOrMore(t *sectionTable, name string) ([]byte, error) {
	same := func(s elf.SectionHeader) bool { return s.Name == name }
	first := slices.IndexFunc(t.all, same)
	if first < 0 || !strings.HasSuffix(name, ".dwo") || !slices.ContainsFunc(t.all[first+1:], same) {
		data, _, err := f.SectionData(name)
		return data, err
	}
	var all []byte
	for i := range t.all {
		if !same(t.all[i]) {
			continue
		}
		part, err := f.plain(&t.all[i])
		if err != nil && !errors.Is(err, ErrNoData) {
			return nil, err
		}
		if len(part) > MaxInflated-len(all) {
			return nil, fmt.Errorf("%s: %w", name, ErrTooLarge)
		}
		all = append(all, part...)
	}
	return all, nil
}

// plain returns a section's bytes, inflated where it is compressed.
func (f *File) plain(s *elf.SectionHeader) ([]byte, error) {
	if s.Flags&elf.SHF_COMPRESSED != 0 {
		return f.inflate(s)
	}
	return f.rawData(s)
}
