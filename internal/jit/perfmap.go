package jit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

const (
	// MaxPerfMap is the size in bytes of the largest perf map that is read:
	// 512 MiB, some ten million entries.
	MaxPerfMap = 512 << 20
	// maxPerfName bounds a name, in bytes.
	maxPerfName = 4096
)

// ErrTooLarge is returned for a file that is above one of this package's caps.
var ErrTooLarge = errors.New("larger than accepted")

// PerfMap is a perf map: lines of START SIZE NAME, both numbers hexadecimal
// (Linux, tools/perf/Documentation/jit-interface.txt). It is immutable and safe
// for concurrent use.
type PerfMap struct {
	layers
	text []byte
}

// ReadPerfMap reads a perf map of size bytes as far as it is written: a last
// line without its end is not. Lines that are malformed are passed over.
func ReadPerfMap(r io.ReaderAt, size int64) (*PerfMap, error) {
	if size > MaxPerfMap {
		return nil, fmt.Errorf("perf map of %d bytes: %w", size, ErrTooLarge)
	}
	text, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	m := &PerfMap{text: text[:bytes.LastIndexByte(text, '\n')+1]}
	for at := 0; at < len(m.text); {
		n := bytes.IndexByte(m.text[at:], '\n')
		m.add(at, n)
		at += n + 1
	}
	m.settle()
	return m, nil
}

// add reads the line of n bytes at an offset.
func (m *PerfMap) add(at, n int) {
	line := m.text[at : at+n]
	start, rest, ok := hex(line)
	if !ok {
		return
	}
	size, name, ok := hex(rest)
	if !ok || size == 0 || size > math.MaxInt64 || start > math.MaxUint64-size {
		return
	}
	off := at + n - len(name)
	name = bytes.TrimRight(name, "\r")
	if len(name) == 0 || len(name) > maxPerfName {
		return
	}
	m.pieces = append(m.pieces, piece{start, start + size, uint32(off), uint32(len(name))})
}

// hex reads a hexadecimal number, with or without 0x, and the blanks behind it.
func hex(b []byte) (v uint64, rest []byte, ok bool) {
	b = bytes.TrimLeft(b, " \t")
	n := bytes.IndexAny(b, " \t")
	if n <= 0 {
		return 0, nil, false
	}
	digits := bytes.TrimPrefix(bytes.TrimPrefix(b[:n], []byte("0x")), []byte("0X"))
	v, err := strconv.ParseUint(string(digits), 16, 64)
	return v, bytes.TrimLeft(b[n:], " \t"), err == nil
}

// Len is the number of entries.
func (m *PerfMap) Len() int { return len(m.pieces) }

// Lookup returns the entry that covers addr: the one written last, as runtimes
// move and replace code without taking back what they wrote.
func (m *PerfMap) Lookup(addr uint64) (Symbol, bool) {
	i, ok := m.find(addr)
	if !ok {
		return Symbol{}, false
	}
	p := m.pieces[i]
	return Symbol{Addr: p.start, Size: p.end - p.start, Name: string(m.text[p.at : p.at+p.n])}, true
}
