package proc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// The test binary is also the process under inspection: with agentEnv set it
// is an agent that does to itself what it is told.
const (
	agentEnv = "PROC_TEST_AGENT"
	innerEnv = "PROC_TEST_INNER"
)

func TestMain(m *testing.M) {
	if os.Getenv(agentEnv) != "" {
		// The main goroutine keeps the main thread, so that it can end it.
		runtime.LockOSThread()
		agentMain()
		os.Exit(0)
	}
	os.Exit(m.Run())
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

// needRoot skips a test that needs root in the initial user namespace.
func needRoot(t testing.TB) {
	t.Helper()
	if os.Getenv(innerEnv) != "" {
		return // the outer test is root, and made this one what it is
	}
	c, err := OwnCredentials()
	if err != nil {
		t.Fatal(err)
	}
	need(t, "root", c.EUID == 0 && c.Has(CapSysAdmin) && c.Has(CapSysPtrace))
}

// inside runs the calling test again in a process of its own with attr and
// reports true there; what that process says becomes the outer test's result.
func inside(t *testing.T, attr *syscall.SysProcAttr) bool {
	t.Helper()
	if os.Getenv(innerEnv) == t.Name() {
		return true
	}
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	args := []string{"-test.run=" + pattern, "-test.v"}
	for _, arg := range os.Args[1:] {
		if strings.HasPrefix(arg, "-test.gocoverdir=") {
			args = append(args, arg)
		}
	}
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), innerEnv+"="+t.Name(), "TMPDIR=/tmp")
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("inside: %v\n%s", err, out)
	}
	return false
}

// agent is a child process that follows orders.
type agent struct {
	testing.TB
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// startAgent starts an agent; attr and path (of the program) may be empty.
func startAgent(t testing.TB, path string, attr *syscall.SysProcAttr) *agent {
	t.Helper()
	if path == "" {
		path = "/proc/self/exe"
	}
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), agentEnv+"=1", "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1")
	cmd.SysProcAttr = attr
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &agent{TB: t, cmd: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(a.kill)
	a.expect("ready")
	return a
}

func (a *agent) pid() int { return a.cmd.Process.Pid }

// kill ends the agent and waits for its end.
func (a *agent) kill() {
	if a.cmd.ProcessState == nil {
		a.cmd.Process.Kill()
		a.in.Close()
		a.cmd.Wait()
	}
}

// open pins the agent.
func (a *agent) open() *Process {
	a.Helper()
	return mustOpen(a.TB, "", a.pid())
}

// do gives an order and returns the answer's words behind "ok".
func (a *agent) do(format string, args ...any) string {
	a.Helper()
	answer, err := a.try(format, args...)
	if err != nil {
		a.Fatalf("agent: %s: %v", fmt.Sprintf(format, args...), err)
	}
	return answer
}

func (a *agent) try(format string, args ...any) (string, error) {
	if _, err := fmt.Fprintf(a.in, format+"\n", args...); err != nil {
		return "", err
	}
	line, err := a.out.ReadString('\n')
	if err != nil {
		return "", err
	}
	answer, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "ok ")
	if !ok {
		return "", errors.New(answer)
	}
	return answer, nil
}

// addr gives an order whose answer is an address.
func (a *agent) addr(format string, args ...any) uint64 {
	a.Helper()
	var addr uint64
	answer := a.do(format, args...)
	if _, err := fmt.Sscanf(answer, "%x", &addr); err != nil {
		a.Fatalf("agent answered %q: %v", answer, err)
	}
	return addr
}

// expect reads one line.
func (a *agent) expect(want string) {
	a.Helper()
	line, err := a.out.ReadString('\n')
	if err != nil || line != want+"\n" {
		a.Fatalf("agent said %q (%v), want %q", line, err, want)
	}
}

func mustOpen(t testing.TB, root string, pid int) *Process {
	t.Helper()
	p, err := Open(root, pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// bothWays runs a test with PROCMAP_QUERY and with the text of maps.
func bothWays(t *testing.T, p *Process, f func(t *testing.T)) {
	for _, text := range []bool{false, true} {
		name := "ioctl"
		if text {
			name = "text"
		}
		t.Run(name, func(t *testing.T) {
			p.UseText(text)
			defer p.UseText(false)
			f(t)
			if p.textOnly.Load() != text {
				t.Errorf("the test did not go by %s", name)
			}
		})
	}
}

// tempFile writes a file of some pages and returns its path.
func tempFile(t testing.TB, name string, pages int) string {
	t.Helper()
	path := filepath.Join(openDir(t), name)
	writePages(t, path, pages, name)
	return path
}

// openDir returns a temporary directory that every user can enter.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "proctest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// writePages writes pages that differ from each other and begin with mark.
func writePages(t testing.TB, path string, pages int, mark string) {
	t.Helper()
	if err := os.WriteFile(path, pageBytes(pages, mark), 0o644); err != nil {
		t.Fatal(err)
	}
}

func pageBytes(pages int, mark string) []byte {
	size := os.Getpagesize()
	b := make([]byte, pages*size)
	for i := range pages {
		copy(b[i*size:], fmt.Sprintf("%s %d", mark, i))
	}
	return b
}

// contents reads an open file whole.
func contents(t testing.TB, f *os.File) []byte {
	t.Helper()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// openFDs counts our descriptors.
func openFDs(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func itoa(n int) string { return strconv.Itoa(n) }
