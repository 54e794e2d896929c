package frame

import (
	"fmt"
	"sync"
	"testing"
)

func TestDemanglerIsDemangle(t *testing.T) {
	d := new(Demangler)
	var none *Demangler
	for _, name := range []string{"", "main", "_Z3fooi", "_RNvC1a1f", "_Z", "_Z3fooi"} {
		want := Demangle(name)
		if got := d.Demangle(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		if got := none.Demangle(name); got != want {
			t.Errorf("nil: %q: %q, want %q", name, got, want)
		}
	}
	if n := len(d.young); n != 3 {
		t.Errorf("%d names remembered, want the 3 that look mangled", n)
	}
}

// TestDemanglerBound asks from several goroutines for more names than fit,
// and for one of them all the time: that one must stay remembered.
func TestDemanglerBound(t *testing.T) {
	const bound = 64 << 10
	d := NewDemangler(bound)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 5000 {
				n := g*5000 + i
				if got, want := d.Demangle(fmt.Sprintf("_Z6f%05dv", n)), fmt.Sprintf("f%05d()", n); got != want {
					t.Errorf("got %q, want %q", got, want)
					return
				}
				d.Demangle("_Z6alwaysv")
			}
		})
	}
	wg.Wait()
	total := 0
	for _, m := range []map[string]string{d.young, d.old} {
		for k, v := range m {
			total += len(k) + len(v) + entryOverhead
		}
	}
	if total > bound {
		t.Errorf("%d bytes held, bound is %d", total, bound)
	}
	if len(d.old) == 0 {
		t.Error("the bound was never reached: the test tests nothing")
	}
	if _, ok := d.young["_Z6alwaysv"]; !ok {
		if _, ok := d.old["_Z6alwaysv"]; !ok {
			t.Error("the name that was always asked for is forgotten")
		}
	}
}

func BenchmarkDemangle(b *testing.B) {
	names := map[string]string{
		"plain": "malloc",
		"cpp":   "_ZNSt6vectorIN2ns5ClassESaIS1_EE17_M_realloc_insertIJRKS1_EEEvN9__gnu_cxx17__normal_iteratorIPS1_S3_EEDpOT_",
		"v0":    "_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeINtNtCslNYArtu3iFV_5alloc3vec3VecNtNtB4_6string6StringEECs1_1a",
	}
	for what, name := range names {
		b.Run("uncached/"+what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Demangle(name)
			}
		})
		b.Run("cached/"+what, func(b *testing.B) {
			b.ReportAllocs()
			d := NewDemangler(0)
			for b.Loop() {
				d.Demangle(name)
			}
		})
	}
}
