package elffile

import (
	"debug/elf"
	"fmt"
	"slices"
)

// CodeSection is a section with code, and the vaddr that it has.
type CodeSection struct {
	Name        string
	Vaddr, Size uint64
}

// CodeSections lists the sections with code, by the file's order. Those of a
// relocatable object have no vaddrs yet: the first one gets 0, as nm and objdump
// count, and each of the others the next free one. By these, [File.DebugData]
// resolves relocations.
func (f *File) CodeSections() ([]CodeSection, error) {
	t, err := f.table()
	if err != nil {
		return nil, err
	}
	bases := f.bases(t)
	var code []CodeSection
	for i := range t.all {
		if s := &t.all[i]; s.Flags&elf.SHF_EXECINSTR != 0 && s.Size > 0 {
			code = append(code, CodeSection{s.Name, bases[i], s.Size})
		}
	}
	return code, nil
}

// bases returns the address to which symbols of each section count.
func (f *File) bases(t *sectionTable) []uint64 {
	bases := make([]uint64, len(t.all))
	if f.hdr.typ != elf.ET_REL {
		for i := range t.all {
			bases[i] = t.all[i].Addr
		}
		return bases
	}
	next := uint64(0)
	behind := make(map[string]uint64) // the end of the sections of one name
	for i := range t.all {
		switch s := &t.all[i]; {
		case s.Flags&elf.SHF_EXECINSTR != 0 && s.Size > 0:
			align := max(1, min(s.Addralign, 1<<16))
			next += (align - next%align) % align
			bases[i] = next
			next += s.Size
		case s.Flags&elf.SHF_ALLOC == 0:
			bases[i] = behind[s.Name]
			behind[s.Name] += s.Size
		}
	}
	return bases
}

// relocator applies the relocations of a relocatable object.
type relocator struct {
	f     *File
	t     *sectionTable
	bases []uint64
	syms  Symbols
}

func (f *File) newRelocator(t *sectionTable) (*relocator, error) {
	r := &relocator{f: f, t: t, bases: f.bases(t)}
	if t.sectionOfType(elf.SHT_SYMTAB) == nil {
		return r, nil
	}
	var err error
	r.syms, err = f.Symtab()
	return r, err
}

// section returns the bytes of the section i, relocated.
func (r *relocator) section(i int) ([]byte, error) {
	data, err := r.f.plain(&r.t.all[i])
	if err != nil {
		return nil, err
	}
	data = slices.Clone(data)
	for j := range r.t.all {
		s := &r.t.all[j]
		if s.Info != uint32(i) || s.Type != elf.SHT_RELA && s.Type != elf.SHT_REL {
			continue
		}
		if err := r.apply(data, s); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// entry is one relocation.
type entry struct {
	off, addend uint64
	sym, typ    uint32
	hasAddend   bool
}

// apply applies the relocations in s to data.
func (r *relocator) apply(data []byte, s *elf.SectionHeader) error {
	raw, err := r.f.plain(s)
	if err != nil {
		return err
	}
	size := r.f.relocSize(s.Type == elf.SHT_RELA)
	for at := 0; at+size <= len(raw); at += size {
		e := r.f.decodeReloc(raw[at:at+size], s.Type == elf.SHT_RELA)
		how, known := relocations[r.f.hdr.machine][e.typ]
		if !known {
			return badFormat(s.Name, s.Offset+uint64(at), "relocation of type %d of %v is not known", e.typ, r.f.hdr.machine)
		}
		if how.op == relocNone {
			continue
		}
		value, err := r.value(e.sym)
		if err != nil {
			return badFormat(s.Name, s.Offset+uint64(at), "%v", err)
		}
		if err := r.f.patch(data, e, how, value); err != nil {
			return badFormat(s.Name, s.Offset+uint64(at), "%v", err)
		}
	}
	return nil
}

// value is the address of a symbol.
func (r *relocator) value(i uint32) (uint64, error) {
	if i == 0 {
		return 0, nil
	}
	size := symSize32
	if r.syms.Is64 {
		size = symSize64
	}
	if uint64(i) >= uint64(len(r.syms.Data)/size) {
		return 0, fmt.Errorf("symbol %d of %d", i, len(r.syms.Data)/size)
	}
	b, o := r.syms.Data[int(i)*size:][:size], r.f.order
	section, value := uint16(0), uint64(0)
	if r.syms.Is64 {
		section, value = o.Uint16(b[6:]), o.Uint64(b[8:])
	} else {
		section, value = o.Uint16(b[14:]), uint64(o.Uint32(b[4:]))
	}
	if int(section) < len(r.bases) {
		value += r.bases[section]
	}
	return value, nil
}

func (f *File) relocSize(rela bool) int {
	switch {
	case f.hdr.is64() && rela:
		return 24
	case f.hdr.is64():
		return 16
	case rela:
		return 12
	}
	return 8
}

func (f *File) decodeReloc(b []byte, rela bool) (e entry) {
	o := f.order
	e.hasAddend = rela
	if f.hdr.is64() {
		info := o.Uint64(b[8:])
		e.off, e.sym, e.typ = o.Uint64(b), uint32(info>>32), uint32(info)
		if rela {
			e.addend = o.Uint64(b[16:])
		}
		return e
	}
	info := o.Uint32(b[4:])
	e.off, e.sym, e.typ = uint64(o.Uint32(b)), info>>8, info&0xff
	if rela {
		e.addend = uint64(int64(int32(o.Uint32(b[8:]))))
	}
	return e
}

// patch writes one relocated value.
func (f *File) patch(data []byte, e entry, how reloc, value uint64) error {
	if e.off > uint64(len(data)) || uint64(how.size) > uint64(len(data))-e.off {
		return fmt.Errorf("relocation at %#x of %#x bytes", e.off, len(data))
	}
	p := data[e.off:][:how.size]
	if !e.hasAddend {
		e.addend = f.get(p)
	}
	value += e.addend
	switch how.op {
	case relocAdd:
		value = f.get(p) + value
	case relocSub:
		value = f.get(p) - value
	case relocSet6:
		value = uint64(p[0])&^0x3f | value&0x3f
	case relocSub6:
		value = uint64(p[0])&^0x3f | (uint64(p[0])-value)&0x3f
	}
	f.put(p, value)
	return nil
}

func (f *File) get(p []byte) uint64 {
	switch len(p) {
	case 1:
		return uint64(p[0])
	case 2:
		return uint64(f.order.Uint16(p))
	case 4:
		return uint64(f.order.Uint32(p))
	}
	return f.order.Uint64(p)
}

func (f *File) put(p []byte, v uint64) {
	switch len(p) {
	case 1:
		p[0] = byte(v)
	case 2:
		f.order.PutUint16(p, uint16(v))
	case 4:
		f.order.PutUint32(p, uint32(v))
	default:
		f.order.PutUint64(p, v)
	}
}
