// Package inflate decompresses zlib streams (RFC 1950, RFC 1951) that lie in
// memory as a whole, into memory as a whole. Debug sections are such streams,
// and inflating them is most of what a first answer from a compressed file
// costs: without the windows and the buffers of a streaming reader it takes a
// third of the time.
package inflate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
)

var (
	// ErrCorrupt is returned for what is no zlib stream, or a damaged one.
	ErrCorrupt = errors.New("corrupt zlib stream")
	// ErrSize is returned where the stream inflates to another size than it
	// should.
	ErrSize = errors.New("zlib stream of another size")
)

// corrupt is an ErrCorrupt that says where. These are not made by package fmt,
// which would do that at every start of the program.
type corrupt string

func (e corrupt) Error() string { return ErrCorrupt.Error() + ": " + string(e) }
func (e corrupt) Unwrap() error { return ErrCorrupt }

// firstGuess is how many times a stream's size is allocated before anything is
// known of what it inflates to.
const firstGuess = 16

// Zlib inflates a zlib stream that should inflate to size bytes. It allocates
// no more than 16 times the stream's size and 64 KiB, unless that much really
// came. Bytes behind the stream's end are ignored: linkers pad.
//
// src is only read; a fault there is the caller's to catch.
func Zlib(src []byte, size int) ([]byte, error) {
	if len(src) < 6 || src[0]&0x0f != 8 || binary.BigEndian.Uint16(src)%31 != 0 || src[1]&0x20 != 0 {
		return nil, fmt.Errorf("%w: no header", ErrCorrupt)
	}
	d := decoder{src: src[2:], size: size}
	d.dst = make([]byte, min(size, firstGuess*len(src)+64<<10))
	if err := d.inflate(); err != nil {
		return nil, err
	}
	if d.out != size {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrSize, d.out, size)
	}
	rest := d.rest()
	if len(rest) < 4 || binary.BigEndian.Uint32(rest) != adler32.Checksum(d.dst) {
		return nil, fmt.Errorf("%w: checksum", ErrCorrupt)
	}
	return d.dst, nil
}

// decoder is the state of one stream. Bits are taken from the low end of buf,
// which holds at least bits of them.
type decoder struct {
	src  []byte
	in   int // offset of the next byte that buf has not
	buf  uint64
	bits uint

	dst  []byte
	out  int
	size int // that dst may have

	tables
}

// rest are the bytes behind the stream's last bit.
func (d *decoder) rest() []byte { return d.src[d.in-int(d.bits/8):] }

// need makes buf hold n bits; n is at most 32.
func (d *decoder) need(n uint) bool {
	for d.bits < n {
		if d.in >= len(d.src) {
			return false
		}
		d.buf |= uint64(d.src[d.in]) << d.bits
		d.in++
		d.bits += 8
	}
	return true
}

// take returns the next n bits, which buf must hold.
func (d *decoder) take(n uint) uint32 {
	v := uint32(d.buf & (1<<n - 1))
	d.buf >>= n
	d.bits -= n
	return v
}

const errEnd = corrupt("it ends too early")

// inflate decodes all blocks.
func (d *decoder) inflate() error {
	for {
		if !d.need(3) {
			return errEnd
		}
		last, kind := d.take(1), d.take(2)
		var err error
		switch kind {
		case 0:
			err = d.stored()
		case 1:
			if err = d.fixed(); err == nil {
				err = d.block()
			}
		case 2:
			if err = d.dynamic(); err == nil {
				err = d.block()
			}
		default:
			err = fmt.Errorf("%w: block of unknown type", ErrCorrupt)
		}
		if err != nil || last == 1 {
			return err
		}
	}
}

// stored copies a block that is not compressed.
func (d *decoder) stored() error {
	d.take(d.bits % 8)
	if !d.need(32) {
		return errEnd
	}
	n, complement := d.take(16), d.take(16)
	if n != ^complement&0xffff {
		return fmt.Errorf("%w: length of a stored block", ErrCorrupt)
	}
	// What buf holds are whole bytes.
	d.in -= int(d.bits / 8)
	d.buf, d.bits = 0, 0
	if int(n) > len(d.src)-d.in {
		return errEnd
	}
	if err := d.room(int(n)); err != nil {
		return err
	}
	d.out += copy(d.dst[d.out:], d.src[d.in:d.in+int(n)])
	d.in += int(n)
	return nil
}

// room makes dst take n more bytes, or as many as it may have.
func (d *decoder) room(n int) error {
	if n <= len(d.dst)-d.out {
		return nil
	}
	if len(d.dst) < d.size {
		bigger := make([]byte, min(d.size, max(2*len(d.dst), d.out+n)))
		copy(bigger, d.dst[:d.out])
		d.dst = bigger
	}
	if n > len(d.dst)-d.out {
		return fmt.Errorf("%w: more than %d bytes", ErrSize, d.size)
	}
	return nil
}
