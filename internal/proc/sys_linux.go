package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// openAt is openat(2) with O_CLOEXEC, repeated when a signal interrupts it.
func openAt(dir int, name string, flags int) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// pread is pread(2), repeated when a signal interrupts it.
func pread(fd int, p []byte, off int64) (int, error) {
	for {
		n, err := unix.Pread(fd, p, off)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// readSmall reads a small file of the proc file system whole. Longer ones
// than limit bytes are ErrTooLarge.
func readSmall(dir int, name string, limit int) ([]byte, error) {
	fd, err := openAt(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 0, 1024)
	for {
		if len(buf) == cap(buf) {
			if len(buf) > limit {
				return nil, fmt.Errorf("%w: %s exceeds %d bytes", ErrTooLarge, name, limit)
			}
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := pread(fd, buf[len(buf):cap(buf)], int64(len(buf)))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return buf, nil
		}
		buf = buf[:len(buf)+n]
	}
}

// readLink returns a link's text as it stands. The kernel's links of the proc
// file system are at most one page long; longer ones fail there.
func readLink(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax+1)
	n, err := unix.Readlinkat(dir, name, buf)
	if err != nil {
		return "", err
	}
	if n == len(buf) {
		return "", fmt.Errorf("%w: target of link %s", ErrTooLarge, name)
	}
	return string(buf[:n]), nil
}

// refs counts the users of a set of file descriptors, so that closing waits
// for the calls that are under way without blocking anybody: a call that a
// file system holds up may never return, and a descriptor's number must not
// be reused under it.
type refs struct {
	n      atomic.Int64 // users and the owner; 0 = released
	closed atomic.Bool
	free   func()
}

func (r *refs) init(free func()) {
	r.free = free
	r.n.Store(1)
}

// acquire adds a user; ErrClosed after the owner left.
func (r *refs) acquire() error {
	if r.closed.Load() {
		return ErrClosed
	}
	for {
		n := r.n.Load()
		if n == 0 {
			return ErrClosed
		}
		if r.n.CompareAndSwap(n, n+1) {
			return nil
		}
	}
}

// release undoes acquire. The last one to leave frees.
func (r *refs) release() {
	if r.n.Add(-1) == 0 {
		r.free()
	}
}

// close lets the owner leave; ErrClosed the second time.
func (r *refs) close() error {
	if r.closed.Swap(true) {
		return ErrClosed
	}
	r.release()
	return nil
}

// closeFD closes fd if it is one.
func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// gone reports whether err is how the proc file system says that a task, or
// the part of it that was asked for, does not exist (any more).
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH)
}

// asPathError gives err the operation and path in the style of package os.
func asPathError(op, path string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &os.PathError{Op: op, Path: path, Err: err}
}
