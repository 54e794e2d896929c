package addr2line

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAddrs compares searches with looking at every address.
func TestAddrs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 200 {
		a := make([]uint32, n)
		top := []uint32{uint32(n) + 1, 1000, 1 << 20, 1<<32 - 1}[n%4]
		for i := range a {
			a[i] = r.Uint32N(top)
		}
		slices.Sort(a)
		a = slices.Compact(a)
		x := newAddrs(a)
		if len(x.first) > n/addrsPerBucket+2 {
			t.Fatalf("%d addresses have an index of %d", n, len(x.first))
		}
		vs := append([]uint32{0, 1, top, 1<<32 - 1}, a...)
		for range 100 {
			vs = append(vs, r.Uint32N(top))
		}
		for _, v := range vs {
			want := -1
			for i := range a {
				if a[i] <= v {
					want = i
				}
			}
			if got := x.search(v); got != want {
				t.Fatalf("%d of %v: %d, want %d", v, a, got, want)
			}
		}
	}
}
