package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// copyChunk is how much is copied between two looks at whether the run was
// interrupted, in bytes.
const copyChunk = 8 << 20

// lseek's ways to find data and holes (Linux, include/uapi/linux/fs.h).
const (
	seekData = 3
	seekHole = 4
)

// copyFile copies the first size bytes of src to dst, which is empty, and
// leaves holes where src has them: the target chooses the size of what it
// maps, and a sparse file may be larger than any disk. advance is told what
// was copied.
func copyFile(ctx context.Context, dst, src *os.File, size int64, advance func(int64)) error {
	for off := int64(0); off < size; {
		data, hole, err := nextData(src, off, size)
		if err != nil {
			return err
		}
		advance(data - off)
		for off = data; off < hole; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := copyAt(dst, src, off, min(copyChunk, hole-off))
			if err != nil {
				return err
			}
			off += n
			advance(n)
		}
	}
	return dst.Truncate(size)
}

// nextData returns the first range of src's bytes at or behind off that is no
// hole; both are size where only holes are left.
func nextData(src *os.File, off, size int64) (data, hole int64, err error) {
	data, err = src.Seek(off, seekData)
	switch {
	case errors.Is(err, syscall.ENXIO):
		return size, size, nil
	case err != nil:
		return off, size, nil // a file system that knows no holes
	}
	hole, err = src.Seek(data, seekHole)
	if err != nil || hole <= data {
		return 0, 0, fmt.Errorf("no end of the data at offset %#x: %w", data, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return min(data, size), min(hole, size), nil
}

// copyAt copies n bytes at off; fewer are an error.
func copyAt(dst, src *os.File, off, n int64) (int64, error) {
	if _, err := src.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	if _, err := dst.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	got, err := io.CopyN(dst, src, n)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("file became shorter: %d of %d bytes at offset %#x: %w", got, n, off, io.ErrUnexpectedEOF)
	}
	return got, err
}
