package addr2line

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestUnitIndex compares the units found for a vaddr with those that looking at
// every range finds.
func TestUnitIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for round := range 300 {
		var ranges []unitRange
		units := make([]uint64, 1+r.IntN(20))
		for i := range units {
			units[i] = uint64(i) * 10
		}
		// Up to as many as may be looked at in any case.
		for range r.IntN(maxSteps) {
			lo := r.Uint64N(1000)
			ranges = append(ranges, unitRange{lo, lo + 1 + r.Uint64N(1+uint64(round)), r.Uint32N(uint32(len(units)))})
		}
		x := newUnitIndex(slices.Clone(ranges), units)
		for v := range uint64(1400) {
			var want []claim
			for i := range units {
				best := claim{unit: uint32(i), off: units[i]}
				for _, rg := range ranges {
					if size := rg.hi - rg.lo; rg.unit == uint32(i) && rg.lo <= v && v < rg.hi && (best.size == 0 || size < best.size) {
						best.size = size
					}
				}
				if best.size > 0 {
					want = append(want, best)
				}
			}
			slices.SortFunc(want, func(a, b claim) int { return cmp.Or(cmp.Compare(a.size, b.size), cmp.Compare(a.off, b.off)) })
			want = want[:min(len(want), maxCandidates)]
			c := x.find(v)
			if got := c.best[:c.n]; !slices.Equal(got, want) {
				t.Fatalf("%d: %v, want %v of %v", v, got, want, ranges)
			}
		}
	}
}
