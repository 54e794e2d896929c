package proc

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// FileStat is what tells one file from another.
type FileStat struct {
	DevMajor, DevMinor uint32
	Ino                uint64
	Size               int64 // bytes
	Mtime, Ctime       time.Time
	Nlink              uint64
	Mode               uint32 // st_mode
	UID                uint32 // of the owner, as seen from our user namespace
}

// Regular reports whether the file is a regular one.
func (s FileStat) Regular() bool { return s.Mode&unix.S_IFMT == unix.S_IFREG }

// SameFile reports whether s and o are one file at one state: device, inode,
// size and times are equal.
func (s FileStat) SameFile(o FileStat) bool {
	return s.DevMajor == o.DevMajor && s.DevMinor == o.DevMinor && s.Ino == o.Ino && s.Size == o.Size &&
		s.Mtime.Equal(o.Mtime) && s.Ctime.Equal(o.Ctime)
}

// StatFile returns f's FileStat. It can wait for the file's file system.
func StatFile(f *os.File) (FileStat, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return FileStat{}, err
	}
	var st FileStat
	var statErr error
	if err := conn.Control(func(fd uintptr) { st, statErr = statFD(int(fd)) }); err != nil {
		return FileStat{}, err
	}
	return st, asPathError("stat", f.Name(), statErr)
}

// StatPath returns the FileStat of the file at path in our own namespace,
// following links, opening nothing. It can wait for the file's file system.
func StatPath(path string) (FileStat, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return FileStat{}, asPathError("stat", path, err)
	}
	return fileStat(&st), nil
}

func statFD(fd int) (FileStat, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return FileStat{}, err
	}
	return fileStat(&st), nil
}

func fileStat(st *unix.Stat_t) FileStat {
	return FileStat{
		DevMajor: unix.Major(st.Dev), DevMinor: unix.Minor(st.Dev), Ino: st.Ino,
		Size: st.Size, Nlink: uint64(st.Nlink), Mode: st.Mode, UID: st.Uid,
		Mtime: time.Unix(st.Mtim.Unix()), Ctime: time.Unix(st.Ctim.Unix()),
	}
}

// OpenRegular opens the file at path in our own namespace for reading if it
// is a regular one; else *NotRegularError. Nothing else is opened: a device is
// not touched, a FIFO does not block. It can wait for the file's file system.
func OpenRegular(path string) (*os.File, error) {
	fd, err := openAt(unix.AT_FDCWD, path, unix.O_PATH)
	if err != nil {
		return nil, asPathError("open", path, err)
	}
	return reopen(fd, DefaultRoot, path)
}

// reopen turns an O_PATH descriptor, which it closes, into a file opened for
// reading, provided that it is a regular one. What was found to be regular and
// what is opened are the same inode, whatever happens to the name.
func reopen(fd int, procRoot, name string) (*os.File, error) {
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, asPathError("stat", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, &NotRegularError{Path: name, Mode: st.Mode, Ino: st.Ino}
	}
	// O_NONBLOCK: a lease on the file would let its holder keep us waiting.
	const flags = unix.O_RDONLY | unix.O_NONBLOCK
	link := "/self/fd/" + strconv.Itoa(fd)
	file, err := openAt(unix.AT_FDCWD, DefaultRoot+link, flags)
	if err == unix.ENOENT && procRoot != DefaultRoot {
		file, err = openAt(unix.AT_FDCWD, procRoot+link, flags)
	}
	if err != nil {
		return nil, asPathError("open", name, err)
	}
	// Without the flag package os does not try to poll the file.
	if _, err := unix.FcntlInt(uintptr(file), unix.F_SETFL, 0); err != nil {
		unix.Close(file)
		return nil, asPathError("fcntl", name, err)
	}
	return os.NewFile(uintptr(file), name), nil
}

// resolveTries bounds how often a path is resolved again because directories
// were renamed meanwhile.
const resolveTries = 16

// openBeneath opens path, O_PATH, with the directory dir as its root: "..",
// and absolute links do not lead out of it (openat2, Linux 5.6).
func openBeneath(dir int, path string, resolve uint64) (int, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: resolve | unix.RESOLVE_NO_MAGICLINKS}
	for range resolveTries {
		fd, err := unix.Openat2(dir, path, &how)
		switch err {
		case unix.EINTR, unix.EAGAIN:
			continue
		case unix.ENOSYS, unix.EPERM:
			return -1, fmt.Errorf("openat2: %w: %w", errors.ErrUnsupported, err)
		}
		return fd, err
	}
	return -1, unix.EAGAIN
}
