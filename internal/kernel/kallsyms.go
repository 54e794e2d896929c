// Package kernel names addresses of the running kernel by what it tells of
// itself in /proc/kallsyms: its own functions, those of modules, and the
// programs that it compiled (BPF, ftrace).
package kernel

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

const (
	// MaxKallsyms is the size in bytes of the largest table that is read: 256
	// MiB. A kernel with all its modules has 15.
	MaxKallsyms = 256 << 20
	// maxFunction bounds a function, in bytes. The table tells no sizes; where
	// the next symbol is further away, as behind a module's last function,
	// nothing says where the function ends. The largest ones have some 40 KiB.
	maxFunction = 64 << 10
)

var (
	// ErrHidden: the kernel shows its symbols, and not their addresses
	// (kernel.kptr_restrict).
	ErrHidden = errors.New("the kernel hides the addresses of its symbols")
	// ErrTooLarge is returned for a table above MaxKallsyms.
	ErrTooLarge = errors.New("larger than accepted")
)

// Symbol is a function of the kernel or of a module.
type Symbol struct {
	Addr uint64
	Name string
	// Module is the module's name, "" for the kernel's own.
	Module string
}

// Table is the kernel's symbol table at the time that it was read. It is
// immutable and safe for concurrent use.
type Table struct {
	text []byte
	rows []row // ascending
}

// row is one symbol: its name and module lie in the text.
type row struct {
	addr     uint64
	at       uint32 // of the name
	n, m     uint8  // bytes of the name, and of the module's
	function bool
}

// Read reads a table as /proc/kallsyms prints it.
func Read(r io.Reader) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxKallsyms+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxKallsyms {
		return nil, fmt.Errorf("kernel symbols: %w", ErrTooLarge)
	}
	t := &Table{text: text}
	hidden := true
	for at := 0; at < len(text); {
		n := bytes.IndexByte(text[at:], '\n')
		if n < 0 {
			n = len(text) - at
		}
		if r, ok := parse(text[at:at+n], at); ok {
			hidden = hidden && r.addr == 0
			t.add(r)
		}
		at += n + 1
	}
	if len(t.rows) > 0 && hidden {
		return nil, ErrHidden
	}
	slices.SortStableFunc(t.rows, func(a, b row) int { return cmp.Compare(a.addr, b.addr) })
	return t, nil
}

// parse reads one line, which begins at an offset of the text: address, type,
// name, and a module's name in brackets behind a tab.
func parse(line []byte, at int) (r row, ok bool) {
	addr, rest, found := bytes.Cut(line, []byte(" "))
	if !found || len(rest) < 3 || rest[1] != ' ' {
		return r, false
	}
	v, err := strconv.ParseUint(string(addr), 16, 64)
	if err != nil {
		return r, false
	}
	name, module, _ := bytes.Cut(rest[2:], []byte("\t"))
	module = bytes.TrimSuffix(bytes.TrimPrefix(module, []byte("[")), []byte("]"))
	if len(name) == 0 || len(name) > 255 || len(module) > 255 {
		return r, false
	}
	r = row{addr: v, at: uint32(at + len(addr) + 3), n: uint8(len(name)), m: uint8(len(module))}
	switch rest[0] {
	case 't', 'T', 'w', 'W':
		r.function = true
	}
	return r, true
}

func (t *Table) add(r row) {
	if r.m == 0 {
		switch t.name(r) {
		case "_stext", "_text", "_sinittext":
			return // marks that share their address with the first function
		case "_etext", "_einittext":
			r.function = false // ends
		}
	}
	t.rows = append(t.rows, r)
}

func (t *Table) name(r row) string { return string(t.text[r.at : int(r.at)+int(r.n)]) }

func (t *Table) module(r row) string {
	at := int(r.at) + int(r.n) + len("\t[")
	return string(t.text[at : at+int(r.m)])
}

// Len is the number of symbols.
func (t *Table) Len() int { return len(t.rows) }

// Lookup returns the function that covers addr: the last symbol at or before
// it, if that is a function and the next symbol lies behind addr. Of several
// at one address it returns the first global one, else the first.
func (t *Table) Lookup(addr uint64) (Symbol, bool) {
	after, _ := slices.BinarySearchFunc(t.rows, addr, func(r row, addr uint64) int {
		if r.addr <= addr {
			return -1
		}
		return 1
	})
	if after == 0 || after == len(t.rows) && t.rows[after-1].addr != addr {
		return Symbol{}, false
	}
	last := t.rows[after-1]
	if addr-last.addr >= maxFunction {
		return Symbol{}, false
	}
	first := after - 1
	for first > 0 && t.rows[first-1].addr == last.addr {
		first--
	}
	found := -1
	for i := first; i < after; i++ {
		if !t.rows[i].function {
			continue
		}
		if kind := t.text[t.rows[i].at-2]; found < 0 || kind == 'T' && t.text[t.rows[found].at-2] != 'T' {
			found = i
		}
	}
	if found < 0 {
		return Symbol{}, false
	}
	r := t.rows[found]
	s := Symbol{Addr: r.addr, Name: t.name(r)}
	if r.m > 0 {
		s.Module = t.module(r)
	}
	return s, true
}
