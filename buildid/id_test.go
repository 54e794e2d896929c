package buildid

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, s := range []string{"ab", "0123456789abcdef0123456789abcdef01234567", strings.Repeat("5a", MaxSize)} {
		id, err := Parse(s)
		if err != nil || id.String() != s || len(id) != len(s)/2 {
			t.Errorf("Parse(%q) = %v, %v", s, id, err)
		}
	}
	if id, err := Parse("ABcd"); err != nil || id.String() != "abcd" {
		t.Errorf("upper case: %v, %v", id, err)
	}
	for _, s := range []string{"", "a", "abc", "0xab", "zz", " ab", "ab\n", strings.Repeat("00", MaxSize+1)} {
		if id, err := Parse(s); err == nil || id != "" {
			t.Errorf("Parse(%q) = %v, no error", s, id)
		}
	}
}

func TestFromBytes(t *testing.T) {
	for _, b := range [][]byte{nil, {0}, make([]byte, 20), make([]byte, MaxSize+1), []byte(strings.Repeat("x", MaxSize+1))} {
		if id := FromBytes(b); id != "" {
			t.Errorf("FromBytes(%d bytes) = %s, want none", len(b), id)
		}
	}
	if id := FromBytes([]byte{0, 0, 1}); id.String() != "000001" {
		t.Errorf("id = %s", id)
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct {
		id         ID
		path, debg string
	}{
		{"", "", ""},
		{"\xab", "", ""},
		{"\xab\xcd", ".build-id/ab/cd", ".build-id/ab/cd.debug"},
		{"\x01\x23\x45", ".build-id/01/2345", ".build-id/01/2345.debug"},
	} {
		if p, d := c.id.Path(), c.id.DebugPath(); p != c.path || d != c.debg {
			t.Errorf("%q: %q, %q, want %q, %q", string(c.id), p, d, c.path, c.debg)
		}
	}
}
