package resolver_test

import (
	"debug/elf"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/symfetch/symfetch/resolver"
)

// benchFiles returns the files of the benchmarks below: those that
// SYMFETCH_BENCH_FILES lists, separated by colons, else the workloads that
// "go run ./bench -build" has built.
func benchFiles(b *testing.B) []string {
	if list := os.Getenv("SYMFETCH_BENCH_FILES"); list != "" {
		return strings.Split(list, ":")
	}
	const workloads = "../bin/bench"
	entries, err := os.ReadDir(workloads)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		b.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		path := filepath.Join(workloads, e.Name())
		if f, err := elf.Open(path); err == nil { // others are sources and lists of misses
			f.Close()
			files = append(files, path)
		}
	}
	if len(files) == 0 {
		b.Skip("no files: go run ./bench -build, or set SYMFETCH_BENCH_FILES")
	}
	return files
}

// codeAddresses returns n random addresses of a file's code.
func codeAddresses(b *testing.B, path string, n int) []uint64 {
	f, err := elf.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	text := f.Section(".text")
	if text == nil || text.Size == 0 {
		b.Fatalf("%s has no .text", path)
	}
	random := rand.New(rand.NewPCG(1, 2))
	addrs := make([]uint64, n)
	for i := range addrs {
		addrs[i] = text.Addr + random.Uint64N(text.Size)
	}
	return addrs
}

// openObject opens a file, to be closed when the benchmark ends.
func openObject(b *testing.B, path string) *resolver.Object {
	r := resolver.New(nil)
	b.Cleanup(func() { r.Close() })
	o, err := r.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { o.Close() })
	return o
}

// BenchmarkAppendFrames answers one address in each iteration: "warm" those of
// a thousand that were all asked for before, as a profiler does, "random" ones
// anywhere in the code. All has been read before.
func BenchmarkAppendFrames(b *testing.B) {
	for _, path := range benchFiles(b) {
		random := codeAddresses(b, path, 1<<16)
		for _, test := range []struct {
			name  string
			addrs []uint64
		}{{"warm", random[:1000]}, {"random", random}} {
			b.Run(filepath.Base(path)+"/"+test.name, func(b *testing.B) {
				o := openObject(b, path)
				var frames []resolver.Frame
				for _, a := range test.addrs {
					frames = ask(b, o, frames[:0], a)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					frames = ask(b, o, frames[:0], test.addrs[i%len(test.addrs)])
					i++
				}
			})
		}
	}
}

// BenchmarkFirstFrames opens a file and answers one address.
func BenchmarkFirstFrames(b *testing.B) {
	for _, path := range benchFiles(b) {
		addr := codeAddresses(b, path, 1)[0]
		b.Run(filepath.Base(path), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := resolver.New(nil)
				o, err := r.Open(b.Context(), path)
				if err != nil {
					b.Fatal(err)
				}
				ask(b, o, nil, addr)
				o.Close()
				r.Close()
			}
		})
	}
}

// BenchmarkSymbolize answers 50,000 addresses of a file that was just opened.
func BenchmarkSymbolize(b *testing.B) {
	for _, path := range benchFiles(b) {
		addrs := codeAddresses(b, path, 50_000)
		b.Run(filepath.Base(path), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := resolver.New(nil)
				o, err := r.Open(b.Context(), path)
				if err != nil {
					b.Fatal(err)
				}
				o.Symbolize(addrs, func(int, []resolver.Frame, error) {})
				o.Close()
				r.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(addrs)), "ns/addr")
		})
	}
}

// ask answers one address; padding between functions has no symbol.
func ask(b *testing.B, o *resolver.Object, dst []resolver.Frame, addr uint64) []resolver.Frame {
	frames, err := o.AppendFrames(dst, addr)
	if err != nil && !errors.Is(err, resolver.ErrNoSymbol) {
		b.Fatal(err)
	}
	return frames
}
