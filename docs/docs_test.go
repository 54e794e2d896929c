// Package docs_test holds the documentation against the program: transcripts
// are played, links followed, flags, words and fields looked up.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/symfetch/symfetch/internal/frame"
)

// pages returns all pages: the README, the changelog and everything here.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"../README.md", "../CHANGELOG.md"}
	for _, pattern := range []string{"*.md", "design/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no page matches %s: %v", pattern, err)
		}
		all = append(all, found...)
	}
	return all
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	link    = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noSlug  = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// TestLinks follows the links between pages, to their headings too.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(withoutBlocks(read(t, page)), -1) {
			target := m[1]
			if strings.Contains(target, "://") {
				continue
			}
			path, anchor, _ := strings.Cut(target, "#")
			file := page
			if path != "" {
				file = filepath.Join(filepath.Dir(page), path)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: link to %s: %v", page, target, err)
			} else if anchor != "" && !hasHeading(read(t, file), anchor) {
				t.Errorf("%s: link to %s: no such heading", page, target)
			}
		}
	}
}

// hasHeading tells whether a page has a heading that is linked to as anchor.
func hasHeading(page, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(withoutBlocks(page), -1) {
		slug := noSlug.ReplaceAllString(strings.ToLower(m[1]), "")
		if strings.ReplaceAll(slug, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// withoutBlocks drops fenced and indented blocks.
func withoutBlocks(page string) string {
	var b strings.Builder
	fenced := false
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		if !fenced && !strings.HasPrefix(line, "    ") {
			b.WriteString(line)
		}
	}
	return b.String()
}

var (
	span       = regexp.MustCompile("`([^`\n]+)`")
	invocation = regexp.MustCompile(`(?:^|[\s;|&(])symfetch( [^;|&#\n]*)`)
	flagWord   = regexp.MustCompile(`^--?[a-zA-Z][a-z-]*`)
)

// TestFlags: every flag that a page gives to symfetch, or names alone, is in
// its help.
func TestFlags(t *testing.T) {
	help := output(t, "help") + output(t, "fetch", "--help") + output(t, "addr2line", "--help") + output(t, "get", "--help")
	known := map[string]bool{}
	for _, word := range regexp.MustCompile(`(?:^|\s)(--?[a-zA-Z][a-z-]*)`).FindAllStringSubmatch(help, -1) {
		known[strings.TrimLeft(word[1], "-")] = true
	}
	if !known["json"] || !known["as-mapped"] || !known["o"] {
		t.Fatalf("help is not understood: %v", known)
	}
	checked := 0
	for _, page := range pages(t) {
		for _, f := range flagsOf(read(t, page)) {
			checked++
			if name := strings.TrimLeft(f, "-"); !known[name] && strings.Trim(name, "aefijCps") != "" { // or a bundle of addr2line's
				t.Errorf("%s: symfetch has no flag %s", page, f)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d flags were found in all pages", checked)
	}
}

// flagsOf returns the flags that a page gives to symfetch or names in a code
// span of their own.
func flagsOf(page string) []string {
	var flags []string
	for _, m := range invocation.FindAllStringSubmatch(strings.ReplaceAll(page, "`", "\n"), -1) {
		for _, word := range strings.Fields(m[1]) {
			if word == "--" {
				break
			}
			if f := flagWord.FindString(strings.TrimLeft(word, "[")); f != "" {
				flags = append(flags, f)
			}
		}
	}
	for _, m := range span.FindAllStringSubmatch(page, -1) {
		if f := flagWord.FindString(m[1]); f != "" {
			flags = append(flags, f)
		}
	}
	return flags
}

func TestFlagsOf(t *testing.T) {
	got := strings.Join(flagsOf("use `--json` or\n`symfetch fetch PID [--as-mapped DIR]`, not docker run --pid=host\n"+
		"    symfetch -p 1,2 | grep -v x\n"), " ")
	if want := "--as-mapped -p --json"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// output runs the built symfetch.
func output(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(builtDir(t), "symfetch"), args...).Output()
	if err != nil {
		t.Fatalf("symfetch %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// TestWords: each word of the contract stands in the page that explains it.
func TestWords(t *testing.T) {
	for _, test := range []struct {
		source, typeName string
		pages            []string
	}{
		{"../resolver/api.go", "State", []string{"table.md", "json.md"}},
		{"../resolver/api.go", "Source", []string{"verification.md", "json.md"}},
		{"../resolver/api.go", "Verification", []string{"verification.md", "json.md"}},
		{"../resolver/api.go", "Reason", []string{"addresses.md", "json.md"}},
	} {
		words := constants(t, test.source, test.typeName)
		if len(words) < 3 {
			t.Errorf("%s: %d constants of type %s", test.source, len(words), test.typeName)
		}
		for _, page := range test.pages {
			text := read(t, page)
			for _, word := range words {
				if !strings.Contains(text, "`"+word+"`") {
					t.Errorf("%s does not explain the %s %q", page, test.typeName, word)
				}
			}
		}
	}
}

// TestEngines: the same for the tables that name addresses.
func TestEngines(t *testing.T) {
	text := read(t, "json.md")
	engines := 0
	for e := frame.EngineNone + 1; e.String() != ""; e++ {
		engines++
		if !strings.Contains(text, "`"+e.String()+"`") {
			t.Errorf("json.md does not explain the engine %q", e)
		}
	}
	if engines < 3 {
		t.Errorf("%d engines", engines)
	}
}

// constants returns the values of a source file's string constants of a type,
// without the empty one.
func constants(t *testing.T, path, typeName string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if ident, ok := spec.Type.(*ast.Ident); !ok || ident.Name != typeName {
			return true
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if word, err := strconv.Unquote(lit.Value); err == nil && word != "" {
					words = append(words, word)
				}
			}
		}
		return true
	})
	return words
}
