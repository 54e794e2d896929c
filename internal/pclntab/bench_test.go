package pclntab_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/pclntab"
)

// benchAddrs are addresses inside the test program's functions.
func benchAddrs(b *testing.B, tab *pclntab.Table, n int) []uint64 {
	rnd := rand.New(rand.NewPCG(1, 2))
	lo, hi := tab.Bounds()
	var out []uint64
	for len(out) < n {
		v := lo + rnd.Uint64N(hi-lo)
		if _, err := tab.AppendFrames(nil, v); err == nil {
			out = append(out, v)
		}
	}
	return out
}

func benchLookup(b *testing.B, sorted bool) {
	tab := open(b, openELF(b, "/proc/self/exe"))
	addrs := benchAddrs(b, tab, 50000)
	if sorted {
		slices.Sort(addrs)
	}
	var buf []frame.Frame
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		buf, _ = tab.AppendFrames(buf[:0], addrs[i])
		if i++; i == len(addrs) {
			i = 0
		}
	}
}

// BenchmarkRandom is the steady cost of an address anywhere.
func BenchmarkRandom(b *testing.B) { benchLookup(b, false) }

// BenchmarkSorted is the cost in a sorted batch of 50000.
func BenchmarkSorted(b *testing.B) { benchLookup(b, true) }

// BenchmarkFirst is opening the table and answering one address.
func BenchmarkFirst(b *testing.B) {
	img := openELF(b, "/proc/self/exe")
	addr := benchAddrs(b, open(b, img), 1)[0]
	b.ReportAllocs()
	for b.Loop() {
		tab, err := pclntab.Open(img)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tab.AppendFrames(nil, addr); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFirstScan is the same without section headers.
func BenchmarkFirstScan(b *testing.B) {
	img := openELF(b, "/proc/self/exe")
	img.noSections = true
	addr := benchAddrs(b, open(b, img), 1)[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(b, img).AppendFrames(nil, addr); err != nil {
			b.Fatal(err)
		}
	}
}
