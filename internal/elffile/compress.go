package elffile

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/symfetch/symfetch/internal/inflate"
)

const (
	// MaxInflated is the size in bytes of the largest section that is
	// inflated: 2 GiB. The largest .debug_info known (browsers, kernels with
	// everything) has about 1.5 GiB.
	MaxInflated = 2 << 30
	// maxDeflateRatio is deflate's limit: 258 bytes for each 2 bits.
	maxDeflateRatio = 1032
	// maxZstdWindow is the size in bytes of the largest window that is
	// accepted, that of zstd's level 22. It is allocated before anything is
	// inflated, so more than minZstdWindow, which every decoder should accept
	// (RFC 8878, 3.1.1.1.2) and level 19 does with, needs a stream to match:
	// a byte for each zstdWindowRatio of the window.
	maxZstdWindow   = 128 << 20
	minZstdWindow   = 8 << 20
	zstdWindowRatio = 256
)

// SectionData returns the bytes of the named section and its vaddr (0 for one
// that is not loaded). Compressed sections are inflated, at most to
// [MaxInflated] bytes: the result is a private copy then, else a view. A section
// .debug_NAME is also found under its old compressed name .zdebug_NAME. Results
// are not cached.
//
// It returns [ErrNoSection], [ErrNoData], [ErrTooLarge] or a *[FormatError].
func (f *File) SectionData(name string) (data []byte, vaddr uint64, err error) {
	s, err := f.Section(name)
	if errors.Is(err, ErrNoSection) && strings.HasPrefix(name, ".debug_") {
		if z, zerr := f.Section(".z" + name[1:]); zerr == nil {
			data, err = f.inflateGNU(z)
			return data, z.Addr, err
		}
	}
	if err != nil {
		return nil, 0, err
	}
	if s.Flags&elf.SHF_COMPRESSED != 0 {
		data, err = f.inflate(s)
	} else {
		data, err = f.rawData(s)
	}
	return data, s.Addr, err
}

// compression is a compressed section's claim about itself.
type compression struct {
	typ  elf.CompressionType
	size uint64 // inflated
	head uint64 // bytes before the stream
}

// inflate inflates a section with SHF_COMPRESSED (gABI, "Section compression").
func (f *File) inflate(s *elf.SectionHeader) ([]byte, error) {
	if err := f.checkData(s); err != nil {
		return nil, err
	}
	head := uint64(12)
	if f.hdr.is64() {
		head = 24
	}
	if s.Size < head {
		return nil, badFormat(s.Name, s.Offset, "compressed section of %d bytes has no header", s.Size)
	}
	b, err := copyOf(f.src, int64(s.Offset), int64(head))
	if err != nil {
		return nil, err
	}
	c := compression{typ: elf.CompressionType(f.order.Uint32(b)), head: head}
	if f.hdr.is64() {
		c.size = f.order.Uint64(b[8:])
	} else {
		c.size = uint64(f.order.Uint32(b[4:]))
	}
	return f.inflateStream(s, c)
}

// inflateGNU inflates a section of the old form: "ZLIB", the inflated size as
// big-endian 64-bit number, a zlib stream. A .zdebug_ section without that magic
// was left as it is.
func (f *File) inflateGNU(s *elf.SectionHeader) ([]byte, error) {
	const head = 12
	if err := f.checkData(s); err != nil {
		return nil, err
	}
	if s.Size < head {
		return f.rawData(s)
	}
	b, err := copyOf(f.src, int64(s.Offset), head)
	if err != nil {
		return nil, err
	}
	if string(b[:4]) != "ZLIB" {
		return f.rawData(s)
	}
	var size uint64
	for _, c := range b[4:] {
		size = size<<8 | uint64(c)
	}
	return f.inflateStream(s, compression{elf.COMPRESS_ZLIB, size, head})
}

// inflateStream inflates what follows the compression header of s. It reads
// with ReadAt, so a file that is truncated meanwhile is an ordinary error.
func (f *File) inflateStream(s *elf.SectionHeader, c compression) ([]byte, error) {
	stream := s.Size - c.head
	switch {
	case c.size > MaxInflated:
		return nil, fmt.Errorf("%s inflates to %d bytes: %w", s.Name, c.size, ErrTooLarge)
	case c.typ == elf.COMPRESS_ZLIB && c.size/maxDeflateRatio > stream:
		return nil, badFormat(s.Name, s.Offset, "%d bytes cannot inflate to %d", stream, c.size)
	case c.typ == elf.COMPRESS_ZLIB:
		return f.inflateZlib(s, c, stream)
	case c.typ != elf.COMPRESS_ZSTD:
		return nil, badFormat(s.Name, s.Offset, "unknown compression %d", c.typ)
	}
	in := &errReader{r: io.NewSectionReader(f.src, int64(s.Offset+c.head), int64(stream))}
	r, err := zstdReader(in, stream)
	var data []byte
	if err == nil {
		data, err = readGrowing(r, int64(c.size))
		r.Close()
	}
	switch {
	case in.err != nil:
		return nil, fmt.Errorf("%s: %w", s.Name, in.err) // the file's fault, not the format's
	case err != nil:
		return nil, badFormat(s.Name, s.Offset, "inflating to %d bytes: %v", c.size, err)
	}
	return data, nil
}

func (f *File) inflateZlib(s *elf.SectionHeader, c compression, stream uint64) ([]byte, error) {
	packed, err := copyOf(f.src, int64(s.Offset+c.head), int64(stream))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	data, err := inflate.Zlib(packed, int(c.size))
	if err != nil {
		return nil, badFormat(s.Name, s.Offset, "inflating to %d bytes: %v", c.size, err)
	}
	return data, nil
}

// zstdReader returns a reader of the inflated bytes of in, which has size bytes.
func zstdReader(in io.Reader, size uint64) (*zstd.Decoder, error) {
	return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxInflated), zstd.WithDecoderMaxWindow(zstdWindow(size)))
}

// zstdWindow returns the largest window that a stream of size bytes may ask for.
func zstdWindow(size uint64) uint64 {
	return min(max(minZstdWindow, min(size, maxZstdWindow)*zstdWindowRatio), maxZstdWindow)
}

// errReader remembers the error of a read that failed.
type errReader struct {
	r   io.Reader
	err error
}

func (r *errReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// errTrailing: a stream holds more than its header says.
var errTrailing = errors.New("stream goes on behind its end")

// readGrowing reads exactly size bytes from r and its end. It allocates no more
// than twice what really came (and one step), whatever size claims.
func readGrowing(r io.Reader, size int64) ([]byte, error) {
	p := make([]byte, min(size, allocStep))
	for done := 0; ; {
		n, err := io.ReadFull(r, p[done:])
		done += n
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, fmt.Errorf("after %d bytes: %w", done, err)
		}
		if int64(done) == size {
			break
		}
		p = grown(p, size)
	}
	var more [1]byte
	switch n, err := io.ReadFull(r, more[:]); {
	case n > 0:
		return nil, errTrailing
	case err != io.EOF:
		return nil, err
	}
	return p, nil
}
