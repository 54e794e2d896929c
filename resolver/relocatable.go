package resolver

import (
	"debug/elf"
	"fmt"

	"github.com/symfetch/symfetch/internal/elffile"
)

// isScattered reports whether the object is a relocatable one (a .o file) with
// code in several sections, each of which begins at 0.
func (v *view) isScattered() bool {
	if v.elf.Type() != elf.ET_REL {
		return false
	}
	code, _ := v.elf.CodeSections()
	return len(code) > 1
}

// SectionVaddr turns an offset in the section of that name into the vaddr by
// which Frames and Symbolize know it. With "" off is a vaddr already, but in a
// relocatable object, where all sections begin at 0: it must lie in one section
// only.
func (o *Object) SectionVaddr(section string, off uint64) (vaddr uint64, err error) {
	if o.closed.Load() {
		return 0, ErrClosed
	}
	err = elffile.Guard(o.path, func() error {
		vaddr, err = o.view.sectionVaddr(section, off)
		return err
	})
	return vaddr, err
}

func (v *view) sectionVaddr(section string, off uint64) (uint64, error) {
	if section == "" && !v.isScattered() {
		return off, nil
	}
	code, err := v.elf.CodeSections()
	if err != nil {
		return 0, err
	}
	var found []elffile.CodeSection
	for _, s := range code {
		if off < s.Size && (section == "" || s.Name == section) {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 1:
		return found[0].Vaddr + off, nil
	case len(found) > 1:
		return 0, fmt.Errorf("%#x lies in several sections of a relocatable object (%s, %s, ...), and none was named: %w",
			off, found[0].Name, found[1].Name, ErrNoSymbol)
	case section != "":
		return 0, fmt.Errorf("no code at %#x in section %s: %w", off, section, ErrNoSymbol)
	}
	return 0, ErrNoSymbol
}
