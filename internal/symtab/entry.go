package symtab

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
)

// bounds are a section's, as far as symbols are concerned.
type bounds struct {
	start, end uint64
	exec       bool
	// whole: a function without size at the section's start covers it all.
	whole bool
}

// sectionBounds returns the bounds of sections, nil where none of them says
// where anything is in memory.
func sectionBounds(sections []elf.SectionHeader) []bounds {
	var out []bounds
	for i, s := range sections {
		if s.Flags&elf.SHF_ALLOC == 0 || s.Size == 0 || s.Addr+s.Size < s.Addr {
			continue
		}
		if out == nil {
			out = make([]bounds, len(sections))
		}
		out[i] = bounds{
			start: s.Addr, end: s.Addr + s.Size,
			exec: s.Flags&elf.SHF_EXECINSTR != 0,
			// crti.o's _init and _fini have no size, and nothing else is ever
			// put into their sections under another name. For any other
			// section a table cannot tell: its local symbols may be stripped.
			whole: s.Name == ".init" || s.Name == ".fini",
		}
	}
	return out
}

// span is a symbol's cover: [start, end) in vaddr. A symbol without size has
// one byte, and gives way to every other.
type span struct {
	start, end uint64
	i          uint32 // of the symbol in the table
	sizeless   bool
}

func (s span) size() uint64 { return s.end - s.start }

// raw returns the bytes of symbol i.
func (t *Table) raw(i int) []byte { return t.in.Data[i*t.entry : (i+1)*t.entry] }

func (t *Table) u16(b []byte) uint16 {
	if t.big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (t *Table) u32(b []byte) uint32 {
	if t.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (t *Table) u64(b []byte) uint64 {
	if t.big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// value returns st_value and st_size of symbol i.
func (t *Table) value(i int) (value, size uint64) {
	b := t.raw(i)
	if t.in.Is64 {
		return t.u64(b[8:]), t.u64(b[16:])
	}
	return uint64(t.u32(b[4:])), uint64(t.u32(b[8:]))
}

// kind returns st_info and st_shndx of symbol i.
func (t *Table) kind(i int) (info byte, section uint16) {
	b := t.raw(i)
	if t.in.Is64 {
		return b[4], t.u16(b[6:])
	}
	return b[12], t.u16(b[14:])
}

func isFunc(typ elf.SymType) bool { return typ == elf.STT_FUNC || typ == elf.STT_GNU_IFUNC }

// span returns what symbol i covers; false where it names no code. Undefined,
// absolute and common symbols have no section; objects, sections, files and
// thread-local ones are no code.
func (t *Table) span(i int) (span, bool) {
	info, shndx := t.kind(i)
	typ := elf.ST_TYPE(info)
	if !isFunc(typ) && typ != elf.STT_NOTYPE {
		return span{}, false
	}
	if shndx == uint16(elf.SHN_UNDEF) || shndx >= uint16(elf.SHN_LORESERVE) {
		return span{}, false
	}
	value, size := t.value(i)
	start := value - t.in.Bias
	if value < t.in.Bias {
		return span{}, false
	}
	if t.in.Machine == elf.EM_ARM && isFunc(typ) {
		start &^= 1
	}
	limit, whole := ^uint64(0), false
	if t.section == nil {
		if !isFunc(typ) {
			return span{}, false
		}
	} else {
		if int(shndx) >= len(t.section) {
			return span{}, false
		}
		in := t.section[shndx]
		if !in.exec || start < in.start || start >= in.end {
			return span{}, false
		}
		limit, whole = in.end, in.whole && isFunc(typ) && start == in.start
	}
	if start == ^uint64(0) {
		return span{}, false
	}
	s := span{start: start, i: uint32(i)}
	switch {
	case size > 0:
		s.end = start + min(size, limit-start)
	case whole:
		s.end = limit
	case t.isMark(i, typ):
		return span{}, false
	default:
		s.end, s.sizeless = start+1, true
	}
	return s, true
}

// isMark reports whether symbol i, which has no size, is a mark of the
// assembler: where code and data begin (ARM, AArch64 and RISC-V: $a, $d, $t,
// $x, with a suffix after "." or, on RISC-V, the instruction set's name), or a
// label of a relocation.
func (t *Table) isMark(i int, typ elf.SymType) bool {
	if typ != elf.STT_NOTYPE {
		return false
	}
	name := t.rawName(i)
	if bytes.HasPrefix(name, []byte(".L")) {
		return true
	}
	if len(name) < 2 || name[0] != '$' {
		return false
	}
	switch t.in.Machine {
	case elf.EM_ARM, elf.EM_AARCH64:
		return strings.IndexByte("adtx", name[1]) >= 0 && (len(name) == 2 || name[2] == '.')
	case elf.EM_RISCV:
		return name[1] == 'd' || name[1] == 'x'
	}
	return false
}

// rawName returns the name's bytes, nil where it has none, where it does not
// end, and where it is too long.
func (t *Table) rawName(i int) []byte {
	off := t.u32(t.raw(i))
	if uint64(off) >= uint64(len(t.in.Strings)) {
		return nil
	}
	b := t.in.Strings[off:]
	b = b[:min(len(b), maxName+1)]
	n := bytes.IndexByte(b, 0)
	if n < 0 {
		return nil
	}
	return b[:n]
}

// symbol returns the symbol of s; false where its name cannot be had.
func (t *Table) symbol(s span) (Symbol, bool) {
	i := int(s.i)
	name := cutVersion(t.rawName(i))
	if len(name) == 0 {
		return Symbol{}, false
	}
	info, _ := t.kind(i)
	sym := Symbol{Name: string(name), Vaddr: s.start, Size: s.size(), Bind: elf.ST_BIND(info), Type: elf.ST_TYPE(info)}
	if s.sizeless {
		sym.Size = 0
	}
	return sym, true
}

// cutVersion cuts a symbol version, "@VERSION" or "@@VERSION", as linkers
// append it to names in .symtab. Other names that contain "@" stay: Go's hold
// the text of types.
func cutVersion(name []byte) []byte {
	base, version, found := bytes.Cut(name, []byte("@"))
	if !found || len(base) == 0 {
		return name
	}
	version = bytes.TrimPrefix(version, []byte("@"))
	if len(version) == 0 {
		return name
	}
	for _, c := range version {
		if c != '_' && c != '.' && c != '-' && c != '+' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return name
		}
	}
	return base
}

// better reports whether a names an address rather than b does, which covers
// it too. See Lookup for the order.
func (t *Table) better(a, b span) bool {
	switch {
	case a.sizeless != b.sizeless:
		return b.sizeless
	case a.size() != b.size():
		return a.size() < b.size()
	case a.start != b.start:
		return a.start > b.start
	}
	return t.betterAlias(int(a.i), int(b.i))
}

// betterAlias is better for symbols that cover the same.
func (t *Table) betterAlias(a, b int) bool {
	nameA, nameB := cutVersion(t.rawName(a)), cutVersion(t.rawName(b))
	if (len(nameA) == 0) != (len(nameB) == 0) {
		return len(nameB) == 0
	}
	infoA, _ := t.kind(a)
	infoB, _ := t.kind(b)
	if ra, rb := typeRank(elf.ST_TYPE(infoA)), typeRank(elf.ST_TYPE(infoB)); ra != rb {
		return ra < rb
	}
	if ra, rb := bindRank(elf.ST_BIND(infoA)), bindRank(elf.ST_BIND(infoB)); ra != rb {
		return ra < rb
	}
	if len(nameA) != len(nameB) {
		return len(nameA) < len(nameB)
	}
	return bytes.Compare(nameA, nameB) < 0
}

// stbUnique is STB_GNU_UNIQUE: global, and one for the whole process.
const stbUnique = elf.STB_LOOS

// typeRank orders an indirect function behind others: what lies at its
// address is not the function but the one that chooses it.
func typeRank(typ elf.SymType) int {
	switch typ {
	case elf.STT_FUNC:
		return 0
	case elf.STT_GNU_IFUNC:
		return 1
	}
	return 2
}

func bindRank(b elf.SymBind) int {
	switch b {
	case elf.STB_GLOBAL, stbUnique:
		return 0
	case elf.STB_WEAK:
		return 1
	case elf.STB_LOCAL:
		return 2
	}
	return 3
}
