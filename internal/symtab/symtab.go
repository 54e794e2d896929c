// Package symtab finds the symbol that covers a virtual address.
//
// It reads raw .symtab or .dynsym bytes, which come from untrusted files:
// every offset is checked, and an entry that makes no sense is passed over.
//
// A symbol covers what its size says and nothing else. A symbol without a
// size (hand-written assembly, stripped tables) names its own address only: to
// let it reach to the next symbol would name code whose own symbol was
// stripped. The one exception is a function without size that is alone in its
// section, as _init is in .init: nothing else can be there.
package symtab

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
)

// Input is a raw symbol table and what is needed to judge its entries. Data
// and Strings may be views of a mapped file: lookups then run under the
// caller's guard against faults.
type Input struct {
	// Data holds whole Elf32_Sym or Elf64_Sym entries; a rest is ignored.
	Data []byte
	// Strings is the string table that st_name indexes.
	Strings []byte
	Is64    bool
	Order   binary.ByteOrder
	Machine elf.Machine
	// Sections are the object's section headers; they bound symbols. Empty
	// where the object has none.
	Sections []elf.SectionHeader
	// Dynamic says that this is .dynsym.
	Dynamic bool
}

// Symbol is one named function.
type Symbol struct {
	// Name is the linkage name, without a symbol version.
	Name string
	// Vaddr is the entry, Size the length in bytes; 0 if not recorded.
	Vaddr, Size uint64
	Bind        elf.SymBind
}

// Table answers lookups. It is safe for concurrent use.
type Table struct {
	in      Input
	size    int // bytes of an entry
	lookups atomic.Int32
	index   func() *index
}

// ErrBadInput: the input has no byte order.
var ErrBadInput = errors.New("symbol table without a byte order")

const (
	size32 = 16 // bytes of an Elf32_Sym
	size64 = 24 // bytes of an Elf64_Sym
	// maxName bounds one name, in bytes.
	maxName = 64 << 10
	// scans is how many lookups go without an index: to build one costs about
	// as much as this many scans.
	scans = 2
)

// New returns a table over in. It reads nothing yet.
func New(in Input) (*Table, error) {
	if in.Order == nil {
		return nil, ErrBadInput
	}
	t := &Table{in: in, size: size32}
	if in.Is64 {
		t.size = size64
	}
	t.index = sync.OnceValue(t.buildIndex)
	return t, nil
}

// Len is the number of entries in the raw table.
func (t *Table) Len() int { return len(t.in.Data) / t.size }

// Lookup returns the symbol that covers vaddr: of several the one with the
// smallest size, then global before weak before local, then the shortest name,
// then the first by its bytes.
func (t *Table) Lookup(vaddr uint64) (Symbol, bool) {
	if t.lookups.Load() < scans && t.lookups.Add(1) <= scans {
		return t.scan(vaddr)
	}
	return t.index().lookup(t, vaddr)
}

// scan looks at every entry.
func (t *Table) scan(vaddr uint64) (Symbol, bool) {
	var best entry
	found := false
	for i := range t.Len() {
		e, ok := t.entry(i)
		if !ok || !t.covers(e, vaddr) {
			continue
		}
		if !found || t.better(e, best) {
			best, found = e, true
		}
	}
	if !found {
		return Symbol{}, false
	}
	return t.symbol(best)
}

// Symbols yields every function of the table, in the table's order.
func (t *Table) Symbols() iter.Seq[Symbol] {
	return func(yield func(Symbol) bool) {
		for i := range t.Len() {
			e, ok := t.entry(i)
			if !ok {
				continue
			}
			if s, ok := t.symbol(e); ok && !yield(s) {
				return
			}
		}
	}
}

// entry is one decoded symbol that can name code.
type entry struct {
	vaddr, size uint64
	name        uint32
	bind        elf.SymBind
	// whole says that a function without size covers its section, to end.
	whole bool
	end   uint64 // exclusive; vaddr where only the exact address is covered
}

// entry decodes symbol i; false where it cannot name code.
func (t *Table) entry(i int) (entry, bool) {
	b := t.in.Data[i*t.size : (i+1)*t.size]
	o := t.in.Order
	var e entry
	var info byte
	var shndx uint16
	e.name = o.Uint32(b)
	if t.in.Is64 {
		info, shndx = b[4], o.Uint16(b[6:])
		e.vaddr, e.size = o.Uint64(b[8:]), o.Uint64(b[16:])
	} else {
		e.vaddr, e.size = uint64(o.Uint32(b[4:])), uint64(o.Uint32(b[8:]))
		info, shndx = b[12], o.Uint16(b[14:])
	}
	e.bind = elf.ST_BIND(info)
	section := elf.SectionIndex(shndx)
	if section == elf.SHN_UNDEF || section == elf.SHN_ABS || section == elf.SHN_COMMON {
		return e, false
	}
	const sttGNUIfunc = 10
	typ := elf.ST_TYPE(info)
	function := typ == elf.STT_FUNC || typ == sttGNUIfunc
	if !function && typ != elf.STT_NOTYPE {
		return e, false
	}
	if t.in.Machine == elf.EM_ARM && function {
		e.vaddr &^= 1 // the Thumb bit
	}
	bounds, known := t.section(shndx, section, e.vaddr)
	if known && bounds.Flags&elf.SHF_EXECINSTR == 0 || !known && !function {
		return e, false
	}
	if t.mappingSymbol(e, typ) {
		return e, false
	}
	e.end = e.vaddr + e.size
	if e.end < e.vaddr {
		return e, false // wraps around: no such function
	}
	if known {
		end := bounds.Addr + bounds.Size
		if e.vaddr < bounds.Addr || e.vaddr >= end {
			return e, false
		}
		e.end = min(e.end, end)
		if e.size == 0 && function && e.vaddr == bounds.Addr && isStartup(bounds.Name) {
			e.whole, e.end = true, end
		}
	}
	return e, true
}

// isStartup names the two sections of which the C runtime builds one function
// each, whose symbols have no size.
func isStartup(name string) bool { return name == ".init" || name == ".fini" }

// section returns the header of the section that holds a symbol. The extended
// index of objects with very many sections is not in the entry: there, the
// address tells.
func (t *Table) section(shndx uint16, index elf.SectionIndex, vaddr uint64) (elf.SectionHeader, bool) {
	if index < elf.SHN_LORESERVE && int(shndx) < len(t.in.Sections) {
		return t.in.Sections[shndx], true
	}
	if index == elf.SHN_XINDEX {
		for _, s := range t.in.Sections {
			if s.Flags&elf.SHF_ALLOC != 0 && vaddr >= s.Addr && vaddr-s.Addr < s.Size {
				return s, true
			}
		}
	}
	return elf.SectionHeader{}, false
}

// mappingSymbol reports whether an entry only marks where code and data meet,
// as "$a" and "$d" do on ARM, AArch64 and RISC-V, or is a compiler's local
// label.
func (t *Table) mappingSymbol(e entry, typ elf.SymType) bool {
	if typ != elf.STT_NOTYPE {
		return false
	}
	name := t.nameBytes(e.name)
	if len(name) == 0 {
		return true
	}
	switch t.in.Machine {
	case elf.EM_ARM, elf.EM_AARCH64, elf.EM_RISCV:
		return name[0] == '$'
	}
	return bytes.HasPrefix(name, []byte(".L"))
}

// covers reports whether e names vaddr.
func (t *Table) covers(e entry, vaddr uint64) bool {
	if e.size == 0 && !e.whole {
		return vaddr == e.vaddr
	}
	return vaddr >= e.vaddr && vaddr < e.end
}

// better reports whether a is the better name of two that cover an address.
func (t *Table) better(a, b entry) bool {
	sized := func(e entry) bool { return e.size != 0 }
	if sized(a) != sized(b) {
		return sized(a)
	}
	if a.size != b.size {
		return a.size < b.size
	}
	if a.vaddr != b.vaddr {
		return a.vaddr > b.vaddr
	}
	if ra, rb := rank(a.bind), rank(b.bind); ra != rb {
		return ra < rb
	}
	na, nb := t.nameBytes(a.name), t.nameBytes(b.name)
	if len(na) != len(nb) {
		return len(na) < len(nb)
	}
	return bytes.Compare(na, nb) < 0
}

// rank orders bindings: a global name is what others call the code by.
func rank(b elf.SymBind) int {
	switch b {
	case elf.STB_GLOBAL, elf.STB_LOOS: // STB_GNU_UNIQUE is STB_LOOS
		return 0
	case elf.STB_WEAK:
		return 1
	}
	return 2
}

// nameBytes is a view of a name, without its version; empty where the offset
// or the length is out of bounds.
func (t *Table) nameBytes(off uint32) []byte {
	if uint64(off) >= uint64(len(t.in.Strings)) {
		return nil
	}
	s := t.in.Strings[off:]
	n := bytes.IndexByte(s[:min(len(s), maxName)], 0)
	if n < 0 {
		return nil
	}
	s = s[:n]
	if at := bytes.IndexByte(s, '@'); at > 0 {
		s = s[:at]
	}
	return s
}

// symbol makes an owned Symbol; false where the name cannot be read.
func (t *Table) symbol(e entry) (Symbol, bool) {
	name := t.nameBytes(e.name)
	if len(name) == 0 {
		return Symbol{}, false
	}
	return Symbol{Name: string(name), Vaddr: e.vaddr, Size: e.size, Bind: e.bind}, true
}
