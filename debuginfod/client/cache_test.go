package client

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// put writes a file of the cache as another client would have left it.
func put(t *testing.T, c *Client, name string, data []byte, mode os.FileMode, age time.Duration) string {
	t.Helper()
	path := filepath.Join(c.cache.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMisses: an empty file of any mode is a "no" that holds for a while.
func TestMisses(t *testing.T) {
	name := testID.String() + "/executable"
	for _, test := range []struct {
		what    string
		age     time.Duration
		setting string
		asked   int
	}{
		{"fresh", time.Minute, "", 0},
		{"old", 11 * time.Minute, "", 1},
		{"from the future", -time.Hour, "", 1},
		{"older than a setting", time.Minute, "30", 1},
		{"younger than a setting", time.Hour, " 7200\n", 0},
		{"forget at once", time.Second, "0", 1},
		{"a setting without sense", time.Minute, "many", 0},
	} {
		for _, mode := range []os.FileMode{0, 0o400, 0o644} {
			s := good(t)
			c := newClient(t, nil, s.URL)
			put(t, c, name, nil, mode, test.age)
			if test.setting != "" {
				put(t, c, missAge, []byte(test.setting), 0o644, 0)
			}
			f, err := c.Fetch(t.Context(), testID, Executable)
			if err == nil {
				f.Close()
			}
			if got := len(s.requests()); got != test.asked || (err == nil) != (test.asked > 0) || err != nil && !errors.Is(err, ErrNotFound) {
				t.Errorf("%s, mode %v: %d requests, error %v", test.what, mode, got, err)
			}
		}
	}
	// What has expired and is still true is noted anew.
	s := status(t, 404)
	c := newClient(t, nil, s.URL)
	path := put(t, c, name, nil, 0, time.Hour)
	for range 2 {
		if _, err := c.Fetch(t.Context(), testID, Executable); !errors.Is(err, ErrNotFound) {
			t.Errorf("error %v", err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || time.Since(info.ModTime()) > time.Minute || len(s.requests()) != 1 {
		t.Errorf("%v, %v, %d requests", info.ModTime(), err, len(s.requests()))
	}
}

// TestFailureNotCached: what may pass is asked again the next time.
func TestFailureNotCached(t *testing.T) {
	c := newClient(t, nil, status(t, 404).URL, "http://127.0.0.1:1")
	if err := refused(t, c); errors.Is(err, ErrNotFound) {
		t.Errorf("error %v", err)
	}
}

// TestSpoiltCache: a wrong file in the cache is not handed out; a server's
// takes its place.
func TestSpoiltCache(t *testing.T) {
	exe := executable(t)
	for what, data := range map[string][]byte{
		"another file": []byte("#!/bin/sh\n"),
		"half of it":   exe[:len(exe)/2],
		"another ID":   bytes.Replace(exe, []byte(testID), bytes.Repeat([]byte("x"), len(testID)), 1),
	} {
		s := good(t)
		c := newClient(t, nil, s.URL)
		put(t, c, testID.String()+"/executable", data, 0o400, 0)
		offline := newClient(t, func(o *Options) { o.CacheDir = c.cache.dir })
		if f, err := offline.Fetch(t.Context(), testID, Executable); err == nil {
			f.Close()
			t.Errorf("%s was handed out", what)
		}
		if !bytes.Equal(fetch(t, c, Executable), exe) || !bytes.Equal(fetch(t, offline, Executable), exe) {
			t.Errorf("%s: other bytes", what)
		}
	}
}

// TestPrepare: the settings are there for elfutils, those of a user stay.
func TestPrepare(t *testing.T) {
	c := newClient(t, nil, good(t).URL)
	put(t, c, missAge, []byte("7"), 0o644, 0)
	fetch(t, c, Executable)
	for name, want := range map[string]string{cleanInterval: "86400", maxUnusedAge: "604800", missAge: "7"} {
		if got := string(contents(t, filepath.Join(c.cache.dir, name))); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestClean: once in a while what nobody reads goes, and nothing else.
func TestClean(t *testing.T) {
	c := newClient(t, nil)
	const day = 24 * time.Hour
	for _, name := range []string{"ab/executable", "ab/debuginfo", "cd/section-.text", "cd/source#usr#x.c", "cd/hdr-debuginfo", "cd/.debuginfo123"} {
		put(t, c, name, []byte("x"), 0o400, 8*day)
	}
	put(t, c, "cd/debuginfo", nil, 0o400, day)
	kept := []string{
		put(t, c, "ef/executable", []byte("x"), 0o400, 6*day),
		put(t, c, "ef/debuginfo", nil, 0o400, time.Minute),
		put(t, c, "ef/.executable1", []byte("x"), 0o400, time.Hour),
		put(t, c, "ef/mine", []byte("x"), 0o400, 100*day),
		put(t, c, "EF/executable", []byte("x"), 0o400, 100*day),
		put(t, c, "notes/executable", []byte("x"), 0o400, 100*day),
		put(t, c, "file", []byte("x"), 0o400, 100*day),
	}
	all := func() (files []string) {
		filepath.WalkDir(c.cache.dir, func(path string, d os.DirEntry, _ error) error {
			if !d.IsDir() && filepath.Base(path) != cleanInterval {
				files = append(files, path)
			}
			return nil
		})
		return files
	}
	before := all()
	c.cache.clean(time.Now()) // no interval: never cleaned, not the time
	mark := put(t, c, cleanInterval, []byte("86400"), 0o644, time.Hour)
	c.cache.clean(time.Now())
	if got := all(); !slices.Equal(got, before) {
		t.Errorf("cleaned too early: %q", got)
	}
	put(t, c, cleanInterval, []byte("86400"), 0o644, 25*time.Hour)
	c.cache.clean(time.Now())
	slices.Sort(kept)
	got := all()
	slices.Sort(got)
	if !slices.Equal(got, kept) {
		t.Errorf("left are %q, want %q", got, kept)
	}
	if _, err := os.Stat(filepath.Join(c.cache.dir, "ab")); err == nil {
		t.Error("an empty directory is left")
	}
	if info, err := os.Stat(mark); err != nil || time.Since(info.ModTime()) > time.Minute {
		t.Errorf("the cleaning is not noted: %v, %v", info.ModTime(), err)
	}
}
