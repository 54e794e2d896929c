package elffile

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestImageOfProcesses reads every object of real processes from memory and
// compares it with its file: bias, build IDs, dynamic symbols, read-only bytes.
func TestImageOfProcesses(t *testing.T) {
	for _, m := range []string{"", "-m32 "} {
		exe := compile(t, "child.c "+m+"-ldl")
		var libs []string
		for _, l := range linkers {
			if strings.Contains(l.name, "execstack") {
				continue
			}
			needTools(t, l.tool)
			libs = append(libs, compile(t, "object.c -shared -fPIC "+m+l.args), compile(t, "tiny.c -shared -fPIC "+m+l.args))
		}
		p := start(t, exe, libs...)
		for path := range p.bias {
			if path[0] != '/' {
				continue // the vDSO
			}
			t.Run(m+path, func(t *testing.T) { p.checkImages(t, path, false) })
		}
	}
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			exe := compile(t, "child.c object.c "+k.args)
			p := start(t, exe)
			p.checkImages(t, exe, false)
		})
	}
}

// TestImageOfGo reads internally linked Go programs, whose GNU build ID lies
// behind PT_NOTE, from memory.
func TestImageOfGo(t *testing.T) {
	for _, args := range []string{"", "-buildmode=pie", "-ldflags=-s -trimpath", "-ldflags=-buildid=", "-ldflags=-B=none", "GOARCH=386"} {
		t.Run(args, func(t *testing.T) {
			exe := goBuild(t, args)
			p := start(t, exe)
			f := open(t, exe)
			p.bias[exe] = auxv(t, p.pid, f.PtrSize(), 9) - f.Entry()
			p.checkImages(t, exe, true)
		})
	}
}

// checkImages compares the memory image of an object with its file, from every
// addr at which the file's first page is mapped.
func (p *process) checkImages(t *testing.T, path string, isGo bool) {
	t.Helper()
	f := open(t, path)
	read := p.only(path, memory(t, p.pid))
	headers := 0
	for _, r := range p.rows {
		if r.path != path || r.off != 0 {
			continue
		}
		headers++
		im, err := Image(read, r.start)
		if err != nil {
			t.Fatalf("%s at %#x: %v", path, r.start, err)
		}
		if im.Bias() != p.bias[path] || !im.IsImage() {
			t.Errorf("bias %#x, want %#x", im.Bias(), p.bias[path])
		}
		compareImage(t, im, f, isGo)
		if err := im.Close(); err != nil {
			t.Error(err)
		}
	}
	if headers == 0 {
		t.Errorf("%s is not mapped", path)
	}
}

// only restricts read to the mappings of path: the kernel may put another
// object with the same headers right beside them.
func (p *process) only(path string, read ReadMemory) ReadMemory {
	return func(b []byte, addr uint64) (int, error) {
		for _, r := range p.rows {
			if r.path == path && addr >= r.start && addr < r.end {
				return read(b, addr)
			}
		}
		return 0, syscall.EFAULT
	}
}

// compareImage compares an image with its file.
func compareImage(t *testing.T, im, f *File, isGo bool) {
	t.Helper()
	got, err := im.Notes()
	want, werr := f.Notes()
	if err != nil || werr != nil || got != want {
		t.Errorf("notes %+v, %v, want %+v, %v", got, err, want, werr)
	}
	if isGo && (got.Go == "") != (got.GNU == "") && !strings.Contains(t.Name(), "none") {
		t.Errorf("notes of Go: %+v", got)
	}
	if _, err := im.Sections(); !errors.Is(err, ErrNoSection) {
		t.Errorf("sections of an image: %v", err)
	}
	gs, gerr := im.Dynsym()
	ws, werr := f.Dynsym()
	if errors.Is(werr, ErrNoSection) != errors.Is(gerr, ErrNoSection) {
		t.Errorf("dynsym: %v, want %v", gerr, werr)
	} else if werr == nil {
		sameSymbols(t, gs, ws)
	}
	for _, p := range f.Progs() {
		if p.Type != elf.PT_LOAD || p.Flags&elf.PF_W != 0 {
			continue
		}
		a, err := im.ReadVaddr(p.Vaddr, int(p.Filesz))
		b, werr := f.ReadVaddr(p.Vaddr, int(p.Filesz))
		if err != nil || werr != nil || !bytes.Equal(a, b) {
			t.Errorf("segment at vaddr %#x differs: %v, %v", p.Vaddr, err, werr)
		}
		off, _ := f.Off(p.Vaddr)
		page := uint64(os.Getpagesize())
		m := Mapped{Offset: off &^ (page - 1), Read: p.Flags&elf.PF_R != 0, Exec: p.Flags&elf.PF_X != 0}
		if v1, err1 := f.Vaddr(off, m); true {
			if v2, err2 := im.Vaddr(off, m); v1 != v2 || (err1 == nil) != (err2 == nil) {
				t.Errorf("vaddr of off %#x: %#x, %v in the image, %#x, %v in the file", off, v2, err2, v1, err1)
			}
		}
	}
}

// sameSymbols compares tables. The one found through a hash table may lack
// undefined symbols at its end; none of the defined may be missing.
func sameSymbols(t *testing.T, got, want Symbols) {
	t.Helper()
	if got.Is64 != want.Is64 || got.Order != want.Order || !bytes.HasPrefix(want.Data, got.Data) || !bytes.HasPrefix(want.Strings, got.Strings) {
		t.Errorf("dynsym: %d bytes and %d of strings, want %d and %d, or other bytes", len(got.Data), len(got.Strings), len(want.Data), len(want.Strings))
		return
	}
	size, shndx := symSize32, 14
	if want.Is64 {
		size, shndx = symSize64, 6
	}
	for i := len(got.Data); i < len(want.Data); i += size {
		if want.Order.Uint16(want.Data[i+shndx:]) != 0 {
			t.Errorf("dynsym: defined symbol %d is missing", i/size)
			return
		}
	}
}

// TestDynsymWithoutSections strips the section headers: the same symbols must
// come out of PT_DYNAMIC, by DT_HASH as by DT_GNU_HASH.
func TestDynsymWithoutSections(t *testing.T) {
	for _, l := range linkers {
		for _, style := range []string{"gnu", "sysv", "both"} {
			for _, m := range []string{"", "-m32 "} {
				t.Run(m+l.name+"/"+style, func(t *testing.T) {
					needTools(t, l.tool)
					path := compile(t, "object.c -shared -fPIC "+m+l.args+" -Wl,--hash-style="+style)
					f := open(t, path)
					want, err := f.Dynsym()
					if err != nil {
						t.Fatal(err)
					}
					bare := open(t, withoutSections(t, path))
					if _, err := bare.Sections(); !errors.Is(err, ErrNoSection) {
						t.Fatalf("sections: %v", err)
					}
					got, err := bare.Dynsym()
					if err != nil || len(got.Data) == 0 {
						t.Fatalf("dynsym: %v", err)
					}
					sameSymbols(t, got, want)
					n, err := bare.Notes()
					if w, _ := f.Notes(); err != nil || n != w {
						t.Errorf("notes %+v, %v, want %+v", n, err, w)
					}
				})
			}
		}
	}
}

// withoutSections copies an ELF and wipes e_shoff, e_shnum and e_shstrndx.
func withoutSections(t testing.TB, path string) string {
	t.Helper()
	return once(t, "bare "+path, func(out string) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if b[elf.EI_CLASS] == byte(elf.ELFCLASS64) {
			clear(b[40:48])
			clear(b[60:64])
		} else {
			clear(b[32:36])
			clear(b[48:52])
		}
		if err := os.WriteFile(out, b, 0o777); err != nil {
			t.Fatal(err)
		}
	})
}

// TestImageOfVDSO reads the vDSO of this process, whose dynamic pointers nobody
// relocates, and compares it with debug/elf's view of the same bytes.
func TestImageOfVDSO(t *testing.T) {
	header := auxv(t, os.Getpid(), 8, 33) // AT_SYSINFO_EHDR
	read := memory(t, os.Getpid())
	im, err := Image(read, header)
	if err != nil {
		t.Fatal(err)
	}
	var raw []byte
	page := make([]byte, os.Getpagesize())
	for addr := header; ; addr += uint64(len(page)) {
		if n, _ := read(page, addr); n < len(page) || len(raw) >= 64<<10 {
			break
		}
		raw = append(raw, page...)
	}
	theirs, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	want, err := theirs.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	got, err := im.Dynsym()
	if err != nil {
		t.Fatal(err)
	}
	compareTable(t, "vdso", got, want)
	if !bytes.Contains(got.Strings, []byte("clock_gettime")) {
		t.Errorf("strings of the vDSO: %q", got.Strings)
	}
	if n, err := im.Notes(); err != nil || n.GNU == "" {
		t.Errorf("notes %+v, %v", n, err)
	}
	if im.Bias() != header {
		t.Errorf("bias %#x, header %#x", im.Bias(), header)
	}
}

// TestImageOfSelf reads this test program itself.
func TestImageOfSelf(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, exe)
	p := &process{pid: os.Getpid(), rows: readMaps(t, os.Getpid()), bias: map[string]uint64{}}
	p.bias[exe] = auxv(t, p.pid, 8, 9) - f.Entry()
	p.checkImages(t, exe, false)
}

// TestImageMappedAsData maps a program's file as data: its segments are not
// where an image's would be.
func TestImageMappedAsData(t *testing.T) {
	for _, kind := range []string{"-no-pie", "-static -DSTATIC"} {
		o, err := os.Open(compile(t, "child.c object.c "+kind))
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		fi, err := o.Stat()
		if err != nil {
			t.Fatal(err)
		}
		b, err := syscall.Mmap(int(o.Fd()), 0, int(fi.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Munmap(b)
		var addr uint64
		for _, r := range readMaps(t, os.Getpid()) {
			if r.path == o.Name() && r.off == 0 {
				addr = r.start
			}
		}
		if im, err := Image(memory(t, os.Getpid()), addr); !errors.As(err, new(*FormatError)) {
			t.Errorf("%s at %#x: %+v, %v", kind, addr, im, err)
		}
	}
}

// fakeMemory is a process that consists of one file's pages.
func fakeMemory(data []byte, base uint64) ReadMemory {
	return func(p []byte, addr uint64) (int, error) {
		if addr < base || addr-base >= uint64(len(data)) {
			return 0, syscall.EIO
		}
		n := copy(p, data[addr-base:])
		if n < len(p) {
			return n, syscall.EIO
		}
		return n, nil
	}
}

// TestImageErrors: what cannot be read is an error that says where.
func TestImageErrors(t *testing.T) {
	data, err := os.ReadFile(compile(t, "tiny.c -shared -fPIC"))
	if err != nil {
		t.Fatal(err)
	}
	const base = 0x7f0000000000
	if _, err := Image(fakeMemory(data, base), base+16); !errors.As(err, new(*FormatError)) {
		t.Errorf("unaligned header: %v", err)
	}
	if _, err := Image(fakeMemory(data, base), base+4096*1000); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), fmt.Sprintf("%#x", base+4096*1000)) {
		t.Errorf("unmapped header: %v", err)
	}
	if _, err := Image(fakeMemory(make([]byte, 4096), base), base); !errors.Is(err, ErrNotELF) {
		t.Errorf("zeros: %v", err)
	}
	if _, err := Image(fakeMemory(data[:100], base), base); !errors.Is(err, syscall.EIO) {
		t.Errorf("header only: %v", err)
	}
	if _, err := Image(func([]byte, uint64) (int, error) { return 0, nil }, base); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("nothing is read and no error: %v", err)
	}
	im, err := Image(fakeMemory(data[:4096], base), base)
	if err != nil {
		t.Fatal(err)
	}
	var last elf.ProgHeader
	for _, p := range im.Progs() {
		if p.Type == elf.PT_LOAD {
			last = p
		}
	}
	if b, err := im.ReadVaddr(last.Vaddr, int(last.Filesz)); !errors.Is(err, syscall.EIO) {
		t.Errorf("page that is not there: %d bytes, %v", len(b), err)
	}
	if _, err := im.Source().View(im.Size()-1, 2); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("behind the end: %v", err)
	}
	p := make([]byte, 16)
	if n, err := im.Source().ReadAt(p, im.Size()); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	if n, err := im.Source().ReadAt(p, -1); n != 0 || !errors.Is(err, ErrNotLoaded) {
		t.Errorf("before the start: %d, %v", n, err)
	}
}
