// Package layers keeps the project's imports running in one direction.
package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/symfetch/symfetch"

// levels says where each package lives; imports within the project go to lower
// levels only. A package that is not listed fails the test: it has to be given
// a level first.
var levels = map[string]int{
	"buildid":        0,
	"internal/frame": 0,

	"internal/elffile": 1,
	"internal/proc":    1,
	"internal/symtab":  1,
	"internal/pclntab": 1,

	"store": 2,

	"resolver": 3,

	"cmd/symfetch": 5,
}

// outside are packages beside the house: they build and measure it, and
// nothing of the house imports them.
var outside = []string{"fixtures", "bench", "docs", "internal/layers"}

// forbidden says what a package must not reach, directly or not, and why.
var forbidden = []struct {
	pkg, dep, why string
}{
	{"resolver", "net", "the process with capabilities opens no socket; bytes from elsewhere come through a Fetcher"},
	{"resolver", "net/http", "as net"},
	{"resolver", module + "/store", "it takes a Fetcher"},
	{"resolver", "github.com/go-delve/delve/pkg/proc", "Delve is for delveext"},
	{"cmd/symfetch", "net", "start-up: 1 ms and 4 MB; and no socket beside capabilities"},
	{"cmd/symfetch", "net/http", "start-up, as net"},
	{"cmd/symfetch", "crypto/tls", "start-up, as net"},
	{"cmd/symfetch", "os/user", "start-up: cgo's resolver"},
	{"cmd/symfetch", "github.com/google/pprof/driver", "symfetch-pprof carries it"},
	{"cmd/symfetch", "github.com/go-delve/delve/pkg/proc", "symfetch-dlv carries it"},
	{"cmd/symfetch", "github.com/prometheus/client_golang/prometheus", "symfetch-debuginfod carries it"},
	{"cmd/symfetch", "github.com/spf13/pflag", "it pulls in net"},
	{"cmd/symfetch", "github.com/spf13/cobra", "it pulls in net"},
	{"cmd/symfetch", "testing", "no test code in the product"},
}

// unixUsers may import golang.org/x/sys/unix: the rooms that talk to the
// kernel. Everything else asks them.
var unixUsers = []string{"internal/proc", "internal/elffile", "internal/perfevent", "internal/fileview"}

type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

// load lists the project's packages as they build without cgo.
func load(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,Standard", "./...")
	cmd.Dir = "../.."
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := make(map[string]pkg)
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, module+"/")] = p
	}
	return all
}

func isOutside(name string) bool {
	return slices.ContainsFunc(outside, func(o string) bool { return name == o || strings.HasPrefix(name, o+"/") })
}

func TestImportsGoDown(t *testing.T) {
	all := load(t)
	if len(all) < len(levels) {
		t.Fatalf("go list knows %d packages, the table %d", len(all), len(levels))
	}
	for name := range levels {
		if _, ok := all[name]; !ok {
			t.Errorf("%s is in the table and not in the tree", name)
		}
	}
	for name, p := range all {
		if isOutside(name) {
			continue
		}
		level, ok := levels[name]
		if !ok {
			t.Errorf("%s has no level: give it one", name)
			continue
		}
		for _, imp := range p.Imports {
			dep, own := strings.CutPrefix(imp, module+"/")
			if !own {
				continue
			}
			if at, ok := levels[dep]; !ok || at >= level {
				t.Errorf("%s (level %d) imports %s (level %d)", name, level, dep, at)
			}
		}
	}
}

func TestForbidden(t *testing.T) {
	all := load(t)
	for _, f := range forbidden {
		p, ok := all[f.pkg]
		if !ok {
			t.Fatalf("no package %s", f.pkg)
		}
		if slices.Contains(p.Deps, f.dep) {
			t.Errorf("%s reaches %s: %s", f.pkg, f.dep, f.why)
		}
	}
}

func TestKernelRooms(t *testing.T) {
	for name, p := range load(t) {
		if !isOutside(name) && slices.Contains(p.Imports, "golang.org/x/sys/unix") && !slices.Contains(unixUsers, name) {
			t.Errorf("%s imports x/sys/unix: that is for %v", name, unixUsers)
		}
	}
}
