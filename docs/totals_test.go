package docs_test

import (
	"os"
	"strings"
	"testing"
)

// The README quotes the totals of situations.md between these lines.
const (
	totalsBegin = "<!-- totals of docs/situations.md -->\n\n"
	totalsEnd   = "\n<!-- end of totals -->"
)

// TestTotals: the README says what the generated table says.
func TestTotals(t *testing.T) {
	_, totals, ok := strings.Cut(read(t, "situations.md"), "\n## Totals\n\n")
	totals, _, end := strings.Cut(totals, "\n\n")
	if !ok || !end || strings.Count(totals, "\n") < 2 {
		t.Fatal("situations.md has no totals")
	}
	readme := read(t, "../README.md")
	before, rest, ok := strings.Cut(readme, totalsBegin)
	quoted, after, end := strings.Cut(rest, totalsEnd)
	if !ok || !end {
		t.Fatal("README.md has no place for the totals")
	}
	if quoted == totals+"\n" {
		return
	}
	if !*update {
		t.Fatalf("README.md quotes\n%s\nand situations.md says\n%s\n(go test ./docs -update writes it anew)", quoted, totals)
	}
	if err := os.WriteFile("../README.md", []byte(before+totalsBegin+totals+"\n"+totalsEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
