package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Measure is one comparison: programs that do the same work in the same run.
type Measure struct {
	// Name selects it (-run) and heads its part of the report's list.
	Name string
	// Title and Doc are the report's heading and its explanation.
	Title, Doc string
	// Start prepares the work and returns who does it. What it starts or mounts
	// is undone by b's environment.
	Start func(ctx context.Context, b *Bench) (*Round, error)
	// Ask is what is asked of a workload's file. Such measures are rows of common
	// tables; the others have a table each.
	Ask *ask
}

// Round is the prepared work of a Measure.
type Round struct {
	// Contenders do the work in turns. The first is the one to which the others
	// are compared.
	Contenders []Contender
	// Figures draws the promised figures from the results, by contender's name.
	Figures func(results map[string]Summary) []Figure
	// Notes are printed below the table, such as figures that are counted
	// rather than timed.
	Notes []string
	// Asked is what the judges of a measure with an Ask found out.
	Asked *asked
}

// Contender is one program with its arguments.
type Contender struct {
	Name string
	Args []string
	// Stdin is a file's path, "" for no input.
	Stdin string
	// Answers judges what the program wrote, once, before the rounds: what it
	// did for the time that it took. A contender without it has nothing to say.
	Answers func(stdout string) Answer
	// Ours marks symfetch: another answer than Right spoils the measure.
	Ours bool
	// Discard writes the rounds' output, too large for files, to /dev/null.
	Discard bool
	// Limit is how long one run is waited for, 0 for runTimeout. Budget is the
	// Bench's for this contender, where many share its time: one that takes far
	// longer runs once.
	Limit, Budget time.Duration
}

// Answer is what a contender's output was worth.
type Answer string

// The answers, in the words of the table of situations; Partial is right as far
// as it goes.
const (
	Right   Answer = "right"
	Partial Answer = "part"
	Nothing Answer = "nothing"
	Wrong   Answer = "wrong"
	Ended   Answer = "no end"
	NoWork  Answer = ""
)

// Figure is a measured value beside what was promised.
type Figure struct {
	What string
	// Value and Limit are in Unit. Limit 0: nothing is promised.
	Value, Limit float64
	Unit         string
	// AtLeast makes Limit the lower one.
	AtLeast bool
}

// Met says whether the promise holds.
func (f Figure) Met() bool {
	if f.AtLeast {
		return f.Value >= f.Limit
	}
	return f.Limit == 0 || f.Value <= f.Limit
}

// Result is what came of a Measure.
type Result struct {
	Measure  Measure
	Round    *Round
	Rows     []Row
	Figures  []Figure
	Duration time.Duration
	// Err spoils the measure: it could not be prepared, or symfetch's own
	// answer was not right.
	Err error
}

// Row is a contender's line.
type Row struct {
	Contender Contender
	Summary   Summary
	Answer    Answer
}

// measure runs m: once each for the answers, then in turns.
func (b *Bench) measure(ctx context.Context, m Measure) Result {
	began := time.Now()
	res := Result{Measure: m}
	res.Err = func() error {
		round, err := m.Start(ctx, b)
		if err != nil {
			return err
		}
		res.Round = round
		if res.Rows, err = b.race(ctx, round.Contenders); err != nil {
			return err
		}
		if round.Figures != nil {
			res.Figures = round.Figures(byName(res.Rows))
		}
		return nil
	}()
	res.Duration = time.Since(began)
	return res
}

func byName(rows []Row) map[string]Summary {
	results := map[string]Summary{}
	for _, r := range rows {
		results[r.Contender.Name] = r.Summary
	}
	return results
}

// race measures contenders in turns: each round runs every contender that still
// takes part, beginning with another one each time, so that nobody always has
// the caches that the same neighbour left.
func (b *Bench) race(ctx context.Context, contenders []Contender) ([]Row, error) {
	rows := make([]Row, len(contenders))
	turns := make([]int, len(contenders))
	samples := make([][]Sample, len(contenders))
	for i, c := range contenders {
		first, answer, err := b.warmUp(ctx, c)
		if err != nil {
			return nil, err
		}
		rows[i] = Row{Contender: c, Answer: answer}
		switch {
		case answer == Ended:
		case c.Budget > 0 && first.Wall > 2*c.Budget:
			// How slow exactly a slow one is matters to nobody.
			samples[i] = []Sample{first}
		default:
			turns[i] = b.turns(c, first.Wall)
		}
	}
	for round := range b.Rounds {
		for k := range contenders {
			i := (k + round) % len(contenders)
			if !takesPart(round, turns[i], b.Rounds) {
				continue
			}
			s, _, err := b.meter.run(ctx, runTimeout, contenders[i].Stdin, b.sink(contenders[i]), contenders[i].Args...)
			if err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], s)
		}
	}
	for i := range rows {
		rows[i].Summary = summarize(samples[i])
	}
	return rows, nil
}

// warmUp runs c once, which fills the caches, and judges its answer.
func (b *Bench) warmUp(ctx context.Context, c Contender) (Sample, Answer, error) {
	sink := b.meter.output()
	if c.Answers == nil {
		sink = b.sink(c)
	}
	s, messages, err := b.meter.run(ctx, cmp.Or(c.Limit, runTimeout), c.Stdin, sink, c.Args...)
	if errors.Is(err, errTimeout) && !c.Ours {
		return Sample{}, Ended, nil
	}
	if err != nil {
		return Sample{}, "", err
	}
	if c.Answers == nil {
		if s.Status != 0 {
			return Sample{}, "", fmt.Errorf("%s: exit status %d: %s", c.Name, s.Status, messages)
		}
		return s, NoWork, nil
	}
	out, err := os.ReadFile(b.meter.output())
	if err != nil {
		return Sample{}, "", err
	}
	answer := c.Answers(string(out))
	if c.Ours && answer != Right {
		return Sample{}, "", fmt.Errorf("%s: exit status %d: the answer is not right: %s%s",
			c.Name, s.Status, firstLines(string(out)), messages)
	}
	return s, answer, nil
}

func (b *Bench) sink(c Contender) string {
	if c.Discard {
		return os.DevNull
	}
	return b.meter.output()
}

// minTurns is how often even the slowest contender runs.
const minTurns = 3

// turns returns in how many rounds a contender takes part whose run takes wall.
func (b *Bench) turns(c Contender, wall time.Duration) int {
	if wall <= 0 {
		return b.Rounds
	}
	return min(b.Rounds, max(minTurns, int(cmp.Or(c.Budget, b.Budget)/wall)))
}

// takesPart spreads turns evenly over rounds.
func takesPart(round, turns, rounds int) bool {
	return (round+1)*turns/rounds > round*turns/rounds
}

// firstLines shortens a program's output for a message.
func firstLines(text string) string {
	const most = 5
	lines := strings.SplitAfterN(text, "\n", most+1)
	if len(lines) > most {
		lines[most] = "...\n"
	}
	return strings.Join(lines, "")
}
