package elffile

import (
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/symfetch/symfetch/buildid"
)

// benchObjects are objects to identify: C's library and Go programs.
func benchObjects(b *testing.B) map[string]string {
	b.Helper()
	libs, err := filepath.Glob("/usr/lib/*-linux-gnu/libc.so.6")
	if err != nil || len(libs) == 0 {
		need(b, "libc.so.6", false)
	}
	return map[string]string{"C": libs[0], "Go": goBuild(b, ""), "GoPIE": goBuild(b, "-buildmode=pie")}
}

// BenchmarkIdentify opens a file, parses it, reads its build IDs and closes it.
func BenchmarkIdentify(b *testing.B) {
	for name, path := range benchObjects(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				s, err := OpenSource(o)
				if err != nil {
					b.Fatal(err)
				}
				f, err := Parse(s)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := f.Notes(); err != nil || n.GNU == "" {
					b.Fatal(n, err)
				}
				f.Close()
			}
		})
	}
}

// BenchmarkIdentifyDebugElf is the same with the standard library's parser.
func BenchmarkIdentifyDebugElf(b *testing.B) {
	for name, path := range benchObjects(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := elf.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				data, err := f.Section(".note.gnu.build-id").Data()
				if err != nil || buildid.FromNotes(data, f.ByteOrder, 4).GNU == "" {
					b.Fatal(err)
				}
				f.Close()
			}
		})
	}
}

// BenchmarkOpenOnly is what the system calls of opening alone cost.
func BenchmarkOpenOnly(b *testing.B) {
	for name, path := range benchObjects(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				o.Close()
			}
		})
	}
}

// BenchmarkFirstView is the price of the first view: statfs, mmap and munmap.
func BenchmarkFirstView(b *testing.B) {
	path := benchObjects(b)["C"]
	for b.Loop() {
		s := openOnce(b, path)
		if _, err := s.View(0, 100); err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

func openOnce(b *testing.B, path string) Source {
	o, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	s, err := OpenSource(o)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkVaddr converts one offset.
func BenchmarkVaddr(b *testing.B) {
	f := open(b, benchObjects(b)["C"])
	var text elf.ProgHeader
	for _, p := range f.Progs() {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			text = p
		}
	}
	m := Mapped{Offset: text.Off &^ 0xfff, Size: (text.Filesz + 0xfff) &^ 0xfff, Read: true, Exec: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.Vaddr(text.Off+100, m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSections reads the section headers of a file for the first time.
func BenchmarkSections(b *testing.B) {
	f := open(b, benchObjects(b)["C"])
	b.ReportAllocs()
	for b.Loop() {
		f.sections.Store(nil)
		if _, err := f.Sections(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkImage identifies the vDSO of this process from memory.
func BenchmarkImage(b *testing.B) {
	header := auxv(b, os.Getpid(), 8, 33)
	read := memory(b, os.Getpid())
	b.ReportAllocs()
	for b.Loop() {
		f, err := Image(read, header)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Notes(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInflate inflates the DWARF of the go command: zlib as the linker
// wrote it.
func BenchmarkInflate(b *testing.B) {
	f := open(b, goBuild(b, ""))
	n := 0
	for b.Loop() {
		data, _, err := f.SectionData(".debug_info")
		if err != nil {
			b.Fatal(err)
		}
		n = len(data)
	}
	b.SetBytes(int64(n))
}

// BenchmarkInflateDebugElf is the same with the standard library.
func BenchmarkInflateDebugElf(b *testing.B) {
	f, err := elf.Open(goBuild(b, ""))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	n := int64(0)
	for b.Loop() {
		n, err = io.Copy(io.Discard, f.Section(".debug_info").Open())
		if err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(n)
}

// BenchmarkGuard is the price of a guard.
func BenchmarkGuard(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := Guard("nothing", func() error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
