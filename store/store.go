// Package store keeps objects by their build IDs in a directory that other
// tools read as it is:
//
//	<id>/executable          the object's bytes (debuginfod client caches, pprof's PPROF_BINARY_PATH)
//	<id>/debuginfo           its separate debug file, or itself where it has symbols of its own
//	<id>/<basename>          a link to executable: pprof prints that name
//	.build-id/xx/rest        a link to executable (gdb, perf --buildid-dir)
//	.build-id/xx/rest.debug  a link to debuginfo (gdb, Delve, elfutils)
//
// [Key] says what <id> is for objects without a GNU build ID; these have no
// links in .build-id.
//
// A file appears under its name only when all its bytes are there, on disk,
// compared with their source, and found to be the ELF that its key names. So
// whatever has a name is complete, and a copy that was interrupted is simply
// started again: it costs the comparison for what is there and the copy for
// what is not. An interrupted copy leaves nothing but a file below .tmp, which
// a later writer removes.
//
// The store says what it holds, not where it came from: whoever writes to it
// answers for the bytes, and whoever reads verifies them, as of any file.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

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

var (
	// ErrChanged: the source gave other bytes when it was read again.
	ErrChanged = errors.New("the source changed while it was copied")
	// ErrIdentity: a file's bytes are not those of the object that its key
	// names.
	ErrIdentity = errors.New("not the object that the key names")
	// ErrTruncated: an executable is shorter than its own headers say. What
	// can be read from a process's memory is such a piece of a file.
	ErrTruncated = errors.New("shorter than its headers say")
)

const (
	fileMode = 0o444
	dirMode  = 0o755
	// topMode is the mode of a directory that Open makes: what is in a
	// process's memory is not for everybody. One that exists keeps its own.
	topMode = 0o700
)

// Store is a directory of objects. It is safe for use by several goroutines
// and, at the same time, by several processes.
type Store struct {
	dir   string
	swept sync.Once
}

// DefaultDir is the directory for a user who named none: $SYMFETCH_STORE,
// else "symfetch" in the user's cache directory ($XDG_CACHE_HOME, else
// ~/.cache). It fails where the environment has none of them.
func DefaultDir() (string, error) {
	if dir := os.Getenv("SYMFETCH_STORE"); dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("store: no directory: %w", err)
	}
	return filepath.Join(cache, "symfetch"), nil
}

// Open returns the store at dir, [DefaultDir] if it is empty. It makes the
// directory, for its user alone, if there is none.
func Open(dir string) (*Store, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return nil, err
		}
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if err := os.MkdirAll(abs, topMode); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return &Store{dir: abs}, nil
}

// Dir is the store's absolute path.
func (s *Store) Dir() string { return s.dir }

// Path is where the store keeps a kind of an object, whether it is there or
// not.
func (s *Store) Path(key Key, kind Kind) string {
	return filepath.Join(s.dir, string(key), string(kind))
}

// Fetch opens what the store has for a GNU build ID. See [Store.Get].
func (s *Store) Fetch(ctx context.Context, id buildid.ID, kind Kind) (*os.File, error) {
	if id == "" {
		return nil, fmt.Errorf("store: no build ID: %w", fs.ErrNotExist)
	}
	return s.Get(ctx, KeyOf(id), kind)
}

// Get opens what the store has under key; fs.ErrNotExist where it has nothing
// (an empty file is how a debuginfod client notes that nobody had it), and
// [ErrIdentity] where the file is another object's. The caller closes it.
func (s *Store) Get(_ context.Context, key Key, kind Kind) (*os.File, error) {
	if err := check(key, kind); err != nil {
		return nil, err
	}
	// Not blocking, as something that is no file can have the name.
	f, err := os.OpenFile(s.Path(key, kind), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	stat, err := f.Stat()
	switch {
	case err != nil:
	case !stat.Mode().IsRegular():
		err = fmt.Errorf("%q is no regular file: %w", f.Name(), fs.ErrNotExist)
	case stat.Size() == 0:
		err = fmt.Errorf("%q is empty: %w", f.Name(), fs.ErrNotExist)
	default:
		_, err = inspect(f, key, kind)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("store: %w", err)
	}
	return f, nil
}

func check(key Key, kind Kind) error {
	if !key.valid() || kind != Executable && kind != DebugInfo {
		return fmt.Errorf("store: key %q, kind %q: %w", key, kind, fs.ErrInvalid)
	}
	return nil
}

// Object is what Put stores: the bytes of a file, whole. Bytes read from a
// process's memory are none, as their writable part has changed: they must not
// be given to Put, which notices only that they end too early.
type Object struct {
	Key  Key
	Kind Kind
	// ID gives the links below .build-id; "" for an object without one.
	ID buildid.ID
	// Name is the object's own name, raw bytes; a link by it is made where it
	// can serve as a file name.
	Name string
	// Source holds Size bytes. It is read twice.
	Source io.ReaderAt
	Size   int64
	// Advance, if not nil, is told the bytes copied since its last call.
	Advance func(n int64)
}

// Put stores an object unless the very same bytes are there already. It
// returns the file's path and whether it was there. Other bytes under the same
// key and kind, which are another build's or a stripped copy's, are replaced.
//
// It returns [ErrIdentity], elffile.ErrNotELF, [ErrTruncated] or [ErrChanged]
// for bytes that are not to be stored, *[SpaceError] where there is no room for
// them, and leaves nothing behind then.
func (s *Store) Put(ctx context.Context, o Object) (path string, present bool, err error) {
	if err := check(o.Key, o.Kind); err != nil {
		return "", false, err
	}
	if o.Size < 0 || o.ID != "" && o.Key != KeyOf(o.ID) {
		return "", false, fmt.Errorf("store: key %s, build ID %s, %d bytes: %w", o.Key, o.ID, o.Size, fs.ErrInvalid)
	}
	s.swept.Do(s.sweep)
	room, err := s.enter(ctx, o.Key)
	if err != nil {
		return "", false, err
	}
	defer room.leave()
	path = s.Path(o.Key, o.Kind)
	same, err := sameBytes(ctx, path, o)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("store: %w", err)
	}
	was := s.stat(o.Key, Executable)
	var found facts
	if same {
		found, err = inspectAt(path, o.Key, o.Kind)
	} else {
		found, err = room.write(ctx, path, o)
	}
	if err != nil {
		return "", false, fmt.Errorf("store %q: %w", path, err)
	}
	if err := room.link(o, found, was); err != nil {
		return "", false, fmt.Errorf("store %q: %w", path, err)
	}
	return path, same, nil
}

func (s *Store) stat(key Key, kind Kind) fs.FileInfo {
	info, err := os.Stat(s.Path(key, kind))
	if err != nil {
		return nil
	}
	return info
}

// write copies o to path by way of a temporary file.
func (r *room) write(ctx context.Context, path string, o Object) (found facts, err error) {
	defer func() { err = asSpaceError(err, r.dir, o.Size) }()
	if err := hasSpace(r.dir, o.Size); err != nil {
		return found, err
	}
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return found, err
	}
	defer func() {
		if err != nil {
			os.Remove(filepath.Dir(path)) // if there is nothing in it
		}
	}()
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(r.dir), renameio.WithStaticPermissions(fileMode))
	if err != nil {
		return found, err
	}
	defer f.Cleanup()
	src := io.NewSectionReader(o.Source, 0, o.Size)
	if _, err := io.Copy(f, &meter{ctx, src, o.Advance}); err != nil {
		return found, err
	}
	if same, err := sameBytes(ctx, f.Name(), o); err != nil {
		return found, err
	} else if !same {
		return found, ErrChanged
	}
	if found, err = inspect(f.File, o.Key, o.Kind); err != nil {
		return found, err
	}
	return found, f.CloseAtomicallyReplace()
}
