package client

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func environ(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// TestOptionsFromEnv: as debuginfod-find(1) documents them.
func TestOptionsFromEnv(t *testing.T) {
	headers := filepath.Join(t.TempDir(), "headers")
	if err := os.WriteFile(headers, []byte("X-A: 1\n\n  \nx-b:two words\r\nRange: bytes=0-1\nx-a: 2"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		vars map[string]string
		want Options
	}{
		{nil, Options{}},
		{map[string]string{"URLS": "  "}, Options{}},
		{map[string]string{"URLS": "ima:enforcing https://a ima:ignore http://b/c/ "}, Options{URLs: []string{"https://a", "http://b/c/"}}},
		{map[string]string{"TIMEOUT": "90", "MAXTIME": "7", "MAXSIZE": "5", "RETRY_LIMIT": "4"},
			Options{Timeout: 90 * time.Second, MaxTime: 7 * time.Second, MaxSize: 5, Retries: 4}},
		{map[string]string{"TIMEOUT": "0", "MAXTIME": "0", "MAXSIZE": "0", "RETRY_LIMIT": "-3"},
			Options{Timeout: -time.Second, MaxTime: -time.Second, MaxSize: -1, Retries: -1}},
		{map[string]string{"HEADERS_FILE": headers}, Options{Header: http.Header{"X-A": {"1", "2"}, "X-B": {"two words"}}}},
	} {
		vars := map[string]string{"DEBUGINFOD_CACHE_PATH": "/c"}
		for name, value := range test.vars {
			vars["DEBUGINFOD_"+name] = value
		}
		got, err := OptionsFromEnv(environ(vars))
		test.want.CacheDir = "/c"
		if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%v: %+v, %v, want %+v", test.vars, got, err, test.want)
		}
		if _, err := FromEnv(environ(vars)); err != nil {
			t.Errorf("%v: %v", test.vars, err)
		}
	}
	o, err := OptionsFromEnv(environ(map[string]string{"HOME": "/h", "DEBUGINFOD_TIMEOUT": "99999999999999999"}))
	if err != nil || o.Timeout <= 0 {
		t.Errorf("a large number: %v, %v", o.Timeout, err)
	}
	for name, value := range map[string]string{
		"DEBUGINFOD_TIMEOUT": "5s", "DEBUGINFOD_MAXTIME": "x", "DEBUGINFOD_MAXSIZE": "1G", "DEBUGINFOD_RETRY_LIMIT": "1.5",
		"DEBUGINFOD_HEADERS_FILE": "/nonexistent",
	} {
		if _, err := FromEnv(environ(map[string]string{"HOME": "/h", name: value})); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: error %v", name, value, err)
		}
	}
}

// TestDefaults: what is not said is limited, what is said to be unlimited not.
func TestDefaults(t *testing.T) {
	c := newClient(t, func(o *Options) { o.Timeout = 0 })
	if c.timeout != DefaultTimeout || c.maxTime != DefaultMaxTime || c.maxSize != DefaultMaxSize || c.retries != DefaultRetries {
		t.Errorf("defaults: %v %v %d %d", c.timeout, c.maxTime, c.maxSize, c.retries)
	}
	c = newClient(t, func(o *Options) { o.Timeout, o.MaxTime, o.MaxSize, o.Retries = -1, -1, -1, -1 }, good(t).URL)
	if c.timeout != 0 || c.maxTime != 0 || c.maxSize != 0 || c.retries != 0 {
		t.Errorf("none: %v %v %d %d", c.timeout, c.maxTime, c.maxSize, c.retries)
	}
	fetch(t, c, Executable)
	if _, err := New(Options{}); err == nil {
		t.Error("a client without a cache directory")
	}
}

// TestHeadersFile: what is no header is refused, and not shown.
func TestHeadersFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "headers")
	for _, text := range []string{"secret", "a b: secret", ": secret", "a: sec\x00ret", "ä: secret", "a: 1\nb secret", strings.Repeat("a: secret\n", 10000)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readHeaders(path); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), path) {
			t.Errorf("%.20q: error %v", text, err)
		}
	}
}

// TestCacheDir: the places, by their order.
func TestCacheDir(t *testing.T) {
	home := t.TempDir()
	cache := func(vars map[string]string) string {
		t.Helper()
		dir, err := CacheDir(environ(vars))
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	vars := map[string]string{"HOME": home}
	if got, want := cache(vars), home+"/.cache/debuginfod_client"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	vars["XDG_CACHE_HOME"] = "/xdg"
	if got, want := cache(vars), "/xdg/debuginfod_client"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	old := home + "/.debuginfod_client_cache"
	if err := os.Mkdir(old, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := cache(vars); got != old {
		t.Errorf("%s, want %s", got, old)
	}
	vars["DEBUGINFOD_CACHE_PATH"] = "relative"
	if got := cache(vars); !filepath.IsAbs(got) || filepath.Base(got) != "relative" {
		t.Errorf("%s, want an absolute path", got)
	}
	if dir, err := CacheDir(environ(nil)); err == nil {
		t.Errorf("without any variable: %s", dir)
	}
}
