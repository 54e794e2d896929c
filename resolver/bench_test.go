package resolver_test

import (
	"testing"

	"github.com/symfetch/symfetch/fixtures"
	"github.com/symfetch/symfetch/resolver"
)

// BenchmarkObjects opens, verifies and describes every object of a process,
// as the table does.
func BenchmarkObjects(b *testing.B) {
	for _, name := range []string{"baseline-app", "mappings-10000", "objects-5000"} {
		b.Run(name, func(b *testing.B) {
			s, ok := fixtures.Find(name)
			if !ok {
				b.Fatal("no such situation")
			}
			target := fixtures.Run(b, s)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n += listObjects(b, target.PID)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/object")
		})
	}
}

func listObjects(b *testing.B, pid int) (n int) {
	r := resolver.New(nil)
	defer r.Close()
	p, err := r.Process(b.Context(), pid)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	for e, err := range p.Objects(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		if e.Object != nil {
			e.Object.SymbolTables()
		}
		e.Close()
		n++
	}
	return n
}
