// Package store keeps objects by their build IDs in a directory that other
// tools read as it is:
//
//	<id>/executable          the object's bytes (debuginfod client caches, pprof's PPROF_BINARY_PATH)
//	<id>/debuginfo           its separate debug file
//	<id>/<basename>          a link to executable: pprof prints that name
//	.build-id/xx/rest        a link to executable (gdb, perf --buildid-dir)
//	.build-id/xx/rest.debug  a link to debuginfo (gdb, Delve, elfutils)
//
// A file appears under its name only when all its bytes are there, on disk and
// compared with their source: what was interrupted leaves nothing behind but a
// file in .tmp, which the next writer removes.
package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"github.com/symfetch/symfetch/buildid"
)

// Kind is what is kept of an object; its value is the file's name.
type Kind string

// The kinds.
const (
	Executable Kind = "executable"
	DebugInfo  Kind = "debuginfo"
)

// ErrChanged: the source gave other bytes when it was read again.
var ErrChanged = errors.New("the source changed while it was copied")

const (
	lockName = ".lock"
	tempName = ".tmp"
	fileMode = 0o444
	dirMode  = 0o755
)

// Store is a directory of objects. Any number of processes may write to one:
// they take turns.
type Store struct{ dir string }

// Open returns the store at dir, making the directory if there is none.
func Open(dir string) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(abs, tempName), dirMode); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &Store{abs}, nil
}

// Dir is the store's absolute path.
func (s *Store) Dir() string { return s.dir }

// Path is where the store keeps a kind of an object, whether it is there or not.
func (s *Store) Path(key Key, kind Kind) string {
	return filepath.Join(s.dir, string(key), string(kind))
}

// Fetch opens what the store has for a GNU build ID; fs.ErrNotExist where it
// has nothing. The caller closes it, and verifies it: a store is a place on
// disk like any other.
func (s *Store) Fetch(_ context.Context, id buildid.ID, kind Kind) (*os.File, error) {
	if id == "" {
		return nil, fmt.Errorf("store: no build ID: %w", fs.ErrNotExist)
	}
	return os.Open(s.Path(KeyOf(id), kind))
}

// Object is what Put stores.
type Object struct {
	Key  Key
	Kind Kind
	// ID gives the links below .build-id; "" for an object without one.
	ID buildid.ID
	// Name is the object's own name, raw bytes; a link by it is made where it
	// can serve as a file name.
	Name string
	// Source holds Size bytes.
	Source io.ReaderAt
	Size   int64
	// Advance, if not nil, is told the bytes copied since its last call.
	Advance func(n int64)
}

// Put stores an object unless the very same bytes are there already. It
// returns the file's path and whether it was there.
func (s *Store) Put(ctx context.Context, o Object) (path string, present bool, err error) {
	if !o.Key.valid() || o.Kind != Executable && o.Kind != DebugInfo {
		return "", false, fmt.Errorf("store: key %q, kind %q: %w", o.Key, o.Kind, fs.ErrInvalid)
	}
	lock := flock.New(filepath.Join(s.dir, lockName))
	const retry = 50e6 // nanoseconds
	if _, err := lock.TryLockContext(ctx, retry); err != nil {
		return "", false, fmt.Errorf("store: lock: %w", err)
	}
	defer lock.Close()
	path = s.Path(o.Key, o.Kind)
	same, err := sameBytes(ctx, path, o)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("store: %w", err)
	}
	if !same {
		if err := s.write(ctx, path, o); err != nil {
			return "", false, fmt.Errorf("store %q: %w", path, err)
		}
	}
	return path, same, s.link(o)
}

// write copies o to path by way of a temporary file.
func (s *Store) write(ctx context.Context, path string, o Object) error {
	temp := filepath.Join(s.dir, tempName)
	// Only the holder of the lock writes there: what lies there was interrupted.
	if err := removeAll(temp); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return err
	}
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(temp), renameio.WithStaticPermissions(fileMode))
	if err != nil {
		return err
	}
	defer f.Cleanup()
	src := io.NewSectionReader(o.Source, 0, o.Size)
	if _, err := io.Copy(f, &meter{ctx, src, o.Advance}); err != nil {
		return err
	}
	if same, err := sameBytes(ctx, f.Name(), o); err != nil {
		return err
	} else if !same {
		return ErrChanged
	}
	return f.CloseAtomicallyReplace()
}

func removeAll(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sameBytes reports whether the file at path holds o's bytes.
func sameBytes(ctx context.Context, path string, o Object) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil || !stat.Mode().IsRegular() || stat.Size() != o.Size {
		return false, err
	}
	const chunk = 1 << 20 // bytes
	have, want := make([]byte, min(chunk, o.Size)), make([]byte, min(chunk, o.Size))
	for off := int64(0); off < o.Size; off += chunk {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n := min(chunk, o.Size-off)
		if _, err := f.ReadAt(have[:n], off); err != nil {
			return false, err
		}
		if m, err := o.Source.ReadAt(want[:n], off); int64(m) < n {
			return false, fmt.Errorf("read the object at offset %#x: %w", off+int64(m), err)
		}
		if !bytes.Equal(have[:n], want[:n]) {
			return false, nil
		}
	}
	return true, nil
}

// link makes the names by which other tools look.
func (s *Store) link(o Object) error {
	var errs []error
	if o.Kind == Executable && linkable(o.Name) {
		errs = append(errs, symlink(string(Executable), filepath.Join(s.dir, string(o.Key), o.Name)))
	}
	if o.ID != "" && o.Key == KeyOf(o.ID) {
		rel := o.ID.Path()
		if o.Kind == DebugInfo {
			rel = o.ID.DebugPath()
		}
		at := filepath.Join(s.dir, rel)
		up := strings.Repeat("../", strings.Count(rel, "/"))
		errs = append(errs, os.MkdirAll(filepath.Dir(at), dirMode))
		errs = append(errs, symlink(up+string(o.Key)+"/"+string(o.Kind), at))
	}
	return errors.Join(errs...)
}

func symlink(target, at string) error {
	if have, err := os.Readlink(at); err == nil && have == target {
		return nil
	}
	return renameio.Symlink(target, at)
}

// linkable reports whether a name from a target can be a link's: one path
// element that hides nothing of the store's own.
func linkable(name string) bool {
	const maxName = 200 // bytes, below what every file system takes
	return name != "" && len(name) <= maxName && name[0] != '.' && !strings.ContainsAny(name, "/\x00") &&
		name != string(Executable) && name != string(DebugInfo) && name != "section"
}

// meter passes reads on, tells how many bytes went by, and ends with ctx.
type meter struct {
	ctx     context.Context
	r       io.Reader
	advance func(int64)
}

func (m *meter) Read(p []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	if m.advance != nil && n > 0 {
		m.advance(int64(n))
	}
	return n, err
}
