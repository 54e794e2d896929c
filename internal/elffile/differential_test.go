package elffile

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// systemObjects returns ELF files of this machine, all that two directories
// hold up to a bound.
func systemObjects(t testing.TB) (paths []string) {
	t.Helper()
	const most = 150 // in each directory
	for _, pattern := range []string{"/usr/bin/*", "/usr/lib/*-linux-gnu*/*.so*", "/usr/lib32/*.so*", "/usr/lib/*-linux-gnu*/*.o"} {
		all, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, p := range all {
			if n < most && isELF(p) {
				paths = append(paths, p)
				n++
			}
		}
	}
	if len(paths) < 50 {
		t.Fatalf("only %d ELF files", len(paths))
	}
	return paths
}

func isELF(path string) bool {
	if fi, err := os.Stat(path); err != nil || !fi.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:]) == elf.ELFMAG
}

// crossObjects are Go programs of other machines: 32 and 64 bits, both byte
// orders.
func crossObjects(t testing.TB) (paths []string) {
	for _, args := range []string{
		"GOARCH=s390x", "GOARCH=ppc64", "GOARCH=ppc64le", "GOARCH=mips", "GOARCH=mips64", "GOARCH=386",
		"GOARCH=arm", "GOARCH=arm64", "GOARCH=riscv64", "GOARCH=amd64 -buildmode=pie",
	} {
		paths = append(paths, goBuild(t, args))
	}
	return paths
}

// TestAgainstDebugElf compares headers, sections, their data, symbols and build
// IDs with debug/elf, which shares no code with this package, on this machine's
// files, on what the linkers here make, and on Go programs of other machines.
func TestAgainstDebugElf(t *testing.T) {
	paths := append(systemObjects(t), crossObjects(t)...)
	for _, l := range linkers {
		needTools(t, l.tool)
		paths = append(paths, compile(t, "object.c -shared -fPIC "+l.args), compile(t, "tiny.c -shared -fPIC -m32 "+l.args))
	}
	for _, path := range paths {
		theirs, err := elf.Open(path)
		if err != nil {
			t.Errorf("%s: debug/elf: %v", path, err)
			continue
		}
		f := open(t, path)
		compareHeaders(t, path, f, theirs)
		compareSections(t, path, f, theirs)
		compareSymbols(t, path, f, theirs)
		compareNotes(t, path, f, theirs)
		theirs.Close()
		if fi, err := os.Stat(path); err != nil || f.Extent() > fi.Size() || f.Extent() < fi.Size()-16 {
			t.Errorf("%s: extent %#x of %#x bytes", path, f.Extent(), fi.Size())
		}
		f.Close()
	}
	t.Logf("%d files", len(paths))
}

func compareHeaders(t *testing.T, path string, f *File, theirs *elf.File) {
	t.Helper()
	if f.Class() != theirs.Class || f.ByteOrder() != theirs.ByteOrder || f.Machine() != theirs.Machine || f.Type() != theirs.Type || f.Entry() != theirs.Entry {
		t.Errorf("%s: header %v %v %v %v %#x, want %+v", path, f.Class(), f.ByteOrder(), f.Machine(), f.Type(), f.Entry(), theirs.FileHeader)
	}
	if len(f.Progs()) != len(theirs.Progs) {
		t.Fatalf("%s: %d segments, want %d", path, len(f.Progs()), len(theirs.Progs))
	}
	for i, p := range f.Progs() {
		if p != theirs.Progs[i].ProgHeader {
			t.Errorf("%s: segment %d is %+v, want %+v", path, i, p, theirs.Progs[i].ProgHeader)
		}
		if p.Type == elf.PT_LOAD {
			compareSegment(t, path, f, theirs.Progs[i])
		}
	}
}

// compareSegment compares a segment's bytes by vaddr.
func compareSegment(t *testing.T, path string, f *File, theirs *elf.Prog) {
	t.Helper()
	n := int(min(theirs.Filesz, 1<<20))
	if n == 0 {
		return
	}
	want := make([]byte, n)
	if _, err := theirs.ReadAt(want, 0); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	got, err := f.ReadVaddr(theirs.Vaddr, n)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: bytes at vaddr %#x differ: %v", path, theirs.Vaddr, err)
	}
	end := theirs.Vaddr + theirs.Filesz
	if off, ok := f.Off(end - 1); !ok || off != theirs.Off+theirs.Filesz-1 {
		t.Errorf("%s: Off(%#x) = %#x, %v", path, end-1, off, ok)
	}
	if _, err := f.ReadVaddr(end-1, 2); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("%s: 2 bytes at %#x: %v", path, end-1, err)
	}
}

func compareSections(t *testing.T, path string, f *File, theirs *elf.File) {
	t.Helper()
	all, err := f.Sections()
	if err != nil || len(all) != len(theirs.Sections) {
		t.Fatalf("%s: %d sections, %v, want %d", path, len(all), err, len(theirs.Sections))
	}
	seen := map[string]bool{}
	for i, s := range theirs.Sections {
		want := s.SectionHeader
		want.Size = want.FileSize // debug/elf's Size is that of the inflated section
		want.Addralign = all[i].Addralign
		if all[i] != want {
			t.Errorf("%s: section %d is %+v, want %+v", path, i, all[i], want)
		}
		if seen[s.Name] || s.Type == elf.SHT_NULL || strings.HasPrefix(s.Name, ".z") {
			continue
		}
		seen[s.Name] = true
		data, vaddr, err := f.SectionData(s.Name)
		if s.Type == elf.SHT_NOBITS {
			if !errors.Is(err, ErrNoData) {
				t.Errorf("%s %s: %v, want ErrNoData", path, s.Name, err)
			}
			continue
		}
		wantData, werr := s.Data()
		if err != nil || werr != nil || vaddr != s.Addr || !bytes.Equal(data, wantData) {
			t.Errorf("%s %s: %d bytes at %#x, %v; want %d at %#x, %v", path, s.Name, len(data), vaddr, err, len(wantData), s.Addr, werr)
		}
	}
}

func compareSymbols(t *testing.T, path string, f *File, theirs *elf.File) {
	t.Helper()
	for _, c := range []struct {
		name   string
		ours   func() (Symbols, error)
		theirs func() ([]elf.Symbol, error)
	}{{"symtab", f.Symtab, theirs.Symbols}, {"dynsym", f.Dynsym, theirs.DynamicSymbols}} {
		want, werr := c.theirs()
		got, err := c.ours()
		if errors.Is(werr, elf.ErrNoSymbols) {
			if !errors.Is(err, ErrNoSection) {
				t.Errorf("%s: %s: %v, want ErrNoSection", path, c.name, err)
			}
			continue
		}
		if err != nil || werr != nil {
			t.Errorf("%s: %s: %v; debug/elf: %v", path, c.name, err, werr)
			continue
		}
		compareTable(t, path+": "+c.name, got, want)
	}
}

// compareTable compares a raw table with debug/elf's, which leaves the first,
// empty entry out.
func compareTable(t *testing.T, what string, got Symbols, want []elf.Symbol) {
	t.Helper()
	size := symSize32
	if got.Is64 {
		size = symSize64
	}
	if len(got.Data) != (len(want)+1)*size {
		t.Errorf("%s: %d bytes, want %d symbols", what, len(got.Data), len(want)+1)
		return
	}
	for i, w := range want {
		b := got.Data[(i+1)*size:]
		value, n := uint64(0), got.Order.Uint32(b)
		if got.Is64 {
			value = got.Order.Uint64(b[8:])
		} else {
			value = uint64(got.Order.Uint32(b[4:]))
		}
		if name := cString(string(got.Strings[min(int(n), len(got.Strings)):min(int(n)+len(w.Name)+1, len(got.Strings))]), 0); value != w.Value || name != w.Name {
			t.Errorf("%s: symbol %d is %s at %#x, want %s at %#x", what, i+1, name, value, w.Name, w.Value)
			return
		}
	}
}

func compareNotes(t *testing.T, path string, f *File, theirs *elf.File) {
	t.Helper()
	want := ""
	if s := theirs.Section(".note.gnu.build-id"); s != nil && s.Type == elf.SHT_NOTE {
		data, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		want = fmt.Sprintf("%x", data[16:])
	}
	n, err := f.Notes()
	if err != nil || n.GNU.String() != want {
		t.Errorf("%s: build ID %s, %v, want %s", path, n.GNU, err, want)
	}
	goID := theirs.Section(".note.go.buildid")
	if (n.Go != "") != (goID != nil) {
		t.Errorf("%s: Go build ID %q", path, n.Go)
	}
	if goID != nil {
		data, err := goID.Data()
		if err != nil || !bytes.HasPrefix(data[16:], []byte(n.Go)) {
			t.Errorf("%s: Go build ID %q, want %q, %v", path, n.Go, data[16:], err)
		}
	}
}

// readelfLoad matches a line of readelf -lW: type, three addresses, two sizes,
// flags and alignment.
var readelfLoad = regexp.MustCompile(`^  ([A-Z_]+) +0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+) 0x([0-9a-f]+) ([R ][W ][E ]) 0x([0-9a-f]+|0)$`)

// TestAgainstReadelf compares segments and build IDs with binutils'.
func TestAgainstReadelf(t *testing.T) {
	needTools(t, "readelf")
	paths := crossObjects(t)
	for _, l := range linkers {
		needTools(t, l.tool)
		paths = append(paths, compile(t, "object.c -shared -fPIC "+l.args))
	}
	for _, path := range paths {
		f := open(t, path)
		var got, want []string
		for _, p := range f.Progs() {
			if p.Type == elf.PT_LOAD || p.Type == elf.PT_NOTE || p.Type == elf.PT_DYNAMIC {
				fl := []byte("   ")
				for i, bit := range []elf.ProgFlag{elf.PF_R, elf.PF_W, elf.PF_X} {
					if p.Flags&bit != 0 {
						fl[i] = "RWE"[i]
					}
				}
				got = append(got, fmt.Sprintf("%s %x %x %x %x %s %x", strings.TrimPrefix(p.Type.String(), "PT_"), p.Off, p.Vaddr, p.Filesz, p.Memsz, fl, p.Align))
			}
		}
		for line := range strings.Lines(run(t, nil, "readelf", "-lW", path)) {
			if m := readelfLoad.FindStringSubmatch(strings.TrimSuffix(line, "\n")); m != nil && (m[1] == "LOAD" || m[1] == "NOTE" || m[1] == "DYNAMIC") {
				for i := 2; i < len(m); i++ {
					if i != 6 {
						m[i] = strings.TrimLeft(m[i], "0")
						if m[i] == "" {
							m[i] = "0"
						}
					}
				}
				want = append(want, strings.Join(m[1:], " "))
			}
		}
		if len(want) == 0 || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s: segments\n%s\nreadelf:\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		id := ""
		if _, rest, ok := strings.Cut(run(t, nil, "readelf", "-nW", path), "Build ID: "); ok {
			id, _, _ = strings.Cut(rest, "\n")
		}
		if n, err := f.Notes(); err != nil || n.GNU.String() != strings.TrimSpace(id) {
			t.Errorf("%s: build ID %s, %v; readelf: %s", path, n.GNU, err, id)
		}
	}
}
