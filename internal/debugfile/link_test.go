package debugfile

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/symfetch/symfetch/buildid"
)

func TestParseLink(t *testing.T) {
	le := binary.LittleEndian
	for _, test := range []struct {
		data string
		want Link
		ok   bool
	}{
		{"app.debug\x00\x00\x00\x78\x56\x34\x12", Link{"app.debug", 0x12345678}, true},
		{"abc\x00\x01\x00\x00\x00", Link{"abc", 1}, true},
		{"", Link{}, false},
		{"\x00\x00\x00\x00\x01\x00\x00\x00", Link{}, false},
		{"abc\x00\x01\x00\x00", Link{}, false},
		{"no end", Link{}, false},
		{"../x\x00\x00\x00\x00\x01\x00\x00\x00", Link{}, false},
		{"..\x00\x00\x01\x00\x00\x00", Link{}, false},
	} {
		got, err := ParseLink([]byte(test.data), le)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("%q: %+v, %v", test.data, got, err)
		}
	}
}

func TestPlaces(t *testing.T) {
	id := buildid.FromBytes([]byte{0xab, 0xcd, 0xef})
	if got, want := ByID(id, "/d"), []string{"/usr/lib/debug/.build-id/ab/cdef.debug", "/d/.build-id/ab/cdef.debug"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := ByID(""); got != nil {
		t.Errorf("%q", got)
	}
	if got, want := ByLink("/bin/app", Link{Name: "app.debug"}), []string{"/bin/app.debug", "/bin/.debug/app.debug", "/usr/lib/debug/bin/app.debug"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := BySupplementary("/usr/lib/debug/x/a.debug", AltLink{"../.dwz/c", id}); got[0] != "/usr/lib/debug/.dwz/c" || len(got) != 2 {
		t.Errorf("%q", got)
	}
}

// FuzzLinks: whatever the sections hold, there is an error or a name.
func FuzzLinks(f *testing.F) {
	f.Add([]byte("app.debug\x00\x00\x00\x78\x56\x34\x12"))
	f.Add([]byte("\x05\x00\x00common\x00\x02\xab\xcd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := ParseLink(data, binary.LittleEndian); err == nil && l.Name == "" {
			t.Error("a link without a name")
		}
		if l, err := ParseAltLink(data); err == nil && (l.Path == "" || l.ID == "") {
			t.Errorf("%+v", l)
		}
		if l, ok, err := ParseSup(data, binary.LittleEndian); err == nil && ok && (l.Path == "" || l.ID == "") {
			t.Errorf("%+v", l)
		}
	})
}
