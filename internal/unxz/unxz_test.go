package unxz

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// pack compresses by the xz command.
func pack(t testing.TB, data []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("xz", append([]string{"-c"}, args...)...)
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return out
}

func samples(t testing.TB) map[string][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 200_000)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	self = self[:min(len(self), 1<<20)]
	return map[string][]byte{
		"empty": {}, "one": {7}, "zeros": make([]byte, 1<<20), "random": random, "program": self,
		"text":  []byte(strings.Repeat("the quick brown fox jumps over the lazy dog. ", 5000)),
		"mixed": append(append(bytes.Clone(self[:300_000]), random...), self[:300_000]...),
	}
}

func TestDecode(t *testing.T) {
	for name, data := range samples(t) {
		for _, args := range [][]string{
			{}, {"-0"}, {"-9e"}, {"--check=crc32"}, {"--check=none"}, {"--check=sha256"}, {"-T2", "--block-size=100000"},
			{"--lzma2=lc=0,lp=4,pb=0"}, {"--lzma2=lc=1,lp=2,pb=4"}, {"--lzma2=preset=6,dict=4KiB"},
		} {
			packed := pack(t, data, args...)
			got, err := Decode(append(packed, 0, 0, 0, 0), 4<<20)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s %v: %d bytes, %v, want %d", name, args, len(got), err, len(data))
			}
			if len(data) > 0 {
				if _, err := Decode(packed, len(data)-1); !errors.Is(err, ErrTooLarge) {
					t.Errorf("%s %v, limited: %v", name, args, err)
				}
			}
		}
	}
}

func TestUnsupported(t *testing.T) {
	packed := pack(t, samples(t)["program"][:100_000], "--x86", "--lzma2")
	if _, err := Decode(packed, 1<<20); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
}

// TestDamaged: a change is always noticed, as everything has a checksum.
func TestDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, data := range samples(t) {
		packed := pack(t, data[:min(len(data), 20_000)])
		for range 100 {
			bad := bytes.Clone(packed)
			if r.IntN(3) == 0 {
				bad = bad[:r.IntN(len(bad))]
			} else {
				bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			}
			if _, err := Decode(bad, 1<<20); err == nil {
				t.Errorf("%s: damage was not noticed", name)
			}
		}
	}
}

// FuzzChunks feeds LZMA2 data without the checksums around it.
func FuzzChunks(f *testing.F) {
	for _, data := range samples(f) {
		packed := pack(f, data[:min(len(data), 2000)], "--check=none")
		f.Add(packed[headSize+12 : max(len(packed)-footSize-8, headSize+12)])
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		d := &decoder{limit: 1 << 20}
		if d.chunks(p); d.out > d.limit {
			t.Fatalf("%d bytes", d.out)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data := samples(b)["program"]
	packed := pack(b, data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Decode(packed, len(data)); err != nil {
			b.Fatal(err)
		}
	}
}
