package client

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/symfetch/symfetch/buildid"
)

// abandoned is how old a half-written file is that nobody writes any more.
const abandoned = 24 * time.Hour

// clean removes what nobody read for a long time, if the last cleaning is long
// enough ago. Nothing depends on its success, and whatever a client did not put
// there stays.
func (c cache) clean(now time.Time) {
	mark := filepath.Join(c.dir, cleanInterval)
	last, err := os.Stat(mark)
	if err != nil || now.Sub(last.ModTime()) < c.setting(cleanInterval) {
		return
	}
	if os.Chtimes(mark, now, now) != nil {
		return // it would be cleaned at every turn
	}
	unused, miss := c.setting(maxUnusedAge), c.setting(missAge)
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if id, err := buildid.Parse(e.Name()); err != nil || id.String() != e.Name() || !e.IsDir() {
			continue
		}
		dir := filepath.Join(c.dir, e.Name())
		files, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, f := range files {
			info, err := f.Info()
			if err == nil && info.Mode().IsRegular() && isStale(info, now, unused, miss) {
				os.Remove(filepath.Join(dir, f.Name()))
			}
		}
		os.Remove(dir) // if it is empty
	}
}

func isStale(info os.FileInfo, now time.Time, unused, miss time.Duration) bool {
	name := info.Name()
	switch {
	case strings.HasPrefix(name, "."): // half-written
		return now.Sub(info.ModTime()) > abandoned
	case name != string(Executable) && name != string(DebugInfo) && !strings.HasPrefix(name, "section") &&
		!strings.HasPrefix(name, "source") && !strings.HasPrefix(name, "hdr-"):
		return false
	case info.Size() == 0:
		return now.Sub(info.ModTime()) > miss
	}
	return now.Sub(accessTime(info)) > unused
}

func accessTime(info os.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(int64(st.Atim.Sec), int64(st.Atim.Nsec))
	}
	return time.Now()
}
