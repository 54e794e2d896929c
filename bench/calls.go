package main

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// call is one frame of an answer. "" and 0 are what a program does not know.
type call struct {
	Function, File string
	Line           int
}

func (c call) String() string {
	return fmt.Sprintf("%s at %s:%d", orUnknown(c.Function), orUnknown(c.File), c.Line)
}

func orUnknown(text string) string {
	if text == "" {
		return "??"
	}
	return text
}

// known makes "" of the marks for what a program does not know.
func known(text string) string {
	if text == "??" || text == "?" || text == "<no-symbol>" {
		return ""
	}
	return text
}

// location splits file:line, file:line:column, and what GNU's adds behind them.
// A line of 0 or ? is not known, and its file says nothing.
func location(text string) (file string, line int) {
	text, _, _ = strings.Cut(text, " (discriminator")
	for range 2 {
		i := strings.LastIndexByte(text, ':')
		if i < 0 {
			break
		}
		n, err := strconv.Atoi(text[i+1:])
		if err != nil && text[i+1:] != "?" {
			break
		}
		text, line = text[:i], n
	}
	file = known(text)
	if file == "" || line == 0 {
		return "", 0
	}
	return path.Clean(file), line
}

// parseLLVM reads llvm-symbolizer's form, which gimli's addr2line and symfetch
// print, too: two lines for each call, innermost first, and an empty line.
func parseLLVM(out string) [][]call {
	var answers [][]call
	var calls []call
	function, inCall := "", false
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case inCall:
			file, n := location(line)
			calls = append(calls, call{known(function), file, n})
			inCall = false
		case line == "":
			answers, calls = append(answers, calls), nil
		default:
			function, inCall = line, true
		}
	}
	if len(calls) > 0 {
		answers = append(answers, calls)
	}
	return answers
}

// parseGNU reads the form of GNU addr2line -a -f -i and that of eu-addr2line,
// which ends the names of inlined functions with where they are inlined.
func parseGNU(out string) [][]call {
	var answers [][]call
	function, inCall := "", false
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case inCall:
			file, n := location(line)
			last := len(answers) - 1
			answers[last] = append(answers[last], call{known(function), file, n})
			inCall = false
		case strings.HasPrefix(line, "0x"):
			answers = append(answers, nil)
		case len(answers) > 0:
			function, _, _ = strings.Cut(line, " inlined at ")
			inCall = true
		}
	}
	return answers
}

// parseGoTool reads what go tool addr2line prints: two lines for an address.
func parseGoTool(out string) [][]call {
	var answers [][]call
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	for pair := range slices.Chunk(lines, 2) {
		if len(pair) < 2 {
			break
		}
		file, n := location(pair[1])
		answers = append(answers, []call{{known(pair[0]), file, n}})
	}
	return answers
}

// parseBlazecli reads what blazecli symbolize elf prints: the function at an
// address, and below it what is inlined there, innermost last.
func parseBlazecli(out string) [][]call {
	var answers [][]call
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		addr, rest, found := strings.Cut(line, ": ")
		inlined := strings.HasPrefix(line, " ")
		switch {
		case inlined && len(answers) > 0:
			last := len(answers) - 1
			answers[last] = append(answers[last], blazecliCall(strings.TrimSpace(line), false))
		case found && strings.HasPrefix(addr, "0x"):
			answers = append(answers, []call{blazecliCall(rest, true)})
		}
	}
	for _, calls := range answers {
		slices.Reverse(calls)
	}
	return answers
}

// blazecliCall reads "NAME @ START+OFFSET FILE:LINE:COLUMN", without the start
// for an inlined call.
func blazecliCall(text string, hasStart bool) call {
	text = strings.TrimSuffix(text, " [inlined]")
	name, rest := text, ""
	if i := strings.LastIndex(text, " @ "); i >= 0 {
		name, rest = text[:i], text[i+len(" @ "):]
	}
	if hasStart {
		_, rest, _ = strings.Cut(rest, " ")
	}
	file, line := location(rest)
	return call{known(name), file, line}
}
