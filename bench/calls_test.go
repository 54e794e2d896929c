package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inlinedAnswer is what all the forms below say of the first address; of the
// second nothing is known.
var inlinedAnswer = [][]call{
	{
		{"shop::price(int, char const*)", "/src/shop.cc", 5},
		{"shop::sum(int)", "/src/shop.cc", 16},
	},
	{{}},
}

func TestParsers(t *testing.T) {
	for _, test := range []struct {
		name  string
		parse func(string) [][]call
		out   string
		want  [][]call
	}{
		{"llvm", parseLLVM, `shop::price(int, char const*)
/src/shop.cc:5:3
shop::sum(int)
/src/./shop.cc:16:0

??
??:0:0

`, inlinedAnswer},
		{"llvm without the last empty line", parseLLVM, "??\n??:0:0\n\nf\n/a.c:3:1\n", [][]call{{{}}, {{"f", "/a.c", 3}}}},
		{"GNU", parseGNU, `0x0000000000001445
shop::price(int, char const*)
/src/shop.cc:5 (discriminator 2)
shop::sum(int)
/src/shop.cc:16
0x0000000000000001
??
??:0
`, inlinedAnswer},
		{"GNU with a file but no line", parseGNU, "0x1\nf\na.go:?\n", [][]call{{{Function: "f"}}}},
		{"elfutils", parseGNU, `0x1445
shop::price(int, char const*) inlined at /src/shop.cc:16:3 in shop::sum(int)
/src/shop.cc:5:3
shop::sum(int)
/src/shop.cc:16:3
0x1
??
??:0
`, inlinedAnswer},
		{"go", parseGoTool, "main.main\n/src/main.go:7\n?\n?:0\n", [][]call{{{"main.main", "/src/main.go", 7}}, {{}}}},
		{"go, nothing", parseGoTool, "", nil},
		{"blazecli", parseBlazecli, `0x00000000001445: shop::sum(int) @ 0x1440+0x5 /src/shop.cc:16:3
                  shop::price(int, char const*) @ /src/shop.cc:5:3 [inlined]
0x00000000000001: <no-symbol>
`, inlinedAnswer},
		{"blazecli, symbols only", parseBlazecli, "0x00000000001445: shop::sum(int) @ 0x1440+0x5\n", [][]call{{{Function: "shop::sum(int)"}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.parse(test.out)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLocation(t *testing.T) {
	for text, want := range map[string]call{
		"/a/b.c:12":                    {File: "/a/b.c", Line: 12},
		"/a/../b.c:12:7":               {File: "/b.c", Line: 12},
		"/a/b:1.c:12:7":                {File: "/a/b:1.c", Line: 12},
		"/a/b.c:?":                     {},
		"/a/b.c:0:0":                   {},
		"??:0":                         {},
		"":                             {},
		"/a/b.c:3 (discriminator 177)": {File: "/a/b.c", Line: 3},
	} {
		file, line := location(text)
		if got := (call{File: file, Line: line}); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
