package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// filesIntro heads the part of the report that has the measures with an Ask.
const filesIntro = `
## Addresses of files

` + "`symfetch addr2line`" + ` beside the programs that do the same, each a new process with
the file in the page cache: functions, inlined calls and demangled names are
asked of all. Addresses are random over the code, with a fixed seed; of skewed
ones 80 %% of the questions are for 1 %% of the addresses. A peer's time counts if
at least %d %% of its chains of calls are right. One that has the innermost call
right, but not those around it, does a part of the work ("part"): it is compared
only where nobody does it all, which the table marks, and is listed below where
it is faster.

Wall and CPU are the least of any such peer as a multiple of symfetch's, more is
better; the promised multiple of the wall time is in brackets. Memory is
symfetch's peak as a multiple of the smaller of gimli's and blazecli's, less is
better; at most %s is promised, and 1 on two thirds of the rows. Lines are right
where file and line of every call of the chain are; the truth is the addresses
on which llvm-symbolizer and gimli's addr2line agree, at %s %% of which they must be
right (%s %% for Go, whose own tables are read). Names are right where all of the
chain are, after what only spells them differently is removed (normalName in
package bench); their truth is the addresses on which the same two agree on names.
The debug information of stripped Go is taken from the same program with it.
`

// renderFiles writes the tables of all results with an Ask.
func renderFiles(w *strings.Builder, results []Result) {
	rows := slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Measure.Ask == nil || r.Measure.Ask.Growth })
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(w, filesIntro, rightShare, number(promiseMemory), number(promiseLines), fmt.Sprint(promiseLinesGo))
	w.WriteString("\n| workload | addresses | best peer | wall | CPU | memory | lines | names | |\n|-|-:|-|-:|-:|-:|-:|-:|-|\n")
	for _, r := range rows {
		if r.Err != nil {
			fmt.Fprintf(w, "| %s | %s | not measured: %s | | | | | | |\n", r.Measure.Ask.Workload, r.Measure.Ask.count(), cell(firstLine(r.Err.Error())))
			continue
		}
		outcomeOf(r).render(w)
	}
	renderQuicker(w, rows)
	renderMisses(w, rows)
	for _, load := range workloads() {
		own := slices.DeleteFunc(slices.Clone(rows), func(r Result) bool { return r.Measure.Ask.Workload != load.Name || r.Err != nil })
		renderLoad(w, load, own)
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func (o outcome) render(w *strings.Builder) {
	best, speed, cpu, memory := "none", "", "", ""
	if o.best != "" {
		best = o.best + " " + duration(o.bestWall)
		if o.partial {
			best += " (part)"
		}
		speed = fmt.Sprintf("%s (%s)", number(o.Speed), number(o.Wanted))
		cpu = number(o.CPU)
	}
	if o.Memory > 0 {
		memory = number(o.Memory)
	}
	fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", o.ask.Workload, o.ask.count(), best, speed, cpu, memory,
		percent(o.agreement.LinesRight, o.agreement.Lines), percent(o.agreement.NamesRight, o.agreement.Names), o.verdict())
}

// percent prints a share with its whole, so that 100 % is never rounded to.
func percent(right, all int) string {
	switch {
	case all == 0:
		return ""
	case right == all:
		return fmt.Sprintf("100 %% of %s", thousands(all))
	}
	share := min(part(right, all), 99.999)
	return fmt.Sprintf("%.3f %% of %s", share, thousands(all))
}

// renderQuicker lists the peers that do less and are faster.
func renderQuicker(w *strings.Builder, rows []Result) {
	var list []string
	for _, r := range rows {
		if r.Err != nil {
			continue
		}
		if o := outcomeOf(r); len(o.quicker) > 0 {
			list = append(list, fmt.Sprintf("%s %s: %s", o.ask.Workload, o.ask.count(), strings.Join(o.quicker, ", ")))
		}
	}
	if len(list) > 0 {
		fmt.Fprintf(w, "\nFaster than symfetch with a part of the work: %s.\n", strings.Join(list, "; "))
	}
}

// renderMisses says what is not right, most frequent first.
func renderMisses(w *strings.Builder, rows []Result) {
	var text strings.Builder
	for _, r := range rows {
		if r.Err != nil || r.Measure.Ask.Skewed || r.Measure.Ask.N != manyQuestions {
			continue
		}
		if a := r.Round.Asked.agreements[ours]; len(a.misses) > 0 {
			fmt.Fprintf(&text, "| %s | %s |\n", r.Measure.Ask.Workload, strings.Join(a.kinds(4), "; "))
		}
	}
	if text.Len() > 0 {
		fmt.Fprintf(w, "\nWhat differs from the truth at %s addresses; a run lists all in `bin/bench/misses-*.txt`.\n\n| workload | addresses and what differs |\n|-|-|\n%s",
			thousands(manyQuestions), &text)
	}
}

// writeMisses writes the lists of misses into a directory.
func writeMisses(dir string, results []Result) error {
	for _, r := range selectAsks(results, func(q ask) bool { return !q.Growth }) {
		path := filepath.Join(dir, fmt.Sprintf("misses-%s.txt", strings.TrimPrefix(r.Measure.Name, "addr2line-")))
		if err := r.Round.Asked.agreements[ours].writeMisses(path); err != nil {
			return err
		}
	}
	return nil
}

// renderLoad writes the times of all programs on a workload.
func renderLoad(w *strings.Builder, load Workload, rows []Result) {
	if len(rows) == 0 {
		return
	}
	s := rows[0].Round.Asked.suite
	fmt.Fprintf(w, "\n### %s: %s\n\n%s MB of debug information, uncompressed. Wall time, CPU time, peak memory.\n\n",
		load.Name, load.Title, number(mb(int64(s.debugSize))))
	renderCosts(w, rows)
}

// renderCosts writes what each program took in each row.
func renderCosts(w *strings.Builder, rows []Result) {
	var names []string
	for _, r := range rows {
		for _, row := range r.Rows {
			if !slices.Contains(names, row.Contender.Name) {
				names = append(names, row.Contender.Name)
			}
		}
	}
	fmt.Fprintf(w, "| addresses | %s |\n|-:|%s\n", strings.Join(names, " | "), strings.Repeat("-|", len(names)))
	for _, r := range rows {
		fmt.Fprintf(w, "| %s |", r.Measure.Ask.count())
		for _, name := range names {
			fmt.Fprintf(w, " %s |", r.cost(name))
		}
		w.WriteByte('\n')
	}
}

// cost is what a program took in a row, and what its answers were worth if they
// were not right.
func (r Result) cost(name string) string {
	if slices.Contains(r.Round.Asked.ended, name) {
		return string(Ended)
	}
	i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.Contender.Name == name })
	switch {
	case i < 0:
		return ""
	case r.Rows[i].Summary.Runs == 0:
		return string(r.Rows[i].Answer)
	}
	s := r.Rows[i].Summary
	text := fmt.Sprintf("%s, %s, %s MB", round(s.Wall), round(s.CPU), number(mb(s.Peak)))
	if a := r.Rows[i].Answer; a != Right && a != NoWork {
		text = string(a) + ": " + text
	}
	return text
}

// round prints a time for a crowded table.
func round(d time.Duration) string { return number(ms(d)) + " ms" }
