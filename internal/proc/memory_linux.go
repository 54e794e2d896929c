package proc

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// ReadMemory reads the process's memory at addr into p. Where a page cannot
// be read it stops: n bytes before it are good and the error wraps
// ErrUnreadable. n < len(p) always comes with an error: that one, ErrGone, or
// ErrMemoryDenied.
//
// Pages of a mapped file are read in if they are not in memory: it can wait
// for the file's file system.
func (p *Process) ReadMemory(buf []byte, addr uint64) (n int, err error) {
	if err := p.refs.acquire(); err != nil {
		return 0, err
	}
	defer p.refs.release()
	for n < len(buf) {
		var m int
		m, err = p.readMemory(buf[n:], addr+uint64(n))
		n += m
		if err != nil {
			return n, fmt.Errorf("process %d: addr %#x: %w", p.pid, addr+uint64(n), err)
		}
	}
	return n, nil
}

// readMemory reads at least one byte, or says why not.
func (p *Process) readMemory(buf []byte, addr uint64) (int, error) {
	// Nothing of a process lies in the upper half; as a file offset it would
	// be negative.
	if addr > math.MaxInt64 {
		return 0, ErrUnreadable
	}
	if room := math.MaxInt64 - addr; uint64(len(buf)) > room {
		buf = buf[:max(room, 1)]
	}
	n, err := p.readByNumber(buf, addr)
	if err == nil || p.memFD < 0 || errors.Is(err, ErrGone) {
		return n, err
	}
	return p.readMem(buf, addr)
}

// readMem reads the mem file, which shows pages that the process itself may
// not read. A page that its file system does not deliver makes it wait beyond
// the reach of any signal (mm/memory.c, access_remote_vm takes no lock that it
// could drop), so it comes after process_vm_readv, whose wait SIGKILL ends.
func (p *Process) readMem(buf []byte, addr uint64) (int, error) {
	n, err := pread(p.memFD, buf, int64(addr))
	switch {
	case err == unix.EIO || err == unix.EFAULT || err == unix.EINVAL:
		return 0, ErrUnreadable
	case err != nil:
		return 0, err
	case n == 0:
		return 0, ErrGone
	}
	return n, nil
}

// readByNumber reads with process_vm_readv, which the kernel also permits in
// some cases in which mem cannot be opened. It takes a number, so the process
// is proved to be the pinned one before and after.
func (p *Process) readByNumber(buf []byte, addr uint64) (int, error) {
	if !p.hasMemory() {
		return 0, p.memErr
	}
	pid, err := p.peer.number(p)
	if err != nil {
		return 0, errors.Join(p.memErr, err)
	}
	local := unix.Iovec{Base: &buf[0]}
	local.SetLen(len(buf))
	remote := unix.RemoteIovec{Base: uintptr(addr), Len: len(buf)}
	n, err := unix.ProcessVMReadv(pid, []unix.Iovec{local}, []unix.RemoteIovec{remote}, 0)
	if checkErr := p.check(); checkErr != nil {
		return 0, checkErr
	}
	switch {
	case err == unix.EFAULT:
		return 0, ErrUnreadable
	case err == unix.EPERM || err == unix.ENOSYS:
		return 0, fmt.Errorf("%w; process_vm_readv: %w", p.memErr, err)
	case err != nil:
		return 0, err
	case n <= 0:
		return 0, ErrUnreadable
	}
	return n, nil
}

// peer proves that the process's number means the same process to system
// calls as it does in the proc file system, which may be mounted from another
// PID namespace.
type peer struct {
	mu   sync.Mutex
	fd   int // pidfd, -1 before the proof
	pid  int
	err  error
	done bool
}

// pidfdThread is PIDFD_THREAD, include/uapi/linux/pidfd.h (Linux 6.9).
const pidfdThread = unix.O_EXCL

// number returns the number by which system calls reach the process.
func (r *peer) number(p *Process) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done {
		r.done = true
		r.pid, r.fd, r.err = p.proveNumber()
	}
	return r.pid, r.err
}

// proveNumber opens a pidfd for the number and asks the proc file system which
// process that is. The pidfd keeps the proof good: it is bound to the process.
func (p *Process) proveNumber() (pid, pidfd int, err error) {
	pid, flags := p.pid, 0
	if p.leaderDead.Load() {
		pid, flags = int(p.tid.Load()), pidfdThread
	}
	pidfd, err = unix.PidfdOpen(pid, flags)
	if err != nil {
		return 0, -1, fmt.Errorf("pidfd_open: %w", err)
	}
	info, err := readSelfFDInfo(p.root, pidfd)
	if err == nil && !bytes.Contains(info, []byte("\nPid:\t"+strconv.Itoa(pid)+"\n")) {
		err = fmt.Errorf("%w: %s is of another PID namespace", errors.ErrUnsupported, p.root)
	}
	if err == nil {
		err = p.checkTask()
	}
	if err != nil {
		unix.Close(pidfd)
		return 0, -1, err
	}
	return pid, pidfd, nil
}

// readSelfFDInfo reads fdinfo of one of our descriptors as procRoot shows it.
func readSelfFDInfo(procRoot string, fd int) ([]byte, error) {
	path := procRoot + "/self/fdinfo/" + strconv.Itoa(fd)
	info, err := readSmall(unix.AT_FDCWD, path, maxStat)
	return info, asPathError("read", path, err)
}
