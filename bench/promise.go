package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What is promised of addr2line beside its peers.
const (
	// Times as fast as the best peer.
	promiseOne   = 2
	promiseFew   = 2
	promiseMany  = 3
	promiseGo    = 10
	promiseGoMax = 5 // of the largest number of addresses
	// Where the best peer takes less than quick, most of a run is the start of a
	// process, and one address need not be faster than the peer's.
	promiseQuick = 1
	quick        = 5 * time.Millisecond
	// Peak memory as a multiple of the smaller of gimli's and blazecli's: never
	// above the first, and not above 1 on this part of the rows.
	promiseMemory      = 1.5
	promiseMemoryShare = 2.0 / 3
	// Percent of the truths whose files and lines are right; Go's own tables do
	// not know all that DWARF does.
	promiseLines   = 100
	promiseLinesGo = 99.95
)

// wantedSpeed is how many times as fast as its best peer an ask should be.
func wantedSpeed(load Workload, n int, best time.Duration) float64 {
	switch {
	case load.Go && n >= manyQuestions:
		return promiseGoMax
	case load.Go:
		return promiseGo
	case n >= manyQuestions:
		return promiseMany
	case n > 1:
		return promiseFew
	case best < quick:
		return promiseQuick
	}
	return promiseOne
}

// outcome is a row of the report: an ask's measures against its promises.
type outcome struct {
	ask  ask
	load Workload
	// best is the fastest peer whose answers are right, or are in part where no
	// peer has them right, "" where there is none.
	best     string
	bestWall time.Duration
	// partial tells that best does only a part of the work. quicker are peers
	// that do so and are faster than symfetch.
	partial bool
	quicker []string
	// Speed and CPU are how many times less symfetch takes than the least that
	// a peer takes; Memory is symfetch's as a multiple of the smaller of gimli's
	// and blazecli's. 0 where nothing can be compared.
	Speed, CPU, Memory, Wanted float64
	agreement                  agreement
}

// outcomeOf draws the row from a result.
func outcomeOf(r Result) outcome {
	s := r.Round.Asked.suite
	o := outcome{ask: *r.Measure.Ask, load: s.load, agreement: r.Round.Asked.agreements[ours]}
	we := byName(r.Rows)[ours]
	worth := Right
	if !slices.ContainsFunc(r.Rows, func(row Row) bool { return row.answersAs(Right) }) {
		worth, o.partial = Partial, true
	}
	var cpu time.Duration
	var peak int64
	for _, row := range r.Rows {
		peer := row.Summary
		if row.answersAs(Partial) && peer.Wall < we.Wall {
			o.quicker = append(o.quicker, fmt.Sprintf("%s (%s times)", row.Contender.Name, number(float64(we.Wall)/float64(peer.Wall))))
		}
		if !row.answersAs(worth) {
			continue
		}
		if o.best == "" || peer.Wall < o.bestWall {
			o.best, o.bestWall = row.Contender.Name, peer.Wall
		}
		if cpu == 0 || peer.CPU < cpu {
			cpu = peer.CPU
		}
		if name := row.Contender.Name; (name == gimli || name == blazecli) && (peak == 0 || peer.Peak < peak) {
			peak = peer.Peak
		}
	}
	o.Wanted = wantedSpeed(s.load, o.ask.N, o.bestWall)
	if o.best != "" && we.Wall > 0 && we.CPU > 0 {
		o.Speed = float64(o.bestWall) / float64(we.Wall)
		o.CPU = float64(cpu) / float64(we.CPU)
	}
	if peak > 0 {
		o.Memory = float64(we.Peak) / float64(peak)
	}
	return o
}

// answersAs tells whether a peer was measured and its answers have this worth.
func (r Row) answersAs(worth Answer) bool {
	return !r.Contender.Ours && r.Summary.Runs > 0 && r.Answer == worth
}

// linesMet tells whether enough files and lines are right.
func (o outcome) linesMet() bool {
	least := float64(promiseLines)
	if o.load.Go {
		least = promiseLinesGo
	}
	return part(o.agreement.LinesRight, o.agreement.Lines) >= least
}

// broken lists the promises that do not hold.
func (o outcome) broken() []string {
	var list []string
	if o.best != "" && o.Speed < o.Wanted {
		list = append(list, "wall")
	}
	if o.Memory > promiseMemory {
		list = append(list, "memory")
	}
	if !o.linesMet() {
		list = append(list, "lines")
	}
	return list
}

// verdict is the row's last cell.
func (o outcome) verdict() string {
	if list := o.broken(); len(list) > 0 {
		return "**not met**: " + strings.Join(list, ", ")
	}
	return "met"
}

// promiseFigures sums the rows up, for the list of all figures.
func promiseFigures(rows []outcome) []Figure {
	var speed, lines, small, largest float64
	var compared, withMemory int
	for _, o := range rows {
		if o.best != "" {
			compared++
			if o.Speed >= o.Wanted {
				speed++
			}
		}
		if o.linesMet() {
			lines++
		}
		if o.Memory > 0 {
			withMemory++
			largest = max(largest, o.Memory)
			if o.Memory <= 1 {
				small++
			}
		}
	}
	if compared == 0 || withMemory == 0 {
		return nil
	}
	return []Figure{
		{What: fmt.Sprintf("rows of %d as fast as promised", compared), Value: speed, Limit: float64(compared), AtLeast: true},
		{What: fmt.Sprintf("rows of %d whose lines are right as promised", len(rows)), Value: lines, Limit: float64(len(rows)), AtLeast: true},
		{What: "part of the rows with no more memory than the smaller peer", Value: 100 * small / float64(withMemory), Limit: 100 * promiseMemoryShare, Unit: "%", AtLeast: true},
		{What: "most memory of a row, as a multiple of the smaller peer's", Value: largest, Limit: promiseMemory, Unit: "x"},
	}
}
