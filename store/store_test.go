package store_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/fixtures"
	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/store"
)

// id is testID as a key.
var id = testID.String()

func TestMain(m *testing.M) {
	if dir := os.Getenv("STORE_TEST_WRITER"); dir != "" {
		writeForever(dir, os.Getenv("STORE_TEST_FILE"))
	}
	code := m.Run()
	if b, err := built(); err == nil {
		os.RemoveAll(b.dir)
	}
	os.Exit(code)
}

func TestPutMakesTheNamesThatToolsLookFor(t *testing.T) {
	p := programs(t)
	s := open(t)
	stripped, debug := read(t, p.stripped), read(t, p.debug)
	path, present := put(t, s, object(stripped, store.Executable))
	if present {
		t.Error("present in an empty store")
	}
	if want := filepath.Join(s.Dir(), testID.String(), "executable"); path != want {
		t.Errorf("path %s, want %s", path, want)
	}
	put(t, s, object(debug, store.DebugInfo))
	for name, want := range map[string][]byte{
		id + "/executable": stripped, id + "/prog": stripped, testID.Path(): stripped,
		id + "/debuginfo": debug, testID.DebugPath(): debug,
	} {
		if got := read(t, filepath.Join(s.Dir(), name)); !bytes.Equal(got, want) {
			t.Errorf("%s holds other bytes", name)
		}
	}
	if got := files(t, s); len(got) != 5 {
		t.Errorf("want five names, got %v", got)
	}
	for _, link := range []string{id + "/prog", testID.Path(), testID.DebugPath()} {
		if target, err := os.Readlink(filepath.Join(s.Dir(), link)); err != nil || filepath.IsAbs(target) {
			t.Errorf("%s: target %q, %v: a store must be movable", link, target, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o444 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(s.Dir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the store's mode is %v, %v", info.Mode(), err)
	}
}

func TestPutAgain(t *testing.T) {
	p := programs(t)
	s := open(t)
	put(t, s, object(read(t, p.full), store.Executable))
	again := object(read(t, p.full), store.Executable)
	again.Name = "other"
	again.Advance = func(int64) { t.Error("copied again") }
	path, present := put(t, s, again)
	if !present {
		t.Error("the same bytes were stored again")
	}
	if !slices.Contains(files(t, s), id+"/other") {
		t.Error("no link by the second name")
	}
	if _, present := put(t, s, object(read(t, p.stripped), store.Executable)); present {
		t.Error("other bytes passed for present")
	}
	if !bytes.Equal(read(t, path), read(t, p.stripped)) {
		t.Error("the old bytes are still there")
	}
	// A file of the right size, but damaged.
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := read(t, p.stripped)
	damaged[len(damaged)/2] ^= 1
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, present := put(t, s, object(read(t, p.stripped), store.Executable)); present {
		t.Error("a damaged file passed for present")
	}
	if !bytes.Equal(read(t, path), read(t, p.stripped)) {
		t.Error("the damage is still there")
	}
}

// TestDebugInfoOfExecutable: an executable with symbols is its own debug file,
// until there is a real one.
func TestDebugInfoOfExecutable(t *testing.T) {
	p := programs(t)
	s := open(t)
	key := store.KeyOf(testID)
	full, stripped, debug := read(t, p.full), read(t, p.stripped), read(t, p.debug)
	want := func(step string, want []byte) {
		t.Helper()
		if want == nil {
			if _, err := os.Lstat(s.Path(key, store.DebugInfo)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: there is a debug file", step)
			}
			return
		}
		if got := read(t, s.Path(key, store.DebugInfo)); !bytes.Equal(got, want) {
			t.Errorf("%s: other debug file, %d bytes, want %d", step, len(got), len(want))
		}
		if got := read(t, filepath.Join(s.Dir(), testID.DebugPath())); !bytes.Equal(got, want) {
			t.Errorf("%s: other bytes in .build-id", step)
		}
	}
	put(t, s, object(stripped, store.Executable))
	want("stripped", nil)
	put(t, s, object(full, store.Executable))
	want("full", full)
	put(t, s, object(stripped, store.Executable))
	want("stripped again", full)
	put(t, s, object(full, store.Executable))
	want("full again", full)
	put(t, s, object(debug, store.DebugInfo))
	want("debug", debug)
	put(t, s, object(full, store.Executable))
	want("full after debug", debug)
	// A debuginfod client's note that nobody has it.
	if err := os.Remove(s.Path(key, store.DebugInfo)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.Path(key, store.DebugInfo), nil, 0o444); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Fetch(t.Context(), testID, store.DebugInfo); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty file is fetched: %v, %v", f, err)
	}
	put(t, s, object(full, store.Executable))
	want("full over an empty file", full)
}

// TestInterrupted cancels a copy in its middle: no file may have the name.
func TestInterrupted(t *testing.T) {
	p := programs(t)
	s := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	o := object(read(t, p.full), store.Executable)
	var copied int64
	o.Advance = func(n int64) { copied += n; cancel() }
	if _, _, err := s.Put(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("want context.Canceled, got %v", err)
	}
	if copied == 0 {
		t.Error("cancelled before it began")
	}
	if got := files(t, s); len(got) > 0 {
		t.Errorf("left behind: %v", got)
	}
	o.Advance = nil
	put(t, s, o)
}

// writeForever is the process that TestKilled kills.
func writeForever(dir, file string) {
	s, err := store.Open(dir)
	if err != nil {
		panic(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	o := object(b, store.Executable)
	o.Advance = func(int64) {
		os.Stdout.WriteString("copying\n")
		time.Sleep(time.Minute)
	}
	s.Put(context.Background(), o)
	panic("not stopped")
}

// TestKilled kills a writer in the middle of its copy: its lock must be free
// and what it left must go, even if the next writer brings another object.
func TestKilled(t *testing.T) {
	p := programs(t)
	for _, next := range []string{p.full, p.nothing} {
		dir := filepath.Join(t.TempDir(), "store")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "STORE_TEST_WRITER="+dir, "STORE_TEST_FILE="+p.full)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got := files(t, s); len(got) != 1 || !strings.HasPrefix(got[0], ".tmp/") {
			t.Errorf("while copying: %v", got)
		}
		// While the writer lives, another waits for it, no longer than its
		// context.
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if _, _, err := s.Put(ctx, object(read(t, p.full), store.Executable)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("beside a living writer: %v", err)
		}
		cancel()
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		if s, err = store.Open(dir); err != nil {
			t.Fatal(err)
		}
		o := object(read(t, next), store.Executable)
		if next == p.nothing {
			o.ID = ""
			if o.Key, err = store.ContentKey(bytes.NewReader(read(t, next))); err != nil {
				t.Fatal(err)
			}
		}
		put(t, s, o)
		for _, name := range files(t, s) {
			if strings.HasPrefix(name, ".tmp/") {
				t.Errorf("left behind: %s", name)
			}
		}
	}
}

// TestManyWriters lets several goroutines store the same and other objects.
func TestManyWriters(t *testing.T) {
	p := programs(t)
	s := open(t)
	full, stripped, nothing := read(t, p.full), read(t, p.stripped), read(t, p.nothing)
	key, err := store.ContentKey(bytes.NewReader(nothing))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 24 {
		o := object([][]byte{full, stripped, nothing}[i%3], store.Executable)
		if i%3 == 2 {
			o.Key, o.ID = key, ""
		}
		wg.Go(func() {
			if _, _, err := s.Put(t.Context(), o); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := read(t, s.Path(store.KeyOf(testID), store.Executable))
	if !bytes.Equal(got, full) && !bytes.Equal(got, stripped) {
		t.Error("a mixture of two files")
	}
	for _, name := range files(t, s) {
		if strings.HasPrefix(name, ".tmp/") {
			t.Errorf("left behind: %s", name)
		}
	}
}

// changing gives other bytes each time that it is read.
type changing struct{ n byte }

func (c *changing) ReadAt(p []byte, _ int64) (int, error) {
	c.n++
	copy(p, bytes.Repeat([]byte{c.n}, len(p)))
	return len(p), nil
}

// TestRefused: nothing gets a name that is not what its key says.
func TestRefused(t *testing.T) {
	p := programs(t)
	full, nothing := read(t, p.full), read(t, p.nothing)
	other := object(full, store.Executable)
	other.ID = "\x99\x99"
	other.Key = store.KeyOf(other.ID)
	goKey := object(full, store.Executable)
	goKey.Key, goKey.ID = store.GoKey("a/b/c/d"), ""
	content := object(full, store.Executable)
	content.Key, content.ID = store.Key("sha256-"+strings.Repeat("0", 64)), ""
	changes := object(nil, store.Executable)
	changes.Source, changes.Size = &changing{}, 100
	short := object(full, store.Executable)
	short.Size++
	mixed := object(full, store.Executable)
	mixed.ID = "\x99\x99"
	negative := object(full, store.Executable)
	negative.Size = -1
	tests := []struct {
		what string
		o    store.Object
		want error
	}{
		{"another build ID", other, store.ErrIdentity},
		{"no build ID", object(nothing, store.Executable), store.ErrIdentity},
		{"another Go build ID", goKey, store.ErrIdentity},
		{"other content", content, store.ErrIdentity},
		{"no ELF", object([]byte("#!/bin/sh\n"), store.Executable), elffile.ErrNotELF},
		{"empty", object(nil, store.Executable), elffile.ErrNotELF},
		{"the piece that is in memory", object(full[:len(full)-64], store.Executable), store.ErrTruncated},
		{"a debug file as executable's key", object(read(t, p.debug), "core"), fs.ErrInvalid},
		{"a source that changes", changes, store.ErrChanged},
		{"a source that ends", short, nil},
		{"key and build ID differ", mixed, fs.ErrInvalid},
		{"negative size", negative, fs.ErrInvalid},
	}
	for _, tt := range tests {
		s := open(t)
		_, _, err := s.Put(t.Context(), tt.o)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: want %v, got %v", tt.what, tt.want, err)
		}
		if got := files(t, s); len(got) > 0 {
			t.Errorf("%s: left behind %v", tt.what, got)
		}
		if _, err := os.Stat(filepath.Join(s.Dir(), string(tt.o.Key))); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: an empty directory is left: %v", tt.what, err)
		}
	}
}

func TestNames(t *testing.T) {
	p := programs(t)
	b := read(t, p.stripped)
	for name, want := range map[string]string{
		"../../escape": "", "..": "", ".": "", "": "", "a/b": "", "executable": "", "debuginfo": "",
		"section-.text": "", "source#usr#x.c": "", strings.Repeat("n", 300): "", "nul\x00": "",
		".hidden": "_hidden", "plain": "plain", "app (deleted)": "app (deleted)", "new\nline": "new_line",
		"\x1b[31mred": "_[31mred", "caf\xc3\xa9": "caf\xc3\xa9", "latin\xe9": "latin_", "-rf": "-rf",
	} {
		s := open(t)
		o := object(b, store.Executable)
		o.Name = name
		put(t, s, o)
		entries, err := os.ReadDir(filepath.Join(s.Dir(), string(o.Key)))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range entries {
			if e.Name() != "executable" {
				got += e.Name()
			}
		}
		if got != want {
			t.Errorf("%q: link %q, want %q", name, got, want)
		}
		if _, err := os.Lstat(filepath.Join(s.Dir(), "..", "escape")); err == nil {
			t.Errorf("%q escaped", name)
		}
	}
}

func TestKeys(t *testing.T) {
	p := programs(t)
	content, err := store.ContentKey(bytes.NewReader(read(t, p.nothing)))
	if err != nil {
		t.Fatal(err)
	}
	if want := 7 + 64; len(content) != want {
		t.Errorf("%s has %d characters, want %d", content, len(content), want)
	}
	out, err := exec.Command("go", "tool", "buildid", p.goOnly).Output()
	if err != nil {
		t.Fatal(err)
	}
	goKey := store.GoKey(strings.TrimSpace(string(out)))
	for key, file := range map[store.Key]string{content: p.nothing, goKey: p.goOnly} {
		if _, err := buildid.Parse(string(key)); err == nil {
			t.Errorf("%s reads as a build ID", key)
		}
		s := open(t)
		o := object(read(t, file), store.Executable)
		o.Key, o.ID = key, ""
		put(t, s, o)
		f, err := s.Get(t.Context(), key, store.Executable)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		f.Close()
		if _, err := os.Lstat(filepath.Join(s.Dir(), ".build-id")); err == nil {
			t.Errorf("%s: there is a .build-id", key)
		}
	}
	for _, key := range []store.Key{"", "..", "../x", "a/b", "xyz", "go-", "go-12", "sha256-../..", "123", "ABCD", ".tmp", ".build-id",
		store.Key(strings.Repeat("ab", 65)), store.Key("go-" + strings.Repeat("a", 64)), "sha256-" + store.Key(strings.Repeat("g", 64))} {
		o := object(read(t, p.full), store.Executable)
		o.Key, o.ID = key, ""
		s := open(t)
		if _, _, err := s.Put(t.Context(), o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("put with key %q: want fs.ErrInvalid, got %v", key, err)
		}
		if _, err := s.Get(t.Context(), key, store.Executable); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("get with key %q: want fs.ErrInvalid, got %v", key, err)
		}
	}
}

func TestFetch(t *testing.T) {
	p := programs(t)
	s := open(t)
	for _, id := range []buildid.ID{testID, ""} {
		if _, err := s.Fetch(t.Context(), id, store.Executable); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("empty store, %q: %v", id, err)
		}
	}
	path, _ := put(t, s, object(read(t, p.full), store.Executable))
	f, err := s.Fetch(t.Context(), testID, store.Executable)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	// Others may put files there too, and some put the wrong one.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, read(t, p.nothing), 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Fetch(t.Context(), testID, store.Executable); !errors.Is(err, store.ErrIdentity) {
		t.Errorf("another's file: %v, %v", f, err)
	}
	// A FIFO must not block.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if f, err := s.Fetch(t.Context(), testID, store.Executable); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("FIFO: %v, %v", f, err)
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("HOME", "/home/u")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("SYMFETCH_STORE", "")
	for _, tt := range []struct{ variable, value, want string }{
		{"HOME", "/home/u", "/home/u/.cache/symfetch"},
		{"XDG_CACHE_HOME", "/var/cache/u", "/var/cache/u/symfetch"},
		{"SYMFETCH_STORE", "/srv/store", "/srv/store"},
	} {
		t.Setenv(tt.variable, tt.value)
		if got, err := store.DefaultDir(); got != tt.want || err != nil {
			t.Errorf("%s=%s: %q, %v; want %q", tt.variable, tt.value, got, err, tt.want)
		}
	}
}

// TestNoSpace fills a small file system: the error says how much is missing,
// and nothing is left behind, whether it is foreseen or comes in the middle.
func TestNoSpace(t *testing.T) {
	env := fixtures.NewTestEnv(t)
	if err := env.Has(fixtures.NeedRoot); err != nil {
		fixtures.Skip(t, err)
	}
	dir := t.TempDir()
	if err := syscall.Mount("store-test", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	p := programs(t)
	big := append(read(t, p.full), make([]byte, 900<<10)...)
	for _, when := range []string{"foreseen", "while copying"} {
		o := object(big, store.Executable)
		filler := filepath.Join(dir, "filler")
		fill := func(int64) {
			if _, err := os.Lstat(filler); err != nil {
				_ = os.WriteFile(filler, make([]byte, 500<<10), 0o600)
			}
		}
		if when == "foreseen" {
			fill(0)
		} else {
			o.Advance = fill
		}
		_, _, err := s.Put(t.Context(), o)
		var space *store.SpaceError
		if !errors.As(err, &space) || !errors.Is(err, syscall.ENOSPC) || space.Need != o.Size || space.Free >= o.Size {
			t.Errorf("%s: %v", when, err)
		}
		if got := files(t, s); len(got) != 1 || got[0] != "filler" {
			t.Errorf("%s: left behind %v", when, got)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, object(big, store.Executable))
}
