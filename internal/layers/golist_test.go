package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is what go list says of a package: what its own files import, and all
// that comes with it. Test files do not count.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	Deps       []string
	GoFiles    []string
	Error      *struct{ Err string }
}

// root is the module's directory.
const root = "../.."

// load lists the project's packages as they build without cgo for arch, by
// their path in the module.
func load(t *testing.T, arch string) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=ImportPath,Dir,Imports,Deps,GoFiles,Error", "./...")
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := make(map[string]pkg)
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		name, own := strings.CutPrefix(p.ImportPath, module+"/")
		if !own {
			continue
		}
		// -e lets one package's trouble not hide the others. A package with
		// tests only is none of the product.
		if p.Error != nil && len(p.GoFiles) > 0 {
			t.Errorf("%s: %s", name, p.Error.Err)
		}
		all[name] = p
	}
}

// TestEveryDirectory: no directory with Go files escapes go list, by a build
// tag or by its name.
func TestEveryDirectory(t *testing.T) {
	known := map[string]bool{}
	for _, p := range load(t, "amd64") {
		known[p.Dir] = true
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir(abs, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(abs, path)
		if d.IsDir() {
			if name := d.Name(); rel != "." && (name == "testdata" || name[0] == '.' || rel == "bin") || isOutside(rel) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ".go") {
			found++
			if !known[filepath.Dir(path)] {
				t.Errorf("%s: go list does not know its package", rel)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 20 {
		t.Errorf("only %d Go files found", found)
	}
}

// healthy is a tree that has everything and no fault.
func healthy() map[string]pkg {
	all := map[string]pkg{}
	for name, at := range levels {
		if !at.planned {
			all[name] = pkg{Imports: []string{"fmt"}, Deps: []string{"fmt", "errors"}}
		}
	}
	return all
}

// TestFaults: every kind of fault is seen, and names both sides.
func TestFaults(t *testing.T) {
	if f := faults(healthy()); len(f) > 0 {
		t.Fatalf("faults in a healthy tree: %v", f)
	}
	imports := func(name string, paths ...string) func(map[string]pkg) {
		return func(all map[string]pkg) {
			p := all[name]
			p.Imports = append(slices.Clone(p.Imports), paths...)
			p.Deps = append(slices.Clone(p.Deps), paths...)
			all[name] = p
		}
	}
	reaches := func(name string, paths ...string) func(map[string]pkg) {
		return func(all map[string]pkg) {
			p := all[name]
			p.Deps = append(slices.Clone(p.Deps), paths...)
			all[name] = p
		}
	}
	tests := []struct {
		want string // in the one fault, "" for none
		do   func(map[string]pkg)
	}{
		{"", imports("internal/elffile", module+"/buildid")},
		{"", imports("cmd/symfetch", module+"/buildid", "os", "github.com/urfave/cli/v3")},
		{"internal/symtab (level 1) imports internal/elffile (level 1)", imports("internal/symtab", module+"/internal/elffile")},
		{"buildid (level 0) imports resolver (level 3)", imports("buildid", module+"/resolver")},
		{"resolver (level 3) imports fixtures", imports("resolver", module+"/fixtures")},
		{"internal/util has no level", func(all map[string]pkg) { all["internal/util"] = pkg{} }},
		{"store is in the table and not in the tree", func(all map[string]pkg) { delete(all, "store") }},
		{"delveext exists", func(all map[string]pkg) { all["delveext"] = pkg{} }},
		{"cmd/symfetch reaches net: ", reaches("cmd/symfetch", "net")},
		{"cmd/symfetch reaches net/http: ", reaches("cmd/symfetch", "net/http")},
		{"cmd/symfetch reaches crypto/tls: ", reaches("cmd/symfetch", "crypto/tls")},
		{"cmd/symfetch reaches github.com/google/pprof/driver: ", reaches("cmd/symfetch", "github.com/google/pprof/driver")},
		{"cmd/symfetch reaches github.com/go-delve/delve/pkg/proc: ", reaches("cmd/symfetch", "github.com/go-delve/delve/pkg/proc")},
		{"cmd/symfetch reaches github.com/prometheus/client_golang/prometheus: ", reaches("cmd/symfetch", "github.com/prometheus/client_golang/prometheus")},
		{"cmd/symfetch reaches github.com/spf13/pflag: ", reaches("cmd/symfetch", "github.com/spf13/pflag")},
		{"resolver reaches github.com/symfetch/symfetch/store: ", reaches("resolver", module+"/store")},
		{"resolver reaches net: ", reaches("resolver", "net")},
		{"internal/proc reaches debug/elf: ", reaches("internal/proc", "debug/elf")},
		{"buildid reaches testing: ", reaches("buildid", "testing")},
		{"store imports golang.org/x/sys/unix", imports("store", "golang.org/x/sys/unix")},
		{"internal/symtab imports os", imports("internal/symtab", "os")},
		{"resolver imports log", imports("resolver", "log")},
		{"internal/pclntab imports unsafe", imports("internal/pclntab", "unsafe")},
		{"resolver imports github.com/ianlancetaylor/demangle", imports("resolver", "github.com/ianlancetaylor/demangle")},
		{"resolver imports example.com/new, which nobody has a right to", imports("resolver", "example.com/new")},
		{"", func(all map[string]pkg) {
			all["fixtures/cmd/x"] = pkg{Imports: []string{"testing", module + "/resolver"}}
		}},
	}
	for _, tt := range tests {
		all := healthy()
		tt.do(all)
		got := faults(all)
		if tt.want == "" && len(got) > 0 || tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)) {
			t.Errorf("want %q, got %q", tt.want, got)
		}
	}
}
