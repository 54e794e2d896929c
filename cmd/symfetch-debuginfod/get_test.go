package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestGet: each kind, the debug file if none is named; flags anywhere.
func TestGet(t *testing.T) {
	url := good(t)
	for _, test := range []struct {
		args []string
		name string
	}{
		{[]string{"get", testID}, "debuginfo"},
		{[]string{"get", strings.ToUpper(testID), "debuginfo"}, "debuginfo"},
		{[]string{"get", testID, "executable"}, "executable"},
		{[]string{"get", testID, "section", ".text"}, "section-.text"},
	} {
		cmd := command(t, url, test.args...)
		code, out, errs := runs(t, cmd)
		if want := filepath.Join(cacheOf(cmd), testID, test.name) + "\n"; code != 0 || out != want || errs != "" {
			t.Errorf("%q: %d, %q, %q, want %q", test.args, code, out, errs, want)
		}
	}
}

// TestOutput: the copy is whole, a link stays a link, a device a device.
func TestOutput(t *testing.T) {
	url, want := good(t), programBytes(t)
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"get", testID, "--output", file}, {"get", "-o", link, testID, "executable"}} {
		if code, out, errs := runs(t, command(t, url, args...)); code != 0 || !strings.HasPrefix(out, dir) {
			t.Errorf("%q: %d, %q, %q", args, code, out, errs)
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: %d bytes, %v", args, len(got), err)
		}
	}
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	cmd := command(t, url, "get", testID, "--output=/dev/stdout")
	if code, out, _ := runs(t, cmd); code != 0 || out != string(want)+"/dev/stdout\n" {
		t.Errorf("to /dev/stdout: %d, %d bytes", code, len(out))
	}
	if code, _, errs := runs(t, command(t, url, "get", testID, "-o", filepath.Join(dir, "none", "x"))); code != 1 || !strings.Contains(errs, "none") {
		t.Errorf("to a directory that is not there: %d, %q", code, errs)
	}
}

// TestNotFound: status 1, and why, in one line.
func TestNotFound(t *testing.T) {
	for urls, want := range map[string]string{
		good(t):              "no server has it",
		"":                   "no server is configured",
		"ima:enforcing":      "no server is configured",
		"http://127.0.0.1:1": "connection refused",
		silent(t):            "too slow",
	} {
		code, out, errs := runs(t, command(t, urls, "get", "abcd"))
		if code != exitNotFound || out != "" || !strings.Contains(errs, want) || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "symfetch-debuginfod: ") {
			t.Errorf("%q: %d, %q, %q, want %q", urls, code, out, errs, want)
		}
	}
}

// TestUsage: status 2.
func TestUsage(t *testing.T) {
	for args, want := range map[string]string{
		"":                         "which command",
		"find":                     `"find" is no command`,
		"get":                      "which build ID",
		"get xyz":                  "build ID",
		"get ../../etc":            "build ID",
		"get abcd source":          "none of executable, debuginfo and section",
		"get abcd executable more": `"more" is too much`,
		"get abcd section":         "which section",
		"get abcd section a b":     `"b" is too much`,
		"get --nope abcd":          "nope",
		"get - abcd":               "standard input",
		"get - -o x":               "standard input",
		"serve":                    "serve is not in this version",
		"serve --listen :8002":     "serve is not in this version",
	} {
		code, out, errs := runs(t, command(t, "", strings.Fields(args)...))
		if code != exitUsage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%q: %d, %q, %q, want %q", args, code, out, errs, want)
		}
	}
	for _, env := range []string{"DEBUGINFOD_TIMEOUT=soon", "DEBUGINFOD_URLS=ftp://x", "DEBUGINFOD_HEADERS_FILE=/nonexistent"} {
		cmd := command(t, "http://127.0.0.1:1", "get", "abcd")
		cmd.Env = append(cmd.Env, env)
		if code, _, errs := runs(t, cmd); code != exitUsage || errs == "" {
			t.Errorf("%s: %d, %q", env, code, errs)
		}
	}
}

// TestHelp: help and version are answers.
func TestHelp(t *testing.T) {
	for args, want := range map[string]string{"help": "get", "get --help": "--output FILE", "--version": "symfetch-debuginfod "} {
		if code, out, errs := runs(t, command(t, "", strings.Fields(args)...)); code != 0 || !strings.Contains(out, want) || errs != "" {
			t.Errorf("%q: %d, %q, %q", args, code, out, errs)
		}
	}
}

// TestProxy: proxies are those of the environment.
func TestProxy(t *testing.T) {
	cmd := command(t, "http://debuginfod.invalid", "get", testID)
	cmd.Env = append(cmd.Env, "HTTP_PROXY="+good(t), "http_proxy=", "NO_PROXY=", "no_proxy=")
	if code, _, errs := runs(t, cmd); code != 0 {
		t.Errorf("%d, %q", code, errs)
	}
}

// TestInterrupt: status 130 for Ctrl-C, the signal for others, soon, and nothing
// half-written is left.
func TestInterrupt(t *testing.T) {
	b := programBytes(t)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		for _, args := range [][]string{{"get", testID}, {"get", "-"}} {
			sent := make(chan bool, 1)
			url := serveSlowly(t, b, sent)
			cmd := command(t, url, args...)
			cmd.Env = append(cmd.Env, "DEBUGINFOD_TIMEOUT=100")
			cmd.Stdin = strings.NewReader(testID + " executable\n" + testID + " debuginfo\n")
			var errs strings.Builder
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-sent
			time.Sleep(100 * time.Millisecond) // until it is written
			began := time.Now()
			cmd.Process.Signal(sig)
			err := cmd.Wait()
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%v, %q: ended after %v", sig, args, took)
			}
			ws := err.(*exec.ExitError).Sys().(syscall.WaitStatus)
			if sig == syscall.SIGINT && ws.ExitStatus() != exitInterrupted || sig == syscall.SIGTERM && ws.Signal() != sig {
				t.Errorf("%v, %q: ended with %v", sig, args, err)
			}
			if left, _ := filepath.Glob(filepath.Join(cacheOf(cmd), testID, ".*")); len(left) > 0 || errs.Len() > 0 {
				t.Errorf("%v, %q: left %q, said %q", sig, args, left, errs.String())
			}
		}
	}
}

// TestVerbose: with -v or the variable it tells what it asked; else nothing, also
// where a server speaks out of turn.
func TestVerbose(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "220 mail.example ESMTP\r\n")
			c.Close()
		}
	}()
	url := "http://" + l.Addr().String()
	for _, test := range []struct {
		args    []string
		env     string
		verbose bool
	}{{nil, "", false}, {[]string{"-v"}, "", true}, {nil, "1", true}} {
		cmd := command(t, url, append([]string{"get", testID}, test.args...)...)
		cmd.Env = append(cmd.Env, "DEBUGINFOD_VERBOSE="+test.env)
		code, _, errs := runs(t, cmd)
		if code != exitNotFound || strings.Contains(errs, "level=DEBUG") != test.verbose || !test.verbose && strings.Count(errs, "\n") != 1 {
			t.Errorf("%+v: %d, %q", test, code, errs)
		}
	}
}
