// Package layers keeps the project's imports running in one direction. It has
// tests only: the table of levels, and what a package must not reach.
package layers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/symfetch/symfetch"

// place says where a package lives. Imports within the project go to lower
// levels only, so that packages of one level do not know each other.
type place struct {
	level int
	// planned: it may be missing still. A package that exists must not be
	// called planned, so that the table cannot grow stale unseen.
	planned bool
}

var levels = map[string]place{
	"buildid":          {level: 0},
	"internal/frame":   {level: 0},
	"internal/inflate": {level: 0},
	"internal/unxz":    {level: 0},

	// Engines and formats: bytes in, answers out.
	"internal/elffile":    {level: 1},
	"internal/proc":       {level: 1},
	"internal/symtab":     {level: 1},
	"internal/pclntab":    {level: 1},
	"internal/addr2line":  {level: 1},
	"internal/symindex":   {level: 1, planned: true},
	"internal/jit":        {level: 1},
	"internal/kernel":     {level: 1},
	"internal/profstream": {level: 1, planned: true},
	"internal/perfdata":   {level: 1, planned: true},
	"internal/perfevent":  {level: 1, planned: true},
	"internal/disasm":     {level: 1, planned: true},

	"store":              {level: 2},
	"internal/debugfile": {level: 2},
	"internal/inventory": {level: 2, planned: true},
	"internal/fileview":  {level: 2, planned: true},
	"debuginfod/client":  {level: 2},

	"resolver": {level: 3},

	"pprofext":          {level: 4, planned: true},
	"delveext":          {level: 4, planned: true},
	"debuginfod/server": {level: 4, planned: true},

	"cmd/symfetch":            {level: 5},
	"cmd/symfetch-pprof":      {level: 5, planned: true},
	"cmd/symfetch-dlv":        {level: 5, planned: true},
	"cmd/symfetch-debuginfod": {level: 5},
}

// outside are the packages beside the house, and all below them: they build
// and measure it, and nothing of the house imports them.
var outside = []string{"fixtures", "bench", "docs", "internal/layers"}

// ban says what the packages that match must not reach, directly or not.
// "x/..." matches x and all below it, "..." everything in the house.
type ban struct {
	pkg  string
	deps []string
	why  string
}

var bans = []ban{
	{"...", []string{"testing", "testing/...", "net/http/httptest", "github.com/google/go-cmp/...", "github.com/rogpeppe/go-internal/..."},
		"no test code in the product"},

	{"cmd/symfetch", []string{"net", "net/...", "crypto/tls", "crypto/x509"},
		"start-up of 1 ms and 4 MB, and no socket in the process that holds capabilities"},
	{"cmd/symfetch", []string{"github.com/spf13/cobra/...", "github.com/spf13/pflag/..."}, "they pull in net"},
	{"cmd/symfetch", []string{"os/user"}, "start-up: it reads the user database"},
	{"cmd/symfetch", []string{"html/template", "encoding/gob", "go/...", "expvar"}, "start-up: init work and reflection"},
	{"cmd/symfetch", []string{"github.com/google/pprof/...", module + "/pprofext"}, "symfetch-pprof carries it"},
	{"cmd/symfetch", []string{"github.com/go-delve/delve/...", module + "/delveext"}, "symfetch-dlv carries it"},
	{"cmd/symfetch", []string{"github.com/prometheus/...", module + "/debuginfod/..."}, "symfetch-debuginfod carries it"},

	{"resolver", []string{"net", "net/..."}, "it opens no socket: bytes from elsewhere come through a Fetcher"},
	{"resolver", []string{module + "/store", module + "/debuginfod/..."}, "it takes a Fetcher"},
	{"resolver", []string{"github.com/google/pprof/...", "github.com/go-delve/delve/..."}, "adapters know the resolver, not the other way"},

	{"store", []string{"net", "net/..."}, "it is a directory"},
	{"internal/proc", []string{"debug/elf"}, "it knows Linux, not ELF"},
	{"pprofext", []string{"github.com/go-delve/delve/..."}, "delveext alone carries Delve"},
	{"debuginfod/...", []string{"github.com/go-delve/delve/...", "github.com/google/pprof/..."}, "the network's side is light"},
	{"cmd/symfetch-debuginfod", []string{"github.com/go-delve/delve/...", "github.com/google/pprof/..."}, "the network's side is light"},
}

// rights says who may import, directly, what most must not. For a module that
// is not of the standard library somebody must be named here.
var rights = []struct {
	dep string
	who []string
	why string
}{
	{"golang.org/x/sys/unix", []string{"internal/proc", "internal/elffile", "internal/perfevent", "internal/fileview"},
		"the rooms that talk to the kernel; everybody else asks them"},
	{"unsafe", []string{"internal/proc", "internal/elffile", "internal/perfevent", "internal/fileview"}, "system calls only"},
	{"log", nil, "libraries never print, they take a *slog.Logger; commands have their own words"},
	{"os", []string{"internal/proc", "internal/elffile", "internal/perfevent", "internal/debugfile", "internal/inventory", "internal/fileview",
		"store", "debuginfod/...", "resolver", "pprofext", "delveext", "cmd/..."},
		"an engine knows bytes: it takes them and opens nothing"},
	{"github.com/ianlancetaylor/demangle/...", []string{"internal/frame"}, "its limits are kept there"},
	{"github.com/klauspost/compress/...", []string{"internal/elffile", "internal/perfdata", "internal/profstream", "debuginfod/..."}, "compressed sections and streams"},
	{"github.com/google/renameio/v2/...", []string{"store", "debuginfod/client", "cmd/..."}, "files that appear whole"},
	{"github.com/gofrs/flock/...", []string{"store"}, "writers that take turns"},
	{"github.com/urfave/cli/v3/...", []string{"cmd/..."}, "the command line"},
	{"github.com/vbauerster/mpb/v8/...", []string{"cmd/..."}, "progress"},
	{"golang.org/x/term", []string{"cmd/..."}, "the terminal"},
	{"golang.org/x/sync/...", []string{"internal/inventory", "store", "debuginfod/...", "resolver", "pprofext", "delveext", "cmd/..."}, "who starts goroutines"},
	{"golang.org/x/arch/...", []string{"internal/disasm"}, "disassembly"},
	{"kernel.org/pub/linux/libs/security/libcap/...", []string{"internal/proc", "cmd/..."}, "capabilities"},
	{"github.com/google/pprof/...", []string{"pprofext", "internal/profstream", "cmd/symfetch-pprof"}, "the adapter"},
	{"github.com/go-delve/delve/...", []string{"delveext"}, "its only importer"},
	{"github.com/prometheus/...", []string{"debuginfod/server"}, "metrics of the server"},
}

// matches reports whether a package's path is meant by pattern.
func matches(pattern, path string) bool {
	base, all := strings.CutSuffix(pattern, "...")
	if !all {
		return path == pattern
	}
	base = strings.TrimSuffix(base, "/")
	return base == "" || path == base || strings.HasPrefix(path, base+"/")
}

func anyMatches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, path) })
}

func isOutside(name string) bool {
	return slices.ContainsFunc(outside, func(o string) bool { return matches(o+"/...", name) })
}

// isStandard reports whether a path is the standard library's: its first
// element has no dot.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// faults judges the packages by the tables.
func faults(all map[string]pkg) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for name, at := range levels {
		_, exists := all[name]
		switch {
		case !exists && !at.planned:
			say("%s is in the table and not in the tree", name)
		case exists && at.planned:
			say("%s exists: it is not planned any more", name)
		}
	}
	for name, p := range all {
		if isOutside(name) {
			continue
		}
		at, ok := levels[name]
		if !ok {
			say("%s has no level: give it one", name)
			continue
		}
		for _, imp := range p.Imports {
			if dep, own := strings.CutPrefix(imp, module+"/"); own {
				if to, ok := levels[dep]; !ok || to.level >= at.level {
					say("%s (level %d) imports %s (level %d)", name, at.level, dep, to.level)
				}
				continue
			}
			out = append(out, trespass(name, imp)...)
		}
		for _, b := range bans {
			if !matches(b.pkg, name) {
				continue
			}
			for _, dep := range p.Deps {
				if anyMatches(b.deps, dep) && !vendored(b, dep) {
					say("%s reaches %s: %s", name, dep, b.why)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// vendored excepts what the standard library uses within itself: "net" in a
// ban means sockets, not the parts of net/ that know none.
func vendored(b ban, dep string) bool {
	return slices.Contains(b.deps, "net/...") && (dep == "net/netip" || dep == "net/url")
}

// trespass judges one direct import by the table of rights.
func trespass(name, imp string) []string {
	named := false
	for _, r := range rights {
		if !matches(r.dep, imp) {
			continue
		}
		named = true
		if !anyMatches(r.who, name) {
			return []string{fmt.Sprintf("%s imports %s, which is for %q: %s", name, imp, r.who, r.why)}
		}
	}
	if !named && !isStandard(imp) {
		return []string{fmt.Sprintf("%s imports %s, which nobody has a right to: say in rights who has it", name, imp)}
	}
	return nil
}

// TestLayers judges the tree for both architectures.
func TestLayers(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		all := load(t, arch)
		if len(all) < 10 {
			t.Errorf("%s: go list knows only %d packages", arch, len(all))
		}
		for _, f := range faults(all) {
			t.Errorf("%s: %s", arch, f)
		}
	}
}
