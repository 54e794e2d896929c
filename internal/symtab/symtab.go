// Package symtab names addresses by ELF symbol tables, .symtab and .dynsym.
//
// It answers only what a table says: a symbol with a size covers its bytes
// and no others; a symbol without one names its own address and nothing
// behind it. There is no "nearest symbol": in a stripped object that is a
// wrong name for almost every address.
//
//  1. [New] checks the table's shape and reads nothing else.
//  2. The first lookups walk the table; later ones use an index of the
//     address ranges, built once.
//  3. Names are copied out of the string table for each answer.
package symtab

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"
	"sync/atomic"
)

const (
	// size32 and size64 are the sizes of Elf32_Sym and Elf64_Sym in bytes.
	size32, size64 = 16, 24
	// maxName is the longest name given out, in bytes. The longest that
	// compilers are known to make have some tens of kilobytes.
	maxName = 64 << 10
	// scans is the number of lookups that walk the table before the index is
	// built. A walk costs about a thirtieth of the index (bench_test.go), so
	// that a handful of addresses never pays for one.
	scans = 8
)

// ErrMalformed is wrapped by every error of [New].
var ErrMalformed = errors.New("malformed symbol table")

// Input is a symbol table as an ELF file holds it. Data and Strings are read
// in place for as long as the Table is used: where they are views of a mapped
// file, every method of the Table must be called under the guard against
// faults of that file's package. A fault leaves the Table as it was.
type Input struct {
	// Data holds Elf32_Sym or Elf64_Sym, Strings what st_name counts in.
	Data, Strings []byte
	Is64          bool
	Order         binary.ByteOrder
	Machine       elf.Machine
	// Sections are the headers of the file that holds the table, by index. A
	// symbol must lie in its section, which must be executable, and covers
	// nothing behind its end. Empty where the object has none (a memory
	// image): then only functions, by their type, are believed.
	Sections []elf.SectionHeader
	// Dynamic says that the table is .dynsym; [Table.Dynamic] repeats it.
	Dynamic bool
	// Bias is subtracted from every symbol's value to get its vaddr: 0 but
	// for a table whose values were relocated in memory.
	Bias uint64
}

// Symbol is a function that a table names.
type Symbol struct {
	// Name is the linkage name, an owned string, without a symbol version:
	// "memcpy" for "memcpy@@GLIBC_2.14".
	Name string
	// Vaddr is the first byte's ELF virtual address, without ARM's Thumb bit.
	Vaddr uint64
	// Size is the number of bytes covered, within the section; 0 for a symbol
	// that names its address only.
	Size uint64
	Bind elf.SymBind
	Type elf.SymType
}

// Table answers lookups in one symbol table. It is safe for use by several
// goroutines.
type Table struct {
	in      Input
	entry   int  // bytes of a symbol
	big     bool // byte order
	count   int
	section []bounds

	lookups atomic.Uint32
	index   atomic.Pointer[index]
	build   sync.Mutex
}

// New returns a Table of in. It fails with an error that wraps [ErrMalformed]
// where Data is no whole number of symbols, or more than 2^32-2 of them.
func New(in Input) (*Table, error) {
	t := &Table{in: in, entry: size32}
	if in.Is64 {
		t.entry = size64
	}
	switch in.Order {
	case binary.LittleEndian:
	case binary.BigEndian:
		t.big = true
	default:
		return nil, fmt.Errorf("%w: byte order %v", ErrMalformed, in.Order)
	}
	if len(in.Data)%t.entry != 0 {
		return nil, fmt.Errorf("%w: %#x bytes are no whole number of symbols of %d", ErrMalformed, len(in.Data), t.entry)
	}
	t.count = len(in.Data) / t.entry
	if uint64(t.count) >= math.MaxUint32 {
		return nil, fmt.Errorf("%w: %d symbols", ErrMalformed, t.count)
	}
	t.section = sectionBounds(in.Sections)
	return t, nil
}

// Dynamic reports whether the table is a .dynsym.
func (t *Table) Dynamic() bool { return t.in.Dynamic }

// Lookup returns the symbol that covers vaddr, or whose own address it is.
//
// Of several, the first by this order: those with a size; the smallest; the
// one that starts latest; functions before indirect functions (at whose
// address their resolver is) before symbols without a type; global before
// weak before local; the shortest name; the first by its bytes.
func (t *Table) Lookup(vaddr uint64) (Symbol, bool) {
	ix := t.index.Load()
	if ix == nil && t.lookups.Add(1) > scans {
		ix = t.indexed()
	}
	var best span
	var ok bool
	if ix != nil {
		best, ok = t.find(ix, vaddr)
	} else {
		best, ok = t.scan(vaddr)
	}
	if !ok {
		return Symbol{}, false
	}
	return t.symbol(best)
}

// Symbols yields every symbol that names code, aliases too, in the table's
// order.
func (t *Table) Symbols() iter.Seq[Symbol] {
	return func(yield func(Symbol) bool) {
		for i := range t.count {
			s, ok := t.span(i)
			if !ok {
				continue
			}
			if sym, ok := t.symbol(s); ok && !yield(sym) {
				return
			}
		}
	}
}

// scan walks the table for the symbol that covers vaddr.
func (t *Table) scan(vaddr uint64) (best span, ok bool) {
	value := vaddr + t.in.Bias
	thumb := t.in.Machine == elf.EM_ARM // st_value is one more than the start
	for i := range t.count {
		// Most symbols are told by two loads to be elsewhere.
		if v, size := t.value(i); size > 0 && value-v >= size && !thumb {
			continue
		}
		s, isCode := t.span(i)
		if !isCode || vaddr < s.start || vaddr >= s.end {
			continue
		}
		if !ok || t.better(s, best) {
			best, ok = s, true
		}
	}
	return best, ok
}
