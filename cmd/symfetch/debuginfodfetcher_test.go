package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/symfetch/symfetch/buildid"
)

// strippedID is the build ID of the program that strippedSource becomes.
const strippedID = "5f7e7c000000000000000000000000000000beef"

// strippedSource says where its function is, which only its debug file can name.
const strippedSource = `
#include <stdio.h>
#include <unistd.h>
static __attribute__((noinline)) int hidden_function(int n)
{
	return n + 1;
}
int main(int argc, char **argv)
{
	printf("%p\n", (void *)hidden_function);
	fflush(stdout);
	for (;;)
		sleep(hidden_function(1000));
}
`

// stripped is the program without symbols and its debug file's bytes.
type stripped struct {
	path  string
	debug []byte
}

func buildStripped(t *testing.T) stripped {
	t.Helper()
	dir := t.TempDir()
	s := stripped{path: filepath.Join(dir, "program")}
	source, debug := filepath.Join(dir, "hidden.c"), filepath.Join(t.TempDir(), "debug")
	if err := os.WriteFile(source, []byte(strippedSource), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"gcc", "-g", "-O1", "-Wl,--build-id=0x" + strippedID, "-o", s.path, source},
		{"objcopy", "--only-keep-debug", s.path, debug},
		{"strip", "-s", s.path},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	var err error
	if s.debug, err = os.ReadFile(debug); err != nil {
		t.Fatal(err)
	}
	return s
}

// start runs it and returns its number and the function's address.
func (s stripped) start(t *testing.T) (pid, addr string) {
	t.Helper()
	cmd := exec.Command(s.path)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
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
	addr, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(cmd.Process.Pid), strings.TrimSpace(addr)
}

// server serves h and counts the requests.
func server(t *testing.T, h http.HandlerFunc) (url string, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var paths []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return paths
	}
}

func silentServer(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// online is symfetch with the real helper and these servers.
func online(t *testing.T, urls string, args ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir, "../symfetch-debuginfod")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := symfetch(t, args...)
	cmd.Stderr = nil
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "DEBUGINFOD_URLS="+urls, "DEBUGINFOD_CACHE_PATH="+filepath.Join(dir, "cache"))
	return cmd
}

// TestDebuginfod: a function that only a server can name.
func TestDebuginfod(t *testing.T) {
	s := buildStripped(t)
	pid, addr := s.start(t)
	url, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/buildid/"+strippedID+"/debuginfo" {
			http.NotFound(w, r)
			return
		}
		w.Write(s.debug)
	})
	cmd := online(t, url, pid, addr)
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), "hidden_function+0x0 at ") || !strings.Contains(string(out), "hidden.c:6 ") {
		t.Errorf("%v\n%s", err, out)
	}
	if got := asked(); len(got) != 1 {
		t.Errorf("the server was asked %q", got)
	}
	// What is cached is not asked for, and the table asks nobody.
	for _, args := range [][]string{{pid, addr, "--json"}, {pid}} {
		again := symfetch(t, args...)
		again.Env = cmd.Env
		out, err := again.Output()
		if err != nil || len(args) == 3 && !strings.Contains(string(out), `"line":6,`) {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
	}
	if got := asked(); len(got) != 1 {
		t.Errorf("the server was asked again: %q", got)
	}
}

// TestDebuginfodRefused: another build's file names nothing; the reason is told.
func TestDebuginfodRefused(t *testing.T) {
	s := buildStripped(t)
	pid, addr := s.start(t)
	id, err := buildid.Parse(strippedID)
	if err != nil {
		t.Fatal(err)
	}
	wrong := strings.Replace(string(s.debug), string(id), "12345678901234567890", 1)
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(wrong)) })
	out, err := online(t, url, pid, addr, "--explain").Output()
	if exitStatus(err) != exitPartly || strings.Contains(string(out), "hidden_function") || !strings.Contains(string(out), "is build ID 3132333435") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDebuginfodDead: a server that never answers costs one time limit for all
// objects, and the answers come without it.
func TestDebuginfodDead(t *testing.T) {
	s := buildStripped(t)
	pid, addr := s.start(t)
	url, _ := server(t, silentServer)
	began := time.Now()
	out, err := online(t, url, pid, addr).Output()
	took := time.Since(began)
	if exitStatus(err) != exitPartly || !strings.HasPrefix(string(out), addr+": ??") {
		t.Errorf("%v\n%s", err, out)
	}
	if took > 30*time.Second || took < 4*time.Second {
		t.Errorf("it takes %v, want some 5 s", took)
	}
}

// TestDebuginfodInterrupt: Ctrl-C ends both at once, whatever the server does.
func TestDebuginfodInterrupt(t *testing.T) {
	s := buildStripped(t)
	pid, addr := s.start(t)
	url, asked := server(t, silentServer)
	cmd := online(t, url, pid, addr)
	cmd.Env = append(cmd.Env, "DEBUGINFOD_TIMEOUT=100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); len(asked()) == 0 && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	helpers := childrenOf(t, cmd.Process.Pid)
	if len(helpers) != 1 {
		t.Errorf("%d helpers", len(helpers))
	}
	for _, pid := range helpers {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		const tracing = 1 << 19 // CAP_SYS_PTRACE
		if _, caps, ok := strings.Cut(string(status), "\nCapPrm:\t"); err != nil || !ok {
			t.Errorf("the helper's status: %v", err)
		} else if held, err := strconv.ParseUint(caps[:16], 16, 64); err != nil || held&tracing != 0 {
			t.Errorf("the helper holds capabilities %#x, %v", held, err)
		}
	}
	cmd.Process.Signal(syscall.SIGINT)
	endsWithin(t, cmd, interruptLimit, exitInterrupted)
	for _, pid := range helpers {
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if _, state, _ := strings.Cut(string(status), ") "); err != nil || strings.HasPrefix(state, "Z") {
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("the helper, process %d, lives on", pid)
				break
			}
		}
	}
}

// childrenOf lists the children of a process.
func childrenOf(t *testing.T, pid int) (children []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, word := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			children = append(children, child)
		}
	}
	return children
}

// TestNoNetwork: without DEBUGINFOD_URLS no helper is started, nor by what asks
// for no address.
func TestNoNetwork(t *testing.T) {
	s := buildStripped(t)
	pid, addr := s.start(t)
	dir := t.TempDir()
	mark := filepath.Join(dir, "started")
	if err := os.WriteFile(filepath.Join(dir, debuginfodExecutable), []byte("#!/bin/sh\necho $* >"+mark+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		urls    string
		args    []string
		started bool
	}{
		{"", []string{pid, addr}, false},
		{"  ", []string{pid, addr}, false},
		{"http://127.0.0.1:1", []string{pid}, false},
		{"http://127.0.0.1:1", []string{pid, addr}, true},
	} {
		cmd := symfetch(t, test.args...)
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "DEBUGINFOD_URLS="+test.urls)
		cmd.Run()
		text, err := os.ReadFile(mark)
		if (err == nil) != test.started || err == nil && string(text) != "get - --attended\n" {
			t.Errorf("%q, %q: started %q, %v", test.urls, test.args, text, err)
		}
	}
}

// TestHelperNotInstalled: symfetch works without, and says why on request.
func TestHelperNotInstalled(t *testing.T) {
	s := buildStripped(t)
	pid, addr := s.start(t)
	cmd := symfetch(t, pid, addr, "--explain")
	cmd.Env = append(os.Environ(), "DEBUGINFOD_URLS=http://127.0.0.1:1", "PATH=/nonexistent")
	out, err := cmd.Output()
	if exitStatus(err) != exitPartly || !strings.Contains(string(out), "symfetch-debuginfod is neither beside symfetch nor on PATH") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestOpenCached: the helper's word opens files of that ID only.
func TestOpenCached(t *testing.T) {
	id := buildid.ID("\xab\xcd")
	dir := filepath.Join(t.TempDir(), "abcd")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(dir, "debuginfo")
	if err := os.WriteFile(good, []byte("x"), 0o400); err != nil {
		t.Fatal(err)
	}
	f, err := openCached(good, id, "debuginfo")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, make := range []func(string) error{
		func(path string) error { return os.Symlink(good, path) },
		func(path string) error { return syscall.Mkfifo(path, 0o600) },
		func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		path := filepath.Join(dir, "executable")
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		if f, err := openCached(path, id, "executable"); err == nil {
			f.Close()
			t.Errorf("%v was opened", f)
		}
		os.Remove(path)
	}
	for _, path := range []string{"", "abcd/debuginfo", "/etc/passwd", dir, good + "/", filepath.Join(filepath.Dir(dir), "xabcd", "debuginfo")} {
		if f, err := openCached(path, id, "debuginfo"); err == nil {
			f.Close()
			t.Errorf("%q was opened", path)
		}
	}
}

// TestSilenceOf: never less than the helper takes.
func TestSilenceOf(t *testing.T) {
	for setting, want := range map[string]time.Duration{
		"": debuginfodSilence, "x": debuginfodSilence, "1": debuginfodSilence, "90": 91 * time.Second,
		"0": 24 * time.Hour, "-1": 24 * time.Hour, "999999999999": 24 * time.Hour,
	} {
		if got := silenceOf(setting); got != want {
			t.Errorf("%q: %v, want %v", setting, got, want)
		}
	}
}
