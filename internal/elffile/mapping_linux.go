package elffile

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// smallFile is the size in bytes up to which a file is read as a whole: that
// costs less than a mapping and the reads of its headers.
const smallFile = 16 << 10

// fileSource is a file: pread for ReadAt, and for View one mapping of the whole
// file made on first use, where its file system allows it. A small file is one
// private copy.
type fileSource struct {
	f        *os.File
	size     int64
	mappable bool
	small    []byte // the whole file, nil unless it is small

	mu     sync.Mutex
	state  mapState
	mapped []byte
}

// mapState says what is known of a file's mapping.
type mapState uint8

const (
	mapUnknown mapState = iota // nobody asked for a view yet
	mapDone                    // mapped holds the file
	mapRefused                 // views are private copies
	mapClosed
)

// OpenSource returns f's bytes as a source and owns f from then on, also where
// it fails. Views are views of a mapping where [IsMappable] says so, else
// private copies. Only regular files have a size to go by; any other is an
// error.
func OpenSource(f *os.File) (Source, error) {
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file but %s", f.Name(), fi.Mode())
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	s := &fileSource{f: f, size: fi.Size(), mappable: IsMappable(f)}
	if s.size <= smallFile {
		s.small = s.readWhole()
	}
	return s, nil
}

// readWhole reads a small file; nil where not all of it comes.
func (s *fileSource) readWhole() []byte {
	p := make([]byte, s.size)
	if n, _ := s.f.ReadAt(p, 0); n < len(p) {
		return nil
	}
	return p
}

func (s *fileSource) Size() int64 { return s.size }

func (s *fileSource) ReadAt(p []byte, off int64) (int, error) {
	if s.small == nil {
		return s.f.ReadAt(p, off)
	}
	if off < 0 || off >= s.size {
		return 0, io.EOF
	}
	n := copy(p, s.small[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (s *fileSource) View(off, n int64) ([]byte, error) {
	if err := checkRange(off, n, s.size); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, nil
	}
	m, err := s.mapping()
	if err != nil {
		return nil, err
	}
	if s.small != nil {
		return s.small[off : off+n : off+n], nil
	}
	if m == nil {
		return copyOf(s.f, off, n)
	}
	return m[off : off+n : off+n], nil
}

// mapping returns the file's mapping, nil if it must not or cannot be mapped.
func (s *fileSource) mapping() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == mapUnknown {
		s.state = mapRefused
		if s.mappable && s.small == nil {
			s.tryMap()
		}
	}
	if s.state == mapClosed {
		return nil, os.ErrClosed
	}
	return s.mapped, nil
}

// tryMap maps the file. Failure is no error: pread serves too.
func (s *fileSource) tryMap() {
	if int64(int(s.size)) != s.size {
		return // more than a 32-bit machine can map
	}
	_ = control(s.f, func(fd int) error {
		m, err := unix.Mmap(fd, 0, int(s.size), unix.PROT_READ, unix.MAP_PRIVATE)
		if err == nil {
			s.mapped, s.state = m, mapDone
		}
		return err
	})
}

func (s *fileSource) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == mapClosed {
		return os.ErrClosed
	}
	if s.mapped != nil {
		_ = unix.Munmap(s.mapped) // fails only for what is no mapping
		s.mapped = nil
	}
	s.state = mapClosed
	return s.f.Close()
}

// control calls fn with f's descriptor, which stays open and as it is
// meanwhile (os.File.Fd would make it blocking).
func control(f *os.File, fn func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := c.Control(func(fd uintptr) { ferr = fn(int(fd)) }); err != nil {
		return err
	}
	return ferr
}

// AnswersAtOnce tells whether s is a file for which [IsMappable] holds, or a
// part of one: reading it waits for nothing but a local disk.
func AnswersAtOnce(s Source) bool {
	switch s := s.(type) {
	case *fileSource:
		return s.mappable
	case *subSource:
		return AnswersAtOnce(s.parent)
	}
	return false
}

// IsMappable tells whether f may be read through a mapping: whether it lies on
// a file system that is known to answer a page fault from memory or from a
// local disk.
//
// On any other a page fault may take for ever, and a goroutine that waits in a
// page fault stops the whole program: the collector cannot preempt it, while
// one that waits in pread is an ordinary system call. So the list is of what is
// known to be local, and whatever is not on it is read with pread: network file
// systems and FUSE, but also what may sit on one of these:
//
//   - overlayfs says nothing of its layers, and each may be on FUSE (image
//     formats that load lazily are just that; and any user can build such a
//     stack in a user namespace of his own);
//   - ecryptfs likewise;
//   - zfs and bcachefs keep a cache of their own, which pread reads directly;
//   - hugetlbfs, where a fault needs a free huge page or ends in SIGBUS.
func IsMappable(f *os.File) bool {
	var st unix.Statfs_t
	err := control(f, func(fd int) error {
		for {
			err := unix.Fstatfs(fd, &st)
			if err != unix.EINTR {
				return err
			}
		}
	})
	return err == nil && mappableType(uint32(st.Type))
}

// Magic numbers of file systems that x/sys/unix lacks (linux/magic.h and the
// file systems' own headers).
const (
	magicEXT   = 0xef53 // ext2, ext3 and ext4
	magicNTFS3 = 0x7366746e
	magicRAMFS = 0x858458f6
	magicUDF   = 0x15013346
)

// mappableType is [IsMappable]'s list. Statfs's type has 32 significant bits;
// some architectures extend the sign.
func mappableType(magic uint32) bool {
	switch magic {
	case magicEXT, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, magicRAMFS, // memfd, /dev/shm and SysV shared memory are tmpfs
		unix.SQUASHFS_MAGIC, unix.EROFS_SUPER_MAGIC_V1, unix.CRAMFS_MAGIC, unix.ISOFS_SUPER_MAGIC, magicUDF,
		unix.MSDOS_SUPER_MAGIC, unix.EXFAT_SUPER_MAGIC, magicNTFS3:
		return true
	}
	return false
}
