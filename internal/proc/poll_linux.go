package proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// Readable reports whether a read of f would return at once: with data, at its
// end or with an error. A regular file always would.
func Readable(f *os.File) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	ready := false
	conn.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		ready = err == nil && n > 0
	})
	return ready
}
