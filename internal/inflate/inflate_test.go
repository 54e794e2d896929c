package inflate

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

func deflate(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// samples are data of many kinds.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 300_000)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	skewed := make([]byte, 200_000)
	for i := range skewed {
		skewed[i] = byte(1 << r.IntN(8) * r.IntN(2))
	}
	// Symbols of very different frequency have long codes.
	var long []byte
	for i := range 40 {
		long = append(long, bytes.Repeat([]byte{byte(i)}, 1<<(i/3))...)
	}
	r.Shuffle(len(long), func(i, j int) { long[i], long[j] = long[j], long[i] })
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"empty": {}, "one": {7}, "zeros": make([]byte, 1<<20), "random": random, "skewed": skewed, "long codes": long,
		"text":    []byte(strings.Repeat("the quick brown fox jumps over the lazy dog. ", 5000)),
		"pairs":   []byte(strings.Repeat("ab", 3000) + strings.Repeat("abc", 3000) + strings.Repeat("abcdefg", 3000)),
		"program": self[:min(len(self), 1<<20)],
	}
}

func TestZlib(t *testing.T) {
	for name, data := range samples(t) {
		for _, level := range []int{zlib.HuffmanOnly, zlib.NoCompression, zlib.BestSpeed, 4, 6, zlib.BestCompression} {
			packed := deflate(t, data, level)
			got, err := Zlib(packed, len(data))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s, level %d: %v", name, level, err)
			}
			if len(data) > 0 {
				if _, err := Zlib(packed, len(data)-1); !errors.Is(err, ErrSize) {
					t.Errorf("%s, level %d, a byte less: %v", name, level, err)
				}
			}
			if _, err := Zlib(packed, len(data)+1); !errors.Is(err, ErrSize) {
				t.Errorf("%s, level %d, a byte more: %v", name, level, err)
			}
		}
	}
}

// TestDamaged: what is cut or changed is an error, or inflates to what the
// standard library makes of it, and never panics.
func TestDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, data := range samples(t) {
		data = data[:min(len(data), 5000)]
		packed := deflate(t, data, 6)
		for range 200 {
			bad := bytes.Clone(packed)
			if r.IntN(3) == 0 {
				bad = bad[:r.IntN(len(bad))]
			} else {
				bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			}
			compareWithStandard(t, name, bad, len(data))
		}
	}
}

func compareWithStandard(t *testing.T, name string, packed []byte, size int) {
	t.Helper()
	got, err := Zlib(packed, size)
	want, wantErr := standard(packed, size)
	if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
		t.Errorf("%s: %v, want %v", name, err, wantErr)
	}
}

// standard is Zlib by the standard library.
func standard(packed []byte, size int) ([]byte, error) {
	src := bytes.NewReader(packed)
	r, err := zlib.NewReader(src)
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, int64(size)+1))
	if err != nil {
		return nil, err
	}
	if len(out) != size {
		return nil, ErrSize
	}
	return out, nil
}

func FuzzZlib(f *testing.F) {
	for name, data := range samples(f) {
		if len(data) < 1<<19 {
			f.Add(deflate(f, data[:min(len(data), 2000)], 6), min(len(data), 2000))
			f.Add(deflate(f, data[:min(len(data), 300)], 0), min(len(data), 300))
		}
		_ = name
	}
	f.Fuzz(func(t *testing.T, packed []byte, size int) {
		if size < 0 || size > 1<<20 {
			return
		}
		compareWithStandard(t, "fuzz", packed, size)
	})
}

func BenchmarkZlib(b *testing.B) {
	for _, name := range []string{"program", "text", "random"} {
		data := samples(b)[name]
		packed := deflate(b, data, 6)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := Zlib(packed, len(data)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/standard", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				r, _ := zlib.NewReader(bytes.NewReader(packed))
				io.Copy(io.Discard, r)
			}
		})
	}
}
