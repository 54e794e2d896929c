package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/symfetch/symfetch/fixtures"
)

var addressInMappings = addressMeasure("address-mappings", "One address among 10,000 mappings", "mappings-10000",
	"A process whose list of mappings is long is asked for one address. symfetch asks the kernel for the mapping at that "+
		"address (Linux 6.11 and newer) and does not read the list.")

var addressInObjects = addressMeasure("address-objects", "One address among 5,000 objects", "objects-5000",
	"A process with many objects is asked for one address.")

var addressPlain = addressMeasure("address", "One address of an ordinary process", "baseline-cxx",
	"A C++ program of a few libraries, nothing done to its files: what every tool can answer.")

// addressMeasure asks everybody for the same address of a situation.
func addressMeasure(name, title, situation, doc string) Measure {
	return Measure{
		Name: name, Title: title,
		Doc: doc + " The peers are asked in their own ways; where a peer has no answer, its time says nothing.",
		Start: func(ctx context.Context, b *Bench) (*Round, error) {
			t, err := b.target(ctx, situation)
			if err != nil {
				return nil, err
			}
			truth, err := named(t)
			if err != nil {
				return nil, err
			}
			round := &Round{Contenders: b.askers(t.PID, truth)}
			round.Notes, err = b.readsOfMaps(ctx, t.PID, truth)
			return round, err
		},
	}
}

// named returns the first truth of t whose function must be named.
func named(t *fixtures.Target) (fixtures.Truth, error) {
	i := slices.IndexFunc(t.Truths, func(truth fixtures.Truth) bool {
		return truth.Function != "" && (truth.Want == "" && t.Want == fixtures.Named || truth.Want == fixtures.Named)
	})
	if i < 0 {
		return fixtures.Truth{}, fmt.Errorf("process %d has no truth with a name", t.PID)
	}
	return t.Truths[i], nil
}

// askers returns symfetch and those peers that are installed.
func (b *Bench) askers(pid int, truth fixtures.Truth) []Contender {
	id, addr := strconv.Itoa(pid), fmt.Sprintf("%#x", truth.Addr)
	all := []Contender{{
		Name: "`symfetch PID ADDR`", Args: []string{b.Symfetch, id, addr},
		Ours: true, Answers: names(truth, "??"),
	}}
	if b.Blazecli != "" {
		all = append(all, Contender{
			Name: "`blazecli symbolize process`", Args: []string{b.Blazecli, "symbolize", "process", "--pid", id, addr},
			Answers: names(truth, "<no-symbol>"),
		})
	}
	if path := onPath("eu-addr2line"); path != "" {
		all = append(all, Contender{
			Name: "`eu-addr2line -p`", Args: []string{path, "-f", "-i", "-C", "-p", id, addr},
			Answers: names(truth, "??"),
		})
	}
	if path := onPath("gdb"); path != "" {
		all = append(all, Contender{
			Name: "`gdb -p`", Args: []string{path, "-nx", "-batch", "-p", id, "-ex", "info symbol " + addr},
			Answers: names(truth, "No symbol matches"),
		})
	}
	return all
}

// names judges an output in which the truth's function must stand; unknown is
// how the program says that it knows no name.
func names(truth fixtures.Truth, unknown string) func(string) Answer {
	return func(out string) Answer {
		for _, name := range append([]string{truth.Function}, truth.Also...) {
			if containsWord(out, name) {
				return Right
			}
		}
		if strings.TrimSpace(out) == "" || strings.Contains(out, unknown) {
			return Nothing
		}
		return Wrong
	}
}

// containsWord tells whether word stands in text and is no part of a longer
// name.
func containsWord(text, word string) bool {
	found, err := regexp.MatchString(`(^|\W)`+regexp.QuoteMeta(word)+`($|\W)`, text)
	return err == nil && found
}

// readsOfMaps counts what one question for an address reads from the list of
// mappings, as strace sees it.
func (b *Bench) readsOfMaps(ctx context.Context, pid int, truth fixtures.Truth) ([]string, error) {
	strace, err := exec.LookPath("strace")
	if errors.Is(err, exec.ErrNotFound) {
		return []string{"Reads of `maps` were not counted: strace is not installed."}, nil
	} else if err != nil {
		return nil, err
	}
	trace := filepath.Join(b.env.Dir, "trace")
	_, messages, err := b.output(ctx, strace, "-f", "-y", "-e", "trace=read,pread64,readv,ioctl", "-o", trace,
		b.Symfetch, strconv.Itoa(pid), fmt.Sprintf("%#x", truth.Addr))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, messages)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		return nil, err
	}
	reads, bytes, queries := countMaps(string(text), pid)
	return []string{fmt.Sprintf("strace of `symfetch PID ADDR`: %d reads of the list of mappings (%d bytes), %d queries for single mappings (`PROCMAP_QUERY`).",
		reads, bytes, queries)}, nil
}

// countMaps counts the reads of /proc/PID/maps, the bytes that they gave, and
// the ioctls on it, in strace's output.
func countMaps(trace string, pid int) (reads, bytes, queries int) {
	file := regexp.MustCompile(fmt.Sprintf(`\b(\w+)\(\d+</proc/%d(?:/task/\d+)?/maps>.* = (-?\d+)`, pid))
	for line := range strings.Lines(trace) {
		m := file.FindStringSubmatch(line)
		switch {
		case m == nil:
		case m[1] == "ioctl":
			queries++
		default:
			reads++
			n, _ := strconv.Atoi(m[2]) // the expression takes numbers only
			bytes += max(n, 0)
		}
	}
	return reads, bytes, queries
}
