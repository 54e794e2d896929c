package elffile

import (
	"bytes"
	"cmp"
	"debug/elf"
	"slices"
)

// maxStubs bounds the stubs that are read; the largest libraries have some ten
// thousand.
const maxStubs = 1 << 20

// Stub is code that the linker made to call a function of another object.
type Stub struct {
	// Vaddr and Size tell where it lies.
	Vaddr, Size uint64
	// Name is the function's name in .dynsym.
	Name string
}

// Stubs are the stubs of the procedure linkage table, ascending: of .plt,
// .plt.sec and .plt.got. They have no symbols; the GOT's slot through which
// each jumps has a relocation that does. Known for x86-64, i386 and AArch64;
// [ErrNoSection] elsewhere and where there are no section headers.
func (f *File) Stubs() ([]Stub, error) {
	t, err := f.table()
	if err != nil {
		return nil, err
	}
	slots, err := f.gotSlots(t)
	if err != nil || len(slots) == 0 {
		return nil, err
	}
	var stubs []Stub
	for i := range t.all {
		s := &t.all[i]
		switch s.Name {
		case ".plt", ".plt.sec", ".plt.got", ".plt.bnd":
		default:
			continue
		}
		code, err := f.rawData(s)
		if err != nil {
			continue
		}
		for c := range f.jumps(s, code) {
			if name := slots[c.slot]; name != "" && len(stubs) < maxStubs {
				stubs = append(stubs, Stub{c.vaddr, c.size, name})
			}
		}
	}
	slices.SortFunc(stubs, func(a, b Stub) int { return cmp.Compare(a.Vaddr, b.Vaddr) })
	return stubs, nil
}

// gotSlots returns the names of the functions whose addresses the dynamic
// linker writes into the GOT, by the vaddr of the slot.
func (f *File) gotSlots(t *sectionTable) (map[uint64]string, error) {
	syms, err := f.Dynsym()
	if err != nil {
		return nil, err
	}
	size := int(f.symSize())
	slots := make(map[uint64]string)
	for i := range t.all {
		s := &t.all[i]
		if s.Type != elf.SHT_RELA && s.Type != elf.SHT_REL || s.Flags&elf.SHF_ALLOC == 0 {
			continue
		}
		raw, err := f.rawData(s)
		if err != nil {
			continue
		}
		n := f.relocSize(s.Type == elf.SHT_RELA)
		for ; len(raw) >= n && len(slots) < maxStubs; raw = raw[n:] {
			e := f.decodeReloc(raw[:n], s.Type == elf.SHT_RELA)
			if !f.fillsSlot(e.typ) || e.sym == 0 || int(e.sym) >= len(syms.Data)/size {
				continue
			}
			name := f.order.Uint32(syms.Data[int(e.sym)*size:])
			if uint64(name) < uint64(len(syms.Strings)) {
				str, _, _ := bytes.Cut(syms.Strings[name:], []byte{0})
				slots[e.off] = string(str)
			}
		}
	}
	return slots, nil
}

// fillsSlot reports whether a relocation writes a symbol's address to a slot of
// the GOT.
func (f *File) fillsSlot(typ uint32) bool {
	switch f.hdr.machine {
	case elf.EM_X86_64:
		return typ == uint32(elf.R_X86_64_JMP_SLOT) || typ == uint32(elf.R_X86_64_GLOB_DAT)
	case elf.EM_386:
		return typ == uint32(elf.R_386_JMP_SLOT) || typ == uint32(elf.R_386_GLOB_DAT)
	case elf.EM_AARCH64:
		return typ == uint32(elf.R_AARCH64_JUMP_SLOT) || typ == uint32(elf.R_AARCH64_GLOB_DAT)
	}
	return false
}

// jump is a stub and the slot through which it jumps.
type jump struct{ vaddr, size, slot uint64 }

// jumps finds the stubs in a section's code.
func (f *File) jumps(s *elf.SectionHeader, code []byte) func(yield func(jump) bool) {
	switch f.hdr.machine {
	case elf.EM_X86_64, elf.EM_386:
		return func(yield func(jump) bool) { f.jumpsX86(s, code, yield) }
	case elf.EM_AARCH64:
		return func(yield func(jump) bool) { f.jumpsARM64(s, code, yield) }
	}
	return func(func(jump) bool) {}
}

// jumpsX86 looks for jmp *slot in each entry: FF 25 with a distance from the
// next instruction (x86-64) or an address (i386), FF A3 with a distance from the
// GOT (i386, position-independent).
func (f *File) jumpsX86(s *elf.SectionHeader, code []byte, yield func(jump) bool) {
	size := s.Entsize
	if size != 8 && size != 16 {
		size = 16
	}
	got := uint64(0)
	for _, name := range []string{".got.plt", ".got"} {
		if g, err := f.Section(name); err == nil {
			got = g.Addr
			break
		}
	}
	for at := uint64(0); at+size <= uint64(len(code)); at += size {
		e := code[at : at+size]
		i := bytes.IndexByte(e, 0xff)
		if i < 0 || i+6 > len(e) {
			continue
		}
		arg := uint64(int64(int32(f.order.Uint32(e[i+2:]))))
		j := jump{vaddr: s.Addr + at, size: size}
		switch {
		case e[i+1] == 0x25 && f.hdr.machine == elf.EM_X86_64:
			j.slot = s.Addr + at + uint64(i) + 6 + arg
		case e[i+1] == 0x25:
			j.slot = uint64(uint32(arg))
		case e[i+1] == 0xa3 && f.hdr.machine == elf.EM_386:
			j.slot = uint64(uint32(got + arg))
		default:
			continue
		}
		if !yield(j) {
			return
		}
	}
}

// jumpsARM64 looks for adrp x16, page; ldr x17, [x16, offset]; ... br x17, with
// an optional bti before.
func (f *File) jumpsARM64(s *elf.SectionHeader, code []byte, yield func(jump) bool) {
	const bti, br = 0xd503245f, 0xd61f0220
	word := func(at int) uint32 {
		return uint32(code[at]) | uint32(code[at+1])<<8 | uint32(code[at+2])<<16 | uint32(code[at+3])<<24
	}
	for at := 0; at+8 <= len(code); at += 4 {
		adrp, ldr := word(at), word(at+4)
		if adrp&0x9f00001f != 0x90000010 || ldr&0xffc003ff != 0xf9400211 {
			continue
		}
		page := int64(int32(adrp>>5&0x7ffff<<13|adrp>>29&3<<11)) >> 11 // 21 bits with their sign
		pc := s.Addr + uint64(at)
		j := jump{vaddr: pc, slot: pc&^0xfff + uint64(page<<12) + uint64(ldr>>10&0xfff)*8}
		if at >= 4 && word(at-4) == bti {
			j.vaddr -= 4
		}
		end := at + 8
		for end+4 <= len(code) && end < at+24 && word(end) != br {
			end += 4
		}
		j.size = s.Addr + uint64(min(end+4, len(code))) - j.vaddr
		if !yield(j) {
			return
		}
	}
}
