package client

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/symfetch/symfetch/internal/elffile"
)

const elfMagic = "\x7fELF"

// verify checks that f, which came from the place named by where, is what q
// asks for. It leaves f open.
func verify(f *os.File, q query, where string) error {
	if q.section != "" {
		return nil // a section's bytes do not say whose they are
	}
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	e, err := elffile.Parse(&source{f, stat.Size()})
	if err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	notes, err := e.Notes()
	if notes.GNU != q.id {
		if err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		return &MismatchError{URL: where, Want: q.id, Got: notes.GNU}
	}
	if err := complete(e, q.kind, stat.Size()); err != nil {
		return fmt.Errorf("%s: %w", where, err)
	}
	return nil
}

// complete checks that the file has all the bytes that it tells of, and is of
// the kind that was asked for.
func complete(e *elffile.File, kind Kind, size int64) error {
	sections, err := e.Sections()
	if errors.Is(err, elffile.ErrNoSection) && kind == Executable {
		err = nil // it runs without
	}
	if err != nil {
		return err
	}
	end := int64(0)
	if kind == Executable { // a debug file's segments have no bytes
		end = e.Extent()
	}
	for _, s := range sections {
		switch {
		case s.Type == elf.SHT_NULL:
		case s.Type == elf.SHT_NOBITS:
			if kind == Executable && s.Flags&elf.SHF_EXECINSTR != 0 {
				return errors.New("a debug file, not the executable")
			}
		case s.Offset > uint64(size) || s.FileSize > uint64(size)-s.Offset:
			end = size + 1
		}
	}
	if end > size {
		return fmt.Errorf("%d bytes are not all: %w", size, ErrIncomplete)
	}
	return nil
}

// source is an open file that stays its owner's, read with pread: a few
// hundred bytes of it are wanted.
type source struct {
	*os.File
	size int64
}

// Size implements elffile.Source.
func (s *source) Size() int64 { return s.size }

// Close implements elffile.Source.
func (s *source) Close() error { return nil }

// View implements elffile.Source.
func (s *source) View(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || off > s.size || n > s.size-off {
		return nil, fmt.Errorf("%d bytes at offset %#x: %w", n, off, io.ErrUnexpectedEOF)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(s.File, off, n), b); err != nil {
		return nil, fmt.Errorf("read at offset %#x: %w", off, err)
	}
	return b, nil
}
