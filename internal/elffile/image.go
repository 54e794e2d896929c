package elffile

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"os"
)

// ReadMemory reads a process's memory from addr into p. It returns how many
// bytes it read and an error if these are fewer than len(p). It should answer
// only for the object's own mappings: the headers in them say where to read.
type ReadMemory func(p []byte, addr uint64) (int, error)

// image is what a File knows of the memory that it is read from.
type image struct {
	bias uint64
}

// maxHeaders bounds how many segments may load the file's first page. Objects
// of less than a page have up to five; each costs reads of the process's memory.
const maxHeaders = 16

// Bias is the load bias (addr - vaddr, modulo 2^64) of a memory image; 0 for a
// file.
func (f *File) Bias() uint64 {
	if f.image == nil {
		return 0
	}
	return f.image.bias
}

// Image reads an ELF from a process's memory; header is the addr of its ELF
// header. Offsets and vaddrs are answered from where the PT_LOAD segments are in
// memory, whose writable bytes are those of now: relocated and changed. Bytes
// in no segment (section headers, .symtab) are [ErrNotLoaded]; pages that cannot
// be read are errors, never zeros.
//
// It returns [ErrNotELF] for a wrong magic, *[FormatError] for headers that do
// not describe a loaded object at that address, and read's errors.
func Image(read ReadMemory, header uint64) (*File, error) {
	if header%minPage != 0 {
		return nil, badFormat("ELF header", 0, "addr %#x does not begin a page", header)
	}
	var head [ehdrSize64]byte
	if n, err := read(head[:], header); n < ehdrSize32 {
		return nil, fmt.Errorf("ELF header at addr %#x: %w", header, orUnexpectedEOF(err))
	}
	h, err := decodeHeader(head[:])
	if err != nil {
		return nil, err
	}
	f := &File{hdr: h, order: h.order(), image: &image{}}
	table := make([]byte, h.progSize())
	if err := readMemory(read, table, header+h.phoff); err != nil {
		return nil, fmt.Errorf("program headers: %w", err)
	}
	f.progs = h.decodeProgs(table)
	if err := checkProgs(f.progs, h.phoff); err != nil {
		return nil, err
	}
	if f.image.bias, err = f.findBias(read, header, head[:h.size()]); err != nil {
		return nil, err
	}
	f.src = newMemorySource(read, f.progs, f.image.bias)
	return f, nil
}

// findBias returns the load bias of the object whose header is at addr header.
func (f *File) findBias(read ReadMemory, header uint64, head []byte) (uint64, error) {
	starts := f.headerVaddrs()
	switch {
	case len(starts) == 0:
		return 0, badFormat("program headers", f.hdr.phoff, "no segment loads the ELF header")
	case len(starts) > maxHeaders:
		return 0, badFormat("program headers", f.hdr.phoff, "%d segments load the ELF header", len(starts))
	}
	found := 0
	var start uint64
	for _, s := range starts {
		if f.headersAt(read, header-s, starts, head) {
			start = s
			found++
		}
	}
	switch {
	case found != 1:
		return 0, fmt.Errorf("ELF header at addr %#x: loaded %d times, %d of them fit: %w", header, len(starts), found, ErrAmbiguous)
	case f.hdr.typ == elf.ET_EXEC && start != header:
		return 0, badFormat("ELF header", 0, "an object without relocation is at addr %#x, not %#x: mapped as data", header, start)
	}
	return header - start, f.checkPhdrs(start)
}

// headerVaddrs returns the vaddrs of offset 0: more than one where the data
// segment begins in the file's first page, which is then loaded twice.
func (f *File) headerVaddrs() (starts []uint64) {
	page := uint64(os.Getpagesize())
	for i := range f.progs {
		p := &f.progs[i]
		if !loadable(p, page) || p.Off >= page {
			continue
		}
		v := p.Vaddr - p.Off
		known := false
		for _, s := range starts {
			known = known || s == v
		}
		if !known {
			starts = append(starts, v)
		}
	}
	return starts
}

// headersAt tells whether with this bias the same ELF header is in memory at
// each of starts. A single one needs no proof: the header was found there.
func (f *File) headersAt(read ReadMemory, bias uint64, starts []uint64, head []byte) bool {
	if len(starts) == 1 {
		return true
	}
	var other [ehdrSize64]byte
	for _, s := range starts {
		if readMemory(read, other[:len(head)], bias+s) != nil || !bytes.Equal(other[:len(head)], head) {
			return false
		}
	}
	return true
}

// checkPhdrs refuses program headers that were read where they are not. They
// were taken from behind the ELF header in the mapping whose vaddrs begin at
// start for offset 0; of another segment's mapping only the first page is the
// same.
func (f *File) checkPhdrs(start uint64) error {
	end := f.hdr.phoff + uint64(f.hdr.progSize())
	covered := false
	for i := range f.progs {
		p := &f.progs[i]
		if p.Type != elf.PT_LOAD || f.hdr.phoff < p.Off || f.hdr.phoff-p.Off >= p.Filesz {
			continue
		}
		if p.Vaddr-p.Off == start || end <= uint64(os.Getpagesize()) {
			return nil
		}
		covered = true
	}
	if covered {
		return badFormat("program headers", f.hdr.phoff, "not loaded behind the ELF header")
	}
	return nil
}

// readMemory fills p from addr.
func readMemory(read ReadMemory, p []byte, addr uint64) error {
	if len(p) == 0 {
		return nil
	}
	if n, err := read(p, addr); n < len(p) {
		return fmt.Errorf("memory at addr %#x: %d of %d bytes: %w", addr, n, len(p), orUnexpectedEOF(err))
	}
	return nil
}

// memorySource answers file offsets from a process's memory.
type memorySource struct {
	read   ReadMemory
	pieces []piece
	size   int64
}

// piece is one segment's bytes: file offset and addr.
type piece struct{ off, size, addr uint64 }

func newMemorySource(read ReadMemory, progs []elf.ProgHeader, bias uint64) *memorySource {
	s := &memorySource{read: read}
	for i := range progs {
		p := &progs[i]
		addr := p.Vaddr + bias
		if p.Type != elf.PT_LOAD || p.Filesz == 0 || addr+p.Filesz < addr {
			continue
		}
		s.pieces = append(s.pieces, piece{p.Off, p.Filesz, addr})
		s.size = max(s.size, int64(p.Off+p.Filesz))
	}
	return s
}

func (s *memorySource) Size() int64  { return s.size }
func (s *memorySource) Close() error { return nil }

func (s *memorySource) View(off, n int64) ([]byte, error) {
	if err := checkRange(off, n, s.size); err != nil {
		return nil, err
	}
	return copyOf(s, off, n)
}

// ReadAt reads across segments whose file ranges touch; it ends with
// ErrNotLoaded at an offset that none has.
func (s *memorySource) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("offset %#x: %w", off, ErrNotLoaded)
	}
	for n < len(p) {
		at := uint64(off) + uint64(n)
		c := s.piece(at)
		if c == nil {
			if at >= uint64(s.size) {
				return n, io.EOF
			}
			return n, fmt.Errorf("offset %#x: %w", at, ErrNotLoaded)
		}
		chunk := p[n:]
		if left := c.size - (at - c.off); uint64(len(chunk)) > left {
			chunk = chunk[:left]
		}
		if err := readMemory(s.read, chunk, c.addr+(at-c.off)); err != nil {
			return n, err
		}
		n += len(chunk)
	}
	return n, nil
}

// piece returns the first segment that holds off.
func (s *memorySource) piece(off uint64) *piece {
	for i := range s.pieces {
		if p := &s.pieces[i]; off >= p.off && off-p.off < p.size {
			return p
		}
	}
	return nil
}
