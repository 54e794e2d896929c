package proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// ExeLink returns the text of the exe link: the raw path of the program as
// the kernel sees it from our root, with " (deleted)" behind it where the
// kernel appended that.
func (p *Process) ExeLink() (string, error) { return p.link("exe") }

// RootLink returns the text of the root link, the process's root directory
// as seen from its own mount namespace: "/" unless it called chroot.
func (p *Process) RootLink() (string, error) { return p.link("root") }

func (p *Process) link(name string) (link string, err error) {
	if err := p.refs.acquire(); err != nil {
		return "", err
	}
	defer p.refs.release()
	err = p.withTask(func(dir int) (err error) {
		link, err = readLink(dir, name)
		return err
	})
	if err = p.settle(err); err != nil {
		return "", asPathError("readlink", p.path(name), err)
	}
	return link, nil
}

// OpenExe opens the process's program for reading, deleted or not. The
// program's mappings can be of another file (prctl PR_SET_MM_EXE_FILE): the
// caller compares. It can wait for the file's file system.
func (p *Process) OpenExe() (*os.File, error) {
	if err := p.refs.acquire(); err != nil {
		return nil, err
	}
	defer p.refs.release()
	fd := -1
	err := p.withTask(func(dir int) (err error) {
		fd, err = openAt(dir, "exe", unix.O_PATH)
		return err
	})
	if err := p.settleFD(fd, err); err != nil {
		return nil, asPathError("open", p.path("exe"), err)
	}
	return reopen(fd, p.root, p.path("exe"))
}

// OpenInRoot opens the regular file that the process itself would find at
// path. Links are resolved inside its root directory and cannot lead out of
// it. Errors as OpenRegular's, ErrGone, and errors.ErrUnsupported without
// openat2 (Linux 5.6). It can wait for the file's file system.
func (p *Process) OpenInRoot(path string) (*os.File, error) {
	if err := p.refs.acquire(); err != nil {
		return nil, err
	}
	defer p.refs.release()
	fd, err := p.pathInRoot(path)
	if err != nil {
		return nil, err
	}
	return reopen(fd, p.root, path)
}

// StatInRoot is StatPath inside the process's root directory.
func (p *Process) StatInRoot(path string) (FileStat, error) {
	if err := p.refs.acquire(); err != nil {
		return FileStat{}, err
	}
	defer p.refs.release()
	fd, err := p.pathInRoot(path)
	if err != nil {
		return FileStat{}, err
	}
	defer unix.Close(fd)
	st, err := statFD(fd)
	return st, asPathError("stat", path, err)
}

// pathInRoot opens path in the process's root directory, O_PATH.
func (p *Process) pathInRoot(path string) (int, error) {
	root, err := p.rootDir()
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	fd, err := openBeneath(root, path, unix.RESOLVE_IN_ROOT)
	return fd, asPathError("open", p.path("root")+path, err)
}

// rootDir opens the process's root directory, O_PATH.
func (p *Process) rootDir() (int, error) {
	root := -1
	err := p.withTask(func(dir int) (err error) {
		root, err = openAt(dir, "root", unix.O_PATH|unix.O_DIRECTORY)
		return err
	})
	if err := p.settleFD(root, err); err != nil {
		return -1, asPathError("open", p.path("root"), err)
	}
	return root, nil
}

// SameMountNamespace reports whether the process sees the same mounts as we
// do, so that a path means the same to both (up to chroot: RootLink).
func (p *Process) SameMountNamespace() (bool, error) {
	if err := p.refs.acquire(); err != nil {
		return false, err
	}
	defer p.refs.release()
	const name = "ns/mnt"
	var theirs, ours unix.Stat_t
	err := p.withTask(func(dir int) error { return unix.Fstatat(dir, name, &theirs, 0) })
	if err = p.settle(err); err != nil {
		return false, asPathError("stat", p.path(name), err)
	}
	if err := statSelf(p.root, name, &ours); err != nil {
		return false, err
	}
	return theirs.Dev == ours.Dev && theirs.Ino == ours.Ino, nil
}

// statSelf stats a file of our own directory, in whichever proc file system
// shows us.
func statSelf(procRoot, name string, st *unix.Stat_t) error {
	path := DefaultRoot + "/self/" + name
	err := unix.Stat(path, st)
	if err == unix.ENOENT && procRoot != DefaultRoot {
		path = procRoot + "/self/" + name
		err = unix.Stat(path, st)
	}
	return asPathError("stat", path, err)
}
