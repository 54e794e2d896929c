package inflate

import "math/bits"

// Bits that the first lookup of a code takes, and the most that a code has.
const (
	litBits  = 11
	distBits = 8
	maxBits  = 15
)

// An entry of a table tells what a code stands for, in this layout:
//
//	bits 0-7    bits to drop: the code, and for a length or distance its extra bits
//	bits 8-11   bits of the code alone (behind a first lookup)
//	bits 16-31  literal byte, base of a length or distance, or where the second table begins
//
// and the flags between.
type entry uint32

const (
	isLiteral entry = 1 << 15
	isEnd     entry = 1 << 14
	isSecond  entry = 1 << 13 // the code goes on in a second table
	isInvalid entry = 1 << 12
)

// The second tables' sizes: every code beyond the first bits shares its first
// table's entry with others, and a complete code has at most these many (zlib's
// examples/enough.c counts 2342 and 402 for such first bits).
const (
	litSize  = 2342 + 64
	distSize = 402 + 64
)

type tables struct {
	lit  [litSize]entry
	dist [distSize]entry
	// fixedBuilt: the tables hold the fixed codes.
	fixedBuilt bool
}

// Base and extra bits of the length codes 257..285 and of the distance codes
// (RFC 1951, 3.2.5).
var (
	lengthBase  = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [29]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [30]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra   = [30]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// litEntry is the entry of a literal or length symbol, without its code's bits.
func litEntry(sym int) entry {
	switch {
	case sym < 256:
		return entry(sym)<<16 | isLiteral
	case sym == 256:
		return isEnd
	case sym < 257+len(lengthBase):
		return entry(lengthBase[sym-257])<<16 | entry(lengthExtra[sym-257])
	}
	return isInvalid
}

func distEntry(sym int) entry {
	if sym < len(distBase) {
		return entry(distBase[sym])<<16 | entry(distExtra[sym])
	}
	return isInvalid
}

const errCode = corrupt("code lengths")

// build fills a table from the lengths of its symbols' codes. An incomplete
// code is an error, but for one of a single symbol or none: its missing half is
// invalid.
func build(table []entry, first uint, lengths []uint8, of func(int) entry) error {
	var count [maxBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	used := len(lengths) - count[0]
	count[0] = 0
	left := 1 // codes not given yet, of the length that is looked at
	for n := 1; n <= maxBits; n++ {
		if left = left<<1 - count[n]; left < 0 {
			return errCode
		}
	}
	if left > 0 && (used > 1 || used == 1 && count[1] != 1) {
		return errCode
	}
	if left > 0 {
		for i := range 1 << first {
			table[i] = isInvalid
		}
	}
	// Symbols by length of their code, then by number.
	var start [maxBits + 2]int
	for n := 1; n <= maxBits; n++ {
		start[n+1] = start[n] + count[n]
	}
	var sorted [288]uint16
	at := start
	for sym, n := range lengths {
		if n > 0 {
			sorted[at[n]] = uint16(sym)
			at[n]++
		}
	}
	return fill(table, first, count[:], sorted[:used], of)
}

// fill enters the codes, which count up as their lengths do. Codes come from
// the stream with their first bit lowest, so tables are indexed by the reversed
// code. left are the codes of each length that are not entered yet.
func fill(table []entry, first uint, left []int, sorted []uint16, of func(int) entry) error {
	code, next := uint32(0), 1<<first // next free place for a second table
	second, secondBits, prefix := 0, uint(0), ^uint32(0)
	i := 0
	for n := uint(1); n <= maxBits; n++ {
		for ; left[n] > 0; left[n]-- {
			e := of(int(sorted[i]))
			i++
			rev := bits.Reverse32(code) >> (32 - n)
			if n <= first {
				// The low byte holds extra bits so far.
				e += entry(n) | entry(n)<<8
				for j := rev; j < 1<<first; j += 1 << n {
					table[j] = e
				}
			} else {
				if low := rev & (1<<first - 1); low != prefix {
					// As many bits as the codes with this prefix need.
					prefix, second = low, next
					secondBits = n - first
					space := 1<<secondBits - left[n]
					for secondBits+first < maxBits && space > 0 {
						secondBits++
						space = space<<1 - left[secondBits+first]
					}
					next += 1 << secondBits
					if next > len(table) {
						return errCode
					}
					table[low] = entry(second)<<16 | isSecond | entry(secondBits)<<8 | entry(first)
				}
				e += entry(n-first) | entry(n-first)<<8
				for j := rev >> first; j < 1<<secondBits; j += 1 << (n - first) {
					table[second+int(j)] = e
				}
			}
			code++
		}
		code <<= 1
	}
	return nil
}

// fixed builds the tables of the fixed codes (3.2.6).
func (d *decoder) fixed() error {
	if d.fixedBuilt {
		return nil
	}
	var lengths [288 + 32]uint8
	for i := range 288 {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	for i := range 32 {
		lengths[288+i] = 5
	}
	d.fixedBuilt = true
	if err := build(d.lit[:], litBits, lengths[:288], litEntry); err != nil {
		return err
	}
	return build(d.dist[:], distBits, lengths[288:], distEntry)
}

// codeOrder is the order in which the lengths of the code lengths' codes come
// (3.2.7).
var codeOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic reads the codes of a block and builds their tables.
func (d *decoder) dynamic() error {
	d.fixedBuilt = false
	if !d.need(14) {
		return errEnd
	}
	nlit, ndist, ncode := int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if nlit > 286 || ndist > 30 {
		return errCode
	}
	var codes [19]uint8
	for _, at := range codeOrder[:ncode] {
		if !d.need(3) {
			return errEnd
		}
		codes[at] = uint8(d.take(3))
	}
	const codeBits = 7
	var table [1 << codeBits]entry
	if err := build(table[:], codeBits, codes[:], func(sym int) entry { return entry(sym) << 16 }); err != nil {
		return err
	}
	var lengths [286 + 30]uint8
	for i := 0; i < nlit+ndist; {
		d.need(codeBits) // there may be fewer: then the rest of buf is zero
		e := table[d.buf&(1<<codeBits-1)]
		n := uint(e & 0xff)
		if e&isInvalid != 0 || n > d.bits {
			return errEnd
		}
		d.take(n)
		sym := uint8(e >> 16)
		if sym < 16 {
			lengths[i] = sym
			i++
			continue
		}
		var extra uint
		repeat, value := 3, uint8(0)
		switch sym {
		case 16:
			if i == 0 {
				return errCode
			}
			extra, value = 2, lengths[i-1]
		case 17:
			extra = 3
		default:
			extra, repeat = 7, 11
		}
		if !d.need(extra) {
			return errEnd
		}
		repeat += int(d.take(extra))
		if repeat > nlit+ndist-i {
			return errCode
		}
		for range repeat {
			lengths[i] = value
			i++
		}
	}
	if lengths[256] == 0 {
		return errCode // no end
	}
	if err := build(d.lit[:], litBits, lengths[:nlit], litEntry); err != nil {
		return err
	}
	return build(d.dist[:], distBits, lengths[nlit:nlit+ndist], distEntry)
}
