package symtab

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// benchTable is a table of n functions in no order, as linkers write them.
func benchTable(n int) (Input, []uint64) {
	syms := make([]sym, n)
	var addrs []uint64
	for i := range syms {
		value := 0x1000 + uint64(i)*64
		syms[i] = sym{fmt.Sprintf("_ZN9namespace8function%06dEv", i), value, 60, globalFunc, 1}
		addrs = append(addrs, value+uint64(i)%60)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	rng.Shuffle(n, func(i, j int) { syms[i], syms[j] = syms[j], syms[i] })
	rng.Shuffle(n, func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	in := table(true, binary.LittleEndian, syms...)
	in.Sections = append(in.Sections[:0:0], text...)
	in.Sections[1].Size = uint64(n) * 64
	return in, addrs
}

func BenchmarkFirstLookup100k(b *testing.B) {
	in, addrs := benchTable(100_000)
	b.ReportAllocs()
	for b.Loop() {
		t, err := New(in)
		if err != nil {
			b.Fatal(err)
		}
		if _, ok := t.Lookup(addrs[0]); !ok {
			b.Fatal("no answer")
		}
	}
}

func BenchmarkIndex100k(b *testing.B) {
	in, _ := benchTable(100_000)
	b.ReportAllocs()
	for b.Loop() {
		t, err := New(in)
		if err != nil {
			b.Fatal(err)
		}
		t.indexed()
	}
}

func BenchmarkLookup50kOf100k(b *testing.B) {
	in, addrs := benchTable(100_000)
	t, err := New(in)
	if err != nil {
		b.Fatal(err)
	}
	t.indexed()
	b.ReportAllocs()
	for b.Loop() {
		for _, a := range addrs[:50_000] {
			if _, ok := t.Lookup(a); !ok {
				b.Fatal("no answer")
			}
		}
	}
}
