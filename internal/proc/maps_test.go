package proc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMapsLine(t *testing.T) {
	tests := []struct {
		want Mapping
		line string
	}{
		{Mapping{Start: 0x400000, End: 0x54e000, Perms: PermRead | PermExec, DevMajor: 0xfe, Inode: 9987266, Name: "/a b"},
			"00400000-0054e000 r-xp 00000000 fe:00 9987266                            /a b"},
		{Mapping{Start: 0x7f0000000000, End: 0x7f0000001000, Offset: 0x14e000, Perms: PermRead | PermWrite | PermShared, DevMinor: 1, Inode: 5, Name: "/dev/zero (deleted)"},
			"7f0000000000-7f0000001000 rw-s 0014e000 00:01 5 /dev/zero (deleted)"},
		{Mapping{Start: 0xffffffffff600000, End: 0xffffffffff601000, Perms: PermExec, Name: "[vsyscall]"},
			"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]"},
		{Mapping{Start: 1, End: 2}, "1-2 ---p 0 00:00 0"},
		{Mapping{Start: 1, End: 2}, "1-2 ---p 0 00:00 0 "},
		{Mapping{Start: 1, End: 2, DevMajor: 0xfff, DevMinor: 0xfffff, Inode: 1<<64 - 1, Name: "/x  "}, "1-2 ---p 0 fff:fffff 18446744073709551615 /x  "},
		{Mapping{Start: 1, End: 2, Offset: 1<<64 - 4096, Name: "/a\nb"}, `1-2 ---p fffffffffffff000 00:00 0 /a\012b`},
		{Mapping{Start: 1, End: 2, Name: `/a\011\\b`}, `1-2 ---p 0 00:00 0 /a\011\\b`},
		{Mapping{Start: 1, End: 2, Name: "/\xff\xfe"}, "1-2 ---p 0 00:00 0 /\xff\xfe"},
	}
	for _, test := range tests {
		got, err := parseMaps([]byte(test.line + "\n"))
		if err != nil {
			t.Errorf("%q: %v", test.line, err)
			continue
		}
		if diff := cmp.Diff([]Mapping{test.want}, got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", test.line, diff)
		}
	}
}

func TestParseMapsMalformed(t *testing.T) {
	for _, line := range []string{
		"", "1", "1-", "-2 ---p 0 00:00 0", "1-2", "1-2 ---p", "1-2 ---p 0", "1-2 ---p 0 00:00", "1-2 ---p 0 00:00 ",
		"2-1 ---p 0 00:00 0", "1-1 ---p 0 00:00 0",
		"1-10000000000000000 ---p 0 00:00 0",
		"1-2 --- 0 00:00 0", "1-2 ---pp 0 00:00 0", "1-2 R--p 0 00:00 0", "1-2 ---x 0 00:00 0",
		"1-2 ---p 0 100000000:00 0", "1-2 ---p 0 00:00 18446744073709551616", "1-2 ---p 0 00:00 5x",
		"A-B ---p 0 00:00 0", " 1-2 ---p 0 00:00 0",
	} {
		good := "1-2 ---p 0 00:00 0\n"
		_, err := parseMaps([]byte(good + line + "\n"))
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "line 2 ") {
			t.Errorf("%q: got %v, want a malformed line 2", line, err)
		}
	}
}

// A name too long for PATH_MAX is left out whole, never cut, whatever it
// looks like where the parser stops keeping it.
func TestParseMapsLongName(t *testing.T) {
	const prefix = "1-2 ---p 0 00:01 7 "
	for _, name := range []string{
		"/" + strings.Repeat("a", maxName),
		"/" + strings.Repeat(`\012`, maxName),
		"/" + strings.Repeat("b", 1<<20),
		strings.Repeat(`/\012`, 1<<18),
	} {
		var p mapsParser
		text := []byte(prefix + name + "\n" + prefix + "/short\n")
		var rest []byte
		for piece := range chunks(text, 1000) {
			var err error
			if rest, err = p.feed(append(rest, piece...)); err != nil {
				t.Fatal(err)
			}
			if len(rest) > maxLine {
				t.Fatalf("%d bytes of a line are kept", len(rest))
			}
		}
		if len(p.mappings) != 2 || p.mappings[0].Name != "" || p.mappings[1].Name != "/short" {
			t.Errorf("%d bytes: got %.300v", len(name), p.mappings)
		}
		if !p.mappings[0].HasFile() {
			t.Errorf("the mapping without name has no file")
		}
	}
	longest := "/" + strings.Repeat("a", maxName-1)
	got, err := parseMaps([]byte(prefix + longest))
	if err != nil || got[0].Name != longest {
		t.Errorf("the longest name: %v, %v", got, err)
	}
}

func chunks(b []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(size, len(b))
			if !yield(b[:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// The bytes of names are bounded together, and equal names count once.
func TestParseMapsNameBytes(t *testing.T) {
	name := strings.Repeat("n", 4000)
	var same, different mapsParser
	var err error
	for i := 0; i < maxNameBytes/len(name)+2; i++ {
		if err := same.line([]byte("1-2 ---p 0 00:01 7 /" + name)); err != nil {
			t.Fatal(err)
		}
		if err == nil {
			err = different.line(fmt.Appendf(nil, "1-2 ---p 0 00:01 7 /%s%d", name, i))
		}
	}
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("different names: got %v, want ErrTooLarge", err)
	}
}

func TestPermsString(t *testing.T) {
	for want, p := range map[string]Perms{
		"---p": 0, "r-xp": PermRead | PermExec, "rw-s": PermRead | PermWrite | PermShared, "rwxs": 15,
	} {
		if got := p.String(); got != want {
			t.Errorf("Perms(%d) = %q, want %q", p, got, want)
		}
	}
}

func TestSameFile(t *testing.T) {
	m := Mapping{Start: 0x5000, End: 0x9000, Offset: 0x1000, Inode: 7, DevMajor: 8}
	for _, test := range []struct {
		want bool
		o    Mapping
	}{
		{true, Mapping{Start: 0x6000, End: 0x7000, Offset: 0x2000, Inode: 7, DevMajor: 8}},
		{true, Mapping{Start: 0x3000, End: 0x7000, Offset: 1<<64 - 0x1000, Inode: 7, DevMajor: 8}},
		{false, Mapping{Start: 0x6000, End: 0x7000, Offset: 0x3000, Inode: 7, DevMajor: 8}},
		{false, Mapping{Start: 0x6000, End: 0x7000, Offset: 0x2000, Inode: 8, DevMajor: 8}},
		{false, Mapping{Start: 0x6000, End: 0x7000, Offset: 0x2000, Inode: 7, DevMajor: 9}},
	} {
		if got := m.sameFile(test.o); got != test.want {
			t.Errorf("%v and %v: %v, want %v", m, test.o, got, test.want)
		}
	}
}

// FuzzParseMaps: text in pieces gives what the whole gives, and every mapping
// that is accepted reads the same again from its own row.
func FuzzParseMaps(f *testing.F) {
	f.Add([]byte("00400000-0054e000 r-xp 00000000 fe:00 9987266                            /a b\n"), uint16(7))
	f.Add([]byte("7f0000000000-7f0000001000 rw-s 0014e000 00:01 5 /dev/zero (deleted)\nffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n"), uint16(64))
	f.Add([]byte("1-2 ---p fffffffffffff000 00:00 0 /a\\012b \n1-2 ---p 0 00:00 0\n"), uint16(1))
	f.Add([]byte("1-2 ---p 0 00:00 0 /"+strings.Repeat(`\012`, maxName)+"\n"), uint16(100))
	f.Add([]byte("1-2 ---p 0 00:00 0 /"+strings.Repeat("x", maxLine+10)+"\n"), uint16(4096))
	f.Fuzz(func(t *testing.T, text []byte, size uint16) {
		whole, err := parseMaps(text)
		var pieces mapsParser
		var rest []byte
		var pieceErr error
		for piece := range chunks(text, int(size)+1) {
			if rest, pieceErr = pieces.feed(append(bytes.Clone(rest), piece...)); pieceErr != nil {
				break
			}
		}
		if pieceErr == nil && len(rest) > 0 {
			pieceErr = pieces.line(rest)
		}
		if (err == nil) != (pieceErr == nil) {
			t.Fatalf("whole: %v; in pieces: %v", err, pieceErr)
		}
		if diff := cmp.Diff(whole, pieces.mappings); diff != "" {
			t.Fatalf("in pieces of %d (-whole +pieces)\n%s", int(size)+1, diff)
		}
		for _, m := range whole {
			if m.Start >= m.End || len(m.Name) > maxName {
				t.Fatalf("accepted %v", m)
			}
			row := fmt.Appendf(nil, "%08x-%08x %v %08x %02x:%02x %d %s\n", m.Start, m.End, m.Perms, m.Offset,
				m.DevMajor, m.DevMinor, m.Inode, strings.ReplaceAll(m.Name, "\n", `\012`))
			again, err := parseMaps(row)
			if err != nil || len(again) != 1 || again[0] != m {
				t.Fatalf("%q reads as %v, %v", row, again, err)
			}
		}
	})
}
