package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/symfetch/symfetch/fixtures"
)

// TestMain makes the test binary the command under test: the scripts and the
// other tests find it on PATH as "symfetch".
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "symfetch" {
		os.Unsetenv("DEBUGINFOD_URLS") // tests know what they get
	}
	testscript.Main(m, map[string]func(){"symfetch": main, "mapper": mapper})
}

// mapper is a program that maps the files of its arguments, says so, and waits
// until its input ends.
func mapper() {
	for _, name := range os.Args[1:] {
		f, err := os.Open(name)
		if err != nil {
			panic(err)
		}
		info, err := f.Stat()
		if err != nil {
			panic(err)
		}
		if _, err := syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED); err != nil {
			panic(err)
		}
	}
	fmt.Println("READY")
	io.Copy(io.Discard, os.Stdin)
}

// TestScripts runs the scenarios of testdata/script, one a file, on real
// processes.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Values[tbKey{}] = env.T()
			// The rungs that serve the program and its libraries.
			env.Setenv("EXE", "map_files")
			env.Setenv("LIB", "map_files")
			if !canMapFiles() {
				env.Setenv("EXE", "exe")
				env.Setenv("LIB", "root")
			}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"status":    statusCmd,
			"situation": situationCmd,
			"start":     startCmd,
			"mapping":   mappingCmd,
			"jsonl":     jsonlCmd,
			"field":     fieldCmd,
			"tty":       ttyCmd,
			"cmpfile":   cmpFileCmd,
			"quiet":     quietCmd,
		},
		Condition:           condition,
		RequireExplicitExec: true,
	})
}

// condition knows [root], [map_files], whether those may be opened, and
// [needs:X], whether the program X, or the file X if it is a path, is there:
// in CI its absence is a failure, as a skip that nobody sees is a hole.
func condition(cond string) (bool, error) {
	switch cond {
	case "root":
		return os.Geteuid() == 0, nil
	case "map_files":
		return canMapFiles(), nil
	}
	name, ok := strings.CutPrefix(cond, "needs:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", cond)
	}
	var err error
	if strings.Contains(name, "/") {
		_, err = os.Stat(name)
	} else {
		_, err = exec.LookPath(name)
	}
	if err != nil && os.Getenv("CI") == "true" {
		return false, fmt.Errorf("%s is needed: %w", name, err)
	}
	return err == nil, nil
}

// canMapFiles reports whether this process may open map_files.
var canMapFiles = sync.OnceValue(func() bool {
	entries, err := filepath.Glob("/proc/self/map_files/*")
	if err != nil || len(entries) == 0 {
		return false
	}
	f, err := os.Open(entries[0])
	if err == nil {
		f.Close()
	}
	return !errors.Is(err, fs.ErrPermission)
})

// quietCmd is `quiet`: nothing is on stderr but what capability is missing,
// where it is.
func quietCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: quiet")
	}
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if canMapFiles() || !strings.HasPrefix(line, "symfetch: CAP_CHECKPOINT_RESTORE is missing: ") {
			ts.Fatalf("on stderr: %s", line)
		}
	}
}

// statusCmd is `status N program args...`: exec, with the exact exit status.
func statusCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// situationCmd is `situation NAME`: it brings the situation of package
// fixtures about and sets PID, ADDR1, FUNC1, PLACE1, OBJECT1 and so on to its
// truths, and LIBADDR, LIBFUNC, LIBOBJECT to the first of another object than
// the first truth's.
func situationCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: situation NAME")
	}
	s, ok := fixtures.Find(args[0])
	if !ok {
		ts.Fatalf("no situation %q", args[0])
	}
	tb := ts.Value(tbKey{}).(fixtures.TB)
	target := fixtures.Run(tb, s)
	ts.Setenv("PID", strconv.Itoa(target.PID))
	first := -1
	for i, truth := range target.Truths {
		if first < 0 && truth.Object != target.Truths[0].Object {
			first = i
			ts.Setenv("LIBADDR", fmt.Sprintf("%#x", truth.Addr))
			ts.Setenv("LIBFUNC", truth.Function)
			ts.Setenv("LIBOBJECT", truth.Object)
		}
		n := strconv.Itoa(i + 1)
		ts.Setenv("ADDR"+n, fmt.Sprintf("%#x", truth.Addr))
		ts.Setenv("FUNC"+n, truth.Function)
		ts.Setenv("PLACE"+n, fmt.Sprintf("%s:%d", truth.File, truth.Line))
		ts.Setenv("OBJECT"+n, truth.Object)
	}
}

type tbKey struct{}

// startCmd is `start VAR program args...`: it starts a program that sleeps,
// and sets VAR to its number once it does.
func startCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start VAR program args...")
	}
	cmd := exec.Command(args[1], args[2:]...)
	cmd.Dir = ts.Getenv("PWD")
	if cmd.Dir == "" {
		cmd.Dir = ts.MkAbs(".")
	}
	if strings.Contains(args[1], "/") {
		cmd.Path = ts.MkAbs(args[1])
	}
	ts.Check(cmd.Start())
	ts.Defer(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	ts.Check(awaitSleep(cmd.Process.Pid))
	ts.Setenv(args[0], strconv.Itoa(cmd.Process.Pid))
}

// awaitSleep waits until a process has run to where it sleeps.
func awaitSleep(pid int) error {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		call, err := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", pid))
		if err != nil {
			return err
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return err
		}
		if _, rest, ok := strings.Cut(string(stat), ") "); ok && rest[0] == 'S' && strings.Contains(string(call), "nanosleep") {
			return nil
		}
	}
	return fmt.Errorf("process %d does not come to rest", pid)
}

// mappingCmd is `mapping VAR PID REGEXP`: it sets VAR to the range START-END
// and VAR_START to the first address (0x...) of the first row of the
// process's maps that matches.
func mappingCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: mapping VAR PID REGEXP")
	}
	re, err := regexp.Compile(args[2])
	ts.Check(err)
	maps, err := os.ReadFile("/proc/" + args[1] + "/maps")
	ts.Check(err)
	for row := range strings.Lines(string(maps)) {
		if !re.MatchString(row) {
			continue
		}
		var start, end uint64
		_, err := fmt.Sscanf(row, "%x-%x", &start, &end)
		ts.Check(err)
		ts.Setenv(args[0], fmt.Sprintf("%x-%x", start, end))
		ts.Setenv(args[0]+"_START", fmt.Sprintf("%#x", start))
		return
	}
	ts.Fatalf("no mapping of %s matches %s:\n%s", args[1], args[2], maps)
}

// cmpFileCmd is `cmpfile A B`: cmp for binary files.
func cmpFileCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: cmpfile A B")
	}
	if same := ts.ReadFile(args[0]) == ts.ReadFile(args[1]); same == neg {
		ts.Fatalf("files %s and %s: same is %v", args[0], args[1], same)
	}
}

// symfetch returns the command under test for a test that is no script.
func symfetch(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("symfetch")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// sleeper starts a copy of sleep and returns its number.
func sleeper(t *testing.T) int {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nap")
	data, err := os.ReadFile("/bin/sleep")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if err := awaitSleep(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}
