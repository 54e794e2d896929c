package docs_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the transcripts that do not match")

// A transcript is a block of commands with what they print. The line above it
// names the scene in which it is true:
//
//	<!-- scene: replaced -->
//	```console
//	$ symfetch 4711
//	...
//	```
//
// The blocks of one page and one scene are one session. A line "..." stands for
// any lines.
type transcript struct {
	scene string
	line  int // of the block's first line within the page, counted from 0
	text  []string
}

// step is a command and the lines that follow it.
type step struct {
	command string
	output  []string
}

var sceneMark = regexp.MustCompile(`^<!-- scene: ([a-z-]+) -->$`)

// transcripts returns the marked blocks of a page. A console block without a
// scene is an error: nobody would know whether it is true.
func transcripts(page string) ([]transcript, error) {
	var all []transcript
	lines := strings.Split(page, "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] != "```console" {
			continue
		}
		mark := sceneMark.FindStringSubmatch(lines[max(0, i-1)])
		end := slices.Index(lines[i:], "```")
		if mark == nil || end < 0 {
			return nil, fmt.Errorf("line %d: a console block without scene or without end", i+1)
		}
		all = append(all, transcript{mark[1], i + 1, lines[i+1 : i+end]})
		i += end
	}
	return all, nil
}

func (t transcript) steps() ([]step, error) {
	var steps []step
	for _, line := range t.text {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			steps = append(steps, step{command: command})
		} else if len(steps) > 0 {
			last := &steps[len(steps)-1]
			last.output = append(last.output, line)
		} else {
			return nil, fmt.Errorf("line %d: output before the first command", t.line+1)
		}
	}
	return steps, nil
}

// TestTranscripts runs every transcript of the pages and holds what is printed
// against what stands there.
func TestTranscripts(t *testing.T) {
	for _, page := range pages(t) {
		text := read(t, page)
		blocks, err := transcripts(text)
		if err != nil {
			t.Errorf("%s: %v", page, err)
			continue
		}
		sessions := map[string][]transcript{}
		for _, b := range blocks {
			sessions[b.scene] = append(sessions[b.scene], b)
		}
		for scene, blocks := range sessions {
			t.Run(filepath.Base(page)+"/"+scene, func(t *testing.T) {
				play(t, page, setScene(t, scene), blocks)
			})
		}
	}
}

// play runs the blocks as one session of a shell and compares.
func play(t *testing.T, page string, s *scene, blocks []transcript) {
	var commands []string
	steps := make([][]step, len(blocks))
	for i, b := range blocks {
		var err error
		if steps[i], err = b.steps(); err != nil {
			t.Fatal(err)
		}
		for _, st := range steps[i] {
			commands = append(commands, st.command)
		}
	}
	s.learn(commands)
	outputs := s.run(t, commands)
	next := 0
	for i, b := range blocks {
		var written []string
		match := true
		for _, st := range steps[i] {
			got := s.told(outputs[next])
			next++
			if !matches(st.output, got) {
				match = false
				if !*update {
					t.Errorf("%s:%d: $ %s\nwanted:\n%s\nprinted:\n%s", page, b.line+1, st.command,
						strings.Join(st.output, "\n"), strings.Join(got, "\n"))
				}
			}
			written = append(append(written, "$ "+st.command), got...)
		}
		if !match && *update {
			rewrite(t, page, b, written)
		}
	}
}

// rewrite puts lines in the place of a block; blocks are found by their text,
// as those before may have grown.
func rewrite(t *testing.T, page string, b transcript, lines []string) {
	t.Helper()
	old := "```console\n" + strings.Join(b.text, "\n") + "\n```"
	text := read(t, page)
	if strings.Count(text, old) != 1 {
		t.Fatalf("%s:%d: the block is not there once", page, b.line)
	}
	text = strings.Replace(text, old, "```console\n"+strings.Join(lines, "\n")+"\n```", 1)
	if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// variable is what differs between machines and runs: addresses, IDs, ranges,
// sizes, column widths.
var variable = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`0x[0-9a-f]+`), "0xN"},
	{regexp.MustCompile(`\b[0-9a-f]{5,16}-[0-9a-f]{5,16}\b`), "RANGE"},
	{regexp.MustCompile(`\b[0-9a-f]{40}\b`), "ID"},
	{regexp.MustCompile(`[A-Za-z0-9_-]{20}/[A-Za-z0-9_-]{20}/[A-Za-z0-9_-]{20}/[A-Za-z0-9_-]{20}`), "GO-ID"},
	{regexp.MustCompile(`\b[0-9]+(\.[0-9])?[BKMG]\b`), "SIZE"},
	{regexp.MustCompile(`"size":[0-9]+`), `"size":N`},
	{regexp.MustCompile(`\.build-id/[0-9a-f]{2}/[0-9a-f]{38}`), ".build-id/ID"},
	{regexp.MustCompile(`[ \t]+`), " "},
}

func mask(line string) string {
	for _, v := range variable {
		line = v.what.ReplaceAllString(line, v.by)
	}
	return strings.TrimSpace(line)
}

// matches compares a page's lines with printed ones.
func matches(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "..." {
		for skip := range len(got) + 1 {
			if matches(want[1:], got[skip:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && mask(want[0]) == mask(got[0]) && matches(want[1:], got[1:])
}

func TestMatches(t *testing.T) {
	lines := func(text string) []string { return strings.Fields(text) }
	for _, test := range []struct {
		want      bool
		page, got string
	}{
		{true, "", ""},
		{true, "a b", "a b"},
		{false, "a b", "a"},
		{false, "a", "a b"},
		{true, "a ... z", "a z"},
		{true, "a ... z", "a b c z"},
		{false, "a ... z", "a b c"},
		{true, "... z", "y z"},
		{true, "f+0x12", "f+0x9"},
		{false, "f+0x12", "g+0x12"},
		{false, "v1.go:12", "v1.go:13"},
		{true, "0123456789012345678901234567890123456789", "abcdefabcdabcdefabcdabcdefabcdabcdefabcd"},
	} {
		if got := matches(lines(test.page), lines(test.got)); got != test.want {
			t.Errorf("matches(%q, %q) = %v", test.page, test.got, got)
		}
	}
}

// sessionTimeout bounds one page's session.
const sessionTimeout = 2 * time.Minute

func sessionContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), sessionTimeout)
	t.Cleanup(cancel)
	return ctx
}
