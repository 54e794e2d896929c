package store

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/symfetch/symfetch/internal/elffile"
)

// facts are what the store wants to know of a file.
type facts struct {
	// symbols: the file has a symbol table or debug information of its own.
	symbols bool
}

// inspect checks that f is what key and kind say. It leaves f open.
func inspect(f *os.File, key Key, kind Kind) (facts, error) {
	stat, err := f.Stat()
	if err != nil {
		return facts{}, err
	}
	e, err := elffile.Parse(&plain{f, stat.Size()})
	if err != nil {
		return facts{}, err
	}
	if err := identify(e, f, stat.Size(), key); err != nil {
		return facts{}, err
	}
	// A debug file keeps the program headers of the object, not the bytes.
	if n := e.Extent(); kind == Executable && n > stat.Size() {
		return facts{}, fmt.Errorf("%#x of %#x bytes: %w", stat.Size(), n, ErrTruncated)
	}
	return facts{symbols: hasSymbols(e)}, nil
}

func inspectAt(path string, key Key, kind Kind) (facts, error) {
	f, err := os.Open(path)
	if err != nil {
		return facts{}, err
	}
	defer f.Close()
	return inspect(f, key, kind)
}

// identify compares the file's own identity with key.
func identify(e *elffile.File, f io.ReaderAt, size int64, key Key) error {
	if key.isContent() {
		got, err := ContentKey(io.NewSectionReader(f, 0, size))
		if err != nil {
			return err
		}
		if got != key {
			return fmt.Errorf("%w: %s is %s", ErrIdentity, key, got)
		}
		return nil
	}
	notes, err := e.Notes()
	got := KeyOf(notes.GNU)
	if key.isGo() {
		got = GoKey(notes.Go)
	}
	if got == key {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrIdentity, err)
	}
	return fmt.Errorf("%w: build ID is %q, Go build ID %.100q", ErrIdentity, notes.GNU.String(), notes.Go)
}

func hasSymbols(e *elffile.File) bool {
	sections, err := e.Sections()
	if err != nil {
		return false // without section headers there is neither
	}
	for _, s := range sections {
		switch {
		case s.Type == elf.SHT_NOBITS || s.Size == 0:
		case s.Type == elf.SHT_SYMTAB, s.Name == ".debug_info", s.Name == ".zdebug_info":
			return true
		}
	}
	return false
}

// plain is an elffile.Source of an open file that stays the caller's, read
// with pread: what is wanted of it is a few hundred bytes.
type plain struct {
	*os.File
	size int64
}

// Size implements elffile.Source.
func (p *plain) Size() int64 { return p.size }

// Close implements elffile.Source.
func (p *plain) Close() error { return nil }

// View implements elffile.Source.
func (p *plain) View(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > p.size || n > p.size-off {
		return nil, fmt.Errorf("%#x bytes at offset %#x: %w", n, off, io.ErrUnexpectedEOF)
	}
	b := make([]byte, n)
	if m, err := p.ReadAt(b, off); int64(m) < n {
		return nil, errors.Join(fmt.Errorf("read at offset %#x", off+int64(m)), err)
	}
	return b, nil
}
