package elffile

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// buildDir holds what the tests compile, for the length of one test run.
var buildDir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if buildDir, err = os.MkdirTemp("", "elffile-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(buildDir)
		return m.Run()
	}())
}

// need skips a test that the machine or user cannot run. In CI that fails
// unless the need is on the list, so that no hole goes unseen.
func need(t testing.TB, what string, ok bool) {
	t.Helper()
	if ok {
		return
	}
	list, err := os.ReadFile("../../fixtures/skips.txt")
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("CI") == "true" && !slices.Contains(strings.Split(string(list), "\n"), what) {
		t.Fatalf("need %s (a skip that skips.txt does not allow)", what)
	}
	t.Skip("need " + what)
}

// needTools skips a test whose tools are missing.
func needTools(t testing.TB, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		_, err := exec.LookPath(tool)
		need(t, tool, err == nil)
	}
}

// run runs a command and returns its output.
func run(t testing.TB, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

var (
	builtMu sync.Mutex
	built   = map[string]string{}
)

// once returns the product of make, which gets the path to write and is called
// once for each key.
func once(t testing.TB, key string, make func(out string)) string {
	t.Helper()
	builtMu.Lock()
	defer builtMu.Unlock()
	if out, ok := built[key]; ok {
		return out
	}
	out := filepath.Join(buildDir, fmt.Sprintf("%d-%s", len(built), strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, key[:min(len(key), 60)])))
	make(out)
	built[key] = out
	return out
}

// compile builds sources of testdata with gcc.
func compile(t testing.TB, args string) string {
	t.Helper()
	needTools(t, "gcc")
	return once(t, args, func(out string) {
		words := strings.Fields(args)
		for i, w := range words {
			if strings.HasSuffix(w, ".c") {
				words[i] = filepath.Join("testdata", w)
			}
		}
		run(t, nil, "gcc", append(words, "-o", out)...)
	})
}

// goBuild builds the Go program of testdata: words with "=" are environment,
// the others flags.
func goBuild(t testing.TB, args string) string {
	t.Helper()
	return once(t, "go "+args, func(out string) {
		src := out + ".go"
		text, err := os.ReadFile("testdata/prog.go.txt")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(src, text, 0o666); err != nil {
			t.Fatal(err)
		}
		env, flags := []string{"CGO_ENABLED=0"}, []string{"build"}
		for _, w := range strings.Fields(args) {
			if strings.Contains(w, "=") && w[0] != '-' {
				env = append(env, w)
			} else {
				flags = append(flags, w)
			}
		}
		run(t, env, "go", append(flags, "-o", out, src)...)
	})
}

// open opens and parses a file for the length of the test.
func open(t testing.TB, path string) *File {
	t.Helper()
	f, err := Parse(openSource(t, path))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return f
}

// openSource opens a file as source for the length of the test.
func openSource(t testing.TB, path string) Source {
	t.Helper()
	o, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// process is a running test program and what it says of itself.
type process struct {
	pid  int
	bias map[string]uint64 // by path as maps prints it
	rows []row
}

// row is one row of maps.
type row struct {
	start, end uint64
	perms      string
	off        uint64
	inode      uint64
	path       string
}

func (r row) mapped() Mapped {
	return Mapped{
		Offset: r.off, Size: r.end - r.start,
		Read: r.perms[0] == 'r', Write: r.perms[1] == 'w', Exec: r.perms[2] == 'x',
	}
}

// start runs a test program until the end of the test.
func start(t testing.TB, path string, args ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	p := &process{pid: cmd.Process.Pid, bias: map[string]uint64{}}
	p.listen(t, bufio.NewScanner(out))
	p.rows = readMaps(t, p.pid)
	return p
}

// listen reads what the program says until it is ready.
func (p *process) listen(t testing.TB, sc *bufio.Scanner) {
	t.Helper()
	for sc.Scan() {
		line := sc.Text()
		if line == "ready" {
			return
		}
		f := strings.SplitN(line, " ", 3)
		if len(f) != 3 || f[0] != "obj" {
			t.Fatalf("program says %q", line)
		}
		bias, err := strconv.ParseUint(f[1], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		if f[2] == "" {
			if f[2], err = os.Readlink(fmt.Sprintf("/proc/%d/exe", p.pid)); err != nil {
				t.Fatal(err)
			}
		}
		if real, err := filepath.EvalSymlinks(f[2]); err == nil {
			f[2] = real
		}
		p.bias[f[2]] = bias
	}
	t.Fatalf("the program ended: %v", sc.Err())
}

// readMaps is a simple parser of maps, independent of the project's own.
func readMaps(t testing.TB, pid int) (rows []row) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var r row
		var major, minor uint
		if _, err := fmt.Sscanf(line, "%x-%x %s %x %x:%x %d", &r.start, &r.end, &r.perms, &r.off, &major, &minor, &r.inode); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if i := strings.IndexByte(line, '/'); i >= 0 && r.inode != 0 {
			r.path = strings.TrimSuffix(line[i:], "\n")
		}
		rows = append(rows, r)
	}
	return rows
}

// memory reads a process's memory.
func memory(t testing.TB, pid int) ReadMemory {
	t.Helper()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mem.Close() })
	return func(p []byte, addr uint64) (int, error) { return mem.ReadAt(p, int64(addr)) }
}
