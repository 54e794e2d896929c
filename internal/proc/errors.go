package proc

import (
	"errors"
	"fmt"
	"io/fs"
)

// The conditions that callers tell apart with errors.Is.
var (
	// ErrNoProcess: no process has this number. It wraps fs.ErrNotExist.
	ErrNoProcess error = &sentinel{"no such process", fs.ErrNotExist}
	// ErrGone: the process exited or called execve since it was opened. It
	// stays so for a Process, also when its number is used again.
	ErrGone = errors.New("process is gone: it exited or called execve")
	// ErrUnmapped: the process has no mapping at the address.
	ErrUnmapped = errors.New("not mapped")
	// ErrNoFile: the mapping is anonymous memory or one of the kernel's own,
	// with no file behind it.
	ErrNoFile = errors.New("no file behind the mapping")
	// ErrChanged: the mapping is not there any more as it was described;
	// something else, or nothing, is mapped in its place.
	ErrChanged = errors.New("mapping changed")
	// ErrMemoryDenied: the kernel does not let us read the process's memory.
	// It wraps fs.ErrPermission.
	ErrMemoryDenied error = &sentinel{"memory access denied", fs.ErrPermission}
	// ErrUnreadable: there is no readable memory at the address.
	ErrUnreadable = errors.New("memory not readable")
	// ErrNotOverlay: the path is on no overlay mount.
	ErrNotOverlay = errors.New("not on an overlay mount")
	// ErrNotProc: the proc root is no proc file system.
	ErrNotProc = errors.New("not a proc file system")
	// ErrMalformed: a file of the proc file system is not as documented.
	ErrMalformed = errors.New("malformed")
	// ErrTooLarge: the process exceeds one of this package's limits.
	ErrTooLarge = errors.New("too large")
	// ErrClosed: the Process was closed.
	ErrClosed = errors.New("process handle is closed")
)

// sentinel is an error of its own that also is a wider one.
type sentinel struct {
	msg  string
	kind error
}

func (e *sentinel) Error() string { return e.msg }
func (e *sentinel) Unwrap() error { return e.kind }

// NotRegularError says that a file was not opened because it is a device, a
// FIFO, a socket or another kind of file whose opening has effects.
type NotRegularError struct {
	// Path is the file in the terms of the call that refused it.
	Path string
	// Mode is st_mode as the kernel gave it; its type bits can be zero (files
	// of the kernel's anonymous inodes).
	Mode uint32
	// Ino is its inode number.
	Ino uint64
}

func (e *NotRegularError) Error() string {
	return fmt.Sprintf("%q is not a regular file (mode %#o)", e.Path, e.Mode)
}
