package jit

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func perfMap(t testing.TB, text string) *PerfMap {
	t.Helper()
	m, err := ReadPerfMap(strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPerfMap(t *testing.T) {
	for _, test := range []struct {
		name, text string
		// want are the names at addresses, "" for none.
		want map[uint64]string
	}{
		{"plain", "1000 10 one\n2000 20 two three\n", map[uint64]string{
			0xfff: "", 0x1000: "one", 0x100f: "one", 0x1010: "", 0x2000: "two three", 0x201f: "two three", 0x2020: ""}},
		{"prefixes and blanks", "0x1000 0x10  one\r\n\t2000\t20\ttwo\n", map[uint64]string{0x1001: "one", 0x2001: "two"}},
		{"the last line is not whole", "1000 10 one\n2000 20 tw", map[uint64]string{0x1000: "one", 0x2000: ""}},
		{"malformed lines", "x\n\n1000\n1000 zz bad\n1000 0 empty\n1000 10\n1000 10 \n1000 10 one\nffffffffffffffff 10 wraps\n",
			map[uint64]string{0x1000: "one", 0xffffffffffffffff: ""}},
		{"rewritten", "1000 10 old\n1000 10 new\n", map[uint64]string{0x1000: "new", 0x100f: "new"}},
		{"overlapping", "1000 100 outer\n1040 10 inner\n", map[uint64]string{
			0x1000: "outer", 0x103f: "outer", 0x1040: "inner", 0x104f: "inner", 0x1050: "outer", 0x10ff: "outer", 0x1100: ""}},
		{"covered", "1040 10 inner\n1000 100 outer\n", map[uint64]string{0x1040: "outer", 0x10ff: "outer"}},
		{"beginning before", "1040 40 later\n1000 60 over\n", map[uint64]string{0x105f: "over", 0x1060: "later", 0x107f: "later"}},
		{"raw bytes", "1000 10 a\xff\x1bb\n", map[uint64]string{0x1000: "a\xff\x1bb"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := perfMap(t, test.text)
			for addr, want := range test.want {
				s, ok := m.Lookup(addr)
				if ok != (want != "") || s.Name != want {
					t.Errorf("%#x: %+v, %v, want %q", addr, s, ok, want)
				}
			}
		})
	}
}

// TestLayers compares with the plain rule: the last line that covers an
// address names it.
func TestLayers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var text strings.Builder
		type line struct{ start, size uint64 }
		var lines []line
		for i := range 1 + r.IntN(40) {
			l := line{r.Uint64N(200), 1 + r.Uint64N(60)}
			lines = append(lines, l)
			fmt.Fprintf(&text, "%x %x n%d\n", l.start, l.size, i)
		}
		m := perfMap(t, text.String())
		for addr := range uint64(300) {
			want := ""
			for i, l := range lines {
				if l.start <= addr && addr < l.start+l.size {
					want = fmt.Sprintf("n%d", i)
				}
			}
			if s, _ := m.Lookup(addr); s.Name != want {
				t.Fatalf("%#x: %q, want %q in\n%s", addr, s.Name, want, &text)
			}
		}
	}
}

func TestPerfMapTooLarge(t *testing.T) {
	if _, err := ReadPerfMap(strings.NewReader(""), MaxPerfMap+1); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// TestMillionLines reads a large map.
func TestMillionLines(t *testing.T) {
	var text strings.Builder
	const n = 1_000_000
	for i := range n {
		fmt.Fprintf(&text, "%x 30 LazyCompile:~f%d\n", 0x10000+i*0x20, i)
	}
	m := perfMap(t, text.String())
	if s, ok := m.Lookup(0x10000 + 777_777*0x20 + 0x1f); !ok || s.Name != "LazyCompile:~f777777" || m.Len() != n {
		t.Errorf("%+v, %v, %d entries", s, ok, m.Len())
	}
}

// FuzzPerfMap checks that the spans are ascending and hold what Lookup says.
func FuzzPerfMap(f *testing.F) {
	f.Add("1000 10 one\n1008 10 two\n1000 4 three\n")
	f.Add("0x1000 0x10 one\r\nffffffffffffffff 1 x\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ReadPerfMap(strings.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		checkLayers(t, &m.layers)
		for _, p := range m.pieces {
			if s, ok := m.Lookup(p.start); !ok || s.Size == 0 {
				t.Fatalf("%#x: %+v, %v", p.start, s, ok)
			}
		}
	})
}

func checkLayers(t *testing.T, l *layers) {
	t.Helper()
	end := uint64(0)
	for _, s := range l.spans {
		p := l.pieces[s.piece]
		if s.start < end || s.end <= s.start || s.start < p.start || s.end > p.end {
			t.Fatalf("span %+v of %+v, behind %#x", s, p, end)
		}
		end = s.end
	}
}

func BenchmarkReadPerfMap(b *testing.B) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "%x 30 LazyCompile:~f%d\n", 0x10000+i*0x20, i)
	}
	in := text.String()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadPerfMap(io.NewSectionReader(strings.NewReader(in), 0, int64(len(in))), int64(len(in))); err != nil {
			b.Fatal(err)
		}
	}
}
