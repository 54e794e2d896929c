package addr2line

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/symfetch/symfetch/internal/frame"
)

// benchObjects are the files to measure: those that ADDR2LINE_FILES lists, else
// the test's own executable.
func benchObjects(b *testing.B) []*object {
	b.Helper()
	paths := filepath.SplitList(os.Getenv("ADDR2LINE_FILES"))
	var out []*object
	if len(paths) == 0 {
		out = append(out,
			build(b, fixture{"gofmt", "go build -o object cmd/gofmt"}),
			build(b, fixture{"shapes", "g++ -g -O2 -o object $src/shapes.cc"}))
	}
	for _, p := range paths {
		out = append(out, openObject(b, p))
	}
	return out
}

// benchInput is an Input whose sections are in memory, as mapped ones are.
func benchInput(b *testing.B, o *object) Input {
	in := o.input()
	cache := make(map[string][]byte)
	for _, s := range o.elf.Sections {
		if len(s.Name) > 7 && (s.Name[:7] == ".debug_" || s.Name[:7] == ".zdebug") {
			name := s.Name
			if name[1] == 'z' {
				name = "." + name[2:]
			}
			data, err := o.section(name)
			if err != nil {
				b.Fatal(err)
			}
			cache[name] = data
		}
	}
	in.Section = func(name string) ([]byte, error) { return cache[name], nil }
	return in
}

func eachObject(b *testing.B, run func(b *testing.B, o *object, in Input)) {
	for _, o := range benchObjects(b) {
		b.Run(o.name, func(b *testing.B) {
			in := benchInput(b, o)
			in.Names = frame.NewDemangler(0)
			b.ReportAllocs()
			b.ResetTimer()
			run(b, o, in)
		})
	}
}

// BenchmarkCold is the first address of an object.
func BenchmarkCold(b *testing.B) {
	eachObject(b, func(b *testing.B, o *object, in Input) {
		vaddrs := o.random(1000, 2)
		var dst []frame.Frame
		for i := 0; b.Loop(); i++ {
			dst, _ = New(in).AppendFrames(dst[:0], vaddrs[i*7%len(vaddrs)])
		}
	})
}

// BenchmarkBatch is 50,000 random addresses of an object that was not asked
// before, names demangled.
func BenchmarkBatch(b *testing.B) {
	eachObject(b, func(b *testing.B, o *object, in Input) {
		vaddrs := o.random(50000, 3)
		for b.Loop() {
			in.Names = frame.NewDemangler(0)
			New(in).Symbolize(vaddrs, func(int, []frame.Frame, error) {})
		}
	})
}

// BenchmarkResident is a random address, asked again.
func BenchmarkResident(b *testing.B) {
	eachObject(b, func(b *testing.B, o *object, in Input) {
		vaddrs := o.random(10000, 4)
		d := New(in)
		dst := make([]frame.Frame, 0, 256)
		for range 5 {
			for _, v := range vaddrs {
				dst, _ = d.AppendFrames(dst[:0], v)
			}
		}
		b.ResetTimer()
		i := 0
		for b.Loop() {
			dst, _ = d.AppendFrames(dst[:0], vaddrs[i*7919%len(vaddrs)])
			i++
		}
	})
}
