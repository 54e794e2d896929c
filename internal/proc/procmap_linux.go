package proc

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What selects the parts of a Mapping that cost the kernel extra work.
type What uint8

// WantName asks for Name (about 1 us). WantBuildID asks for BuildID: the
// kernel reads the file's first pages for it, cold ones from the disk, and on
// a file system that does not answer it waits.
const (
	WantName What = 1 << iota
	WantBuildID
)

// procmapQuery is struct procmap_query of include/uapi/linux/fs.h (Linux
// 6.11). Every field has its natural alignment on 64-bit machines, so the
// layout is the same on amd64 and arm64.
type procmapQuery struct {
	size        uint64
	queryFlags  uint64
	queryAddr   uint64
	vmaStart    uint64
	vmaEnd      uint64
	vmaFlags    uint64
	vmaPageSize uint64
	vmaOffset   uint64
	inode       uint64
	devMajor    uint32
	devMinor    uint32
	vmaNameSize uint32 // in: size of the buffer; out: with the NUL, 0 without a name
	buildIDSize uint32 // in: size of the buffer; out: 0 without a build ID
	vmaNameAddr uint64
	buildIDAddr uint64
}

// PROCMAP_QUERY is _IOWR(PROCFS_IOCTL_MAGIC, 17, struct procmap_query), in the
// generic encoding of include/uapi/asm-generic/ioctl.h that amd64 and arm64
// use.
const (
	procfsIoctlMagic   = 'f'
	iocReadWrite       = 3
	procmapQueryNumber = iocReadWrite<<30 | unsafe.Sizeof(procmapQuery{})<<16 | procfsIoctlMagic<<8 | 17
)

// Flags of procmapQuery. The lowest four, in vmaFlags, are those of Perms.
const (
	procmapPerms          = 0x0f
	procmapCoveringOrNext = 0x10
)

// maxKernelBuildID is the room for a build ID; the kernel returns at most 20
// bytes (BUILD_ID_SIZE_MAX) today.
const maxKernelBuildID = 64 // bytes

// queryBuf is what one PROCMAP_QUERY needs.
type queryBuf struct {
	q    procmapQuery
	name [unix.PathMax]byte
	id   [maxKernelBuildID]byte
}

var queryBufs = sync.Pool{New: func() any { return new(queryBuf) }}

// errNoIoctl says that the kernel, or a filter before it, has no PROCMAP_QUERY.
var errNoIoctl = errors.New("no PROCMAP_QUERY")

// run makes the query on a maps file.
func (b *queryBuf) run(maps int, addr, flags uint64, what What) error {
	b.q = procmapQuery{size: uint64(unsafe.Sizeof(b.q)), queryAddr: addr, queryFlags: flags}
	// The kernel is given these two addresses as numbers, which no collector
	// sees: the buffer must stay where it is.
	var pin runtime.Pinner
	if what != 0 {
		pin.Pin(b)
		defer pin.Unpin()
	}
	if what&WantName != 0 {
		b.q.vmaNameAddr = uint64(uintptr(unsafe.Pointer(&b.name)))
		b.q.vmaNameSize = uint32(len(b.name))
	}
	if what&WantBuildID != 0 {
		b.q.buildIDAddr = uint64(uintptr(unsafe.Pointer(&b.id)))
		b.q.buildIDSize = uint32(len(b.id))
	}
	in := b.q
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(maps), procmapQueryNumber, uintptr(unsafe.Pointer(&b.q)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
			b.q = in
		case unix.ENOTTY, unix.ENOSYS, unix.EPERM, unix.EACCES:
			// The latter three are what filters of system calls answer.
			return errNoIoctl
		default:
			return errno
		}
	}
}

// mapping returns the answer. The name is made by intern.
func (b *queryBuf) mapping(intern func([]byte) string) (Mapping, error) {
	q := &b.q
	if q.vmaStart >= q.vmaEnd || q.vmaNameSize > uint32(len(b.name)) || q.buildIDSize > uint32(len(b.id)) {
		return Mapping{}, fmt.Errorf("%w answer to PROCMAP_QUERY", ErrMalformed)
	}
	m := Mapping{Start: q.vmaStart, End: q.vmaEnd, Offset: q.vmaOffset, Inode: q.inode,
		DevMajor: q.devMajor, DevMinor: q.devMinor, Perms: Perms(q.vmaFlags & procmapPerms)}
	if q.vmaNameAddr != 0 && q.vmaNameSize > 1 {
		m.Name = intern(b.name[:q.vmaNameSize-1])
	}
	if q.buildIDAddr != 0 && q.buildIDSize > 0 {
		m.BuildID = string(b.id[:q.buildIDSize])
	}
	return m, nil
}

// Query returns the mapping that covers addr; ErrUnmapped if there is none,
// ErrGone after the process ended. It asks the kernel for this one mapping
// (Linux 6.11) and reads maps where the kernel cannot be asked; BuildID stays
// empty then. With WantBuildID it can wait for the file's file system.
func (p *Process) Query(addr uint64, what What) (Mapping, error) {
	return p.lockedQuery(addr, false, what)
}

// QueryNext is Query for the mapping that covers addr or, if there is none,
// the next one above. The page of legacy system calls at the top of the
// address space, which is the kernel's and no mapping of the process, is found
// by Query and Mappings only.
func (p *Process) QueryNext(addr uint64, what What) (Mapping, error) {
	return p.lockedQuery(addr, true, what)
}

func (p *Process) lockedQuery(addr uint64, next bool, what What) (Mapping, error) {
	if err := p.refs.acquire(); err != nil {
		return Mapping{}, err
	}
	defer p.refs.release()
	m, err := p.query(addr, next, what)
	if err != nil {
		return Mapping{}, fmt.Errorf("process %d: addr %#x: %w", p.pid, addr, err)
	}
	return m, nil
}

// UseText makes p read the text of maps instead of asking with PROCMAP_QUERY,
// as on a kernel without it, or undoes that.
func (p *Process) UseText(on bool) { p.textOnly.Store(on) }

// query is Query and QueryNext; the caller holds a reference.
func (p *Process) query(addr uint64, next bool, what What) (Mapping, error) {
	if !p.hasMemory() {
		if err := p.checkTask(); err != nil {
			return Mapping{}, err
		}
		return Mapping{}, ErrUnmapped
	}
	if p.textOnly.Load() {
		return p.queryText(addr, next)
	}
	m, err := p.queryIoctl(addr, next, what)
	switch {
	case err == errNoIoctl:
		p.textOnly.Store(true)
		return p.queryText(addr, next)
	case err == ErrUnmapped && !next && isGate(addr):
		return p.queryText(addr, next)
	}
	return m, err
}

// isGate reports whether addr is in the x86-64 page of legacy system calls,
// which maps lists last and PROCMAP_QUERY does not know.
func isGate(addr uint64) bool {
	return runtime.GOARCH == "amd64" && addr>>12 == 0xffffffffff600
}

func (p *Process) queryIoctl(addr uint64, next bool, what What) (Mapping, error) {
	b := queryBufs.Get().(*queryBuf)
	defer queryBufs.Put(b)
	var flags uint64
	if next {
		flags = procmapCoveringOrNext
	}
	err := b.run(p.mapsFD, addr, flags, what)
	if err == unix.ENAMETOOLONG && what&WantName != 0 {
		// The name exceeds PATH_MAX; such names are left out.
		err = b.run(p.mapsFD, addr, flags, what&^WantName)
	}
	switch err {
	case nil:
		return b.mapping(p.internName)
	case unix.ENOENT:
		return Mapping{}, ErrUnmapped
	case unix.ESRCH:
		return Mapping{}, ErrGone
	}
	return Mapping{}, err
}

// internName returns b as a string, the last query's one if it is equal:
// addresses of one batch tend to meet the same mappings.
func (p *Process) internName(b []byte) string {
	if last := p.lastName.Load(); last != nil && *last == string(b) {
		return *last
	}
	s := string(b)
	p.lastName.Store(&s)
	return s
}
