package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// plot is a picture of the report.
type plot struct {
	File, Caption string
	Charts        []chart
	// Rows are written as a table, too, where no other table has them.
	Rows []Result
}

// plotted are who is shown, with our own first, as it has the first color.
var plotted = []string{ours, gimli, blazecli, llvm}

// plots draws what was measured against what it depends on.
func plots(results []Result) []plot {
	var list []plot
	add := func(p plot) {
		if !slices.ContainsFunc(p.Charts, func(c chart) bool { return len(c.Lines) == 0 }) {
			list = append(list, p)
		}
	}
	growth := selectAsks(results, func(q ask) bool { return q.Growth })
	add(plot{
		File:    "performance-count.svg",
		Caption: fmt.Sprintf("Wall time and peak memory against the number of addresses (workload %s).", growthLoad),
		Charts: []chart{
			costChart("wall time, ms", "addresses", growth, countOf, wallOf, false),
			costChart("peak memory, MB", "addresses", growth, countOf, peakOf, false),
		},
		Rows: growth,
	})
	sizes := selectAsks(results, func(q ask) bool { return !q.Growth && !q.Skewed && q.N == fewQuestions })
	sizes = slices.DeleteFunc(sizes, func(r Result) bool { return sizeOf(r) == 0 })
	add(plot{
		File:    "performance-size.svg",
		Caption: fmt.Sprintf("Wall time and peak memory of %s addresses against the size of the debug information; each workload is a point.", thousands(fewQuestions)),
		Charts: []chart{
			costChart("wall time, ms", "MB of debug information, uncompressed", sizes, sizeOf, wallOf, true),
			costChart("peak memory, MB", "MB of debug information, uncompressed", sizes, sizeOf, peakOf, true),
		},
	})
	return list
}

func selectAsks(results []Result, wanted func(ask) bool) []Result {
	return slices.DeleteFunc(slices.Clone(results), func(r Result) bool {
		return r.Measure.Ask == nil || r.Err != nil || !wanted(*r.Measure.Ask)
	})
}

func countOf(r Result) float64 { return float64(r.Measure.Ask.N) }
func sizeOf(r Result) float64  { return mb(int64(r.Round.Asked.suite.debugSize)) }
func wallOf(s Summary) float64 { return ms(s.Wall) }
func peakOf(s Summary) float64 { return mb(s.Peak) }

// costChart draws a line of each program that had an end.
func costChart(title, xTitle string, results []Result, x func(Result) float64, y func(Summary) float64, dotted bool) chart {
	sorted := slices.SortedStableFunc(slices.Values(results), func(a, b Result) int { return cmp.Compare(x(a), x(b)) })
	c := chart{Title: title, X: xTitle}
	for _, name := range plotted {
		l := line{Name: name, Dotted: dotted}
		for _, r := range sorted {
			for _, row := range r.Rows {
				if row.Contender.Name == name && row.Summary.Runs > 0 && (row.Answer == Right || row.Answer == NoWork) {
					l.X, l.Y = append(l.X, x(r)), append(l.Y, y(row.Summary))
				}
			}
		}
		if len(l.X) > 0 {
			c.Lines = append(c.Lines, l)
		}
	}
	return c
}

// renderPlots shows the pictures, which lie beside the report.
func renderPlots(w *strings.Builder, results []Result) {
	if len(selectAsks(results, func(ask) bool { return true })) > 0 {
		w.WriteString("\n### Growth\n")
	}
	for _, p := range plots(results) {
		fmt.Fprintf(w, "\n%s\n\n![%s](%s)\n", p.Caption, strings.TrimSuffix(p.Caption, "."), p.File)
		if len(p.Rows) > 0 {
			w.WriteByte('\n')
			renderCosts(w, p.Rows)
		}
	}
}

// writePlots writes the pictures beside the report.
func writePlots(report string, results []Result) error {
	for _, p := range plots(results) {
		if err := os.WriteFile(filepath.Join(filepath.Dir(report), p.File), []byte(drawCharts(p.Charts)), 0o644); err != nil {
			return err
		}
	}
	return nil
}
