package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestUniform(t *testing.T) {
	spans := []span{{0x1000, 0x100}, {0x9000, 0x300}}
	long := uniform(spans, 4000)
	if short := uniform(spans, 10); !slices.Equal(short, long[:10]) {
		t.Errorf("the shorter list is %x, want the start of the longer %x", short, long[:10])
	}
	first := 0
	for _, a := range long {
		switch {
		case a >= 0x1000 && a < 0x1100:
			first++
		case a < 0x9000 || a >= 0x9300:
			t.Fatalf("address %#x is outside", a)
		}
	}
	if first < 900 || first > 1100 {
		t.Errorf("%d of 4000 addresses are in the quarter", first)
	}
}

func TestSkewed(t *testing.T) {
	addrs := make([]uint64, 1000)
	for i := range addrs {
		addrs[i] = uint64(i)
	}
	questions := skewed(addrs)
	hot := 0
	for _, q := range questions {
		if q < 10 {
			hot++
		}
	}
	if len(questions) != 1000 || hot < 750 || hot > 850 {
		t.Errorf("%d questions, %d of them for ten addresses", len(questions), hot)
	}
	if got := skewed([]uint64{7}); !slices.Equal(got, []uint64{7}) {
		t.Errorf("one address: %v", got)
	}
}

func TestCodeSections(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	spans, err := codeSections(self)
	if err != nil || len(spans) == 0 {
		t.Errorf("the test has code %v, %v", spans, err)
	}
	none := filepath.Join(t.TempDir(), "none")
	if err := os.WriteFile(none, []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := codeSections(none); err == nil {
		t.Error("a text has code")
	}
}

func TestWriteQuestions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "q")
	if err := writeQuestions(path, []uint64{0x10, 0xabc}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "0x10\n0xabc\n" {
		t.Errorf("wrote %q, %v", text, err)
	}
}
