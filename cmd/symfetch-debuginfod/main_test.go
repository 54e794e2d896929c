package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the command under test, which the tests find on
// PATH.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"symfetch-debuginfod": main})
}

// testID is the build ID of the program that is served.
const testID = "123456789abcdef0112233445566778899aabbcc"

// program builds an executable with testID, once.
var program = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "symfetch-debuginfod-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "prog")
	cmd := exec.Command("gcc", "-g", "-Wl,--build-id=0x"+testID, "-x", "c", "-o", path, "-")
	cmd.Stdin = strings.NewReader("int main(void) { return 0; }\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("gcc: %w\n%s", err, out)
	}
	return os.ReadFile(path)
})

func programBytes(t *testing.T) []byte {
	t.Helper()
	b, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// serve is a server that is asked by run.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// good serves the program as executable, as debuginfo, and as one section.
func good(t *testing.T) string {
	b := programBytes(t)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimPrefix(r.URL.Path, "/buildid/"+testID+"/") {
		case "executable", "debuginfo":
			w.Write(b)
		case "section/.text":
			w.Write([]byte("text"))
		default:
			http.NotFound(w, r)
		}
	})
}

// silent accepts connections and never answers.
func silent(t *testing.T) string {
	return serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// command is symfetch-debuginfod with a cache of its own and a server.
func command(t *testing.T, urls string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("symfetch-debuginfod")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "DEBUGINFOD_CACHE_PATH="+filepath.Join(t.TempDir(), "cache"), "DEBUGINFOD_URLS="+urls, "DEBUGINFOD_TIMEOUT=1")
	return cmd
}

// runs runs cmd and returns its exit status and what it prints.
func runs(t *testing.T, cmd *exec.Cmd) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// cacheOf is the cache of a command.
func cacheOf(cmd *exec.Cmd) string {
	for _, v := range cmd.Env {
		if dir, ok := strings.CutPrefix(v, "DEBUGINFOD_CACHE_PATH="); ok {
			return dir
		}
	}
	return ""
}
