package elffile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

const (
	// maxMiniDebug is the size in bytes of the largest inflated
	// .gnu_debugdata: 256 MiB. The largest known (browsers) have 40.
	maxMiniDebug = 256 << 20
	// maxXZDict is the largest dictionary that is accepted, in bytes: that of
	// xz -9. It is allocated before anything is inflated.
	maxXZDict = 64 << 20
)

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
	size, err := checkXZ(packed)
	if err != nil {
		return nil, badFormat(name, s.Offset, "%v", err)
	}
	r, err := xz.ReaderConfig{SingleStream: true}.NewReader(bytes.NewReader(packed))
	var data []byte
	if err == nil {
		data, err = readGrowing(r, int64(size))
	}
	if err != nil {
		return nil, badFormat(name, s.Offset, "inflating to %d bytes: %v", size, err)
	}
	return data, nil
}

// checkXZ reads a stream's index and block headers (The .xz File Format,
// sections 2 to 4) and returns its inflated size. It refuses what would take
// too much memory.
func checkXZ(p []byte) (size uint64, err error) {
	const head, foot = 12, 12
	// Zeros can follow, as the section is aligned.
	for len(p) >= 4 && binary.LittleEndian.Uint32(p[len(p)-4:]) == 0 {
		p = p[:len(p)-4]
	}
	if len(p) < head+foot || string(p[:6]) != "\xfd7zXZ\x00" || string(p[len(p)-2:]) != "YZ" {
		return 0, errors.New("not an xz stream")
	}
	indexSize := (uint64(binary.LittleEndian.Uint32(p[len(p)-8:])) + 1) * 4
	if indexSize > uint64(len(p)-head-foot) {
		return 0, fmt.Errorf("xz index of %d bytes in %d", indexSize, len(p))
	}
	index := p[uint64(len(p)-foot)-indexSize : len(p)-foot]
	blocks := p[head : uint64(len(p)-foot)-indexSize]
	r := bytes.NewReader(index)
	if b, _ := r.ReadByte(); b != 0 {
		return 0, errors.New("xz stream without an index")
	}
	n, err := binary.ReadUvarint(r)
	for ; err == nil && n > 0; n-- {
		var packed, inflated uint64
		if packed, err = binary.ReadUvarint(r); err != nil {
			break
		}
		if inflated, err = binary.ReadUvarint(r); err != nil {
			break
		}
		if inflated > maxMiniDebug-size {
			return 0, ErrTooLarge
		}
		size += inflated
		padded := (packed + 3) &^ 3
		if padded < packed || padded > uint64(len(blocks)) {
			return 0, fmt.Errorf("xz block of %d bytes, %d are left", packed, len(blocks))
		}
		if err := checkXZBlock(blocks[:padded]); err != nil {
			return 0, err
		}
		blocks = blocks[padded:]
	}
	if err != nil {
		return 0, fmt.Errorf("xz index: %w", err)
	}
	return size, nil
}

// checkXZBlock reads a block's header as far as its dictionary's size.
func checkXZBlock(p []byte) error {
	if len(p) < 8 || p[0] == 0 {
		return io.ErrUnexpectedEOF
	}
	flags := p[1]
	r := bytes.NewReader(p[2:])
	for _, bit := range []byte{0x40, 0x80} {
		if flags&bit == 0 {
			continue
		}
		if _, err := binary.ReadUvarint(r); err != nil {
			return err
		}
	}
	for range flags&3 + 1 {
		id, err := binary.ReadUvarint(r)
		if err != nil {
			return err
		}
		n, err := binary.ReadUvarint(r)
		if err != nil || n > uint64(r.Len()) {
			return io.ErrUnexpectedEOF
		}
		props := make([]byte, n)
		r.Read(props)
		const lzma2 = 0x21
		if id != lzma2 {
			continue
		}
		if n != 1 {
			return fmt.Errorf("xz filter with %d bytes of properties", n)
		}
		dict, err := lzma.DecodeDictCap(props[0])
		if err != nil {
			return err
		}
		if dict > maxXZDict {
			return fmt.Errorf("xz dictionary of %d bytes: %w", dict, ErrTooLarge)
		}
	}
	return nil
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
