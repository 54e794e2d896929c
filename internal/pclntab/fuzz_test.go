package pclntab_test

import (
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/pclntab"
)

// seeds are small programs of each layout.
func seeds(t testing.TB) [][]byte {
	var out [][]byte
	for _, rel := range releases {
		if !isFew(rel) || testing.Short() && rel.toolchain != "" {
			continue
		}
		for _, mode := range []string{"exe", "pie"} {
			b := build(t, fixture{release: rel, arch: runtime.GOARCH, pkg: "exe", mode: mode, ldflags: "-s -w"})
			out = append(out, openELF(t, b.path).data)
		}
	}
	return out
}

// spot is where an edit goes: fuzzers never find the interesting bytes of a
// file of a megabyte by themselves.
func spots(data []byte) []int {
	img, err := newELF(data)
	if err != nil {
		return []int{0}
	}
	var out []int
	for _, name := range []string{".gopclntab", ".data.rel.ro.gopclntab", ".go.module", ".noptrdata", ".rodata"} {
		if s := img.f.Section(name); s != nil {
			out = append(out, int(s.Offset))
			for off := uint64(0); off < s.Size; off += 4096 {
				out = append(out, int(s.Offset+off))
			}
		}
	}
	if tab, err := pclntab.Open(img); err == nil {
		out = append(out, moduleSpot(img, tab))
	}
	return append(out, 0)
}

// moduleSpot is the file offset of the moduledata's text word.
func moduleSpot(img *elfImage, tab *pclntab.Table) int {
	lo, hi := tab.Bounds()
	for i := 0; i+24 <= len(img.data); i += 8 {
		if binary.LittleEndian.Uint64(img.data[i:]) == lo && binary.LittleEndian.Uint64(img.data[i+8:]) == hi {
			return i - 20*8
		}
	}
	return 0
}

// FuzzTable overwrites parts of programs. Whatever they then say, reading
// them ends, quickly, and answers are of the right shape.
func FuzzTable(f *testing.F) {
	files := seeds(f)
	places := make([][]int, len(files))
	for i, data := range files {
		places[i] = spots(data)
		for k := range 40 {
			f.Add(uint8(i), uint16(k), uint16(k*8), []byte{byte(k), 0xff, 0x80, 1}, k%2 == 0, uint32(k)*0x3001)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, spot, delta uint16, edit []byte, bare bool, probe uint32) {
		i := int(which) % len(files)
		data := append([]byte(nil), files[i]...)
		at := places[i][int(spot)%len(places[i])] + int(delta)
		if at < len(data) {
			copy(data[at:], edit)
		}
		img, err := newELF(data)
		if err != nil {
			return
		}
		img.noSections = bare
		start := time.Now()
		exercise(t, img, probe)
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// exercise opens and asks, and checks what must hold of any table.
func exercise(t *testing.T, img pclntab.Image, probe uint32) {
	tab, err := pclntab.Open(img)
	if err != nil {
		if tab != nil {
			t.Error("a table and an error")
		}
		return
	}
	lo, hi := tab.Bounds()
	var buf []frame.Frame
	step := uint64(probe%4096) + 1
	for n, v := 0, lo-min(lo, 2); v < hi+2 && n < 2000; n, v = n+1, v+step {
		buf, err = tab.AppendFrames(buf[:0], v)
		if err != nil && len(buf) != 0 {
			t.Errorf("%#x: frames and %v", v, err)
		}
		if err == nil && (v < lo || v >= hi) {
			t.Errorf("%#x: an answer outside %#x to %#x", v, lo, hi)
		}
		if err == nil && !isShaped(buf) {
			t.Errorf("%#x: %+v", v, buf)
		}
	}
	for i := range min(tab.Len(), 500) {
		f, err := tab.Func(i)
		if err == nil && f.End < f.Entry {
			t.Errorf("function %d: %#x to %#x", i, f.Entry, f.End)
		}
		if err != nil && !errors.Is(err, pclntab.ErrCorrupt) && !errors.Is(err, pclntab.ErrNoSymbol) {
			t.Logf("function %d: %v", i, err)
		}
	}
}

// isShaped allows empty names, which a hostile table can hold.
func isShaped(got []frame.Frame) bool {
	for i, f := range got {
		last := i == len(got)-1
		if f.Inlined == last || f.HasOffset != last || f.Line < 0 || f.StartLine < 0 {
			return false
		}
	}
	return len(got) > 0
}
