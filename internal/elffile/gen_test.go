package elffile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// generated describes a small ELF that has one of everything.
type generated struct {
	is64  bool
	order binary.ByteOrder
	base  uint64 // vaddr of offset 0
	bias  uint64 // added to the pointers of PT_DYNAMIC, as glibc does in memory
	gnu   bool   // DT_GNU_HASH instead of DT_HASH
}

// variants are both classes in both byte orders with both hash tables.
func variants() (all []generated) {
	for _, is64 := range []bool{true, false} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			for _, gnu := range []bool{true, false} {
				all = append(all, generated{is64: is64, order: order, base: 0x10000, gnu: gnu})
			}
		}
	}
	return all
}

func (g generated) String() string {
	return fmt.Sprintf("64 bits %v, %v, gnu hash %v, bias %#x", g.is64, g.order, g.gnu, g.bias)
}

// word appends a number of the class's size.
func (g generated) word(b []byte, v uint64) []byte {
	if g.is64 {
		b, _ = binary.Append(b, g.order, v)
	} else {
		b, _ = binary.Append(b, g.order, uint32(v))
	}
	return b
}

func (g generated) u32(b []byte, vs ...uint32) []byte {
	b, _ = binary.Append(b, g.order, vs)
	return b
}

// symbol appends a symbol.
func (g generated) symbol(b []byte, name uint32, value uint64, shndx uint16) []byte {
	if g.is64 {
		b, _ = binary.Append(b, g.order, elf.Sym64{Name: name, Info: 0x12, Shndx: shndx, Value: value, Size: 16})
	} else {
		b, _ = binary.Append(b, g.order, elf.Sym32{Name: name, Info: 0x12, Shndx: shndx, Value: uint32(value), Size: 16})
	}
	return b
}

const (
	genGNU  = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14"
	genGo   = "aaaaaaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbb"
	genText = "these are the debug bytes, these are the debug bytes"
)

// part is a named range of the generated file.
type part struct {
	name      string
	typ       elf.SectionType
	flags     elf.SectionFlag
	link      uint32
	entsize   uint64
	off, size uint64
}

// build returns the file's bytes.
func (g generated) build(t testing.TB) []byte {
	ehdr, phdr, shdr, sym := uint64(ehdrSize32), uint64(phdrSize32), uint64(shdrSize32), uint64(symSize32)
	if g.is64 {
		ehdr, phdr, shdr, sym = ehdrSize64, phdrSize64, shdrSize64, symSize64
	}
	const nprogs = 5
	b := make([]byte, ehdr+nprogs*phdr)
	var parts []part
	add := func(p part, data []byte) uint64 {
		for len(b)%8 != 0 {
			b = append(b, 0)
		}
		p.off, p.size = uint64(len(b)), uint64(len(data))
		b = append(b, data...)
		parts = append(parts, p)
		return p.off
	}
	at := func(off uint64) uint64 { return off + g.base + g.bias }

	note := g.u32(nil, 4, uint32(len(genGo)), 4)
	note = append(append(append(note, "Go\x00\x00"...), genGo...), "\x00\x00\x00"...)
	noteSize := uint64(len(note))
	note = append(append(g.u32(note, 4, uint32(len(genGNU)), 3), "GNU\x00"...), genGNU...)
	noteOff := add(part{name: ".note", typ: elf.SHT_NOTE, flags: elf.SHF_ALLOC}, note)

	strOff := add(part{name: ".dynstr", typ: elf.SHT_STRTAB, flags: elf.SHF_ALLOC}, []byte("\x00import\x00first\x00second\x00"))
	syms := g.symbol(nil, 0, 0, 0)
	syms[len(syms)-int(sym)+4] = 0 // the empty symbol's info
	clear(syms)
	syms = g.symbol(syms, 1, 0, 0)
	syms = g.symbol(syms, 8, g.base+0x20, 1)
	syms = g.symbol(syms, 14, g.base+0x30, 1)
	symOff := add(part{name: ".dynsym", typ: elf.SHT_DYNSYM, flags: elf.SHF_ALLOC, link: 2, entsize: sym}, syms)

	var hash []byte
	tag := elf.DT_HASH
	if g.gnu {
		tag = elf.DT_GNU_HASH
		hash = g.u32(nil, 2, 2, 1, 0) // 2 buckets, symbols from 2 on, 1 filter word
		hash = g.word(hash, ^uint64(0))
		hash = g.u32(hash, 2, 3, 0x11, 0x21)
	} else {
		hash = g.u32(nil, 1, 4, 3, 0, 0, 1, 2)
	}
	hashOff := add(part{name: ".hash", typ: elf.SHT_HASH, flags: elf.SHF_ALLOC}, hash)

	var dyn []byte
	for _, e := range [][2]uint64{{uint64(elf.DT_STRTAB), at(strOff)}, {uint64(elf.DT_SYMTAB), at(symOff)}, {uint64(elf.DT_STRSZ), parts[1].size}, {uint64(elf.DT_SYMENT), sym}, {uint64(tag), at(hashOff)}, {0, 0}} {
		dyn = g.word(g.word(dyn, e[0]), e[1])
	}
	dynOff := add(part{name: ".dynamic", typ: elf.SHT_DYNAMIC, flags: elf.SHF_ALLOC | elf.SHF_WRITE, link: 2}, dyn)
	loaded := uint64(len(b))

	var chdr []byte
	if g.is64 {
		chdr, _ = binary.Append(nil, g.order, elf.Chdr64{Type: uint32(elf.COMPRESS_ZLIB), Size: uint64(len(genText)), Addralign: 1})
	} else {
		chdr, _ = binary.Append(nil, g.order, elf.Chdr32{Type: uint32(elf.COMPRESS_ZLIB), Size: uint32(len(genText)), Addralign: 1})
	}
	add(part{name: ".debug_info", typ: elf.SHT_PROGBITS, flags: elf.SHF_COMPRESSED}, append(chdr, zlibOf(t, []byte(genText))...))
	add(part{name: ".bss", typ: elf.SHT_NOBITS}, nil)
	names := "\x00"
	for _, p := range parts {
		names += p.name + "\x00"
	}
	names += ".shstrtab\x00"
	add(part{name: ".shstrtab", typ: elf.SHT_STRTAB}, []byte(names))
	shoff := uint64(len(b))
	b = append(b, make([]byte, shdr)...)
	for _, p := range parts {
		b = g.section(b, p, uint32(strings.Index(names, "\x00"+p.name+"\x00")+1))
	}
	copy(b, g.header(ehdr, shoff, uint16(len(parts)+1)))
	progs := []elf.ProgHeader{
		{Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_X, Vaddr: g.base, Filesz: loaded, Memsz: loaded, Align: 0x1000},
		{Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_W, Off: dynOff, Vaddr: g.base + 0x10000 + dynOff, Filesz: loaded - dynOff, Memsz: 0x2000, Align: 0x1000},
		{Type: elf.PT_NOTE, Flags: elf.PF_R, Off: noteOff, Vaddr: g.base + noteOff, Filesz: noteSize, Memsz: noteSize, Align: 4},
		{Type: elf.PT_DYNAMIC, Flags: elf.PF_R, Off: dynOff, Vaddr: g.base + dynOff, Filesz: uint64(len(dyn)), Memsz: uint64(len(dyn)), Align: 8},
		{Type: elf.PT_GNU_RELRO, Flags: elf.PF_R, Off: dynOff, Vaddr: g.base + 0x10000 + dynOff, Filesz: 8, Memsz: 8},
	}
	for i, p := range progs {
		copy(b[ehdr+uint64(i)*phdr:], g.prog(p))
	}
	return b
}

func (g generated) header(ehdr, shoff uint64, shnum uint16) []byte {
	ident := [16]byte{0x7f, 'E', 'L', 'F', 1, 1, 1}
	if g.is64 {
		ident[elf.EI_CLASS] = 2
	}
	machine := elf.EM_386
	if g.order == binary.ByteOrder(binary.BigEndian) {
		ident[elf.EI_DATA], machine = 2, elf.EM_PPC
	}
	var b []byte
	if g.is64 {
		b, _ = binary.Append(nil, g.order, elf.Header64{Ident: ident, Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Entry: g.base + 0x20,
			Phoff: ehdr, Shoff: shoff, Ehsize: 64, Phentsize: phdrSize64, Phnum: 5, Shentsize: shdrSize64, Shnum: shnum, Shstrndx: shnum - 1})
	} else {
		b, _ = binary.Append(nil, g.order, elf.Header32{Ident: ident, Type: uint16(elf.ET_DYN), Machine: uint16(machine), Version: 1, Entry: uint32(g.base + 0x20),
			Phoff: uint32(ehdr), Shoff: uint32(shoff), Ehsize: 52, Phentsize: phdrSize32, Phnum: 5, Shentsize: shdrSize32, Shnum: shnum, Shstrndx: shnum - 1})
	}
	return b
}

func (g generated) prog(p elf.ProgHeader) (b []byte) {
	if g.is64 {
		b, _ = binary.Append(nil, g.order, elf.Prog64{Type: uint32(p.Type), Flags: uint32(p.Flags), Off: p.Off, Vaddr: p.Vaddr, Paddr: p.Paddr, Filesz: p.Filesz, Memsz: p.Memsz, Align: p.Align})
	} else {
		b, _ = binary.Append(nil, g.order, elf.Prog32{Type: uint32(p.Type), Flags: uint32(p.Flags), Off: uint32(p.Off), Vaddr: uint32(p.Vaddr), Paddr: uint32(p.Paddr), Filesz: uint32(p.Filesz), Memsz: uint32(p.Memsz), Align: uint32(p.Align)})
	}
	return b
}

func (g generated) section(b []byte, p part, name uint32) []byte {
	addr := uint64(0)
	if p.flags&elf.SHF_ALLOC != 0 {
		addr = g.base + p.off
	}
	if g.is64 {
		b, _ = binary.Append(b, g.order, elf.Section64{Name: name, Type: uint32(p.typ), Flags: uint64(p.flags), Addr: addr, Off: p.off, Size: p.size, Link: p.link, Addralign: 4, Entsize: p.entsize})
	} else {
		b, _ = binary.Append(b, g.order, elf.Section32{Name: name, Type: uint32(p.typ), Flags: uint32(p.flags), Addr: uint32(addr), Off: uint32(p.off), Size: uint32(p.size), Link: p.link, Addralign: 4, Entsize: uint32(p.entsize)})
	}
	return b
}

// imageOf lays the generated segments out in a made-up memory.
func imageOf(data []byte, header uint64) ReadMemory {
	return func(p []byte, addr uint64) (int, error) {
		if addr >= header+0x10000 { // the second segment, of which only the file's bytes are there
			addr -= 0x10000
		}
		return fakeMemory(data, header)(p, addr)
	}
}

// TestGenerated reads everything of both classes in both byte orders, from
// bytes and from memory with pointers relocated and not.
func TestGenerated(t *testing.T) {
	const header = 0x40000000
	for _, g := range variants() {
		data := g.build(t)
		theirs, err := elf.NewFile(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%v: the generator is wrong: %v", g, err)
		}
		f, err := Parse(BytesSource(data))
		if err != nil {
			t.Fatalf("%v: %v", g, err)
		}
		compareHeaders(t, g.String(), f, theirs)
		compareSections(t, g.String(), f, theirs)
		compareSymbols(t, g.String(), f, theirs)
		checkGenerated(t, g, f)
		if text, _, err := f.SectionData(".debug_info"); err != nil || string(text) != genText {
			t.Errorf("%v: .debug_info %q, %v", g, text, err)
		}
		if f.Extent() != int64(len(data)) {
			t.Errorf("%v: extent %d of %d", g, f.Extent(), len(data))
		}
		for _, relocated := range []uint64{0, header - g.base} {
			g.bias = relocated
			im, err := Image(imageOf(g.build(t), header), header)
			if err != nil {
				t.Fatalf("%v: %v", g, err)
			}
			if im.Bias() != header-g.base {
				t.Errorf("%v: bias %#x", g, im.Bias())
			}
			checkGenerated(t, g, im)
		}
		// A bias so small that relocated pointers lead into the object too:
		// the tables there decide.
		for _, small := range []uint64{0, 0x8} {
			g.bias = small
			f, err := Parse(BytesSource(g.build(t)))
			if err != nil {
				t.Fatal(err)
			}
			f.image = &image{bias: 0x8}
			checkGenerated(t, g, f)
		}
	}
}

// checkGenerated reads notes and dynamic symbols without section headers.
func checkGenerated(t *testing.T, g generated, f *File) {
	t.Helper()
	if n, err := f.Notes(); err != nil || string(n.GNU) != genGNU || n.Go != genGo {
		t.Errorf("%v: notes %+v, %v", g, n, err)
	}
	s, err := f.dynamicSymbols()
	size := symSize32
	if g.is64 {
		size = symSize64
	}
	if err != nil || len(s.Data) != 4*size || string(s.Strings) != "\x00import\x00first\x00second\x00" || s.Is64 != g.is64 || s.Order != g.order {
		t.Errorf("%v: symbols %+v, %v", g, s, err)
	}
}

// walk uses every accessor of f and looks at every byte that it gives.
func walk(t testing.TB, f *File) {
	t.Helper()
	sum := func(b []byte) {
		for _, c := range b {
			sink += int(c)
		}
	}
	f.Class()
	f.Entry()
	if e := f.Extent(); e < 0 {
		t.Errorf("extent %d", e)
	}
	if n, err := f.Notes(); err == nil && (len(n.GNU) > 64 || len(n.Go) > 1024) {
		t.Errorf("notes %+v", n)
	}
	all, err := f.Sections()
	if err != nil && len(all) > 0 {
		t.Errorf("sections and %v", err)
	}
	for i := range min(len(all), 50) {
		if b, _, err := f.SectionData(all[i].Name); err == nil {
			sum(b)
		}
	}
	f.Section(".no")
	for _, table := range []func() (Symbols, error){f.Symtab, f.Dynsym, f.dynamicSymbols} {
		if s, err := table(); err == nil {
			sum(s.Data)
			sum(s.Strings)
			if n := len(s.Data); s.Is64 && n%symSize64 != 0 || !s.Is64 && n%symSize32 != 0 {
				t.Errorf("symbols of %d bytes", n)
			}
		}
	}
	for _, p := range f.Progs()[:min(len(f.Progs()), 20)] {
		for _, m := range []Mapped{
			{Offset: p.Off &^ 0xfff, Size: 0x1000, Read: true, Exec: true, PageSize: 0x1000},
			{Offset: p.Off &^ 0xfff, Read: true, PageSize: 0x1000},
			{Offset: p.Off &^ 0xfff, Read: true, Write: true, PageSize: 0x1000, HasBias: true, Start: p.Vaddr, Bias: f.Bias()},
		} {
			walkVaddr(t, f, p.Off, m)
		}
		if b, err := f.ReadVaddr(p.Vaddr, int(min(p.Filesz, 1<<16))); err == nil {
			sum(b)
		}
		if off, ok := f.Off(p.Vaddr); ok && off > uint64(1)<<63 {
			t.Errorf("off %#x", off)
		}
	}
}

// walkVaddr checks that a vaddr lies in a segment's pages.
func walkVaddr(t testing.TB, f *File, off uint64, m Mapped) {
	t.Helper()
	v, err := f.Vaddr(off, m)
	if err != nil {
		if !errors.Is(err, ErrNoVaddr) && !errors.Is(err, ErrAmbiguous) {
			t.Errorf("Vaddr: %v", err)
		}
		return
	}
	for _, p := range f.Progs() {
		if p.Type == elf.PT_LOAD && rounded(p.Vaddr, p.Filesz, m.PageSize).has(v) {
			return
		}
	}
	t.Errorf("vaddr %#x of off %#x is in no segment", v, off)
}

// FuzzParse parses hostile files and uses everything.
func FuzzParse(f *testing.F) {
	for _, g := range variants() {
		f.Add(g.build(f))
	}
	f.Add(sectionFile(binary.LittleEndian, ".debug_info", elf.SHF_COMPRESSED, chdr(binary.LittleEndian, elf.COMPRESS_ZSTD, 8, zstdOf(f, []byte("12345678")))))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(BytesSource(data))
		if err != nil {
			if !errors.Is(err, ErrNotELF) && !errors.As(err, new(*FormatError)) {
				t.Errorf("Parse: %v", err)
			}
			return
		}
		walk(t, file)
	})
}

// FuzzImage reads hostile memory: an ELF's bytes somewhere, garbage around.
func FuzzImage(f *testing.F) {
	for _, g := range variants() {
		g.bias = 0x40000000 - g.base
		f.Add(g.build(f), uint64(0x40000000))
		g.bias = 0
		f.Add(g.build(f), uint64(0x40000000))
	}
	f.Fuzz(func(t *testing.T, data []byte, header uint64) {
		reads := 0
		read := func(p []byte, addr uint64) (int, error) {
			if reads++; reads > 20000 {
				t.Fatal("reads without an end")
			}
			return imageOf(data, header)(p, addr)
		}
		im, err := Image(read, header)
		if err != nil {
			return
		}
		walk(t, im)
	})
}
