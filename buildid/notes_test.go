package buildid

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

var orders = []binary.ByteOrder{binary.LittleEndian, binary.BigEndian}

// note builds one note whose parts are padded to align.
func note(order binary.ByteOrder, align int, owner string, typ uint32, desc string) []byte {
	var b []byte
	b, _ = binary.Append(b, order, uint32(len(owner)))
	b, _ = binary.Append(b, order, uint32(len(desc)))
	b, _ = binary.Append(b, order, typ)
	for _, part := range []string{owner, desc} {
		b = append(b, part...)
		for len(b)%align != 0 {
			b = append(b, 0)
		}
	}
	return b
}

func TestFromNotes(t *testing.T) {
	const goID = "aaaaaaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbbbbbb"
	for _, order := range orders {
		n4 := func(owner string, typ uint32, desc string) string { return string(note(order, 4, owner, typ, desc)) }
		n8 := func(owner string, typ uint32, desc string) string { return string(note(order, 8, owner, typ, desc)) }
		abi := n4("GNU\x00", 1, "\x00\x00\x00\x00\x03\x00\x00\x00")
		probe := n4("stapsdt\x00", 3, "01234567890123456789")
		for name, c := range map[string]struct {
			data  string
			align uint64
			want  Notes
		}{
			"empty":                     {"", 4, Notes{}},
			"only":                      {n4("GNU\x00", 3, "12345678901234567890"), 4, Notes{GNU: "12345678901234567890"}},
			"behind others":             {abi + n4("GNU\x00", 3, "1234567890123456"), 4, Notes{GNU: "1234567890123456"}},
			"first of two":              {n4("GNU\x00", 3, "first678") + n4("GNU\x00", 3, "second78"), 4, Notes{GNU: "first678"}},
			"probes are type 3 too":     {probe, 4, Notes{}},
			"behind a probe":            {probe + n4("GNU\x00", 3, "real5678"), 4, Notes{GNU: "real5678"}},
			"owner cut":                 {n4("GNU", 3, "12345678"), 4, Notes{}},
			"owner longer":              {n4("GNU\x00\x00", 3, "12345678"), 4, Notes{}},
			"other owner of that size":  {n4("Xen\x00", 3, "12345678"), 4, Notes{}},
			"other type":                {n4("GNU\x00", 5, "12345678"), 4, Notes{}},
			"no bytes":                  {n4("GNU\x00", 3, ""), 4, Notes{}},
			"zeros only":                {n4("GNU\x00", 3, strings.Repeat("\x00", 20)), 4, Notes{}},
			"zeros, then one":           {n4("GNU\x00", 3, strings.Repeat("\x00", 20)) + n4("GNU\x00", 3, "12345678"), 4, Notes{GNU: "12345678"}},
			"one byte":                  {n4("GNU\x00", 3, "x"), 4, Notes{GNU: "x"}},
			"64 bytes":                  {n4("GNU\x00", 3, strings.Repeat("z", 64)), 4, Notes{GNU: ID(strings.Repeat("z", 64))}},
			"65 bytes":                  {n4("GNU\x00", 3, strings.Repeat("z", 65)), 4, Notes{}},
			"last without padding":      {n4("GNU\x00", 3, "12345")[:16+5], 4, Notes{GNU: "12345"}},
			"cut in the descriptor":     {n4("GNU\x00", 3, "12345678")[:16+7], 4, Notes{}},
			"cut in the header":         {n4("GNU\x00", 3, "12345678")[:11], 4, Notes{}},
			"cut note behind a good":    {n4("GNU\x00", 3, "12345678") + abi[:14], 4, Notes{GNU: "12345678"}},
			"padding before a note":     {strings.Repeat("\x00", 12) + n4("GNU\x00", 3, "12345678"), 4, Notes{GNU: "12345678"}},
			"8 bytes":                   {n8("GNU\x00", 5, "1234567890123456") + n8("GNU\x00", 3, "12345"), 8, Notes{GNU: "12345"}},
			"8 bytes, padded":           {n8("GNU\x00", 5, "1234") + n8("GNU\x00", 3, "12345"), 8, Notes{GNU: "12345"}},
			"8 bytes, owner of 5":       {n8("Abcd\x00", 5, "1234") + n8("GNU\x00", 3, "12345"), 8, Notes{GNU: "12345"}},
			"padded, but read as 4":     {n8("GNU\x00", 5, "1234") + n8("GNU\x00", 3, "12345"), 4, Notes{}},
			"4 in a segment of 8":       {n8("GNU\x00", 5, "12345678") + n4("FDO\x00", 7, "1234") + n4("GNU\x00", 3, "12345678"), 8, Notes{GNU: "12345678"}},
			"alignment 0 is 4":          {abi + n4("GNU\x00", 3, "12345678"), 0, Notes{GNU: "12345678"}},
			"alignment 1 is 4":          {abi + n4("GNU\x00", 3, "12345678"), 1, Notes{GNU: "12345678"}},
			"alignment 16 is 4":         {abi + n4("GNU\x00", 3, "12345678"), 16, Notes{GNU: "12345678"}},
			"Go":                        {n4("Go\x00\x00", 4, goID), 4, Notes{Go: goID}},
			"Go and GNU":                {n4("GNU\x00", 3, "12345678") + n4("Go\x00\x00", 4, goID), 4, Notes{"12345678", goID}},
			"Go's other type":           {n4("Go\x00\x00", 3, goID), 4, Notes{}},
			"Go with a control byte":    {n4("Go\x00\x00", 4, "a\nb"), 4, Notes{}},
			"Go longer than any":        {n4("Go\x00\x00", 4, strings.Repeat("a", maxGoID+1)), 4, Notes{}},
			"sizes that overflow":       {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" + n4("GNU\x00", 3, "12345678"), 4, Notes{}},
			"sizes that overflow, at 8": {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" + n4("GNU\x00", 3, "12345678"), 8, Notes{}},
		} {
			t.Run(fmt.Sprint(order, "/", name), func(t *testing.T) {
				if got := FromNotes([]byte(c.data), order, c.align); got != c.want {
					t.Errorf("got %+v, want %+v", got, c.want)
				}
			})
		}
	}
}

func TestGNUAt(t *testing.T) {
	for _, order := range orders {
		gnu := string(note(order, 4, "GNU\x00", 3, "12345678901234567890"))
		for name, c := range map[string]struct {
			data string
			want ID
		}{
			"the note":         {gnu + "/lib64/ld-linux-x86-64.so.2\x00", "12345678901234567890"},
			"exactly":          {gnu, "12345678901234567890"},
			"padding first":    {"\x00\x00\x00\x00" + gnu, ""},
			"an interpreter":   {"/lib64/ld-linux-x86-64.so.2\x00" + gnu, ""},
			"zeros":            {strings.Repeat("\x00", 80), ""},
			"another note":     {string(note(order, 4, "GNU\x00", 1, "12345678")) + gnu, ""},
			"a probe":          {string(note(order, 4, "stapsdt\x00", 3, "12345678")), ""},
			"cut":              {gnu[:35], ""},
			"nothing":          {"", ""},
			"zeros as ID":      {string(note(order, 4, "GNU\x00", 3, strings.Repeat("\x00", 20))), ""},
			"65 bytes":         {string(note(order, 4, "GNU\x00", 3, strings.Repeat("a", 65))), ""},
			"other byte order": {string(note(swap(order), 4, "GNU\x00", 3, "12345678")), ""},
		} {
			if got := GNUAt([]byte(c.data), order); got != c.want {
				t.Errorf("%v, %s: got %q", order, name, string(got))
			}
		}
	}
}

func swap(o binary.ByteOrder) binary.ByteOrder {
	if o == binary.ByteOrder(binary.LittleEndian) {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func TestWantBehind(t *testing.T) {
	o := binary.LittleEndian
	goNote := string(note(o, 4, "Go\x00\x00", 4, "abc"))
	gnu := string(note(o, 4, "GNU\x00", 3, "12345678"))
	for data, want := range map[string]bool{
		"":                  false,
		goNote:              true,
		gnu:                 false,
		gnu + goNote:        false,
		goNote + gnu:        false,
		goNote + "\x00":     false,
		goNote[:16+3]:       false, // without padding: nothing lies directly behind
		goNote + goNote:     true,
		goNote + gnu[:20]:   false,
		"\x01\x02" + goNote: false,
	} {
		if got := WantBehind([]byte(data), o, 4); got != want {
			t.Errorf("%q: %v", data, got)
		}
	}
}

func TestWalkBound(t *testing.T) {
	data := make([]byte, 12*(maxNotes+10)) // each 12 zero bytes are an empty note
	n := 0
	for range Walk(data, binary.LittleEndian, 4) {
		n++
	}
	if n != maxNotes {
		t.Errorf("%d notes, want %d", n, maxNotes)
	}
	for note := range Walk(data, binary.LittleEndian, 4) {
		if note.End != 12 {
			t.Errorf("first note ends at %d", note.End)
		}
		break
	}
}

func TestMerge(t *testing.T) {
	n := Notes{GNU: "a"}
	n.Merge(Notes{GNU: "b", Go: "c"})
	n.Merge(Notes{Go: "d"})
	if n != (Notes{"a", "c"}) {
		t.Errorf("%+v", n)
	}
}

func FuzzFromNotes(f *testing.F) {
	for _, order := range orders {
		big := order == binary.ByteOrder(binary.BigEndian)
		for _, align := range []byte{4, 8} {
			all := append(note(order, int(align), "GNU\x00", 1, "12345678"), note(order, int(align), "GNU\x00", 3, "12345678901234567890")...)
			f.Add(append(all, note(order, int(align), "Go\x00\x00", 4, "abc/def")...), big, align)
			f.Add(note(order, int(align), "stapsdt\x00", 3, "12345"), big, align)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, big bool, align byte) {
		order := orders[0]
		if big {
			order = orders[1]
		}
		n := FromNotes(data, order, uint64(align))
		// Whatever is returned is in the data, behind its owner.
		if n.GNU != "" && !strings.Contains(string(data), gnuOwner) || !strings.Contains(string(data), string(n.GNU)) {
			t.Errorf("%q is not in the data", string(n.GNU))
		}
		if len(n.GNU) > MaxSize || len(n.Go) > maxGoID {
			t.Errorf("too long: %+v", n)
		}
		if n.Go != "" && !strings.Contains(string(data), goOwner+n.Go) && align != 8 {
			t.Errorf("%q is not in the data", n.Go)
		}
		end := 0
		for note := range Walk(data, order, uint64(align)) {
			if note.End <= end || note.End > len(data) {
				t.Fatalf("note ends at %d after %d of %d", note.End, end, len(data))
			}
			end = note.End
		}
		if id := GNUAt(data, order); id != "" && FromNotes(data, order, 4).GNU != id {
			t.Errorf("GNUAt finds %s, FromNotes does not", id)
		}
		WantBehind(data, order, uint64(align))
		n.Unique()
	})
}
