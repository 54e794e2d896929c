package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// ask is what is asked of a workload.
type ask struct {
	Workload string
	// N addresses are asked for, equally likely ones or Skewed.
	N      int
	Skewed bool
	// Growth marks a measure that is a point of a plot, and no row of a table.
	Growth bool
}

func (q ask) name() string {
	switch {
	case q.Growth:
		return fmt.Sprintf("addr2line-growth-%d", q.N)
	case q.Skewed:
		return fmt.Sprintf("addr2line-%s-%d-skewed", q.Workload, q.N)
	}
	return fmt.Sprintf("addr2line-%s-%d", q.Workload, q.N)
}

// count is N as the report prints it.
func (q ask) count() string {
	if q.Skewed {
		return thousands(q.N) + " skewed"
	}
	return thousands(q.N)
}

// thousands prints n with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// The rows of each workload, and the points of the plot against their number.
const (
	fewQuestions  = 1000
	manyQuestions = 50_000
	growthLoad    = "rust"
)

var growthCounts = []int{1, 10, 100, 1000, 10_000, 100_000, 1_000_000}

// asks returns all that is asked.
func asks() []ask {
	var list []ask
	for _, w := range workloads() {
		list = append(list,
			ask{Workload: w.Name, N: 1},
			ask{Workload: w.Name, N: fewQuestions},
			ask{Workload: w.Name, N: fewQuestions, Skewed: true},
			ask{Workload: w.Name, N: manyQuestions},
			ask{Workload: w.Name, N: manyQuestions, Skewed: true})
	}
	for _, n := range growthCounts {
		list = append(list, ask{Workload: growthLoad, N: n, Growth: true})
	}
	return list
}

// fileMeasures returns a measure for each ask.
func fileMeasures() []Measure {
	var list []Measure
	for _, q := range asks() {
		list = append(list, Measure{
			Name: q.name(), Title: q.Workload + ", " + q.count(),
			Doc:   "A file's addresses are asked for, from standard input where the program reads it.",
			Start: func(ctx context.Context, b *Bench) (*Round, error) { return b.startAsk(ctx, q) },
			Ask:   &q,
		})
	}
	return list
}

// asked is what came of an ask beside the times.
type asked struct {
	suite *suite
	// agreements are by contender's name; one that was not judged has none.
	agreements map[string]agreement
	// ended are the peers that are known not to end in time.
	ended []string
}

// How long a peer is waited for, and what one contender may take in all its
// rounds: there are hundreds of these. Those that are always compared have time
// even on a busy machine, as nothing could be said without them.
const (
	askLimit  = 5 * time.Second
	mainLimit = time.Minute
	askBudget = 2 * time.Second
	// A peer does the same work as symfetch if this percentage of its chains of
	// calls is right; it does part of it if so many of their innermost lines are.
	rightShare, partialShare = 90, 50
	// judgedAnswers is how many answers are read and compared at most.
	judgedAnswers = manyQuestions
)

func (b *Bench) startAsk(ctx context.Context, q ask) (*Round, error) {
	s, err := b.suite(ctx, q.Workload)
	if err != nil {
		return nil, err
	}
	questions, err := s.questions(q)
	if err != nil {
		return nil, err
	}
	stdin := b.env.Path(q.name())
	if err := writeQuestions(stdin, questions); err != nil {
		return nil, err
	}
	round := &Round{Asked: &asked{suite: s, agreements: map[string]agreement{}}}
	for _, p := range b.symbolizers(ctx) {
		switch {
		case p.OnlyGo && !s.load.Go, q.Growth && !slices.Contains(plotted, p.Name), p.Most > 0 && q.N > p.Most:
			continue
		case s.endless[p.Name]:
			round.Asked.ended = append(round.Asked.ended, p.Name)
			continue
		}
		round.Contenders = append(round.Contenders, b.contender(q, p, round.Asked, questions, stdin))
	}
	round.Figures = func(results map[string]Summary) []Figure {
		for name, r := range results {
			if r.Runs == 0 {
				s.endless[name] = true // not waited for with more addresses either
			}
		}
		return nil
	}
	return round, nil
}

// contender makes one of a symbolizer.
func (b *Bench) contender(q ask, p symbolizer, a *asked, questions []uint64, stdin string) Contender {
	c := Contender{
		Name: p.Name, Args: p.Args(a.suite.path), Stdin: stdin, Ours: p.Name == ours,
		Limit: askLimit, Budget: askBudget, Discard: true,
	}
	switch {
	case c.Ours:
		c.Limit = 0
	case slices.Contains(plotted, p.Name):
		c.Limit = mainLimit
	}
	if p.Most > 0 {
		c.Stdin = ""
		for _, addr := range questions {
			c.Args = append(c.Args, fmt.Sprintf("%#x", addr))
		}
	}
	if q.N <= judgedAnswers {
		c.Answers = func(out string) Answer { return a.judge(p, questions, out) }
	}
	return c
}

// judge compares an output with the truth. Of our own only the number of
// answers must be right: how many of them are is shown in the report.
func (a *asked) judge(p symbolizer, questions []uint64, out string) Answer {
	answers := p.Parse(out)
	if len(answers) != len(questions) {
		if len(answers) == 0 {
			return Nothing
		}
		return Wrong
	}
	found := a.suite.truths.compare(questions, answers, a.suite.same)
	a.agreements[p.Name] = found
	switch {
	case p.Name == ours || part(found.Chains, found.Truths) >= rightShare:
		return Right
	case part(found.Innermost, found.Truths) >= partialShare:
		return Partial
	case 2*found.Unknown > found.Truths:
		return Nothing
	}
	return Wrong
}
