package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/symfetch/symfetch/fixtures"
)

func testBench(t *testing.T) *Bench {
	t.Helper()
	return &Bench{Rounds: 5, Budget: time.Second, env: fixtures.NewTestEnv(t), meter: testMeter(t)}
}

func prints(word string) func(string) Answer {
	return func(out string) Answer {
		if strings.TrimSpace(out) == word {
			return Right
		}
		return Wrong
	}
}

// TestRaceTakesTurns: every contender runs in every round, and not always in
// the same order.
func TestRaceTakesTurns(t *testing.T) {
	b := testBench(t)
	log := b.env.Path("log")
	writes := func(word string) Contender {
		return Contender{Name: word, Args: []string{"sh", "-c", "printf " + word + " >>" + log + "; echo " + word}, Answers: prints(word)}
	}
	rows, err := b.race(t.Context(), []Contender{writes("a"), writes("b"), writes("c")})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if want := "abc" + "abc" + "bca" + "cab" + "abc" + "bca"; string(got) != want {
		t.Errorf("order %s, want %s", got, want)
	}
	for _, r := range rows {
		if r.Answer != Right || r.Summary.Runs != 5 || r.Summary.Wall <= 0 || r.Summary.Peak <= 0 {
			t.Errorf("row %+v", r)
		}
	}
}

// TestSlowRunsOnce: a contender far beyond a budget of its own runs once, and
// one beyond its limit has no end.
func TestSlowRunsOnce(t *testing.T) {
	b := testBench(t)
	rows, err := b.race(t.Context(), []Contender{
		{Name: "slow", Args: []string{"sleep", "0.1"}, Budget: time.Millisecond},
		{Name: "endless", Args: []string{"sleep", "60"}, Limit: 100 * time.Millisecond},
		{Name: "fast", Args: []string{"true"}, Budget: time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	if rows[0].Summary.Runs != 1 || rows[0].Summary.Wall < 100*time.Millisecond {
		t.Errorf("slow: %+v", rows[0])
	}
	if rows[1].Answer != Ended || rows[1].Summary.Runs != 0 {
		t.Errorf("endless: %+v", rows[1])
	}
	if rows[2].Summary.Runs != 5 {
		t.Errorf("fast: %+v", rows[2])
	}
}

// TestWrongAnswers: a peer's is shown, our own spoils the measure.
func TestWrongAnswers(t *testing.T) {
	b := testBench(t)
	wrong := Contender{Name: "echo", Args: []string{"echo", "bad"}, Answers: prints("good")}
	rows, err := b.race(t.Context(), []Contender{wrong})
	if err != nil || rows[0].Answer != Wrong {
		t.Errorf("a peer's wrong answer: %+v, %v", rows, err)
	}
	wrong.Ours = true
	if rows, err := b.race(t.Context(), []Contender{wrong}); err == nil {
		t.Errorf("our own wrong answer: %+v", rows)
	}
	if _, err := b.race(t.Context(), []Contender{{Name: "false", Args: []string{"false"}}}); err == nil {
		t.Error("a floor that fails is measured")
	}
}

func TestNames(t *testing.T) {
	judge := names(fixtures.Truth{Function: "lib_v1_leaf", Also: []string{"other"}}, "??")
	for out, want := range map[string]Answer{
		"0x1: lib_v1_leaf+0x3 [x]\n":      Right,
		"lib_v1_leaf inlined at a.c:3\n":  Right,
		"other\n":                         Right,
		"0x1: ?? (no symbol)\n":           Nothing,
		"":                                Nothing,
		"0x1: lib_v2_leaf+0x3\n":          Wrong,
		"0x1: lib_v1_leaf_outer+0x3\n":    Wrong,
		"0x1: some_lib_v1_leaf+0x3 [x]\n": Wrong,
	} {
		if got := judge(out); got != want {
			t.Errorf("%q: %q, want %q", out, got, want)
		}
	}
}

func TestCountMaps(t *testing.T) {
	const trace = `77 read(3</proc/42/maps>, "55d0-55d1 r-xp"..., 4096) = 4023
77 pread64(5</usr/lib/libc.so.6>, "\177ELF", 64, 0) = 64
78 read(3</proc/42/maps>, "", 4096) = 0
77 ioctl(3</proc/42/maps>, _IOC(_IOC_READ|_IOC_WRITE, 0x66, 0x11, 0x68), 0xc000) = 0
77 read(4</proc/421/maps>, "x", 4096) = 1
77 read(6</proc/42/task/43/maps>, 0x1, 2) = -1 ESRCH (No such process)
`
	reads, bytes, queries := countMaps(trace, 42)
	if reads != 3 || bytes != 4023 || queries != 1 {
		t.Errorf("%d reads of %d bytes, %d queries, want 3, 4023, 1", reads, bytes, queries)
	}
}

func TestPeer(t *testing.T) {
	dir := t.TempDir()
	if got := peer(dir, "no-such-program-anywhere"); got != "" {
		t.Errorf("a directory is taken for a program: %q", got)
	}
	if got := peer("", "no-such-program-anywhere"); got != "" {
		t.Errorf("a missing program is found: %q", got)
	}
	path := dir + "/mine"
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if got := peer(path, "sh"); got != path {
		t.Errorf("got %q, want %q", got, path)
	}
	if got := peer(dir+"/none", "sh"); got == "" || got != onPath("sh") {
		t.Errorf("got %q, want sh on PATH", got)
	}
}

// TestMeasures: names are unique and everything is explained.
func TestMeasures(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range measures {
		if seen[m.Name] || m.Title == "" || m.Doc == "" || m.Start == nil {
			t.Errorf("measure %q is incomplete or double", m.Name)
		}
		seen[m.Name] = true
	}
}

// TestStreamWork: the addresses of a stream lie in the code of the process.
func TestStreamWork(t *testing.T) {
	b := testBench(t)
	target, err := b.target(t.Context(), "baseline-app")
	if err != nil {
		t.Fatal(err)
	}
	c, err := codeOf(target.PID)
	if err != nil {
		t.Fatal(err)
	}
	first, last := c.mappings[0], c.mappings[len(c.mappings)-1]
	if c.at(0) != first.Start || c.at(c.size-1) != last.End-1 {
		t.Errorf("code goes from %#x to %#x, want %#x to %#x", c.at(0), c.at(c.size-1), first.Start, last.End-1)
	}
	path := b.env.Path("addresses")
	if err := writeAddresses(path, target.PID, 1000); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n != 1000 {
		t.Errorf("%d lines, want 1000", n)
	}
}

func TestHasBlocks(t *testing.T) {
	two := "0x1: f+0x0 [x]\n\n0x2: ?? (not mapped)\n\n"
	for _, test := range []struct {
		want Answer
		n    int
		out  string
	}{
		{Right, 2, two},
		{Wrong, 3, two},
		{Nothing, 1, "0x2: ?? (not mapped)\n\n"},
	} {
		if got := hasBlocks(test.n)(test.out); got != test.want {
			t.Errorf("%d blocks in %q: %q, want %q", test.n, test.out, got, test.want)
		}
	}
}

// TestReport: a met and an unmet promise, a peer without an end, a measure that
// could not be made.
func TestReport(t *testing.T) {
	b := testBench(t)
	b.Symfetch = "/bin/true"
	fast := Summary{Runs: 5, Wall: 2 * time.Millisecond, Low: time.Millisecond, High: 3 * time.Millisecond, Peak: 2_000_000}
	slow := fast
	slow.Wall = 5 * time.Millisecond
	results := []Result{
		{
			Measure: Measure{Title: "Work", Doc: "Some work."},
			Round:   &Round{Notes: []string{"A note."}},
			Rows: []Row{
				{Contender: Contender{Name: "a"}, Summary: fast},
				{Contender: Contender{Name: "b"}, Summary: slow, Answer: Right},
				{Contender: Contender{Name: "c"}, Answer: Ended},
			},
			Figures: []Figure{{What: "ratio", Value: 2.5, Limit: 10, Unit: "x"}, {What: "other", Value: 11, Limit: 10, Unit: "x"}, {What: "least", Value: 1, Limit: 2, Unit: "x", AtLeast: true}, {What: "free", Value: 3, Unit: "/s"}},
		},
		{Measure: Measure{Title: "Nothing", Doc: "None."}, Err: context.DeadlineExceeded},
	}
	text, err := b.render(t.Context(), results)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		header,
		"| Work: ratio | 2.50 x | at most 10.0 x | met |\n",
		"| Work: other | 11.0 x | at most 10.0 x | **not met** |\n",
		"| Work: least | 1.00 x | at least 2.00 x | **not met** |\n",
		"| Work: free | 3.00 /s |  |  |\n",
		"| a |  | 2.00 ms | 1.00 ms - 3.00 ms | 1.00 | 0.00 us | 2.00 MB | 5 |\n",
		"| b | right | 5.00 ms | 1.00 ms - 3.00 ms | 2.50 | 0.00 us | 2.00 MB | 5 |\n",
		"| c | no end | | | | | | |\n",
		"\nA note.\n",
		"\nNot measured: context deadline exceeded\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

func TestBenchmarks(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(dir+"/"+path[:strings.LastIndex(path, "/")], 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/"+path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("a/x_test.go", "package a\nfunc BenchmarkB() {}\nfunc BenchmarkA() {}\nfunc TestC() {}\n")
	write("a/y.go", "package a\nfunc BenchmarkNotATest() {}\n")
	write("b/testdata/x_test.go", "package b\nfunc BenchmarkB() {}\n")
	list, err := benchmarks(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].Package != "./a" || strings.Join(list[0].Names, " ") != "BenchmarkA BenchmarkB" {
		t.Errorf("got %v", list)
	}
}
