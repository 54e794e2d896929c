package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// mappingsTable compares the table of a process of many mappings with the
// least that reads them all.
var mappingsTable = Measure{
	Name:  "mappings",
	Title: "The table of 10,000 mappings",
	Doc: "The situation `mappings-10000`: four libraries, each mapped 2,500 times. " +
		"`cat` only copies what the kernel prints; symfetch finds, opens and verifies the objects behind it.",
	Start: func(ctx context.Context, b *Bench) (*Round, error) {
		t, err := b.target(ctx, "mappings-10000")
		if err != nil {
			return nil, err
		}
		pid := strconv.Itoa(t.PID)
		return &Round{
			Contenders: []Contender{
				{Name: "`cat /proc/PID/maps`", Args: []string{"cat", "/proc/" + pid + "/maps"}},
				{Name: "`symfetch PID`", Args: []string{b.Symfetch, pid}, Ours: true, Answers: hasRows(4)},
			},
			Figures: func(r map[string]Summary) []Figure {
				return []Figure{{
					What:  "wall time, as a multiple of `cat`'s",
					Value: ratio(r["`symfetch PID`"], r["`cat /proc/PID/maps`"]), Limit: 10, Unit: "x",
				}}
			},
		}, nil
	},
}

// objectsTable is the cost of one object.
var objectsTable = Measure{
	Name:  "objects",
	Title: "The table of 5,000 objects",
	Doc: "The situation `objects-5000`: 5,000 libraries, each with a build ID of its own. " +
		"Each is found, opened, verified by its build ID and asked for the symbol tables that it has.",
	Start: func(ctx context.Context, b *Bench) (*Round, error) {
		t, err := b.target(ctx, "objects-5000")
		if err != nil {
			return nil, err
		}
		pid := strconv.Itoa(t.PID)
		objects, err := b.countObjects(ctx, pid)
		if err != nil {
			return nil, err
		}
		return &Round{
			Contenders: []Contender{
				{Name: "`cat /proc/PID/maps`", Args: []string{"cat", "/proc/" + pid + "/maps"}},
				{Name: "`symfetch PID`", Args: []string{b.Symfetch, pid}, Ours: true, Answers: hasRows(5000)},
				{Name: "`symfetch --json PID`", Args: []string{b.Symfetch, "--json", pid}, Ours: true, Answers: hasRows(5000)},
			},
			Figures: func(r map[string]Summary) []Figure {
				return []Figure{{
					What:  fmt.Sprintf("wall time of the table for each of %d objects", objects),
					Value: us(r["`symfetch PID`"].Wall) / float64(objects), Limit: 40, Unit: "us",
				}}
			},
		}, nil
	},
}

// countObjects returns how many objects symfetch finds in a process.
func (b *Bench) countObjects(ctx context.Context, pid string) (int, error) {
	out, messages, err := b.output(ctx, b.Symfetch, "--json", pid)
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, messages)
	}
	n := 0
	for line := range strings.Lines(out) {
		var row struct{ Type string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			return 0, fmt.Errorf("line %q: %w", line, err)
		}
		if row.Type == "object" {
			n++
		}
	}
	if n == 0 {
		return 0, fmt.Errorf("symfetch --json %s: no object", pid)
	}
	return n, nil
}

// hasRows judges a table by its rows of libraries that were verified by build
// ID: at least n of them must be there.
func hasRows(n int) func(string) Answer {
	return func(out string) Answer {
		rows := 0
		for line := range strings.Lines(out) {
			if strings.Contains(line, "build-id") && strings.Contains(line, ".so") {
				rows++
			}
		}
		if rows < n {
			return Nothing
		}
		return Right
	}
}

// ratio is how many times as long a takes as b.
func ratio(a, b Summary) float64 {
	if b.Wall == 0 {
		return 0
	}
	return float64(a.Wall) / float64(b.Wall)
}
