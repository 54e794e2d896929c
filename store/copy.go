package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// SpaceError says that the store's file system has no room for an object.
type SpaceError struct {
	// Dir is a directory on it.
	Dir string
	// Need is the object's size, Free what an ordinary user may still write;
	// both in bytes.
	Need, Free int64
	Err        error
}

// Error names the directory and both sizes.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("no space in %q for %d bytes, %d are free: %v", e.Dir, e.Need, e.Free, e.Err)
}

// Unwrap returns ENOSPC or EDQUOT.
func (e *SpaceError) Unwrap() error { return e.Err }

// hasSpace fails where the file system of dir cannot take size bytes, before
// anything is copied in vain.
func hasSpace(dir string, size int64) error {
	free, err := freeBytes(dir)
	if err != nil || size <= free {
		return nil // if it cannot be asked, the copy will tell
	}
	return &SpaceError{dir, size, free, syscall.ENOSPC}
}

// asSpaceError makes a *SpaceError of an error that means the same.
func asSpaceError(err error, dir string, size int64) error {
	if _, is := errors.AsType[*SpaceError](err); is {
		return err
	}
	for _, full := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT} {
		if errors.Is(err, full) {
			free, _ := freeBytes(dir)
			return &SpaceError{dir, size, free, full}
		}
	}
	return err
}

func freeBytes(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	const most = 1<<63 - 1
	if st.Bsize <= 0 || st.Bavail > most/uint64(st.Bsize) {
		return most, nil
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// sameBytes reports whether the file at path holds o's bytes.
func sameBytes(ctx context.Context, path string, o Object) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
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
