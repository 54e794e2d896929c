package client

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/fixtures"
)

// testID is the build ID of the program that the tests build.
const testID = buildid.ID("\x12\x34\x56\x78\x9a\xbc\xde\xf0\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc")

// otherID is nobody's.
const otherID = buildid.ID("\xfe\xdc\xba\x98")

// program is what the tests fetch: built with gcc, stripped, and its debug file.
type program struct{ executable, debuginfo string }

var built = sync.OnceValues(func() (p program, err error) {
	dir, err := os.MkdirTemp("", "debuginfod-client-")
	if err != nil {
		return p, err
	}
	p = program{filepath.Join(dir, "prog"), filepath.Join(dir, "prog.debug")}
	for _, args := range [][]string{
		{"gcc", "-g", "-Wl,--build-id=0x" + testID.String(), "-o", p.executable, "testdata/program.c"},
		{"objcopy", "--only-keep-debug", p.executable, p.debuginfo},
		{"strip", p.executable},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return p, fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return p, nil
})

// TestMain removes the program.
func TestMain(m *testing.M) {
	code := m.Run()
	if p, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(p.executable))
	}
	os.Exit(code)
}

func testProgram(t testing.TB) program {
	t.Helper()
	p, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func contents(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// executable returns the stripped program's bytes.
func executable(t testing.TB) []byte { return contents(t, testProgram(t).executable) }

// fake is a server of one's own making; it counts what it is asked.
type fake struct {
	*httptest.Server
	mu    sync.Mutex
	asked []*http.Request
}

func serve(t testing.TB, h http.HandlerFunc) *fake {
	t.Helper()
	f := new(fake)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.asked = append(f.asked, r)
		f.mu.Unlock()
		h(w, r)
	}))
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

// requests returns the paths asked so far.
func (f *fake) requests() (paths []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.asked {
		paths = append(paths, r.URL.EscapedPath())
	}
	return paths
}

// good serves the program by its build ID.
func good(t testing.TB) *fake {
	p := testProgram(t)
	files := map[string]string{
		"/buildid/" + testID.String() + "/executable": p.executable,
		"/buildid/" + testID.String() + "/debuginfo":  p.debuginfo,
	}
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		path, ok := files[r.URL.Path]
		if !ok || r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		http.ServeFile(w, r, path)
	})
}

// status serves nothing but a status.
func status(t testing.TB, code int) *fake {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

// silent accepts connections and never answers.
func silent(t testing.TB) *fake {
	return serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
}

// testTimeout is short, so that what takes longer than it is seen.
const testTimeout = time.Second

// newClient returns a client with a cache of its own.
func newClient(t testing.TB, change func(*Options), urls ...string) *Client {
	t.Helper()
	o := Options{URLs: urls, CacheDir: filepath.Join(t.TempDir(), "cache"), Timeout: testTimeout}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// fetch gets a file that must be there, and returns its bytes.
func fetch(t testing.TB, c *Client, kind Kind) []byte {
	t.Helper()
	f, err := c.Fetch(t.Context(), testID, kind)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refused asks for the executable, which must fail and leave nothing behind.
func refused(t testing.TB, c *Client) error {
	t.Helper()
	f, err := c.Fetch(t.Context(), testID, Executable)
	if err == nil {
		f.Close()
		t.Fatal("a file was accepted")
	}
	if left := cached(t, c); len(left) > 0 {
		t.Errorf("left in the cache: %q", left)
	}
	return err
}

// cached lists the files in the cache but the settings, misses with a "0".
func cached(t testing.TB, c *Client) (names []string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(c.cache.dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	hidden, _ := filepath.Glob(filepath.Join(c.cache.dir, "*", ".*"))
	for _, path := range append(found, hidden...) {
		name, _ := filepath.Rel(c.cache.dir, path)
		if info, err := os.Stat(path); err == nil && info.Size() == 0 {
			name += " 0"
		}
		names = append(names, name)
	}
	return names
}

// need skips the test where a tool is not installed; in CI it fails.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			fixtures.Skip(t, &fixtures.UnmetError{Need: fixtures.Need(tool), Err: err})
		}
	}
}
