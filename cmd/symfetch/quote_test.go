package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestShow(t *testing.T) {
	for _, test := range []struct{ want, name string }{
		{`/usr/bin/api`, "/usr/bin/api"},
		{`/a b`, "/a b"},
		{`/ä/日本`, "/ä/日本"},
		{`/a\b`, `/a\b`},
		{`/a\012b`, `/a\012b`},
		{`""`, ""},
		{`"a "`, "a "},
		{`" a"`, " a"},
		{`"\"a"`, `"a`},
		{`"a\nb"`, "a\nb"},
		{`"\x1b[2J"`, "\x1b[2J"},
		{`"\x7f"`, "\x7f"},
		{`"\u009b2J"`, "\u009b2J"},
		{`"a\xffb"`, "a\xffb"},
		{`"\u202ea"`, "\u202ea"},
		{`"\u200b"`, "\u200b"},
		{`"\ufeff"`, "\ufeff"},
		{`"a\u00a0b"`, "a\u00a0b"},
		{`std::vector<int>::push_back`, "std::vector<int>::push_back"},
	} {
		if got := show(test.name); got != test.want {
			t.Errorf("show(%q) = %s, want %s", test.name, got, test.want)
		}
	}
}

func TestShowText(t *testing.T) {
	for _, test := range []struct{ want, text string }{
		{`open "a": no such file`, `open "a": no such file`},
		{`a\nb`, "a\nb"},
		{`a\x1b[2Jb\xff`, "a\x1b[2Jb\xff"},
	} {
		if got := showText(test.text); got != test.want {
			t.Errorf("showText(%q) = %s, want %s", test.text, got, test.want)
		}
	}
}

// FuzzShow holds what makes names safe: nothing that is printed drives a
// terminal, and no two names are printed alike.
func FuzzShow(f *testing.F) {
	for _, s := range []string{"", "a", "a\nb", "\x1b[0m", "\xff", `"\n"`, "\u202e", "\U000e0001", `\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, shown := range []string{show(s), showText(s)} {
			if !utf8.ValidString(shown) {
				t.Errorf("not UTF-8: %q", shown)
			}
			for _, r := range shown {
				if !unicode.IsPrint(r) {
					t.Errorf("%U in %q", r, shown)
				}
			}
		}
		if shown := show(s); shown != s && (!strings.HasPrefix(shown, `"`) || isPlain(shown)) {
			t.Errorf("show(%q) = %s could be another name's", s, shown)
		}
		line := appendJSONString(nil, s)
		for _, r := range string(line) {
			if !unicode.IsPrint(r) {
				t.Errorf("%U in %s", r, line)
			}
		}
		var back string
		if err := json.Unmarshal(line, &back); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back != want {
			t.Errorf("JSON of %q reads as %q", s, back)
		}
	})
}
