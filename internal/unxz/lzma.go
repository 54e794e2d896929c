package unxz

import (
	"encoding/binary"
	"fmt"
)

// The sizes of the model (LZMA specification, igor-pavlov.ru; "LZMA SDK").
const (
	states     = 12
	maxPosBits = 4
	posStates  = 1 << maxPosBits
	maxLitBits = 4 // lc + lp, as LZMA2 has it
	litSize    = 0x300
	lenStates  = 4
	minMatch   = 2
	alignBits  = 4
	startSlot  = 4   // slots below it are distances
	endSlot    = 14  // slots from it on have direct bits
	distModel  = 115 // probabilities of the slots between
)

// prob is the probability of a zero bit, of 2048.
type prob = uint16

const probInit = 1 << 10

// lengths is the model of one kind of match lengths.
type lengths struct {
	choice, choice2 prob
	low, mid        [posStates][8]prob
	high            [256]prob
}

// model is what LZMA learns of its data.
type model struct {
	isMatch, isRep0Long           [states][posStates]prob
	isRep, isRep0, isRep1, isRep2 [states]prob
	slot                          [lenStates][64]prob
	dist                          [distModel]prob
	align                         [1 << alignBits]prob
	match, rep                    lengths
	literal                       [litSize << maxLitBits]prob
}

func reset(p []prob) {
	for i := range p {
		p[i] = probInit
	}
}

func (l *lengths) reset() {
	l.choice, l.choice2 = probInit, probInit
	for i := range l.low {
		reset(l.low[i][:])
		reset(l.mid[i][:])
	}
	reset(l.high[:])
}

func (m *model) reset() {
	for i := range m.isMatch {
		reset(m.isMatch[i][:])
		reset(m.isRep0Long[i][:])
	}
	for _, p := range [][]prob{m.isRep[:], m.isRep0[:], m.isRep1[:], m.isRep2[:], m.dist[:], m.align[:], m.literal[:]} {
		reset(p)
	}
	for i := range m.slot {
		reset(m.slot[i][:])
	}
	m.match.reset()
	m.rep.reset()
}

// coder decodes bits from one chunk. Behind the chunk's end it reads zeros; in
// then lies beyond src, which the chunk's end tells.
type coder struct {
	src        []byte
	in         int
	rng, value uint32
}

// begin reads a chunk's first five bytes.
func (c *coder) begin(src []byte) error {
	if len(src) < 5 || src[0] != 0 {
		return fmt.Errorf("%w: beginning of a chunk", ErrCorrupt)
	}
	*c = coder{src: src, in: 5, rng: 1<<32 - 1, value: binary.BigEndian.Uint32(src[1:])}
	return nil
}

func (c *coder) normalize() {
	if c.rng < 1<<24 {
		c.rng <<= 8
		c.value <<= 8
		if c.in < len(c.src) {
			c.value |= uint32(c.src[c.in])
		}
		c.in++
	}
}

// bit decodes a bit and learns from it.
func (c *coder) bit(p *prob) uint32 {
	c.normalize()
	bound := c.rng >> 11 * uint32(*p)
	if c.value < bound {
		c.rng = bound
		*p += (1<<11 - *p) >> 5
		return 0
	}
	c.rng -= bound
	c.value -= bound
	*p -= *p >> 5
	return 1
}

// direct decodes n bits without a model.
func (c *coder) direct(n uint32) (v uint32) {
	for ; n > 0; n-- {
		c.normalize()
		c.rng >>= 1
		b := uint32(0)
		if c.value >= c.rng {
			c.value -= c.rng
			b = 1
		}
		v = v<<1 | b
	}
	return v
}

// tree decodes n bits, the highest first.
func (c *coder) tree(p []prob, n uint) uint32 {
	at := uint32(1)
	for range n {
		at = at<<1 | c.bit(&p[at])
	}
	return at - 1<<n
}

// reverse decodes n bits, the lowest first.
func (c *coder) reverse(p []prob, n uint) (v uint32) {
	at := uint32(1)
	for i := range n {
		b := c.bit(&p[at])
		at = at<<1 | b
		v |= b << i
	}
	return v
}

func (c *coder) length(l *lengths, posState uint32) int {
	switch {
	case c.bit(&l.choice) == 0:
		return minMatch + int(c.tree(l.low[posState][:], 3))
	case c.bit(&l.choice2) == 0:
		return minMatch + 8 + int(c.tree(l.mid[posState][:], 3))
	}
	return minMatch + 16 + int(c.tree(l.high[:], 8))
}

// distance decodes the distance of a match of n bytes, less one.
func (c *coder) distance(m *model, n int) uint32 {
	slot := c.tree(m.slot[min(n-minMatch, lenStates-1)][:], 6)
	if slot < startSlot {
		return slot
	}
	bits := slot>>1 - 1
	dist := (2 | slot&1) << bits
	if slot < endSlot {
		return dist + c.reverse(m.dist[dist-slot:], uint(bits))
	}
	dist += c.direct(bits-alignBits) << alignBits
	return dist + c.reverse(m.align[:], alignBits)
}

// lzma decodes a chunk of exactly size bytes.
func (d *decoder) lzma(src []byte, size int) error {
	c, m := &d.coder, &d.model
	if err := c.begin(src); err != nil {
		return err
	}
	end := d.out + size
	for d.out < end {
		pos := uint32(d.out - d.start)
		posState := pos & (1<<d.pb - 1)
		if c.bit(&m.isMatch[d.state][posState]) == 0 {
			d.literal(pos)
			continue
		}
		n := 1
		switch {
		case c.bit(&m.isRep[d.state]) == 0:
			n = c.length(&m.match, posState)
			d.reps = [4]uint32{c.distance(m, n), d.reps[0], d.reps[1], d.reps[2]}
			d.state = next(d.state, 7, 10)
		case c.bit(&m.isRep0[d.state]) == 0:
			if c.bit(&m.isRep0Long[d.state][posState]) == 0 {
				d.state = next(d.state, 9, 11)
				break
			}
			n = c.length(&m.rep, posState)
			d.state = next(d.state, 8, 11)
		default:
			i := 1
			if c.bit(&m.isRep1[d.state]) == 1 {
				i = 2 + int(c.bit(&m.isRep2[d.state]))
			}
			dist := d.reps[i]
			copy(d.reps[1:i+1], d.reps[:i])
			d.reps[0] = dist
			n = c.length(&m.rep, posState)
			d.state = next(d.state, 8, 11)
		}
		if uint64(d.reps[0]) >= uint64(d.out-d.start) || n > end-d.out {
			return fmt.Errorf("%w: match", ErrCorrupt)
		}
		d.copy(int(d.reps[0])+1, n)
		if c.in > len(c.src)+4 {
			break // far behind the end: do not go on with zeros
		}
	}
	c.normalize()
	if d.out != end || c.in != len(c.src) || c.value != 0 {
		return fmt.Errorf("%w: end of a chunk", ErrCorrupt)
	}
	return nil
}

// next is the state after a match.
func next(state, afterLiteral, afterMatch uint8) uint8 {
	if state < 7 {
		return afterLiteral
	}
	return afterMatch
}

// literal decodes a byte.
func (d *decoder) literal(pos uint32) {
	c := &d.coder
	before := uint32(0)
	if pos > 0 {
		before = uint32(d.dst[d.out-1])
	}
	at := (pos&(1<<d.lp-1))<<d.lc + before>>(8-d.lc)
	p := d.model.literal[litSize*at : litSize*(at+1)]
	sym := uint32(1)
	if d.state >= 7 && d.reps[0] < pos {
		// The byte that the last match would have given is likely wrong.
		match := uint32(d.dst[d.out-int(d.reps[0])-1])
		for sym < 0x100 {
			expect := match >> 7 & 1
			match <<= 1
			b := c.bit(&p[(1+expect)<<8+sym])
			sym = sym<<1 | b
			if b != expect {
				break
			}
		}
	}
	for sym < 0x100 {
		sym = sym<<1 | c.bit(&p[sym])
	}
	d.dst[d.out] = byte(sym)
	d.out++
	switch {
	case d.state < 4:
		d.state = 0
	case d.state < 10:
		d.state -= 3
	default:
		d.state -= 6
	}
}

func (d *decoder) copy(dist, n int) {
	from := d.dst[d.out-dist:]
	to := d.dst[d.out : d.out+n]
	if dist >= n {
		copy(to, from)
	} else {
		for i := range to {
			to[i] = from[i]
		}
	}
	d.out += n
}
