// Package elffile reads ELF objects: their segments, sections, notes and raw
// symbol tables, from a file, from a part of one, or from a process's memory.
//
// The files belong to the process that is looked at and are hostile: nothing
// in them is trusted, every offset is checked, every size is capped. Reading is
// lazy: [Parse] touches the ELF header and the program headers only.
//
// debug/elf gives the vocabulary (constants, elf.ProgHeader,
// elf.SectionHeader); its parser is not used, as it reads every section header
// at once and cannot read an ELF without them from memory.
//
// Three kinds of numbers occur, all uint64: addr, an address in a running
// process; off, an offset in the ELF; vaddr, an ELF virtual address. [File.Vaddr]
// is the only place that turns an off into a vaddr.
package elffile

import (
	"debug/elf"
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"

	"github.com/symfetch/symfetch/buildid"
)

// File is an open ELF. It is safe for concurrent use; Close must come last.
//
// Methods that return bytes return views of the source where it is mapped (see
// [Source]): read them under [Guard], and never after Close.
type File struct {
	src   Source
	hdr   header
	order binary.ByteOrder
	progs []elf.ProgHeader
	// notes are set where Parse saw all of the program headers' notes and a
	// GNU build ID among them.
	notes buildid.Notes
	// image is nil for an ELF in a file.
	image *image
	// sections are read on first use. Only success is kept, so that an
	// error which passes (a read that failed) can pass.
	sections atomic.Pointer[sectionTable]
}

// scratchSize is the size in bytes of a scratch buffer: the first page of a file
// holds ELF header, program headers and notes of nearly all objects.
const scratchSize = 4 << 10

// scratchPage is a buffer for what is read, decoded and forgotten. It is a
// reader of the n bytes that it holds, the first ones of a file.
type scratchPage struct {
	n int
	b [scratchSize]byte
}

// scratch holds unused *scratchPage.
var scratch = sync.Pool{New: func() any { return new(scratchPage) }}

// ReadAt reads from the page's n bytes.
func (p *scratchPage) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off >= int64(p.n) {
		return 0, io.EOF
	}
	n := copy(b, p.b[off:p.n])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Parse reads the ELF header and the program headers of s. The File owns s from
// then on; where Parse fails the caller still does. It returns [ErrNotELF] for
// a wrong magic and *[FormatError] for a malformed header.
func Parse(s Source) (*File, error) {
	page := scratch.Get().(*scratchPage)
	defer scratch.Put(page)
	page.n = int(min(scratchSize, s.Size()))
	head := page.b[:page.n]
	if err := readFull(s, head, 0); err != nil {
		return nil, err
	}
	h, err := decodeHeader(head)
	if err != nil {
		return nil, err
	}
	f := &File{src: s, hdr: h, order: h.order()}
	table, err := f.progTable(head)
	if err != nil {
		return nil, err
	}
	f.progs = h.decodeProgs(table)
	if err := checkProgs(f.progs, h.phoff); err != nil {
		return nil, err
	}
	// The notes are nearly always in the page at hand. Where they are not,
	// or incomplete, Notes looks when it is asked.
	if n, err := f.progNotes(page); err == nil && n.GNU != "" {
		f.notes = n
	}
	return f, nil
}

// progTable returns the program headers' bytes, from head if it holds them.
func (f *File) progTable(head []byte) ([]byte, error) {
	n := uint64(f.hdr.progSize())
	off := f.hdr.phoff
	if n == 0 {
		return nil, nil
	}
	if size := uint64(f.src.Size()); off > size || n > size-off {
		return nil, badFormat("program headers", off, "%d bytes lie outside the file of %#x bytes", n, size)
	}
	if off+n <= uint64(len(head)) {
		return head[off : off+n], nil
	}
	return copyOf(f.src, int64(off), int64(n))
}

// Class tells 32-bit from 64-bit objects.
func (f *File) Class() elf.Class { return f.hdr.class }

// ByteOrder is the order that the ELF header declares.
func (f *File) ByteOrder() binary.ByteOrder { return f.order }

// Machine is the instruction set.
func (f *File) Machine() elf.Machine { return f.hdr.machine }

// Type is ET_EXEC, ET_DYN, ...
func (f *File) Type() elf.Type { return f.hdr.typ }

// Entry is the vaddr at which the program starts, 0 for none.
func (f *File) Entry() uint64 { return f.hdr.entry }

// PtrSize is the size of a pointer in bytes, as the class gives it.
func (f *File) PtrSize() int {
	if f.hdr.is64() {
		return 8
	}
	return 4
}

// Progs are the program headers in the file's order. They are shared: not to be
// written to.
func (f *File) Progs() []elf.ProgHeader { return f.progs }

// IsImage tells whether the ELF is read from a process's memory.
func (f *File) IsImage() bool { return f.image != nil }

// Size is the source's length in bytes; for a memory image it is the end of the
// file offsets that its segments cover.
func (f *File) Size() int64 { return f.src.Size() }

// Source returns where the bytes come from. It stays the File's.
func (f *File) Source() Source { return f.src }

// Close closes the source. Views of it are invalid from then on.
func (f *File) Close() error { return f.src.Close() }
