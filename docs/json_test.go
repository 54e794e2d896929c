package docs_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documented are the fields of a table of json.md: the first column of the
// section whose heading names the type.
func documented(t *testing.T, typeName string) []string {
	t.Helper()
	_, section, ok := strings.Cut(read(t, "json.md"), "\n## `"+typeName+"`")
	if !ok {
		t.Fatalf("json.md has no section on %q", typeName)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var fields []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)`").FindAllStringSubmatch(section, -1) {
		fields = append(fields, m[1])
	}
	return fields
}

// TestFields: the fields that symfetch writes and those that json.md explains
// are the same, in the same order.
func TestFields(t *testing.T) {
	s := setScene(t, "replaced")
	dir := s.env.Path("home")
	for _, test := range []struct {
		typeName string
		args     []string
		nested   map[string]string // field -> the section of the objects in its list
	}{
		{"object", []string{"--json", "--explain", s.pid}, map[string]string{"mappings": "mapping", "attempts": "attempt"}},
		{"address", append([]string{"--json", "--explain", s.pid}, s.addrs...), map[string]string{"frames": "frame", "attempts": "attempt"}},
		{"fetch", []string{"fetch", s.pid, "--json", "--explain", "-o", dir + "/store", "--as-mapped", dir + "/mapped"}, nil},
	} {
		// Its status may say that something had no answer.
		out, err := exec.CommandContext(t.Context(), filepath.Join(builtDir(t), "symfetch"), test.args...).Output()
		if len(out) == 0 {
			t.Errorf("%s: no output: %v", test.typeName, err)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(out)) {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			checkFields(t, test.typeName, line, seen)
			for field, section := range test.nested {
				var list []json.RawMessage
				if err := json.Unmarshal(fields[field], &list); err != nil {
					t.Errorf("%s of %q: %v", field, line, err)
				}
				for _, item := range list {
					checkFields(t, section, string(item), map[string]bool{})
				}
			}
		}
		for _, field := range documented(t, test.typeName) {
			if !seen[field] {
				t.Errorf("json.md: %s.%s is never written", test.typeName, field)
			}
		}
	}
}

// checkFields notes the fields of one object in seen; all must be documented,
// in their order.
func checkFields(t *testing.T, section, object string, seen map[string]bool) {
	t.Helper()
	known, at := documented(t, section), 0
	for _, field := range keys(t, object) {
		seen[field] = true
		i := slices.Index(known, field)
		switch {
		case i < 0:
			t.Errorf("json.md does not explain %s.%s", section, field)
		case i < at:
			t.Errorf("json.md has %s.%s at another place than %s", section, field, object)
		default:
			at = i
		}
	}
}

// keys returns an object's keys in their order.
func keys(t *testing.T, object string) []string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(object))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var list []string
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, key.(string))
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return list
}
