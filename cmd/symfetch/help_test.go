package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestExamples runs the examples of the help as printed, one after the other
// in one shell, in an empty directory.
func TestExamples(t *testing.T) {
	var script strings.Builder
	for _, e := range examples {
		script.WriteString(e.line + "\n" + `status=$?; echo "=$status"` + "\n")
	}
	script.WriteString("kill $(jobs -p)\n")
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	parts := strings.Split(string(out), "\n=")
	if len(parts) != len(examples)+1 {
		t.Fatalf("%d examples, %d statuses:\n%s", len(examples), len(parts)-1, out)
	}
	for i, e := range examples {
		want := "0\n"
		if strings.Contains(e.line, "--as-mapped") && !canMapFiles() {
			want = "4\n" // files that are no objects are behind map_files only
		}
		if !strings.HasPrefix(parts[i+1], want) {
			t.Errorf("example %q does not end with status %s:\n%s", e.line, want, out)
		}
	}
	for _, want := range []string{" bash: ", `"path":"/`, "nanosleep+0x", "/nap\n", "stored ", "  mapped/"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the examples do not print %q:\n%s", want, out)
		}
	}
}
