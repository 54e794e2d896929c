package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// DefaultRoot is where the proc file system is mounted by convention.
const DefaultRoot = "/proc"

// openTries bounds how often Open starts over because the process called
// execve under it.
const openTries = 4

// Limits of small files, in bytes.
const (
	maxStat   = 4 << 10
	maxStatus = 64 << 10 // Groups can list 65536 numbers, but those come behind what is needed
	maxAuxv   = 64 << 10
)

// Process is a pinned process: one address space, by whatever number it goes.
// All methods may be called concurrently, also with Close.
type Process struct {
	root string // of the proc file system
	pid  int    // as given to Open
	refs refs

	rootFD int // the proc file system's root, O_PATH
	dirFD  int // /proc/PID, O_PATH: the kernel binds it to the process, not to the number
	mapsFD int // bound to the address space; -1 without one
	memFD  int // bound to the address space; -1 if denied
	memErr error

	stat taskStat
	// auxv is the auxiliary vector when the process was opened, nil if denied.
	// An address space can outlive its process's use of it (a child of vfork
	// borrows its parent's until it calls execve); a changed vector tells.
	auxv []byte
	// leaderDead says that the main thread exited while others live; tid is
	// the live thread that served last.
	leaderDead atomic.Bool
	tid        atomic.Int64

	readMu   sync.Mutex  // maps is a sequence: one reader at a time
	readBuf  []byte      // under readMu
	lastLen  int         // mappings of the last whole read, under readMu
	textOnly atomic.Bool // PROCMAP_QUERY is missing or not wanted
	lastName atomic.Pointer[string]

	peer    peer // for system calls that take numbers
	pagemap pagemapFile
}

// Open pins the process pid as seen in the proc file system at procRoot
// ("" for /proc). A thread's number is taken as well.
//
// Errors: ErrNoProcess; an error wrapping fs.ErrPermission where the kernel
// denies even the maps; ErrNotProc; ErrGone for a process that calls execve
// faster than it can be opened. Zombies and kernel threads can be opened: they
// have no mappings.
func Open(procRoot string, pid int) (*Process, error) {
	if procRoot == "" {
		procRoot = DefaultRoot
	}
	rootFD, err := openRoot(procRoot)
	if err != nil {
		return nil, err
	}
	p, err := openIn(procRoot, rootFD, pid)
	if err != nil {
		unix.Close(rootFD)
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	return p, nil
}

// openRoot opens the proc file system at path.
func openRoot(path string) (int, error) {
	fd, err := openAt(unix.AT_FDCWD, path, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return -1, asPathError("open", path, err)
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		unix.Close(fd)
		return -1, asPathError("statfs", path, err)
	}
	if st.Type != unix.PROC_SUPER_MAGIC {
		unix.Close(fd)
		return -1, asPathError("open", path, ErrNotProc)
	}
	return fd, nil
}

func openIn(root string, rootFD, pid int) (*Process, error) {
	if pid <= 0 {
		return nil, ErrNoProcess
	}
	dirFD, err := openAt(rootFD, strconv.Itoa(pid), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil, noProcess(err)
	}
	for range openTries {
		p := &Process{root: root, pid: pid, rootFD: rootFD, dirFD: dirFD, mapsFD: -1, memFD: -1}
		p.peer.fd, p.pagemap.fd = -1, -1
		p.refs.init(p.free)
		err = p.pin()
		if err == nil {
			return p, nil
		}
		closeFD(p.mapsFD)
		closeFD(p.memFD)
		if !errors.Is(err, ErrGone) {
			break
		}
	}
	unix.Close(dirFD)
	return nil, noProcess(err)
}

// noProcess turns the kernel's words for a missing process into ours.
func noProcess(err error) error {
	if err == unix.ENOENT || err == unix.ESRCH || err == unix.ENOTDIR {
		return ErrNoProcess
	}
	return err
}

// pin opens what binds p to the address space. The auxiliary vector is read
// before and, by Check, after: so both descriptors belong to one program even
// if the process calls execve meanwhile.
func (p *Process) pin() error {
	text, err := readSmall(p.dirFD, "stat", maxStat)
	if err != nil {
		return err
	}
	if p.stat, err = parseStat(text); err != nil {
		return err
	}
	if p.stat.kernelThread() {
		p.memErr = ErrMemoryDenied
		return nil
	}
	if p.stat.dead() {
		if _, err := p.pickThread(); err != nil {
			p.memErr = ErrMemoryDenied
			return nil // a true zombie
		}
		p.leaderDead.Store(true)
	}
	return p.withTask(p.pinTask)
}

// pinTask opens the address space of the task whose directory dir is.
func (p *Process) pinTask(dir int) error {
	p.auxv, _ = readSmall(dir, "auxv", maxAuxv)
	var err error
	if p.mapsFD, err = openAt(dir, "maps", unix.O_RDONLY|unix.O_NOFOLLOW); err != nil {
		if gone(err) {
			return err
		}
		return asPathError("open", p.path("maps"), err)
	}
	if p.memFD, err = openAt(dir, "mem", unix.O_RDONLY|unix.O_NOFOLLOW); err != nil {
		p.memErr = fmt.Errorf("%w: %w", ErrMemoryDenied, asPathError("open", p.path("mem"), err))
	}
	return p.check()
}

// path names a file of p's directory, for messages.
func (p *Process) path(name string) string {
	return p.root + "/" + strconv.Itoa(p.pid) + "/" + name
}

// errorf gives an error its process.
func (p *Process) errorf(format string, args ...any) error {
	return fmt.Errorf("process %d: "+format, append([]any{p.pid}, args...)...)
}

// PID returns the number that Open was given.
func (p *Process) PID() int { return p.pid }

// Comm returns the main thread's name when the process was opened: raw bytes.
func (p *Process) Comm() string { return p.stat.comm }

// Zombie reports whether the process had ended and waited to be reaped when
// it was opened. A process whose main thread alone ended is none.
func (p *Process) Zombie() bool { return p.stat.dead() && !p.leaderDead.Load() }

// KernelThread reports whether the process is one of the kernel's own.
func (p *Process) KernelThread() bool { return p.stat.kernelThread() }

// LeaderDead reports whether the main thread exited while others live on; the
// process is then seen through one of those.
func (p *Process) LeaderDead() bool { return p.leaderDead.Load() }

// hasMemory reports whether p has an address space of its own.
func (p *Process) hasMemory() bool { return p.mapsFD >= 0 }

// NSPIDs returns the process's numbers, from the PID namespace of the proc
// file system inwards; nil if they cannot be read any more. The last one is
// the number by which the process knows itself.
func (p *Process) NSPIDs() []int {
	s, err := p.status()
	if err != nil {
		return nil
	}
	return s.nsPIDs
}

// UIDs returns the real, effective, saved and file system user numbers, as
// seen from our user namespace.
func (p *Process) UIDs() (uids [4]uint32, err error) {
	s, err := p.status()
	return s.uids, err
}

// status reads the status file.
func (p *Process) status() (taskStatus, error) {
	if err := p.refs.acquire(); err != nil {
		return taskStatus{}, err
	}
	defer p.refs.release()
	return readStatus(p.dirFD)
}

func readStatus(dir int) (taskStatus, error) {
	text, err := readSmall(dir, "status", maxStatus)
	if err != nil {
		return taskStatus{}, err
	}
	return parseStatus(text)
}

// Close gives the descriptors back, as soon as calls that are under way end.
// A second Close is ErrClosed.
func (p *Process) Close() error { return p.refs.close() }

func (p *Process) free() {
	for _, fd := range [...]int{p.rootFD, p.dirFD, p.mapsFD, p.memFD, p.peer.fd, p.pagemap.fd} {
		closeFD(fd)
	}
}

// Check returns ErrGone if the process exited or called execve since Open.
func (p *Process) Check() error {
	if err := p.refs.acquire(); err != nil {
		return err
	}
	defer p.refs.release()
	return p.check()
}

func (p *Process) check() error {
	if err := p.alive(); err != nil || !p.hasMemory() {
		return err
	}
	return p.checkProgram()
}

// Alive is a Check of one system call: ErrGone when the address space ended. It
// does not see a child of vfork that left its parent's address space.
func (p *Process) Alive() error {
	if err := p.refs.acquire(); err != nil {
		return err
	}
	defer p.refs.release()
	return p.alive()
}

// alive is the part of check that costs one system call, for what goes by the
// process's directory: a new program behind it has ended the address space,
// but for one that a child of vfork still borrows. Check tells that, too.
func (p *Process) alive() error {
	if !p.hasMemory() {
		return p.checkTask()
	}
	return p.checkSpace()
}

// settle decides on the outcome of what went by the process's directory: it
// counts only if the process lives still, and if it does not, that is why
// whatever failed did.
func (p *Process) settle(err error) error {
	if dead := p.alive(); err == nil || errors.Is(dead, ErrGone) {
		return dead
	}
	return err
}

// settleFD is settle for what opened fd, which is closed if it does not count.
func (p *Process) settleFD(fd int, err error) error {
	settled := p.settle(err)
	if err == nil && settled != nil {
		unix.Close(fd)
	}
	return settled
}

// checkTask serves processes without memory: their directory answers ESRCH
// once they are reaped.
func (p *Process) checkTask() error {
	fd, err := openAt(p.dirFD, "stat", unix.O_PATH)
	if gone(err) {
		return ErrGone
	}
	closeFD(fd)
	return err
}

// checkSpace asks whether the pinned address space still lives. Reading at
// address 0 of mem finds nothing there (EIO), or no address space (0 bytes).
func (p *Process) checkSpace() error {
	if p.memFD >= 0 {
		var b [1]byte
		n, err := pread(p.memFD, b[:], 0)
		if n == 0 && err == nil {
			return ErrGone
		}
		return nil
	}
	if !p.textOnly.Load() {
		_, err := p.queryIoctl(0, true, 0)
		if err == ErrUnmapped {
			return nil
		}
		if err != errNoIoctl {
			return err
		}
	}
	return p.checkText()
}

// checkText asks the text of maps, which is empty without an address space.
func (p *Process) checkText() error {
	p.readMu.Lock()
	defer p.readMu.Unlock()
	var b [1]byte
	n, err := pread(p.mapsFD, b[:], 0)
	if err == unix.ESRCH || err == nil && n == 0 {
		return ErrGone
	}
	return err
}

// checkProgram asks whether the process still uses the pinned address space,
// as far as the auxiliary vector can be read.
func (p *Process) checkProgram() error {
	if p.auxv == nil {
		return nil
	}
	var now []byte
	err := p.withTask(func(dir int) (err error) {
		now, err = readSmall(dir, "auxv", maxAuxv)
		return err
	})
	switch {
	case gone(err), err == nil && !bytes.Equal(now, p.auxv):
		return ErrGone
	case errors.Is(err, fs.ErrPermission):
		return nil // a change of credentials, which an address space survives
	}
	return err
}
