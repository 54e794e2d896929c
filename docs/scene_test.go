package docs_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/symfetch/symfetch/fixtures"
)

// What the pages call things.
const (
	pagePID  = "4711"
	pageDir  = "/srv"
	pageURL  = "https://debuginfod.example"
	pageHome = "/home/me"
)

// nobody is the user of the scenes without capabilities.
const nobody = 65534

// scene is the place in which a page's commands are run: a home directory and,
// but for the plain one, the service of the demonstration, started from
// /srv/service and then replaced by its next version.
type scene struct {
	env  *fixtures.Env
	user *syscall.Credential // nil: as we are
	pid  string              // "" without a service
	// addrs are the service's own addresses, as it printed them, pageAddrs the
	// page's for the same, by the order in which its commands name them.
	addrs, pageAddrs []string
	// url is the scene's debuginfod server, "" for none.
	url string
}

// setScene makes the scene of that name:
//
//	plain         nothing runs
//	replaced      the service runs and was replaced
//	unprivileged  the same, and service and asker are a user without capabilities
//	debuginfod    the service runs, stripped; DEBUGINFOD_URLS names a server with its debug file
func setScene(t *testing.T, name string) *scene {
	t.Helper()
	s := &scene{env: fixtures.NewTestEnv(t)}
	if err := s.env.Has(fixtures.NeedRoot); err != nil {
		fixtures.Skip(t, err)
	}
	for _, dir := range []string{"srv", "home"} {
		if _, err := s.env.Mkdir(dir); err != nil {
			t.Fatal(err)
		}
	}
	switch name {
	case "plain":
	case "replaced":
		s.startService(t)
	case "unprivileged":
		s.user = &syscall.Credential{Uid: nobody, Gid: nobody}
		for _, dir := range []string{"srv", "home"} {
			if err := os.Chown(s.env.Path(dir), nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		s.startService(t)
	case "debuginfod":
		s.startStripped(t)
	default:
		t.Fatalf("no scene is called %q", name)
	}
	return s
}

// built is what all scenes share; the first that needs it builds it.
var built = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "symfetch-docs-"); err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return dir, err
	}
	if err := goBuild("..", filepath.Join(dir, "symfetch"), "./cmd/symfetch"); err != nil {
		return dir, err
	}
	if err := goBuild("..", filepath.Join(dir, "symfetch-debuginfod"), "./cmd/symfetch-debuginfod"); err != nil {
		return dir, err
	}
	// A module of its own, so that the pages show short file names.
	src := filepath.Join(dir, "src")
	if err := os.CopyFS(src, os.DirFS("../fixtures/demo/service")); err != nil {
		return dir, err
	}
	if err := os.WriteFile(filepath.Join(src, "go.mod"), []byte("module service\n\ngo 1.26\n"), 0o644); err != nil {
		return dir, err
	}
	if err := goBuild(src, filepath.Join(dir, "service"), "."); err != nil {
		return dir, err
	}
	return dir, goBuild(src, filepath.Join(dir, "service.new"), "-tags=v2", ".")
})

func goBuild(dir, out string, args ...string) error {
	cmd := exec.Command("go", append([]string{"build", "-trimpath", "-o", out}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", strings.Join(args, " "), err, text)
	}
	return os.Chmod(out, 0o755)
}

// TestMain removes what the scenes share.
func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := built(); dir != "" && code == 0 {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

func builtDir(t *testing.T) string {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// startService starts the service, reads its addresses and replaces its file.
func (s *scene) startService(t *testing.T) {
	t.Helper()
	dir, path := builtDir(t), s.env.Path("srv", "service")
	for from, to := range map[string]string{"service": path, "service.new": path + ".new"} {
		if err := s.env.Copy(filepath.Join(dir, from), to); err != nil {
			t.Fatal(err)
		}
	}
	s.start(t, path)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// start starts the service at path and reads its addresses.
func (s *scene) start(t *testing.T, path string) {
	t.Helper()
	cmd := exec.Command(path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user, Pdeathsig: syscall.SIGKILL}
	if _, err := cmd.StdinPipe(); err != nil { // open until the test's end: the service ends with it
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	s.pid = strconv.Itoa(cmd.Process.Pid)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "ready" {
		s.addrs = append(s.addrs, lines.Text())
	}
	if lines.Text() != "ready" || len(s.addrs) == 0 {
		t.Fatalf("the service printed %q, %v", s.addrs, lines.Err())
	}
}

var (
	addrWord = regexp.MustCompile(`\b0x4[0-9a-f]+\b`)
	pidWord  = regexp.MustCompile(`\b` + pagePID + `\b`)
)

// learn takes the page's addresses for the service's own, in their order.
func (s *scene) learn(commands []string) {
	for _, command := range commands {
		for _, addr := range addrWord.FindAllString(command, -1) {
			if !contains(s.pageAddrs, addr) && len(s.pageAddrs) < len(s.addrs) {
				s.pageAddrs = append(s.pageAddrs, addr)
			}
		}
	}
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}

// meant turns a page's command into one that is true here.
func (s *scene) meant(command string) string {
	command = strings.ReplaceAll(command, pageHome, s.env.Path("home"))
	command = strings.ReplaceAll(command, pageURL, s.url)
	command = strings.ReplaceAll(command, pageDir+"/", s.env.Path("srv")+"/")
	if s.pid == "" {
		return command
	}
	command = pidWord.ReplaceAllString(command, s.pid)
	return addrWord.ReplaceAllStringFunc(command, func(addr string) string {
		for i, page := range s.pageAddrs {
			if page == addr {
				return s.addrs[i]
			}
		}
		return addr
	})
}

// told turns what was printed here into a page's words, line by line.
func (s *scene) told(output string) []string {
	output = strings.ReplaceAll(output, s.env.Path("home"), pageHome)
	output = strings.ReplaceAll(output, s.env.Path("srv"), pageDir)
	if s.url != "" {
		output = strings.ReplaceAll(output, s.url, pageURL)
	}
	if s.pid != "" {
		output = regexp.MustCompile(`\b`+s.pid+`\b`).ReplaceAllString(output, pagePID)
	}
	for i, page := range s.pageAddrs {
		output = strings.ReplaceAll(output, s.addrs[i], page)
	}
	if output = strings.TrimSuffix(output, "\n"); output == "" {
		return nil
	}
	lines := strings.Split(output, "\n")
	for lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

const stepMark = "\n=== step\n"

// run gives all commands to one shell and returns what each printed, standard
// error among it.
func (s *scene) run(t *testing.T, commands []string) []string {
	t.Helper()
	var script strings.Builder
	script.WriteString("exec 2>&1\n")
	for _, command := range commands {
		// The mark is printed between, and $? is still the last command's.
		fmt.Fprintf(&script, "status=$?; printf '%s'; (exit $status)\n%s\n", strings.ReplaceAll(stepMark, "\n", `\n`), s.meant(command))
	}
	out, err := os.Create(s.env.Path("output"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	home := s.env.Path("home")
	cmd := exec.CommandContext(sessionContext(t), "bash", "-c", script.String())
	cmd.Dir = home
	// A file, not a pipe: what the commands leave in the background must not
	// keep us waiting.
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user, Setpgid: true}
	cache, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "GOCACHE="+strings.TrimSpace(string(cache)), "HOME="+home, "PATH="+builtDir(t)+":"+os.Getenv("PATH"), "LC_ALL=C", "SYMFETCH_STORE=", "XDG_CACHE_HOME=",
		"DEBUGINFOD_URLS="+s.url, "DEBUGINFOD_CACHE_PATH=", "DEBUGINFOD_TIMEOUT=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	_ = cmd.Wait() // the status of the last command, which the pages show if it matters
	text := read(t, out.Name())
	steps := strings.Split(text, stepMark)
	if len(steps) != len(commands)+1 {
		t.Fatalf("%d commands, %d answers:\n%s", len(commands), len(steps)-1, text)
	}
	return steps[1:]
}
