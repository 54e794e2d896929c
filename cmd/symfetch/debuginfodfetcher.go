package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/resolver"
)

const (
	debuginfodExecutable = "symfetch-debuginfod"
	// debuginfodSilence is how long all servers together may keep silent. The
	// helper gives up one that is dead earlier.
	debuginfodSilence = 6 * time.Second
)

// silenceOf is debuginfodSilence, or more where the user gives a server more
// time; setting is DEBUGINFOD_TIMEOUT, in seconds, 0 and less for any time.
func silenceOf(setting string) time.Duration {
	const most = 24 * time.Hour
	seconds, err := strconv.ParseInt(strings.TrimSpace(setting), 10, 64)
	switch {
	case err != nil:
		return debuginfodSilence // the helper complains
	case seconds <= 0 || seconds > int64(most/time.Second):
		return most
	}
	return max(debuginfodSilence, time.Duration(seconds+1)*time.Second)
}

// debuginfodFetcher asks debuginfod servers by way of a helper, as this process
// opens no socket. The helper is told build IDs and answers with paths. It is
// started by the first question, remembers which servers are dead, and ends
// with this process, however that ends.
type debuginfodFetcher struct {
	argv   []string
	flush  func() // what was printed, before the helper shows its progress
	start  sync.Once
	helper *helper
	err    error // why there is no helper
}

// network returns the Fetcher of files over the network, nil where the user
// has named no server.
func (a *app) network() resolver.Fetcher {
	if strings.TrimSpace(os.Getenv("DEBUGINFOD_URLS")) == "" {
		return nil
	}
	if a.debuginfod == nil {
		argv := []string{debuginfodExecutable, "get", "-", "--attended"}
		if a.opts.verbose {
			argv = append(argv, "-v")
		}
		a.debuginfod = &debuginfodFetcher{argv: argv, flush: func() { a.out.Flush() }}
	}
	return a.debuginfod
}

// Fetch implements resolver.Fetcher. An interrupt ends the helper.
func (f *debuginfodFetcher) Fetch(ctx context.Context, id buildid.ID, kind resolver.Kind) (*os.File, error) {
	f.start.Do(func() {
		path, ok := f.argv[0], filepath.IsAbs(f.argv[0])
		if !ok {
			path, ok = findExecutable(f.argv[0], os.Args[0])
		}
		if !ok {
			f.err = fmt.Errorf("%s is neither beside symfetch nor on PATH: %w", f.argv[0], fs.ErrNotExist)
			return
		}
		f.flush()
		f.helper, f.err = startHelper(path, f.argv, silenceOf(os.Getenv("DEBUGINFOD_TIMEOUT")))
	})
	if f.err != nil {
		return nil, f.err
	}
	word := "executable"
	if kind == resolver.KindDebugInfo {
		word = "debuginfo"
	}
	path, err := f.helper.ask(ctx, id.String()+" "+word)
	if err != nil {
		return nil, err
	}
	return openCached(path, id, word)
}

// openCached opens what the helper says is the file of an ID in its cache. The
// resolver verifies the bytes: this only sees to it that nothing else than a
// file of that name is opened.
func openCached(path string, id buildid.ID, word string) (*os.File, error) {
	if !filepath.IsAbs(path) || !strings.HasSuffix(path, "/"+id.String()+"/"+word) {
		return nil, fmt.Errorf("%s answers with another file, %q", debuginfodExecutable, path)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%q is no regular file", path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
