package inflate

import "encoding/binary"

const (
	// maxMatch bytes has the longest match.
	maxMatch = 258
	// slack is how many bytes the fast loop may write beyond what counts.
	slack = 16
)

const (
	errInvalid  = corrupt("code that stands for nothing")
	errDistance = corrupt("distance beyond the beginning")
)

// block decodes a block by the tables: quickly while there is plenty of input
// and room, and with all checks at the ends.
func (d *decoder) block() error {
	for {
		done, err := d.fast()
		if done || err != nil {
			return err
		}
		if done, err = d.slow(); done || err != nil {
			return err
		}
	}
}

// fast decodes while at least eight bytes of input and room for a match are
// left; done says that the block ended.
func (d *decoder) fast() (done bool, err error) {
	src, dst := d.src, d.dst
	in, out, buf, n := d.in, d.out, d.buf, d.bits
	defer func() { d.in, d.out, d.buf, d.bits = in, out, buf, n }()
	for in+8 <= len(src) && out+maxMatch+slack <= len(dst) {
		// At least 56 bits: a length and a distance with all their extra bits
		// have 48 at most.
		buf |= binary.LittleEndian.Uint64(src[in:]) << n
		in += int(63-n) >> 3
		n |= 56
		e := d.lit[buf&(1<<litBits-1)]
		if e&isLiteral != 0 {
			buf >>= e & 0xff
			n -= uint(e & 0xff)
			dst[out] = byte(e >> 16)
			out++
			// 45 bits are left at least, enough for a literal and a look at
			// what follows it.
			if e = d.lit[buf&(1<<litBits-1)]; e&isLiteral != 0 {
				buf >>= e & 0xff
				n -= uint(e & 0xff)
				dst[out] = byte(e >> 16)
				out++
				continue
			}
			if n < 48 {
				continue
			}
		}
		if e&isSecond != 0 {
			buf >>= litBits
			n -= litBits
			e = d.lit[entry(e>>16)+entry(buf)&(1<<(e>>8&15)-1)]
			if e&isLiteral != 0 {
				buf >>= e & 0xff
				n -= uint(e & 0xff)
				dst[out] = byte(e >> 16)
				out++
				continue
			}
		}
		if e&(isEnd|isInvalid) != 0 {
			buf >>= e & 0xff
			n -= uint(e & 0xff)
			if e&isEnd != 0 {
				return true, nil
			}
			return false, errInvalid
		}
		length := int(e>>16) + int(buf>>(e>>8&15)&(1<<(e&0xff-e>>8&15)-1))
		buf >>= e & 0xff
		n -= uint(e & 0xff)

		e = d.dist[buf&(1<<distBits-1)]
		if e&isSecond != 0 {
			buf >>= distBits
			n -= distBits
			e = d.dist[entry(e>>16)+entry(buf)&(1<<(e>>8&15)-1)]
		}
		if e&isInvalid != 0 {
			return false, errInvalid
		}
		dist := int(e>>16) + int(buf>>(e>>8&15)&(1<<(e&0xff-e>>8&15)-1))
		buf >>= e & 0xff
		n -= uint(e & 0xff)
		if dist > out {
			return false, errDistance
		}
		to := dst[out : out+length+slack]
		from := dst[out-dist:]
		out += length
		switch {
		case length >= 32 && dist >= length:
			copy(to[:length], from)
		case dist >= 8:
			// Eight bytes at a time, which may write some beyond the match.
			for i := 0; i < length; i += 8 {
				binary.LittleEndian.PutUint64(to[i:], binary.LittleEndian.Uint64(from[i:]))
			}
		case dist == 1:
			v := uint64(from[0]) * 0x0101010101010101
			for i := 0; i < length; i += 8 {
				binary.LittleEndian.PutUint64(to[i:], v)
			}
		default:
			for i := range length {
				to[i] = from[i]
			}
		}
	}
	return false, nil
}

// slow decodes until the block ends, or until there is input and room again for
// the fast loop.
func (d *decoder) slow() (done bool, err error) {
	for {
		e, err := d.symbol(d.lit[:], litBits)
		if err != nil {
			return false, err
		}
		if e&isEnd != 0 {
			return true, nil
		}
		if e&isLiteral != 0 {
			if err := d.room(1); err != nil {
				return false, err
			}
			d.dst[d.out] = byte(e >> 16)
			d.out++
		} else {
			length, err := d.value(e)
			if err != nil {
				return false, err
			}
			if e, err = d.symbol(d.dist[:], distBits); err != nil {
				return false, err
			}
			dist, err := d.value(e)
			if err != nil {
				return false, err
			}
			if dist > d.out {
				return false, errDistance
			}
			if err := d.room(length); err != nil {
				return false, err
			}
			for range length {
				d.dst[d.out] = d.dst[d.out-dist]
				d.out++
			}
		}
		if d.in+8 <= len(d.src) && d.out+maxMatch+slack <= len(d.dst) {
			return false, nil // the fast loop can go on
		}
	}
}

// symbol decodes one code and drops its bits, without the extra ones.
func (d *decoder) symbol(table []entry, first uint) (entry, error) {
	d.need(32) // there may be fewer
	e := table[d.buf&(1<<first-1)]
	used := uint(e >> 8 & 15)
	if e&isSecond != 0 {
		if first > d.bits {
			return 0, errEnd
		}
		d.take(first)
		e = table[uint(e>>16)+uint(d.buf)&(1<<used-1)]
		used = uint(e >> 8 & 15)
	}
	switch {
	case e&isInvalid != 0:
		return 0, errInvalid
	case used > d.bits:
		return 0, errEnd
	}
	d.take(used)
	return e, nil
}

// value is a length or distance: the base and its extra bits.
func (d *decoder) value(e entry) (int, error) {
	extra := uint(e&0xff) - uint(e>>8&15)
	if !d.need(extra) {
		return 0, errEnd
	}
	return int(e>>16) + int(d.take(extra)), nil
}
