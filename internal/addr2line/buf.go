package addr2line

import (
	"bytes"
	"encoding/binary"
)

// buf is a cursor over a section's bytes with a sticky error: after the first
// read that leads out of the data it yields zeros only, and err says where
// that was.
type buf struct {
	data []byte
	pos  int
	big  bool
	sec  sectionID
	base uint64 // offset of data[0] in the section
	err  error
}

// off returns the section offset of the cursor.
func (b *buf) off() uint64 { return b.base + uint64(b.pos) }

func (b *buf) fail(msg string) {
	if b.err == nil {
		b.err = badFormat(b.sec, b.off(), "%s", msg)
	}
	b.pos = len(b.data)
}

// left returns the number of bytes that were not read.
func (b *buf) left() int { return len(b.data) - b.pos }

// bytes returns a view of the next n bytes, nil if there are not as many.
func (b *buf) bytes(n uint64) []byte {
	if b.err != nil || n > uint64(b.left()) {
		b.fail("unexpected end of data")
		return nil
	}
	v := b.data[b.pos : b.pos+int(n)]
	b.pos += int(n)
	return v
}

func (b *buf) skip(n uint64) { b.bytes(n) }

func (b *buf) u8() uint8 {
	if v := b.bytes(1); v != nil {
		return v[0]
	}
	return 0
}

func (b *buf) u16() uint16 {
	if v := b.bytes(2); v != nil {
		return u16(v, b.big)
	}
	return 0
}

func (b *buf) u32() uint32 {
	if v := b.bytes(4); v != nil {
		return u32(v, b.big)
	}
	return 0
}

func (b *buf) u64() uint64 {
	if v := b.bytes(8); v != nil {
		return u64(v, b.big)
	}
	return 0
}

// uint reads an unsigned number of size bytes: 1, 2, 3, 4 or 8.
func (b *buf) uint(size int) uint64 {
	switch size {
	case 1:
		return uint64(b.u8())
	case 2:
		return uint64(b.u16())
	case 3:
		if v := b.bytes(3); v != nil {
			return u24(v, b.big)
		}
		return 0
	case 4:
		return uint64(b.u32())
	case 8:
		return b.u64()
	}
	b.fail("unsupported size of a number")
	return 0
}

func (b *buf) uleb() uint64 {
	if b.err != nil {
		return 0
	}
	v, next := uleb(b.data, b.pos)
	if next < 0 {
		b.fail("bad LEB128")
		return 0
	}
	b.pos = next
	return v
}

func (b *buf) sleb() int64 {
	if b.err != nil {
		return 0
	}
	v, next := sleb(b.data, b.pos)
	if next < 0 {
		b.fail("bad LEB128")
		return 0
	}
	b.pos = next
	return v
}

// cstr returns a view of a string that a zero byte ends, without it.
func (b *buf) cstr() []byte {
	if b.err != nil {
		return nil
	}
	n := bytes.IndexByte(b.data[b.pos:], 0)
	if n < 0 {
		b.fail("string does not end")
		return nil
	}
	v := b.data[b.pos : b.pos+n]
	b.pos += n + 1
	return v
}

// length reads a unit's initial length (DWARF 5, section 7.4) and the size of
// its offsets, 4 or 8.
func (b *buf) length() (n uint64, offSize int) {
	n = uint64(b.u32())
	switch {
	case n < 0xfffffff0:
		return n, 4
	case n == 0xffffffff:
		return b.u64(), 8
	}
	b.fail("reserved initial length")
	return 0, 4
}

func u16(b []byte, big bool) uint16 {
	if big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func u24(b []byte, big bool) uint64 {
	if big {
		return uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[2])
	}
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
}

func u32(b []byte, big bool) uint32 {
	if big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func u64(b []byte, big bool) uint64 {
	if big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// maxLEB is the longest LEB128 accepted, in bytes. Ten hold 64 bits; linkers
// pad what they patch.
const maxLEB = 16

// uleb decodes the unsigned LEB128 at pos of b. next is the position after it,
// -1 if it does not end or exceeds 64 bits.
func uleb(b []byte, pos int) (v uint64, next int) {
	if uint(pos) < uint(len(b)) && b[pos] < 0x80 {
		return uint64(b[pos]), pos + 1
	}
	return ulebSlow(b, pos)
}

func ulebSlow(b []byte, pos int) (v uint64, next int) {
	shift := uint(0)
	for i := pos; uint(i) < uint(len(b)) && i < pos+maxLEB; i++ {
		c := b[i]
		bits := uint64(c & 0x7f)
		if shift >= 64 && bits != 0 || shift == 63 && bits > 1 {
			return 0, -1
		}
		v |= bits << shift
		if c < 0x80 {
			return v, i + 1
		}
		shift += 7
	}
	return 0, -1
}

// sleb is uleb for the signed encoding. Bits beyond 64 are dropped.
func sleb(b []byte, pos int) (v int64, next int) {
	shift := uint(0)
	for i := pos; uint(i) < uint(len(b)) && i < pos+maxLEB; i++ {
		c := b[i]
		v |= int64(c&0x7f) << shift
		shift += 7
		if c < 0x80 {
			if shift < 64 && c&0x40 != 0 {
				v |= -1 << shift
			}
			return v, i + 1
		}
	}
	return 0, -1
}

// skipLEB returns the position after the LEB128 at pos, -1 if it does not end.
func skipLEB(b []byte, pos int) int {
	for uint(pos) < uint(len(b)) {
		if b[pos] < 0x80 {
			return pos + 1
		}
		pos++
	}
	return -1
}
