package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// row is a contender's line with costs in ms and MB.
func row(name string, answer Answer, wall, cpu, peak int) Row {
	return Row{
		Contender: Contender{Name: name, Ours: name == ours}, Answer: answer,
		Summary: Summary{
			Runs: 3, Wall: time.Duration(wall) * time.Millisecond, CPU: time.Duration(cpu) * time.Millisecond, Peak: int64(peak) * 1e6,
		},
	}
}

// askResult is a result of rows, all of whose lines are right but for missed.
func askResult(load Workload, q ask, missed int, rows ...Row) Result {
	q.Workload = load.Name
	found := agreement{Lines: 1000, LinesRight: 1000 - missed, Names: 900, NamesRight: 900}
	for range missed {
		found.misses = append(found.misses, miss{what: "line", want: []call{{Line: 1}}})
	}
	return Result{
		Measure: Measure{Name: q.name(), Ask: &q}, Rows: rows,
		Round: &Round{Asked: &asked{
			suite: &suite{load: load, debugSize: 7e6}, agreements: map[string]agreement{ours: found}, ended: []string{"eu-addr2line"},
		}},
	}
}

func TestWantedSpeed(t *testing.T) {
	native, shipped := Workload{}, Workload{Go: true}
	for _, test := range []struct {
		load Workload
		n    int
		best time.Duration
		want float64
	}{
		{native, 1, 4 * time.Millisecond, 1},
		{native, 1, 6 * time.Millisecond, 2},
		{native, 1000, time.Millisecond, 2},
		{native, 50_000, time.Second, 3},
		{shipped, 1, time.Millisecond, 10},
		{shipped, 1000, time.Second, 10},
		{shipped, 50_000, time.Second, 5},
	} {
		if got := wantedSpeed(test.load, test.n, test.best); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestOutcome(t *testing.T) {
	rows := []Row{
		row(ours, Right, 10, 8, 12),
		row(gimli, Right, 50, 40, 10),
		row(blazecli, Right, 40, 44, 8),
		row("go tool addr2line", Partial, 5, 5, 5),
		row("GNU addr2line", Nothing, 1, 1, 1),
		{Contender: Contender{Name: "eu-addr2line"}, Answer: Ended},
	}
	o := outcomeOf(askResult(Workload{Name: "lib"}, ask{N: 1000}, 0, rows...))
	if o.best != blazecli || o.partial || o.Speed != 4 || o.CPU != 5 || o.Memory != 1.5 || o.Wanted != 2 || o.verdict() != "met" {
		t.Errorf("met: %+v, %s", o, o.verdict())
	}
	if !slices.Equal(o.quicker, []string{"go tool addr2line (2.00 times)"}) {
		t.Errorf("quicker: %q", o.quicker)
	}
	rows[0].Summary.Peak = 13e6
	o = outcomeOf(askResult(Workload{Name: "lib"}, ask{N: 50_000, Skewed: true}, 1, append(rows, row("fast", Right, 20, 9, 1))...))
	if want := []string{"wall", "memory", "lines"}; !slices.Equal(o.broken(), want) || o.best != "fast" || o.Speed != 2 {
		t.Errorf("not met: %+v, %q, want %q", o, o.broken(), want)
	}
	// Nobody does all: the part is compared, and no memory.
	o = outcomeOf(askResult(Workload{Name: "go", Go: true}, ask{N: 1}, 0, rows[0], rows[3]))
	if !o.partial || o.best != "go tool addr2line" || o.Speed != 0.5 || o.Memory != 0 || !slices.Equal(o.broken(), []string{"wall"}) {
		t.Errorf("a part: %+v", o)
	}
	if o = outcomeOf(askResult(Workload{}, ask{N: 1}, 0, rows[0])); o.best != "" || o.verdict() != "met" {
		t.Errorf("nobody to compare with: %+v", o)
	}
	// Go's own tables may miss one of 2,000.
	if o.agreement = (agreement{Lines: 2000, LinesRight: 1999}); o.linesMet() {
		t.Error("a miss is met")
	}
	if o.load.Go = true; !o.linesMet() {
		t.Error("one of 2,000 is not met for Go")
	}
}

func TestPromiseFigures(t *testing.T) {
	figures := promiseFigures([]outcome{
		{best: "a", Speed: 3, Wanted: 2, Memory: 0.5},
		{best: "a", Speed: 1, Wanted: 2, Memory: 1.2},
		{},
	})
	var met []bool
	for _, f := range figures {
		met = append(met, f.Met())
	}
	if !slices.Equal(met, []bool{false, true, false, true}) {
		t.Errorf("%+v", figures)
	}
	if figures := promiseFigures(nil); figures != nil {
		t.Errorf("figures of nothing: %v", figures)
	}
}

func TestRenderFiles(t *testing.T) {
	var w strings.Builder
	load, err := findWorkload("spirv")
	if err != nil {
		t.Fatal(err)
	}
	rows := []Row{row(ours, Right, 10, 8, 12), row(gimli, Right, 50, 40, 10), row("GNU addr2line", Wrong, 1, 2, 3)}
	failed := askResult(load, ask{N: 1}, 0)
	failed.Err = errTimeout
	results := []Result{failed, askResult(load, ask{N: manyQuestions}, 1, rows...), askResult(load, ask{N: 10, Growth: true}, 0, rows...)}
	renderFiles(&w, results)
	for _, want := range []string{
		"| spirv | 1 | not measured: no end | | | | | | |\n",
		"| spirv | 50,000 | gimli addr2line 50.0 ms | 5.00 (3.00) | 5.00 | 1.20 | 99.900 % of 1,000 | 100 % of 900 | **not met**: lines |\n",
		"| spirv | 1 line: nothing is known |\n",
		"### spirv: C++ library, gcc, DWARF 5\n\n7.00 MB of debug information",
		"| addresses | symfetch | gimli addr2line | GNU addr2line |\n|-:|-|-|-|\n| 50,000 | 10.0 ms, 8.00 ms, 12.0 MB | 50.0 ms, 40.0 ms, 10.0 MB | wrong: 1.00 ms, 2.00 ms, 3.00 MB |\n",
	} {
		if !strings.Contains(w.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, &w)
		}
	}
	if got := results[1].cost("eu-addr2line"); got != "no end" {
		t.Errorf("a peer that is not waited for: %q", got)
	}
	w.Reset()
	if renderFiles(&w, results[2:]); w.Len() > 0 {
		t.Errorf("a point of a plot is a row: %s", &w)
	}
}

func TestPlots(t *testing.T) {
	load, err := findWorkload(growthLoad)
	if err != nil {
		t.Fatal(err)
	}
	point := func(q ask) Result {
		return askResult(load, q, 0, row(ours, Right, q.N, 1, 1), row(llvm, NoWork, 9, 9, 9), row("GNU addr2line", Right, 1, 1, 1))
	}
	list := plots([]Result{point(ask{N: 100, Growth: true}), point(ask{N: 10, Growth: true}), point(ask{N: fewQuestions})})
	if len(list) != 2 {
		t.Fatalf("%d plots", len(list))
	}
	lines := list[0].Charts[0].Lines
	if len(lines) != 2 || lines[0].Name != ours || !slices.Equal(lines[0].X, []float64{10, 100}) || !slices.Equal(lines[0].Y, []float64{10, 100}) {
		t.Errorf("time against number: %+v", lines)
	}
	if l := list[1].Charts[1].Lines[0]; !l.Dotted || !slices.Equal(l.X, []float64{7}) {
		t.Errorf("memory against size: %+v", l)
	}
	if list := plots(nil); len(list) > 0 {
		t.Errorf("plots of nothing: %v", list)
	}
}

func TestPercent(t *testing.T) {
	for want, of := range map[string][2]int{
		"":                    {0, 0},
		"100 % of 1,234":      {1234, 1234},
		"99.999 % of 999,999": {999_998, 999_999},
		"50.000 % of 2":       {1, 2},
	} {
		if got := percent(of[0], of[1]); got != want {
			t.Errorf("%v: %q, want %q", of, got, want)
		}
	}
}
