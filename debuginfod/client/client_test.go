package client

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/symfetch/symfetch/buildid"
)

// TestFetch: both kinds arrive, once, and are kept as elfutils keeps them.
func TestFetch(t *testing.T) {
	p, s := testProgram(t), good(t)
	c := newClient(t, nil, s.URL+"/")
	for range 2 {
		for kind, path := range map[Kind]string{Executable: p.executable, DebugInfo: p.debuginfo} {
			if !bytes.Equal(fetch(t, c, kind), contents(t, path)) {
				t.Errorf("%s: other bytes than the server has", kind)
			}
		}
	}
	if n := len(s.requests()); n != 2 {
		t.Errorf("%d requests: %q", n, s.requests())
	}
	if r := s.asked[0]; r.Method != http.MethodGet || r.UserAgent() != userAgent {
		t.Errorf("%s by %q", r.Method, r.UserAgent())
	}
	path := filepath.Join(c.cache.dir, testID.String(), "executable")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(p.executable)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o400 || !info.ModTime().Equal(want.ModTime().Truncate(time.Second)) {
		t.Errorf("%v %v, want -r-------- and the server's time", info.Mode(), info.ModTime())
	}
	f, err := c.Fetch(t.Context(), testID, Executable)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Name() != path {
		t.Errorf("the file is called %s, want %s", f.Name(), path)
	}
}

// TestNotFound: every server says no, which is remembered.
func TestNotFound(t *testing.T) {
	a, b := good(t), status(t, http.StatusGone)
	c := newClient(t, nil, a.URL, b.URL)
	for range 2 {
		_, err := c.Fetch(t.Context(), otherID, DebugInfo)
		if !errors.Is(err, ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error %v", err)
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.ID != otherID || !strings.Contains(err.Error(), "debuginfo of build ID fedcba98: ") {
			t.Errorf("error %q", err)
		}
	}
	if len(a.requests()) != 1 || len(b.requests()) != 1 {
		t.Errorf("requests %q, %q", a.requests(), b.requests())
	}
	if got := cached(t, c); !slices.Equal(got, []string{"fedcba98/debuginfo 0"}) {
		t.Errorf("cached %q", got)
	}
}

// TestNoServers: without URLs the cache alone answers.
func TestNoServers(t *testing.T) {
	c := newClient(t, nil, good(t).URL)
	fetch(t, c, Executable)
	offline := newClient(t, func(o *Options) { o.CacheDir = c.cache.dir })
	fetch(t, offline, Executable)
	_, err := offline.Fetch(t.Context(), testID, DebugInfo)
	if !errors.Is(err, ErrNoServers) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if got := cached(t, offline); len(got) != 1 {
		t.Errorf("cached %q", got)
	}
}

// TestSecondServer: whatever the first one does, the second one's right answer
// is had; a "no" of the others is remembered only if all said it.
func TestSecondServer(t *testing.T) {
	for name, first := range map[string]*fake{"404": status(t, 404), "500": status(t, 500), "silent": silent(t)} {
		second := good(t)
		c := newClient(t, nil, first.URL, second.URL)
		if !bytes.Equal(fetch(t, c, Executable), executable(t)) {
			t.Errorf("%s: other bytes", name)
		}
		_, err := c.Fetch(t.Context(), otherID, Executable)
		if got := errors.Is(err, ErrNotFound); got != (name == "404") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestPreferred: a server that answers soon enough is the only one asked.
func TestPreferred(t *testing.T) {
	first, second := good(t), good(t)
	c := newClient(t, nil, first.URL, second.URL)
	c.headStart = time.Minute // however busy the machine is
	fetch(t, c, Executable)
	if len(second.requests()) > 0 {
		t.Errorf("the second server was asked %q", second.requests())
	}
}

// TestSection: sections are kept beside the files; there is nothing to verify.
func TestSection(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ab")) })
	c := newClient(t, nil, s.URL+"/prefix")
	for range 2 {
		f, err := c.Section(t.Context(), testID, ".debug_line")
		if err != nil {
			t.Fatal(err)
		}
		b := contents(t, f.Name())
		f.Close()
		if string(b) != "ab" || filepath.Base(f.Name()) != "section-.debug_line" {
			t.Errorf("%s: %q", f.Name(), b)
		}
	}
	if _, err := c.Section(t.Context(), testID, ".."); err != nil {
		t.Error(err)
	}
	if _, err := c.Section(t.Context(), testID, "a b%2f"); err != nil {
		t.Error(err)
	}
	prefix := "/prefix/buildid/" + testID.String() + "/section/"
	if got := s.requests(); !slices.Equal(got, []string{prefix + ".debug_line", prefix + "..", prefix + "a%20b%252f"}) {
		t.Errorf("requests %q", got)
	}
	for _, name := range []string{"", "a/b", "../../x", "a\nb", "a\x00", strings.Repeat("x", 300)} {
		if _, err := c.Section(t.Context(), testID, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("section %q: error %v", name, err)
		}
	}
}

// TestInvalid: what is no question is not asked.
func TestInvalid(t *testing.T) {
	s := good(t)
	c := newClient(t, nil, s.URL)
	for _, q := range []query{{id: "", kind: Executable}, {id: testID, kind: "source"}, {id: testID}, {id: buildid.ID(strings.Repeat("x", 65)), kind: Executable}} {
		if _, err := c.Fetch(t.Context(), q.id, q.kind); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%v: error %v", q, err)
		}
	}
	if len(s.requests()) > 0 {
		t.Errorf("asked %q", s.requests())
	}
}

// TestConcurrent: many ask one client for the same and for other things.
func TestConcurrent(t *testing.T) {
	c := newClient(t, nil, status(t, 404).URL, good(t).URL)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			f, err := c.Fetch(t.Context(), testID, []Kind{Executable, DebugInfo}[i%2])
			if err != nil {
				t.Error(err)
				return
			}
			f.Close()
			if _, err := c.Fetch(t.Context(), otherID, Executable); !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := cached(t, c); len(got) != 3 {
		t.Errorf("cached %q", got)
	}
}

// TestCancel: the caller's end is the request's, at once, and no server's fault.
func TestCancel(t *testing.T) {
	c := newClient(t, func(o *Options) { o.Timeout = time.Minute }, silent(t).URL)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	began := time.Now()
	if _, err := c.Fetch(ctx, testID, Executable); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	if _, dead := c.servers[0].patience(c.timeout); dead != nil {
		t.Errorf("the server counts as dead: %v", dead)
	}
}

// TestProgress: the bytes add up.
func TestProgress(t *testing.T) {
	var last Progress
	c := newClient(t, func(o *Options) { o.Progress = func(p Progress) { last = p } }, good(t).URL)
	n := int64(len(fetch(t, c, Executable)))
	if last.ID != testID || last.Got != n || last.Total != n || !strings.HasSuffix(last.URL, "/executable") {
		t.Errorf("the last progress is %+v of %d bytes", last, n)
	}
}

// TestCacheUnwritable: no server is blamed for it.
func TestCacheUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := good(t)
	c := newClient(t, func(o *Options) { o.CacheDir = filepath.Join(file, "cache") }, s.URL)
	if _, err := c.Fetch(t.Context(), testID, Executable); err == nil || !strings.Contains(err.Error(), "cache: ") {
		t.Errorf("error %v", err)
	}
	if len(s.requests()) > 0 {
		t.Errorf("asked %q for a file that cannot be kept", s.requests())
	}
}
