package client

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// The settings of the cache are files in it, a decimal number of seconds each.
const (
	cleanInterval = "cache_clean_interval_s" // its mtime is the last cleaning
	maxUnusedAge  = "max_unused_age_s"
	missAge       = "cache_miss_s"
)

// settings are the defaults of the settings, in seconds.
var settings = map[string]int64{cleanInterval: 86400, maxUnusedAge: 604800, missAge: 600}

const (
	fileMode = 0o400
	dirMode  = 0o700
)

// cache is a directory laid out as elfutils' client does:
//
//	<id>/executable   <id>/debuginfo   <id>/section-<name>
//
// An empty file is a miss: no server had it at that time.
type cache struct{ dir string }

func (c cache) path(q query) string { return filepath.Join(c.dir, q.id.String(), q.file()) }

// lookup opens the file for q if it is there and right. miss says that a recent
// query found nothing; err is why a file that is there was refused.
func (c cache) lookup(q query) (f *os.File, miss bool, err error) {
	path := c.path(q)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, false, nil
	}
	if info.Size() == 0 {
		age := time.Since(info.ModTime())
		return nil, age >= 0 && age <= c.setting(missAge), nil
	}
	// Not blocking, should the file be another by now.
	if f, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
		return nil, false, err
	}
	if err = verify(f, q, path); err != nil {
		f.Close()
		return nil, false, err
	}
	return f, false, nil
}

// create starts the file for q; it appears when it is committed.
func (c cache) create(q query) (*renameio.PendingFile, error) {
	path := c.path(q)
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, err
	}
	return renameio.NewPendingFile(path, renameio.WithTempDir(dir), renameio.WithStaticPermissions(fileMode))
}

// commit gives a file its name and, as elfutils does, the server's time. That it
// is read now keeps it from being cleaned away.
func commit(f *renameio.PendingFile, modified time.Time) error {
	if !modified.IsZero() {
		if err := os.Chtimes(f.Name(), time.Now(), modified); err != nil {
			return err
		}
	}
	return f.CloseAtomicallyReplace()
}

// noteMiss remembers that no server has q's file. To fail costs a query later.
func (c cache) noteMiss(q query) {
	path := c.path(q)
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Size() == 0 {
		os.Remove(path) // its time is over
	}
	if os.MkdirAll(filepath.Dir(path), dirMode) != nil {
		return
	}
	if f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode); err == nil {
		f.Close()
	}
}

// setting reads a setting; one that makes no sense is the default.
func (c cache) setting(name string) time.Duration {
	seconds := settings[name]
	if text, err := os.ReadFile(filepath.Join(c.dir, name)); err == nil {
		const most = int64(1<<63-1) / int64(time.Second)
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n >= 0 {
			seconds = min(n, most)
		}
	}
	return time.Duration(seconds) * time.Second
}

// prepare makes the cache and its settings, and cleans it if it is time.
func (c cache) prepare() error {
	if err := os.MkdirAll(c.dir, dirMode); err != nil {
		return err
	}
	for name, seconds := range settings {
		f, err := os.OpenFile(filepath.Join(c.dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.WriteString(strconv.FormatInt(seconds, 10))
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	c.clean(time.Now())
	return nil
}
