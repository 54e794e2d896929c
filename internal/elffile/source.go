package elffile

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxCopy is the size in bytes of the largest private copy that View makes of
// a source that cannot be mapped: 1 GiB. The sections of the largest programs
// are smaller; a sparse file of the target's may claim anything.
const maxCopy = 1 << 30

// Source is where an ELF's bytes come from: a file, a part of one, or a
// process's memory. Implementations are safe for concurrent use.
//
// ReadAt never touches mapped memory: it fails with an error where the file was
// truncated. A view may fault then; whoever reads one does so under [Guard].
// Both may block as long as the file system does.
type Source interface {
	io.ReaderAt
	// Size is the source's length in bytes when it was opened.
	Size() int64
	// View returns the n bytes at off: a read-only view of a mapping, valid
	// until Close and never to be written to, or a private copy. It is an
	// error if they do not lie within the source's size.
	View(off, n int64) ([]byte, error)
	// Close gives the source up, and every view of it.
	io.Closer
}

// checkRange tells whether the n bytes at off lie within size.
func checkRange(off, n, size int64) error {
	if off < 0 || n < 0 || off > size || n > size-off {
		return fmt.Errorf("%d bytes at offset %#x of %#x: %w", n, off, size, io.ErrUnexpectedEOF)
	}
	return nil
}

// copyOf reads the n bytes at off of r. The size of the file is a claim too (of
// a sparse file, of a file system in user space, of a segment in memory), so no
// more is allocated than twice what really came, and one step.
func copyOf(r io.ReaderAt, off, n int64) ([]byte, error) {
	if n > maxCopy {
		return nil, fmt.Errorf("copy of %d bytes at offset %#x: %w", n, off, ErrTooLarge)
	}
	p := make([]byte, min(n, allocStep))
	done := int64(0)
	for {
		if err := readFull(r, p[done:], off+done); err != nil {
			return nil, err
		}
		if done = int64(len(p)); done == n {
			return p, nil
		}
		p = grown(p, n)
	}
}

// allocStep is how many bytes are allocated on a mere claim: 1 MiB.
const allocStep = 1 << 20

// grown returns p with twice its length, at most size.
func grown(p []byte, size int64) []byte {
	bigger := make([]byte, min(size, 2*int64(len(p))))
	copy(bigger, p)
	return bigger
}

// readFull fills p from off. Fewer bytes are io.ErrUnexpectedEOF.
func readFull(r io.ReaderAt, p []byte, off int64) error {
	if n, err := r.ReadAt(p, off); n < len(p) {
		return badRead(n, len(p), off, err)
	}
	return nil
}

// badRead makes the error of a read of size bytes that gave n.
func badRead(n, size int, off int64, err error) error {
	return fmt.Errorf("%d of %d bytes at offset %#x: %w", n, size, off, orUnexpectedEOF(err))
}

// orUnexpectedEOF gives a read that came back short without saying why a reason.
func orUnexpectedEOF(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// FileOf returns the open file behind s and where s begins in it; nil for a
// memory image. The file stays the source's: it must not be closed.
func FileOf(s Source) (f *os.File, off int64) {
	switch s := s.(type) {
	case *fileSource:
		return s.f, 0
	case *subSource:
		f, off = FileOf(s.parent)
		return f, off + s.off
	}
	return nil, 0
}

// subSource is a range of another source.
type subSource struct {
	parent    Source
	off, size int64
}

// Sub returns the size bytes at off of s as a source of their own: a member of
// an archive. Where s is shorter, so is the result. It takes s over: closing it
// closes s.
func Sub(s Source, off, size int64) Source {
	off = min(max(off, 0), s.Size())
	return &subSource{parent: s, off: off, size: min(max(size, 0), s.Size()-off)}
}

func (s *subSource) Size() int64  { return s.size }
func (s *subSource) Close() error { return s.parent.Close() }

func (s *subSource) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= s.size {
		return 0, io.EOF
	}
	if left := s.size - off; int64(len(p)) > left {
		n, err := s.parent.ReadAt(p[:left], s.off+off)
		if err == nil {
			err = io.EOF
		}
		return n, err
	}
	return s.parent.ReadAt(p, s.off+off)
}

func (s *subSource) View(off, n int64) ([]byte, error) {
	if err := checkRange(off, n, s.size); err != nil {
		return nil, err
	}
	return s.parent.View(s.off+off, n)
}
