// Package unxz decompresses .xz files (The .xz File Format, version 1.2) that
// lie in memory as a whole, into memory as a whole: .gnu_debugdata is one. It
// knows LZMA2 without further filters. A reader of streams would need a window
// of its own; here the output is the window. Nothing is done at start-up.
package unxz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
)

var (
	// ErrCorrupt is returned for what is no .xz file, or a damaged one.
	ErrCorrupt = errors.New("corrupt xz file")
	// ErrTooLarge is returned for a file that inflates to more than was asked.
	ErrTooLarge = errors.New("xz file is larger than accepted")
	// ErrUnsupported is returned for filters other than LZMA2.
	ErrUnsupported = errors.New("xz file with an unknown filter")
)

const (
	headSize = 12
	footSize = 12
	lzma2    = 0x21
)

// block is what the index says of one block.
type block struct {
	packed   uint64 // without padding
	inflated uint64
}

// Decode inflates a file of one stream to at most limit bytes. Zeros can
// follow it. It allocates what the blocks' chunks say that they inflate to, as
// they come.
func Decode(p []byte, limit int) ([]byte, error) {
	for len(p) >= 4 && binary.LittleEndian.Uint32(p[len(p)-4:]) == 0 {
		p = p[:len(p)-4]
	}
	if len(p) < headSize+footSize || string(p[:6]) != "\xfd7zXZ\x00" || string(p[len(p)-2:]) != "YZ" {
		return nil, fmt.Errorf("%w: no header or footer", ErrCorrupt)
	}
	check, ok := checks[p[7]]
	if !ok || crc32.ChecksumIEEE(p[6:8]) != binary.LittleEndian.Uint32(p[8:]) {
		return nil, fmt.Errorf("%w: stream header", ErrCorrupt)
	}
	blocks, index, err := readIndex(p)
	if err != nil {
		return nil, err
	}
	d := &decoder{limit: limit}
	data := p[headSize : len(p)-footSize-index]
	for _, b := range blocks {
		padded := (b.packed + 3) &^ 3
		if padded < b.packed || padded > uint64(len(data)) {
			return nil, fmt.Errorf("%w: block of %d bytes, %d are left", ErrCorrupt, b.packed, len(data))
		}
		if err := d.block(data[:padded], b, check); err != nil {
			return nil, err
		}
		data = data[padded:]
	}
	if len(data) > 0 {
		return nil, fmt.Errorf("%w: %d bytes are in no block", ErrCorrupt, len(data))
	}
	return d.dst[:d.out], nil
}

// check is a kind of checksum behind each block.
type check struct {
	size int
	sum  func() hash.Hash
}

var checks = map[byte]check{
	0:  {0, nil},
	1:  {4, func() hash.Hash { return crc32.NewIEEE() }},
	4:  {8, func() hash.Hash { return crc64.New(crc64.MakeTable(crc64.ECMA)) }},
	10: {32, sha256.New},
}

// readIndex returns the blocks, and the size of the index in bytes.
func readIndex(p []byte) (blocks []block, size int, err error) {
	foot := p[len(p)-footSize:]
	back := (uint64(binary.LittleEndian.Uint32(foot[4:])) + 1) * 4
	if crc32.ChecksumIEEE(foot[4:10]) != binary.LittleEndian.Uint32(foot) || back > uint64(len(p)-headSize-footSize) ||
		!bytes.Equal(foot[8:10], p[6:8]) {
		return nil, 0, fmt.Errorf("%w: footer", ErrCorrupt)
	}
	size = int(back)
	index := p[len(p)-footSize-size : len(p)-footSize]
	body := index[:len(index)-4]
	if body[0] != 0 || crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(index[len(body):]) {
		return nil, 0, fmt.Errorf("%w: index", ErrCorrupt)
	}
	r := bytes.NewReader(body[1:])
	n, err := binary.ReadUvarint(r)
	for ; err == nil && n > 0; n-- {
		var b block
		if b.packed, err = binary.ReadUvarint(r); err == nil {
			b.inflated, err = binary.ReadUvarint(r)
			blocks = append(blocks, b)
		}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%w: index: %w", ErrCorrupt, err)
	}
	return blocks, size, nil
}

// decoder is the state of one file.
type decoder struct {
	dst   []byte
	out   int
	limit int
	start int // of the dictionary: no match reaches before it

	lc, lp, pb uint8
	state      uint8
	reps       [4]uint32
	coder      coder
	model      model
}

// block decodes one block with its header and checksum.
func (d *decoder) block(p []byte, b block, c check) error {
	head, err := blockHeader(p)
	if err != nil {
		return err
	}
	// The packed size counts the header, the chunks and the checksum, but not
	// the padding between the last two.
	end := int(b.packed) - c.size
	if end < head {
		return fmt.Errorf("%w: block of %d bytes", ErrCorrupt, len(p))
	}
	at := d.out
	if len(bytes.Trim(p[end:(end+3)&^3], "\x00")) > 0 {
		return fmt.Errorf("%w: padding", ErrCorrupt)
	}
	if err := d.chunks(p[head:end]); err != nil {
		return err
	}
	if uint64(d.out-at) != b.inflated {
		return fmt.Errorf("%w: block of %d bytes, the index says %d", ErrCorrupt, d.out-at, b.inflated)
	}
	if c.sum == nil {
		return nil
	}
	h := c.sum()
	h.Write(d.dst[at:d.out])
	want := h.Sum(nil)
	if c.size < 32 { // CRCs are stored with their lowest byte first, Sum gives the highest
		for i, j := 0, len(want)-1; i < j; i, j = i+1, j-1 {
			want[i], want[j] = want[j], want[i]
		}
	}
	if !bytes.Equal(want, p[(end+3)&^3:]) {
		return fmt.Errorf("%w: checksum", ErrCorrupt)
	}
	return nil
}

// blockHeader checks that a block is of LZMA2 alone, and returns where its data
// begins.
func blockHeader(p []byte) (int, error) {
	if len(p) == 0 || p[0] == 0 || len(p) < (int(p[0])+1)*4 {
		return 0, fmt.Errorf("%w: block header", ErrCorrupt)
	}
	size := (int(p[0]) + 1) * 4
	body := p[:size-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(p[size-4:]) {
		return 0, fmt.Errorf("%w: block header", ErrCorrupt)
	}
	flags := body[1]
	if flags&0x3f != 0 {
		return 0, ErrUnsupported // several filters, or reserved bits
	}
	r := bytes.NewReader(body[2:])
	fields := 2 // of the filter: its ID, the size of its properties
	for _, bit := range []byte{0x40, 0x80} {
		if flags&bit != 0 {
			fields++ // a size, before them
		}
	}
	var v [4]uint64
	for i := range fields {
		var err error
		if v[i], err = binary.ReadUvarint(r); err != nil {
			return 0, fmt.Errorf("%w: block header", ErrCorrupt)
		}
	}
	if v[fields-2] != lzma2 || v[fields-1] != 1 {
		return 0, ErrUnsupported
	}
	return size, nil
}

// chunks decodes the LZMA2 chunks of a block.
func (d *decoder) chunks(p []byte) error {
	truncated := fmt.Errorf("%w: it ends within a chunk", ErrCorrupt)
	needDict, needProps, needState := true, true, true
	for {
		if len(p) == 0 {
			return truncated
		}
		control := p[0]
		if control == 0 {
			if len(p) > 1 {
				return fmt.Errorf("%w: bytes behind the last chunk", ErrCorrupt)
			}
			return nil
		}
		if control == 1 || control >= 0xe0 {
			d.start, needDict = d.out, false
			if control >= 0xe0 {
				needProps = true
			} else {
				needState = true
			}
		}
		if needDict || control > 2 && control < 0x80 || len(p) < 3 {
			return fmt.Errorf("%w: chunk of type %#x", ErrCorrupt, control)
		}
		if control < 0x80 {
			n := int(binary.BigEndian.Uint16(p[1:])) + 1
			if n > len(p)-3 {
				return truncated
			}
			if err := d.room(n); err != nil {
				return err
			}
			d.out += copy(d.dst[d.out:], p[3:3+n])
			p = p[3+n:]
			continue
		}
		if len(p) < 6 {
			return truncated
		}
		size := int(control&0x1f)<<16 + int(binary.BigEndian.Uint16(p[1:])) + 1
		n := int(binary.BigEndian.Uint16(p[3:])) + 1
		p = p[5:]
		kind := control >> 5 & 3
		if kind >= 2 {
			if err := d.props(p[0]); err != nil {
				return err
			}
			p, needProps = p[1:], false
		}
		if needProps || needState && kind == 0 {
			return fmt.Errorf("%w: chunk without its properties", ErrCorrupt)
		}
		if kind >= 1 {
			d.state, d.reps, needState = 0, [4]uint32{}, false
			d.model.reset()
		}
		if n > len(p) {
			return truncated
		}
		if err := d.room(size); err != nil {
			return err
		}
		if err := d.lzma(p[:n], size); err != nil {
			return err
		}
		p = p[n:]
	}
}

func (d *decoder) props(b byte) error {
	lc, rest := b%9, b/9
	lp, pb := rest%5, rest/5
	if pb > maxPosBits || lc+lp > maxLitBits {
		return fmt.Errorf("%w: properties %#x", ErrCorrupt, b)
	}
	d.lc, d.lp, d.pb = lc, lp, pb
	return nil
}

// room makes dst take n more bytes.
func (d *decoder) room(n int) error {
	if n > d.limit-d.out {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, d.limit)
	}
	if n > len(d.dst)-d.out {
		bigger := make([]byte, min(d.limit, max(2*len(d.dst), d.out+n)))
		copy(bigger, d.dst[:d.out])
		d.dst = bigger
	}
	return nil
}
