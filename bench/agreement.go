package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
)

// truth is what two independent readers, llvm-symbolizer and gimli's addr2line,
// say together of an address.
type truth struct {
	calls []call
	// lines and names tell what they agree on, for every call of the chain. An
	// address of which both know nothing has no truth.
	lines, names bool
}

// truths are by address.
type truths map[uint64]truth

// agreed draws the truths from two answers to each address.
func agreed(addrs []uint64, one, other [][]call, same func(x, y string) bool) (truths, error) {
	if len(one) != len(addrs) || len(other) != len(addrs) {
		return nil, fmt.Errorf("%d and %d answers to %d addresses", len(one), len(other), len(addrs))
	}
	list := truths{}
	for i, a := range addrs {
		t := truth{calls: one[i], lines: sameLines(one[i], other[i]), names: sameNames(one[i], other[i], same)}
		if t.lines || t.names {
			list[a] = t
		}
	}
	return list, nil
}

// sameLines tells whether two chains are equal in file and line of every call
// and know at least one.
func sameLines(x, y []call) bool {
	return slices.EqualFunc(x, y, func(a, b call) bool { return a.File == b.File && a.Line == b.Line }) &&
		slices.ContainsFunc(x, func(c call) bool { return c.File != "" })
}

// sameNames tells whether two chains have the same functions, all known.
func sameNames(x, y []call, same func(x, y string) bool) bool {
	return len(x) > 0 && slices.EqualFunc(x, y, func(a, b call) bool { return a.Function != "" && same(a.Function, b.Function) })
}

// agreement is how an answer compares with the truth. Each address counts once,
// however often it is asked for.
type agreement struct {
	Lines, LinesRight int
	Names, NamesRight int
	// Chains is at how many addresses all calls are right, Innermost at how many
	// the innermost is: what an answer is worth. Directories do not count here,
	// as programs differ in which they print, and names only where the truth has
	// no lines.
	Truths, Innermost, Chains int
	// Unknown is of how many addresses nothing was said.
	Unknown int
	misses  []miss
}

// miss is an address at which an answer differs from the truth.
type miss struct {
	addr       uint64
	what       string // "line" or "name"
	want, have []call
}

// compare counts where answers are right.
func (t truths) compare(questions []uint64, answers [][]call, same func(x, y string) bool) agreement {
	var a agreement
	seen := map[uint64]bool{}
	for i, q := range questions {
		want, ok := t[q]
		if !ok || seen[q] {
			continue
		}
		seen[q] = true
		have := answers[i]
		a.Truths++
		if want.worth(have, same) {
			a.Chains++
		}
		switch {
		case len(have) > 0 && want.innermost().worth(have[:1], same):
			a.Innermost++
		case !knows(have, want.lines):
			a.Unknown++
		}
		if want.lines {
			a.Lines++
			if sameLines(want.calls, have) {
				a.LinesRight++
			} else {
				a.misses = append(a.misses, miss{q, "line", want.calls, have})
			}
		}
		if want.names {
			a.Names++
			if sameNames(want.calls, have, same) {
				a.NamesRight++
			} else {
				a.misses = append(a.misses, miss{q, "name", want.calls, have})
			}
		}
	}
	return a
}

// innermost is the truth of the innermost call alone.
func (t truth) innermost() truth {
	t.calls = t.calls[:1]
	return t
}

// worth tells whether an answer is right but for the directories of files.
func (t truth) worth(have []call, same func(x, y string) bool) bool {
	if !t.lines {
		return sameNames(t.calls, have, same)
	}
	return slices.EqualFunc(t.calls, have, func(a, b call) bool {
		return a.Line == b.Line && path.Base(a.File) == path.Base(b.File)
	})
}

// knows tells whether an answer says anything of what the truth has.
func knows(have []call, line bool) bool {
	return slices.ContainsFunc(have, func(c call) bool { return c.File != "" || !line && c.Function != "" })
}

// part is a share of a whole in percent, 100 of nothing.
func part(right, all int) float64 {
	if all == 0 {
		return 100
	}
	return 100 * float64(right) / float64(all)
}

// writeMisses lists all misses in a file, and removes the list of an earlier
// run if there are none.
func (a agreement) writeMisses(file string) error {
	if len(a.misses) == 0 {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, m := range a.misses {
		fmt.Fprintf(w, "%#x: %s\n", m.addr, m.what)
		for _, c := range m.want {
			fmt.Fprintf(w, "  want %v\n", c)
		}
		for _, c := range m.have {
			fmt.Fprintf(w, "  have %v\n", c)
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// kinds groups the misses by what is different in the first call that is, with
// the most frequent first, and returns at most n of them.
func (a agreement) kinds(n int) []string {
	counts := map[string]int{}
	for _, m := range a.misses {
		counts[m.kind()]++
	}
	kinds := slices.SortedFunc(maps.Keys(counts), func(x, y string) int {
		return slices.Compare([]int{-counts[x]}, []int{-counts[y]})
	})
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", counts[k], k)
	}
	return kinds[:min(n, len(kinds))]
}

// kind says in what an answer differs.
func (m miss) kind() string {
	switch {
	case len(m.have) == 0 || m.have[0] == call{}:
		return m.what + ": nothing is known"
	case len(m.have) < len(m.want):
		return m.what + ": calls are missing"
	case len(m.have) > len(m.want):
		return m.what + ": calls are added"
	}
	return m.what + ": another " + m.what
}
