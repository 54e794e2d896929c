package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func equal(x, y string) bool { return x == y }

func TestAgreement(t *testing.T) {
	f, g := call{"f", "/a.c", 1}, call{"g", "/a.c", 2}
	fOther := call{"f", "/a.c", 9}
	addrs := []uint64{1, 2, 3, 4, 5}
	one := [][]call{{f, g}, {f}, {f}, {{}}, {{Function: "h"}}}
	other := [][]call{{f, g}, {fOther}, {f, g}, {{}}, {{Function: "h"}}}
	list, err := agreed(addrs, one, other, equal)
	if err != nil {
		t.Fatal(err)
	}
	// 1: all; 2: only the name; 3: chains differ; 4: both know nothing; 5: name.
	if len(list) != 3 || !list[1].lines || !list[1].names || list[2].lines || !list[2].names || list[5].lines || !list[5].names {
		t.Fatalf("truths %v", list)
	}
	questions := []uint64{1, 1, 2, 3, 4, 5}
	a := list.compare(questions, [][]call{{f, g}, {f, g}, {fOther}, {f}, {f}, {{Function: "h"}}}, equal)
	if a.Lines != 1 || a.LinesRight != 1 || a.Names != 3 || a.NamesRight != 3 || a.Truths != 3 || a.Innermost != 3 || a.Chains != 3 || len(a.misses) != 0 {
		t.Errorf("right answers: %+v", a)
	}
	a = list.compare(questions, [][]call{{f}, {f}, {g}, nil, nil, {{}}}, equal)
	if a.Lines != 1 || a.LinesRight != 0 || a.Names != 3 || a.NamesRight != 0 || a.Innermost != 1 || a.Chains != 0 || a.Unknown != 1 || len(a.misses) != 4 {
		t.Errorf("wrong answers: %+v", a)
	}
	want := []string{"1 line: calls are missing", "1 name: another name", "1 name: calls are missing", "1 name: nothing is known"}
	if got := a.kinds(10); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("kinds %q, want %q", got, want)
	}
	// Another directory is a miss, but the answer is worth as much.
	a = list.compare([]uint64{1}, [][]call{{{"f", "/b/a.c", 1}, {"g", "/b/a.c", 2}}}, equal)
	if a.LinesRight != 0 || a.NamesRight != 1 || a.Chains != 1 || a.Innermost != 1 {
		t.Errorf("another directory: %+v", a)
	}
	if _, err := agreed(addrs, one, other[1:], equal); err == nil {
		t.Error("an answer too few is accepted")
	}
}

func TestWriteMisses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "misses")
	a := agreement{misses: []miss{{0x10, "line", []call{{"f", "/a.c", 1}}, nil}}}
	if err := a.writeMisses(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "0x10: line\n  want f at /a.c:1\n") {
		t.Errorf("%q, %v", text, err)
	}
	if err := (agreement{}).writeMisses(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the list of no misses is there: %v", err)
	}
}
