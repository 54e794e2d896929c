package resolver

import (
	"debug/elf"
	"errors"

	"github.com/symfetch/symfetch/internal/addr2line"
	"github.com/symfetch/symfetch/internal/elffile"
)

// openDWARF makes the reader of the object's DWARF. It reads nothing yet.
func (v *view) openDWARF() *addr2line.Data {
	d := addr2line.New(addr2line.Input{
		BigEndian: v.elf.ByteOrder().String() == "BigEndian",
		Section:   v.debugSection,
		CodeStart: v.codeStart(),
		Guard:     func(fn func() error) error { return elffile.Guard("DWARF", fn) },
		Names:     v.names,
	})
	v.opened.Store(d)
	return d
}

// heapBytes estimates what the view's tables hold on the heap.
func (v *view) heapBytes() int64 {
	n := v.heap.Load()
	if d := v.opened.Load(); d != nil {
		n += d.Bytes()
	}
	return n
}

// debugSection returns a section of debug information, nil where the object
// has none of that name.
func (v *view) debugSection(name string) ([]byte, error) {
	data, _, err := v.elf.SectionData(name)
	if errors.Is(err, elffile.ErrNoSection) || errors.Is(err, elffile.ErrNoData) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if s, err := v.elf.Section(name); err != nil || s.Flags&elf.SHF_COMPRESSED != 0 {
		v.heap.Add(int64(len(data))) // inflated; without the section it is an old .zdebug_
	}
	return data, nil
}

// codeStart is the lowest vaddr with code: DWARF of what the linker discarded
// lies below.
func (v *view) codeStart() uint64 {
	lowest, found := uint64(0), false
	note := func(vaddr uint64) {
		if !found || vaddr < lowest {
			lowest, found = vaddr, true
		}
	}
	sections, _ := v.elf.Sections()
	for i := range sections {
		if s := &sections[i]; s.Flags&elf.SHF_EXECINSTR != 0 && s.Size > 0 {
			note(s.Addr)
		}
	}
	if found {
		return lowest
	}
	for _, p := range v.elf.Progs() {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			note(p.Vaddr)
		}
	}
	return lowest
}

// dwarfFrames answers from DWARF. Frames that are there beside an error are
// not wrong: a name or a caller that could not be read is missing.
func (v *view) dwarfFrames(dst []Frame, vaddr uint64) (out []Frame, err error) {
	n := len(dst)
	err = elffile.Guard("DWARF", func() (err error) {
		out, err = v.dwarf().AppendFrames(dst, vaddr)
		return err
	})
	if _, fault := errors.AsType[*elffile.FaultError](err); fault {
		return dst[:n], err
	}
	return out, err
}
