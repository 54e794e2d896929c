package pclntab_test

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"
)

// elfImage is an Image over the standard library's ELF reader: a second
// opinion beside the project's own.
type elfImage struct {
	f    *elf.File
	data []byte
	// noSections hides the section headers.
	noSections bool
}

func openELF(t testing.TB, path string) *elfImage {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := newELF(data)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return img
}

func newELF(data []byte) (*elfImage, error) {
	f, err := elf.NewFile(readerAt(data))
	return &elfImage{f: f, data: data}, err
}

type readerAt []byte

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(r)) {
		return 0, errors.New("out of range")
	}
	n := copy(p, r[off:])
	if n < len(p) {
		return n, errors.New("short")
	}
	return n, nil
}

func (i *elfImage) ByteOrder() binary.ByteOrder { return i.f.ByteOrder }
func (i *elfImage) Machine() elf.Machine        { return i.f.Machine }
func (i *elfImage) Bias() uint64                { return 0 }

func (i *elfImage) PtrSize() int {
	if i.f.Class == elf.ELFCLASS32 {
		return 4
	}
	return 8
}

func (i *elfImage) Progs() []elf.ProgHeader {
	var out []elf.ProgHeader
	for _, p := range i.f.Progs {
		out = append(out, p.ProgHeader)
	}
	return out
}

func (i *elfImage) SectionData(name string) ([]byte, uint64, error) {
	if i.noSections {
		return nil, 0, errors.New("no section headers")
	}
	s := i.f.Section(name)
	if s == nil {
		return nil, 0, fmt.Errorf("no section %s", name)
	}
	if s.Type == elf.SHT_NOBITS {
		return nil, s.Addr, nil
	}
	b, err := slice(i.data, s.Offset, s.Size)
	return b, s.Addr, err
}

func (i *elfImage) ReadVaddr(vaddr uint64, n int) ([]byte, error) {
	for _, p := range i.f.Progs {
		if p.Type == elf.PT_LOAD && vaddr >= p.Vaddr && vaddr-p.Vaddr < p.Filesz && uint64(n) <= p.Filesz-(vaddr-p.Vaddr) {
			return slice(i.data, p.Off+vaddr-p.Vaddr, uint64(n))
		}
	}
	return nil, fmt.Errorf("vaddr %#x+%#x is in no segment", vaddr, n)
}

func slice(b []byte, off, n uint64) ([]byte, error) {
	if off > uint64(len(b)) || n > uint64(len(b))-off {
		return nil, fmt.Errorf("%#x+%#x is beyond the file's end %#x", off, n, len(b))
	}
	return b[off : off+n : off+n], nil
}
