package elffile

import (
	"io"

	"github.com/symfetch/symfetch/internal/unxz"
)

// maxMiniDebug is the size in bytes of the largest inflated .gnu_debugdata: 256
// MiB. The largest known (browsers) have 40.
const maxMiniDebug = 256 << 20

// MiniDebugInfo returns the inflated .gnu_debugdata: an ELF of its own that
// holds a symbol table of the functions that .dynsym lacks (gdb's manual,
// "MiniDebugInfo"). [ErrNoSection] if there is none.
func (f *File) MiniDebugInfo() ([]byte, error) {
	const name = ".gnu_debugdata"
	s, err := f.Section(name)
	if err != nil {
		return nil, err
	}
	if err := f.checkData(s); err != nil {
		return nil, err
	}
	packed, err := copyOf(f.src, int64(s.Offset), int64(s.Size))
	if err != nil {
		return nil, err
	}
	data, err := unxz.Decode(packed, maxMiniDebug)
	if err != nil {
		return nil, badFormat(name, s.Offset, "%v", err)
	}
	return data, nil
}

// bytesSource is a Source over bytes that stay as they are.
type bytesSource []byte

// BytesSource returns a source over p, which must stay as it is. Closing it
// does nothing.
func BytesSource(p []byte) Source { return bytesSource(p) }

func (s bytesSource) Size() int64  { return int64(len(s)) }
func (s bytesSource) Close() error { return nil }

func (s bytesSource) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(s)) {
		return 0, io.EOF
	}
	n := copy(p, s[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (s bytesSource) View(off, n int64) ([]byte, error) {
	if err := checkRange(off, n, int64(len(s))); err != nil {
		return nil, err
	}
	return s[off : off+n : off+n], nil
}
