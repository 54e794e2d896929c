package store_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/symfetch/symfetch/fixtures"
	"github.com/symfetch/symfetch/store"
)

// need skips the test where a tool is not installed; in CI it fails.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			fixtures.Skip(t, &fixtures.UnmetError{Need: fixtures.Need(tool), Err: err})
		}
	}
}

// tool runs a tool that looks into the store and returns all that it prints.
func tool(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(append(os.Environ(), "LC_ALL=C", "HOME="+t.TempDir(), "DEBUGINFOD_URLS="), env...)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("%v: %v", args, err)
	}
	return string(out)
}

func wantIn(t *testing.T, what, out string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("%s prints no %q:\n%s", what, w, out)
		}
	}
}

// deletedProgram starts a copy of the program, deletes it, and stores it:
// nobody else has it then.
func deletedProgram(t *testing.T, s *store.Store) (pid string) {
	t.Helper()
	p := programs(t)
	full := read(t, p.full)
	file := filepath.Join(t.TempDir(), "prog")
	if err := os.WriteFile(file, full, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, "wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("the program says %q, %v", line, err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	put(t, s, object(full, store.Executable))
	pid = strconv.Itoa(cmd.Process.Pid)
	for range 500 {
		b, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		if _, after, _ := strings.Cut(string(b), ") "); strings.HasPrefix(after, "S") {
			return pid // it waits in pause
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the program does not wait")
	return ""
}

// TestElfutils: eu-stack takes the build ID from memory and asks for its
// debug file.
func TestElfutils(t *testing.T) {
	need(t, "eu-stack")
	s := open(t)
	pid := deletedProgram(t, s)
	if out := tool(t, nil, "eu-stack", "--debuginfo-path=/nonexistent", "-p", pid); strings.Contains(out, "innermost_work") {
		t.Fatalf("it knows without the store: the test tests nothing\n%s", out)
	}
	wantIn(t, "eu-stack", tool(t, nil, "eu-stack", "--debuginfo-path="+s.Dir(), "-p", pid), "innermost_work", "outer_work", "main")
}

// TestGDB: with a core file gdb finds executable and symbols in the store.
func TestGDB(t *testing.T) {
	need(t, "gdb")
	s := open(t)
	pid := deletedProgram(t, s)
	core := filepath.Join(t.TempDir(), "core")
	tool(t, nil, "gdb", "-nx", "-batch", "-p", pid, "-ex", "generate-core-file "+core)
	gdb := func(dir string) string {
		return tool(t, nil, "gdb", "-nx", "-batch", "-iex", "set debug-file-directory "+dir, "-iex", "set debuginfod enabled off", "-core", core, "-ex", "bt")
	}
	if out := gdb("/nonexistent"); strings.Contains(out, "innermost_work") {
		t.Fatalf("it knows without the store: the test tests nothing\n%s", out)
	}
	wantIn(t, "gdb", gdb(s.Dir()), "innermost_work (wait", "program.c:", "main (argc")
}

// TestDebuginfodFind: the store can be the cache of a debuginfod client, which
// then asks no server.
func TestDebuginfodFind(t *testing.T) {
	need(t, "debuginfod-find")
	p := programs(t)
	s := open(t)
	put(t, s, object(read(t, p.full), store.Executable))
	env := []string{"DEBUGINFOD_CACHE_PATH=" + s.Dir(), "DEBUGINFOD_URLS=http://127.0.0.1:1"}
	for _, kind := range []store.Kind{store.Executable, store.DebugInfo} {
		want := s.Path(store.KeyOf(testID), kind)
		if got := strings.TrimSpace(tool(t, env, "debuginfod-find", string(kind), testID.String())); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}

// TestPerf: perf names samples of a file that is gone by the store.
func TestPerf(t *testing.T) {
	need(t, "perf")
	p := programs(t)
	dir := t.TempDir()
	file, data := filepath.Join(dir, "prog"), filepath.Join(dir, "perf.data")
	if err := os.WriteFile(file, read(t, p.full), 0o700); err != nil {
		t.Fatal(err)
	}
	record := tool(t, nil, "perf", "record", "-e", "cpu-clock:u", "-o", data, file)
	if _, err := os.Stat(data); err != nil {
		fixtures.Skip(t, &fixtures.UnmetError{Need: "perf", Err: &buildError{[]string{"perf", "record"}, []byte(record), err}})
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	s := open(t)
	report := func() string {
		return tool(t, nil, "perf", "--buildid-dir", s.Dir(), "report", "--stdio", "-i", data)
	}
	if out := report(); strings.Contains(out, "innermost_work") {
		t.Fatalf("it knows without the store: the test tests nothing\n%s", out)
	}
	put(t, s, object(read(t, p.full), store.Executable))
	wantIn(t, "perf report", report(), "innermost_work")
}
