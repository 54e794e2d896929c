package addr2line

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// object is an ELF file as the tests read it.
type object struct {
	path string
	name string // for messages
	elf  *elf.File
	text [][2]uint64 // executable sections
	// split opens the files of split units.
	split func(Skeleton) (*Input, error)
	// alt opens the supplementary file.
	alt func() (*Input, error)
}

func openObject(t testing.TB, path string) *object {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	o := &object{path: path, name: filepath.Base(path), elf: f}
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_EXECINSTR != 0 && s.Size > 0 {
			o.text = append(o.text, [2]uint64{s.Addr, s.Addr + s.Size})
		}
	}
	return o
}

// input is the object's Input.
func (o *object) input() Input {
	in := Input{Section: o.section, BigEndian: o.elf.ByteOrder.String() == "BigEndian", Split: o.split, Supplementary: o.alt}
	for _, t := range o.text {
		if in.CodeStart == 0 || t[0] < in.CodeStart {
			in.CodeStart = t[0]
		}
	}
	return in
}

// section returns a section's bytes. Of several sections of one name, as .dwo
// files have them for type units, it returns all.
func (o *object) section(name string) ([]byte, error) {
	var all []byte
	for _, s := range o.elf.Sections {
		if s.Name != name && s.Name != ".z"+name[1:] || s.Type == elf.SHT_NOBITS {
			continue
		}
		data, err := s.Data()
		if err != nil {
			return nil, err
		}
		all = append(all, data...)
	}
	return all, nil
}

// vaddrs returns every step-th address of the object's code.
func (o *object) vaddrs(step uint64) []uint64 {
	var out []uint64
	for _, t := range o.text {
		for v := t[0]; v < t[1]; v += step {
			out = append(out, v)
		}
	}
	return out
}

// withoutSymbols copies an ELF file and hides its symbol tables, so that a
// symbolizer which prefers them to DWARF shows what it reads in DWARF.
func withoutSymbols(t testing.TB, o *object) string {
	t.Helper()
	data, err := os.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	be := o.elf.ByteOrder
	var shoff, shentsize int
	if o.elf.Class == elf.ELFCLASS64 {
		shoff, shentsize = int(be.Uint64(data[40:])), 64
	} else {
		shoff, shentsize = int(be.Uint32(data[32:])), 40
	}
	for i, s := range o.elf.Sections {
		if s.Type == elf.SHT_SYMTAB || s.Type == elf.SHT_DYNSYM {
			be.PutUint32(data[shoff+i*shentsize+4:], uint32(elf.SHT_PROGBITS))
		}
	}
	path := fmt.Sprintf("%s/%s", t.TempDir(), "object")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	if pkg, err := os.ReadFile(o.path + ".dwp"); err == nil {
		if err := os.WriteFile(path+".dwp", pkg, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return path
}
