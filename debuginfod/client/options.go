package client

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/symfetch/symfetch/buildid"
)

// The limits that hold where Options and the environment name none.
const (
	DefaultTimeout = 5 * time.Second
	DefaultMaxTime = 10 * time.Minute
	DefaultMaxSize = 2 << 30 // bytes
	DefaultRetries = 2
)

// Options says whom to ask and how much to bear.
type Options struct {
	// URLs are the servers' prefixes, http or https, in the order of
	// preference. None: nothing is asked, only the cache is read.
	URLs []string
	// CacheDir is where files are kept; see [CacheDir]. It is made when there
	// is something to put into it.
	CacheDir string
	// Timeout is in which time a server must send the first 100 KiB of a file
	// or all of it, and then as much again; 0 is DefaultTimeout, less than 0
	// none.
	Timeout time.Duration
	// MaxTime bounds one Fetch; 0 is DefaultMaxTime, less than 0 none.
	MaxTime time.Duration
	// MaxSize bounds a file, in bytes; 0 is DefaultMaxSize, less than 0 none.
	MaxSize int64
	// Retries is how often a server is asked again that answered with a
	// failure that may pass; 0 is DefaultRetries, less than 0 none.
	Retries int
	// Header is added to the requests to the servers themselves, not to those
	// that a redirect leads to.
	Header http.Header
	// Progress, if not nil, is told of a download that goes on, by the
	// goroutine that reads it.
	Progress func(Progress)
	// Logger receives what was asked and answered. Nil: silence.
	Logger *slog.Logger
}

// Progress is how far a download is.
type Progress struct {
	ID  buildid.ID
	URL string // without a password
	// Got of Total bytes are there; Total is 0 where the server did not tell.
	Got, Total int64
}

// FromEnv returns the Client that the environment describes; getenv is
// os.Getenv or like it.
func FromEnv(getenv func(string) string) (*Client, error) {
	o, err := OptionsFromEnv(getenv)
	if err != nil {
		return nil, err
	}
	return New(o)
}

// OptionsFromEnv reads the environment variables of debuginfod-find(1):
// DEBUGINFOD_URLS, _CACHE_PATH, _TIMEOUT, _MAXTIME, _MAXSIZE, _RETRY_LIMIT and
// _HEADERS_FILE. Where they name a limit of 0 there is none, as they say;
// where they are not set, the defaults of this package hold. An error names the
// variable. _PROGRESS and _VERBOSE are for commands.
func OptionsFromEnv(getenv func(string) string) (o Options, err error) {
	o.URLs = splitURLs(getenv("DEBUGINFOD_URLS"))
	if o.CacheDir, err = CacheDir(getenv); err != nil {
		return o, err
	}
	timeout, err1 := limit(getenv, "DEBUGINFOD_TIMEOUT", int64(1<<63-1)/int64(time.Second))
	maxTime, err2 := limit(getenv, "DEBUGINFOD_MAXTIME", int64(1<<63-1)/int64(time.Second))
	maxSize, err3 := limit(getenv, "DEBUGINFOD_MAXSIZE", 1<<63-1)
	retries, err4 := limit(getenv, "DEBUGINFOD_RETRY_LIMIT", 1000)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			return o, err
		}
	}
	o.Timeout, o.MaxTime = time.Duration(timeout)*time.Second, time.Duration(maxTime)*time.Second
	o.MaxSize, o.Retries = maxSize, int(retries)
	if path := getenv("DEBUGINFOD_HEADERS_FILE"); path != "" {
		if o.Header, err = readHeaders(path); err != nil {
			return o, fmt.Errorf("DEBUGINFOD_HEADERS_FILE: %w", err)
		}
	}
	return o, nil
}

// splitURLs drops the words that tell elfutils which signatures to check.
func splitURLs(list string) (urls []string) {
	for _, word := range strings.Fields(list) {
		if !strings.HasPrefix(word, "ima:") {
			urls = append(urls, word)
		}
	}
	return urls
}

// limit reads a number in Options' terms: 0 where the variable is not set, -1
// where it says that there is no limit.
func limit(getenv func(string) string, name string, most int64) (int64, error) {
	text := strings.TrimSpace(getenv(name))
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is no number: %q", name, text)
	}
	if n <= 0 {
		return -1, nil
	}
	return min(n, most), nil
}

// CacheDir is the directory in which debuginfod clients keep files:
// $DEBUGINFOD_CACHE_PATH, else ~/.debuginfod_client_cache where that is from
// old times, else debuginfod_client in $XDG_CACHE_HOME or ~/.cache.
func CacheDir(getenv func(string) string) (string, error) {
	if dir := getenv("DEBUGINFOD_CACHE_PATH"); dir != "" {
		return filepath.Abs(dir)
	}
	home := getenv("HOME")
	if home != "" {
		old := filepath.Join(home, ".debuginfod_client_cache")
		if info, err := os.Stat(old); err == nil && info.IsDir() {
			return old, nil
		}
	}
	if dir := getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "debuginfod_client"), nil
	}
	if !filepath.IsAbs(home) {
		return "", fmt.Errorf("no cache directory: none of DEBUGINFOD_CACHE_PATH, XDG_CACHE_HOME and HOME names one")
	}
	return filepath.Join(home, ".cache", "debuginfod_client"), nil
}

// parseURL reads a server's prefix.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		// Its text has the URL, and so maybe a password.
		return nil, fmt.Errorf("a server's URL cannot be read")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("server %s: only http and https are spoken", u.Redacted())
	case u.Host == "":
		return nil, fmt.Errorf("server %s: names no host", u.Redacted())
	}
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}
