package elffile

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
)

const (
	// symSize32 and symSize64 are the sizes of a symbol table's entry.
	symSize32, symSize64 = 16, 24
)

// Symbols is a raw symbol table. Data and Strings are views of the source or
// private copies: read them under [Guard].
type Symbols struct {
	// Data is a whole number of Elf32_Sym or Elf64_Sym.
	Data []byte
	// Strings is the string table that st_name counts in.
	Strings []byte
	Is64    bool
	Order   binary.ByteOrder
	// Info is the index of the first symbol that is not local; 0 where it is
	// not known (a table found through PT_DYNAMIC).
	Info int
}

// Symtab returns .symtab, found by its type; [ErrNoSection] if there is none.
func (f *File) Symtab() (Symbols, error) { return f.symbolSection(elf.SHT_SYMTAB) }

// Dynsym returns the dynamic symbols: .dynsym by its type, and where there are
// no section headers (a memory image, an object stripped of them) through
// PT_DYNAMIC. [ErrNoSection] if there are none.
func (f *File) Dynsym() (Symbols, error) {
	t, err := f.table()
	if err == nil && t.sectionOfType(elf.SHT_DYNSYM) != nil {
		return f.symbolSection(elf.SHT_DYNSYM)
	}
	return f.dynamicSymbols()
}

// symbolSection returns the symbol table in the first section of type typ.
func (f *File) symbolSection(typ elf.SectionType) (Symbols, error) {
	t, err := f.table()
	if err != nil {
		return Symbols{}, err
	}
	s := t.sectionOfType(typ)
	if s == nil {
		return Symbols{}, fmt.Errorf("%v: %w", typ, ErrNoSection)
	}
	entry := f.symSize()
	if s.Entsize != entry {
		return Symbols{}, badFormat(s.Name, s.Offset, "symbols of %d bytes, want %d", s.Entsize, entry)
	}
	if int64(s.Link) >= int64(len(t.all)) || t.all[s.Link].Type != elf.SHT_STRTAB {
		return Symbols{}, badFormat(s.Name, s.Offset, "section %d is no string table", s.Link)
	}
	data, err := f.rawData(s)
	if err != nil {
		return Symbols{}, err
	}
	str, err := f.rawData(&t.all[s.Link])
	if err != nil {
		return Symbols{}, err
	}
	n := len(data) / int(entry)
	return Symbols{
		Data: data[:n*int(entry)], Strings: str, Is64: f.hdr.is64(), Order: f.order,
		Info: int(min(uint64(s.Info), uint64(n))),
	}, nil
}

// symSize is the size of a symbol of the file's class.
func (f *File) symSize() uint64 {
	if f.hdr.is64() {
		return symSize64
	}
	return symSize32
}
