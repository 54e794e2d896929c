package resolver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/symfetch/symfetch/internal/proc"
)

// Process is one address space, pinned when it was opened. When the program
// exits or calls execve every method returns ErrProcessGone, also when the
// number has gone to another process since; objects opened before stay usable.
type Process struct {
	r   *Resolver
	os  *proc.Process
	pid int

	mounts     func() ([]proc.Mount, error)
	fsTypes    func() map[device]string
	rootLinkOf func() (string, error)
	sameMounts func() (bool, error)

	jit    jitFiles
	idDirs idDirs

	mu      sync.Mutex
	slots   map[slotKey]*slot
	ranges  map[rangeKey]*slot
	hints   map[string]Hint
	stalls  map[device]time.Time
	closing bool
}

// Process pins the process with this number. The error is ErrProcessGone
// where there is none, or wraps fs.ErrPermission.
func (r *Resolver) Process(ctx context.Context, pid int) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	os, err := proc.Open(r.procRoot, pid)
	if errors.Is(err, proc.ErrNoProcess) || errors.Is(err, proc.ErrGone) {
		return nil, fmt.Errorf("process %d: %w", pid, errors.Join(ErrProcessGone, err))
	}
	if err != nil {
		return nil, fmt.Errorf("process %d: %w", pid, err)
	}
	mounts := sync.OnceValues(os.Mounts)
	return &Process{
		r: r, os: os, pid: pid,
		mounts:     mounts,
		fsTypes:    fsTypesOf(mounts),
		rootLinkOf: sync.OnceValues(os.RootLink),
		sameMounts: sync.OnceValues(os.SameMountNamespace),
		slots:      make(map[slotKey]*slot),
		ranges:     make(map[rangeKey]*slot),
		hints:      make(map[string]Hint),
		stalls:     make(map[device]time.Time),
	}, nil
}

// PID returns the number by which the process was opened.
func (p *Process) PID() int { return p.pid }

// Comm is the process's name as the kernel keeps it, at most 15 raw bytes.
func (p *Process) Comm() string { return p.os.Comm() }

// KernelThread reports whether it is a thread of the kernel, with no address
// space of its own.
func (p *Process) KernelThread() bool { return p.os.KernelThread() }

// Zombie reports whether it has exited and waits to be reaped.
func (p *Process) Zombie() bool { return p.os.Zombie() }

// Check returns ErrProcessGone once the address space has ended.
func (p *Process) Check() error { return p.osError(p.os.Check()) }

// Close gives back everything that the Process holds. Entries and objects
// that it handed out by Objects and Object stay usable.
func (p *Process) Close() error {
	p.mu.Lock()
	slots := p.slots
	p.slots, p.ranges, p.closing = nil, nil, true
	p.mu.Unlock()
	for _, s := range slots {
		s.drop()
	}
	return p.os.Close()
}

// Mappings lists all mappings by ascending address, as values of the
// caller's own.
func (p *Process) Mappings() ([]Mapping, error) {
	ms, err := p.os.Mappings()
	return ms, p.osError(err)
}

// Mapping returns the one that covers addr, with the kernel's raw name, or
// ErrUnmapped.
func (p *Process) Mapping(addr uint64) (Mapping, error) {
	m, err := p.os.Query(addr, proc.WantName)
	return m, p.osError(err)
}

// OpenRange opens the file behind a mapping through map_files, whatever it
// holds; ErrDevice where it is no regular file. The caller closes it.
func (p *Process) OpenRange(ctx context.Context, m Mapping) (*os.File, error) {
	return limited(ctx, p.r.timeout, func() (*os.File, error) {
		f, err := p.os.OpenMapping(m)
		if err != nil {
			err = p.osError(refusal(err))
			p.noteRefusal(SourceMapFiles, err)
			return nil, err
		}
		return f, nil
	}, func(f *os.File) { f.Close() })
}

// fsType is the type of the file system that holds m's file, "" where the
// target's mounts do not show it (a detached mount, or no permission).
func (p *Process) fsType(m Mapping) string { return p.fsTypes()[device{m.DevMajor, m.DevMinor}] }

func fsTypesOf(mounts func() ([]proc.Mount, error)) func() map[device]string {
	return sync.OnceValue(func() map[device]string {
		types := make(map[device]string)
		all, err := mounts()
		if err != nil {
			return types
		}
		for _, mnt := range all {
			types[device{mnt.DevMajor, mnt.DevMinor}] = mnt.FSType
		}
		return types
	})
}

// ownsInodes reports whether m's file system gives one inode number to one
// file, in the mapping and in stat alike. Stacked ones do not: overlayfs keeps
// the number when it moves a file to another layer, and network and FUSE
// servers choose numbers as they like.
func (p *Process) ownsInodes(m Mapping) bool { return p.isLocal(m) }

// isLocal reports whether m's file system is a local one, which answers
// without anybody else's help.
func (p *Process) isLocal(m Mapping) bool {
	switch p.fsType(m) {
	case "ext2", "ext3", "ext4", "xfs", "tmpfs", "ramfs", "squashfs", "erofs", "f2fs", "iso9660", "vfat":
		return true
	}
	return false
}

// rootLink is the target's root directory as this process sees it, "" where
// that may not be known.
func (p *Process) rootLink() string {
	link, err := p.rootLinkOf()
	if err != nil {
		return ""
	}
	return link
}

// fileOffset is one of the project's two address conversions: an address in
// the process to an offset in the mapped file.
func fileOffset(m Mapping, addr uint64) uint64 { return addr - m.Start + m.Offset }

// isCode reports whether m may be executed.
func isCode(m Mapping) bool { return m.Perms&proc.PermExec != 0 }
