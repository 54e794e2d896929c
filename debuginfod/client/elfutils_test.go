package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// debuginfod starts elfutils' server on the program's files and returns its URL
// once it has seen them.
func debuginfod(t *testing.T) string {
	t.Helper()
	need(t, "debuginfod")
	p, dir := testProgram(t), t.TempDir()
	for _, path := range []string{p.executable, p.debuginfo} {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), contents(t, path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// The port may be taken between the two of us.
	for range 5 {
		if url, ok := startDebuginfod(t, dir); ok {
			return url
		}
	}
	t.Fatal("debuginfod does not start")
	return ""
}

func startDebuginfod(t *testing.T, dir string) (url string, ok bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	var log bytes.Buffer
	cmd := exec.Command("debuginfod", "-F", dir, "-p", fmt.Sprint(port), "-d", ":memory:", "-v")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "DEBUGINFOD_URLS=")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	url = fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-ended:
			t.Logf("debuginfod ended: %v\n%s", err, log.String())
			return "", false
		default:
		}
		if strings.Contains(metrics(url), `thread_work_total{role="scan"} 2`) {
			t.Cleanup(func() {
				cmd.Process.Kill()
				<-ended
			})
			return url, true
		}
	}
	cmd.Process.Kill()
	<-ended
	t.Fatalf("debuginfod does not scan:\n%s", log.String())
	return "", false
}

func metrics(url string) string {
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return string(text)
}

// find runs elfutils' client on a cache.
func find(t *testing.T, cache, url string, args ...string) (string, error) {
	t.Helper()
	need(t, "debuginfod-find")
	cmd := exec.CommandContext(t.Context(), "debuginfod-find", args...)
	cmd.Env = append(os.Environ(), "DEBUGINFOD_CACHE_PATH="+cache, "DEBUGINFOD_URLS="+url, "LC_ALL=C", "HOME="+t.TempDir())
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

const nowhere = "http://127.0.0.1:1"

// TestServerOfElfutils: everything that this package asks, of the real server.
func TestServerOfElfutils(t *testing.T) {
	p, url := testProgram(t), debuginfod(t)
	c := newClient(t, func(o *Options) { o.Timeout = 30 * time.Second }, url)
	if !bytes.Equal(fetch(t, c, Executable), contents(t, p.executable)) || !bytes.Equal(fetch(t, c, DebugInfo), contents(t, p.debuginfo)) {
		t.Error("other bytes than the server's files")
	}
	f, err := c.Section(t.Context(), testID, ".debug_line")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if _, err := c.Section(t.Context(), testID, ".nonesuch"); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such section: error %v", err)
	}
	if _, err := c.Fetch(t.Context(), otherID, DebugInfo); !errors.Is(err, ErrNotFound) {
		t.Errorf("no such build ID: error %v", err)
	}
}

// TestCacheOfElfutils: what one client has in its cache the other reads without
// a server, also that there is nothing.
func TestCacheOfElfutils(t *testing.T) {
	p, url := testProgram(t), debuginfod(t)
	id := testID.String()
	t.Run("ours", func(t *testing.T) {
		c := newClient(t, func(o *Options) { o.Timeout = 30 * time.Second }, url)
		for _, kind := range []Kind{Executable, DebugInfo} {
			fetch(t, c, kind)
			want := filepath.Join(c.cache.dir, id, string(kind))
			if got, err := find(t, c.cache.dir, nowhere, string(kind), id); err != nil || got != want {
				t.Errorf("debuginfod-find %s: %s, %v, want %s", kind, got, err, want)
			}
		}
		f, err := c.Section(t.Context(), testID, ".debug_line")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if got, err := find(t, c.cache.dir, nowhere, "section", id, ".debug_line"); err != nil || got != f.Name() {
			t.Errorf("debuginfod-find section: %s, %v, want %s", got, err, f.Name())
		}
		if _, err := c.Fetch(t.Context(), otherID, DebugInfo); !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		// A query would say "Connection refused".
		if got, err := find(t, c.cache.dir, nowhere, "debuginfo", otherID.String()); err == nil || !strings.Contains(got, "No such file") {
			t.Errorf("debuginfod-find of a miss: %s, %v", got, err)
		}
	})
	t.Run("theirs", func(t *testing.T) {
		dir := t.TempDir()
		for _, args := range [][]string{{"executable", id}, {"debuginfo", id}, {"section", id, ".debug_line"}} {
			if out, err := find(t, dir, url, args...); err != nil {
				t.Fatalf("debuginfod-find %q: %v: %s", args, err, out)
			}
		}
		if out, err := find(t, dir, url, "executable", otherID.String()); err == nil {
			t.Fatalf("debuginfod-find: %s", out)
		}
		offline := newClient(t, func(o *Options) { o.CacheDir = dir })
		if !bytes.Equal(fetch(t, offline, Executable), contents(t, p.executable)) || !bytes.Equal(fetch(t, offline, DebugInfo), contents(t, p.debuginfo)) {
			t.Error("other bytes")
		}
		f, err := offline.Section(t.Context(), testID, ".debug_line")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if _, err := offline.Fetch(t.Context(), otherID, Executable); !errors.Is(err, ErrNotFound) || errors.Is(err, ErrNoServers) {
			t.Errorf("a miss: error %v", err)
		}
	})
}
