package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"

	"github.com/symfetch/symfetch/internal/proc"
)

// The lines of the two streams: memory must not grow from one to the other.
const (
	shortStream = 10_000
	longStream  = 1_000_000
)

var streamSymbols = streamMeasure("stream", "A million addresses from standard input", "baseline-cxx",
	"Addresses anywhere in the code of a C++ program and its libraries, symbol tables and demangled names.")

var streamGo = streamMeasure("stream-go", "A million addresses of stripped Go", "baseline-go-stripped",
	"Addresses anywhere in the code of a stripped Go program: function, file, line and inlined calls from its own tables.")

// streamMeasure pipes a short and a long list of addresses through symfetch.
func streamMeasure(name, title, situation, doc string) Measure {
	return Measure{
		Name: name, Title: title,
		Doc: doc + " The addresses are random and come in no order. Output goes to /dev/null.",
		Start: func(ctx context.Context, b *Bench) (*Round, error) {
			t, err := b.target(ctx, situation)
			if err != nil {
				return nil, err
			}
			pid := strconv.Itoa(t.PID)
			short, long := b.env.Path(name+".short"), b.env.Path(name+".long")
			if err := errors.Join(writeAddresses(short, t.PID, shortStream), writeAddresses(long, t.PID, longStream)); err != nil {
				return nil, err
			}
			args := []string{b.Symfetch, pid, "-"}
			return &Round{
				Contenders: []Contender{
					{Name: "10,000 lines", Args: args, Stdin: short, Ours: true, Answers: hasBlocks(shortStream), Discard: true},
					{Name: "1,000,000 lines", Args: args, Stdin: long, Ours: true, Answers: hasBlocks(longStream), Discard: true},
				},
				Figures: streamFigures,
			}, nil
		},
	}
}

func streamFigures(r map[string]Summary) []Figure {
	short, long := r["10,000 lines"], r["1,000,000 lines"]
	return []Figure{
		{What: "lines a second, of the million", Value: longStream / long.Wall.Seconds(), Unit: "/s"},
		{What: "peak memory of a million lines, as a multiple of that of 10,000", Value: float64(long.Peak) / float64(short.Peak), Limit: 1.5, Unit: "x"},
	}
}

// writeAddresses writes n random addresses of pid's code to path, one a line.
func writeAddresses(path string, pid, n int) error {
	code, err := codeOf(pid)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	random := rand.New(rand.NewPCG(1, 2))
	for range n {
		fmt.Fprintf(w, "%x\n", code.at(random.Uint64N(code.size)))
	}
	return errors.Join(w.Flush(), f.Close())
}

// code is the executable mappings of a process, laid end to end.
type code struct {
	mappings []proc.Mapping
	size     uint64
}

// codeOf returns the mappings of pid that hold a file's code.
func codeOf(pid int) (code, error) {
	p, err := proc.Open("", pid)
	if err != nil {
		return code{}, err
	}
	defer p.Close()
	all, err := p.Mappings()
	if err != nil {
		return code{}, err
	}
	var c code
	for _, m := range all {
		if m.Perms&proc.PermExec != 0 && strings.HasPrefix(m.Name, "/") {
			c.mappings = append(c.mappings, m)
			c.size += m.End - m.Start
		}
	}
	if c.size == 0 {
		return code{}, fmt.Errorf("process %d has no code from a file", pid)
	}
	return c, nil
}

// at returns the address of the i-th byte of c.
func (c code) at(i uint64) uint64 {
	for _, m := range c.mappings {
		if i < m.End-m.Start {
			return m.Start + i
		}
		i -= m.End - m.Start
	}
	panic("out of the code's size")
}

// hasBlocks judges a stream by its blocks, each of which ends with an empty
// line: n of them. Many random addresses have no name, as the system's
// libraries are stripped and functions have padding between them; a quarter
// must have one.
func hasBlocks(n int) func(string) Answer {
	return func(out string) Answer {
		blocks := strings.Count(out, "\n\n")
		unknown := strings.Count(out, ": ?? ")
		switch {
		case blocks != n:
			return Wrong
		case 4*unknown > 3*n:
			return Nothing
		}
		return Right
	}
}
