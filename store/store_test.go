package store_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/store"
)

const testID = buildid.ID("\x12\x34\x56\x78")

func object(content string) store.Object {
	return store.Object{
		Key: store.KeyOf(testID), ID: testID, Kind: store.Executable, Name: "prog",
		Source: strings.NewReader(content), Size: int64(len(content)),
	}
}

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *store.Store, o store.Object) (string, bool) {
	t.Helper()
	path, present, err := s.Put(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return path, present
}

func TestPutMakesTheNamesThatToolsLookFor(t *testing.T) {
	s := open(t)
	path, present := put(t, s, object("bytes"))
	if present {
		t.Error("present in an empty store")
	}
	for _, name := range []string{"12345678/executable", "12345678/prog", ".build-id/12/345678"} {
		got, err := os.ReadFile(filepath.Join(s.Dir(), name))
		if err != nil || string(got) != "bytes" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if want := filepath.Join(s.Dir(), "12345678/executable"); path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	debug := object("debug")
	debug.Kind = store.DebugInfo
	put(t, s, debug)
	if got, err := os.ReadFile(filepath.Join(s.Dir(), ".build-id/12/345678.debug")); err != nil || string(got) != "debug" {
		t.Errorf("debug link: %q, %v", got, err)
	}
}

func TestPutAgain(t *testing.T) {
	s := open(t)
	put(t, s, object("bytes"))
	if _, present := put(t, s, object("bytes")); !present {
		t.Error("the same bytes were stored again")
	}
	path, present := put(t, s, object("other"))
	if present {
		t.Error("other bytes passed for present")
	}
	if got, _ := os.ReadFile(path); string(got) != "other" {
		t.Errorf("kept %q", got)
	}
}

// TestInterrupted cancels a copy in its middle: no file may have the name.
func TestInterrupted(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := object(strings.Repeat("x", 4<<20))
	o.Advance = func(int64) { cancel() }
	if _, _, err := s.Put(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("want context.Canceled, got %v", err)
	}
	if _, err := os.Stat(s.Path(o.Key, o.Kind)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a file has the name: %v", err)
	}
	o.Advance = nil
	put(t, s, o)
	if left, _ := os.ReadDir(filepath.Join(s.Dir(), ".tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// changing gives other bytes each time that it is read.
type changing struct{ n byte }

func (c *changing) ReadAt(p []byte, _ int64) (int, error) {
	c.n++
	copy(p, bytes.Repeat([]byte{c.n}, len(p)))
	return len(p), nil
}

func TestSourceThatChanges(t *testing.T) {
	s := open(t)
	o := object("")
	o.Source, o.Size = &changing{}, 10
	if _, _, err := s.Put(t.Context(), o); !errors.Is(err, store.ErrChanged) {
		t.Errorf("want ErrChanged, got %v", err)
	}
	if _, err := os.Stat(s.Path(o.Key, o.Kind)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stored all the same: %v", err)
	}
}

func TestHostileNames(t *testing.T) {
	s := open(t)
	for _, name := range []string{"../../escape", "..", "executable", ".hidden", "a/b", strings.Repeat("n", 300)} {
		o := object("bytes")
		o.Name = name
		put(t, s, o)
	}
	entries, err := os.ReadDir(filepath.Join(s.Dir(), "12345678"))
	if err != nil || len(entries) != 1 {
		t.Errorf("want executable alone, got %v, %v", entries, err)
	}
	for _, key := range []store.Key{"", "..", "../x", "a/b", "xyz", "go-", "sha256-../.."} {
		o := object("bytes")
		o.Key = key
		if _, _, err := s.Put(t.Context(), o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("key %q: want fs.ErrInvalid, got %v", key, err)
		}
	}
}

func TestKeysDoNotCollide(t *testing.T) {
	content, err := store.ContentKey(strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []store.Key{content, store.GoKey("a/b/c/d")} {
		if _, err := buildid.Parse(string(k)); err == nil {
			t.Errorf("%s reads as a build ID", k)
		}
		o := object("bytes")
		o.Key, o.ID = k, ""
		put(t, open(t), o)
	}
}

func TestFetch(t *testing.T) {
	s := open(t)
	if _, err := s.Fetch(t.Context(), testID, store.Executable); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("empty store: %v", err)
	}
	put(t, s, object("bytes"))
	f, err := s.Fetch(t.Context(), testID, store.Executable)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
