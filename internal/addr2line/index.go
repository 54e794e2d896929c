package addr2line

import (
	"cmp"
	"slices"
	"sync"
)

// unitRange says that the unit whose header is at unit of .debug_info covers
// [lo, hi).
type unitRange struct {
	lo, hi, unit uint64
}

// unitIndex finds the units that cover a vaddr.
type unitIndex struct {
	ranges []unitRange // by lo
	maxHi  []uint64    // maxHi[i] is the largest hi of ranges[:i+1]
}

// lazyIndex is a unitIndex that is built when it is first needed.
type lazyIndex struct {
	once  sync.Once
	index unitIndex
	err   error // of the units that could not be read
}

const (
	// maxCandidates units are tried for a vaddr that several claim.
	maxCandidates = 4
	// maxRounds is the number of candidates of both indexes.
	maxRounds = 2 * maxCandidates
	// maxBack bounds the search among overlapping ranges.
	maxBack = 1 << 10
)

func newUnitIndex(ranges []unitRange) unitIndex {
	byLo := func(a, b unitRange) int { return cmp.Compare(a.lo, b.lo) }
	if !slices.IsSortedFunc(ranges, byLo) {
		slices.SortStableFunc(ranges, byLo)
	}
	x := unitIndex{ranges, make([]uint64, len(ranges))}
	top := uint64(0)
	for i := range ranges {
		top = max(top, ranges[i].hi)
		x.maxHi[i] = top
	}
	return x
}

// candidates are the units that cover a vaddr, the best first.
type candidates struct {
	n     int
	units [maxCandidates]uint64
	sizes [maxCandidates]uint64
}

// find returns the units that cover vaddr: those with the smallest ranges
// first, and of two of one size the first in the file.
func (x *unitIndex) find(vaddr uint64) (c candidates) {
	lo, hi := 0, len(x.ranges)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if x.ranges[mid].lo <= vaddr {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	for i := lo - 1; i >= 0 && x.maxHi[i] > vaddr && lo-i <= maxBack; i-- {
		if r := &x.ranges[i]; vaddr < r.hi {
			c.add(r.unit, r.hi-r.lo)
		}
	}
	return c
}

func (c *candidates) has(unit uint64) bool {
	for _, u := range c.units[:c.n] {
		if u == unit {
			return true
		}
	}
	return false
}

func (c *candidates) add(unit, size uint64) {
	if c.has(unit) {
		return
	}
	i := c.n
	if i == maxCandidates {
		i--
	} else {
		c.n++
	}
	for i > 0 && (size < c.sizes[i-1] || size == c.sizes[i-1] && unit < c.units[i-1]) {
		if i < maxCandidates {
			c.units[i], c.sizes[i] = c.units[i-1], c.sizes[i-1]
		}
		i--
	}
	if i < c.n {
		c.units[i], c.sizes[i] = unit, size
	}
}

// candidate returns the unit to ask for vaddr in a round, counted from 0; ok is
// false when there is none. .debug_aranges is trusted where it names a unit:
// the others are looked at only if that one has no function for vaddr.
func (d *Data) candidate(vaddr uint64, round int) (unit uint64, ok bool, err error) {
	aranges, err := d.arangesIndex()
	if err != nil {
		return 0, false, err
	}
	a := aranges.index.find(vaddr)
	if round < a.n {
		return a.units[round], true, nil
	}
	s := d.scannedIndex()
	c := s.index.find(vaddr)
	round -= a.n
	for _, u := range c.units[:c.n] {
		if a.has(u) {
			continue
		}
		if round == 0 {
			return u, true, nil
		}
		round--
	}
	return 0, false, s.err
}

// arangesIndex reads .debug_aranges, whose errors are no reason to fail: what
// it does not tell, the units do.
func (d *Data) arangesIndex() (*lazyIndex, error) {
	x := &d.aranges
	x.once.Do(func() {
		x.err = errInterrupted
		info, err := d.main.get(secInfo)
		if err == nil && len(info) == 0 {
			err = ErrNoDWARF
		}
		if err == nil {
			x.index = newUnitIndex(d.readAranges())
		}
		x.err = err
	})
	return x, x.err
}

// readAranges reads .debug_aranges (section 6.1.2).
func (d *Data) readAranges() []unitRange {
	var ranges []unitRange
	data, err := d.main.get(secAranges)
	if err != nil {
		return nil
	}
	ranges = make([]unitRange, 0, len(data)/24)
	b := d.main.buf(secAranges, 0)
	for b.err == nil && b.left() > 0 {
		start := b.pos
		n, offSize := b.length()
		if b.err != nil || n > uint64(b.left()) {
			break
		}
		set := b
		end := b.pos + int(n)
		b.pos = end
		set.data = set.data[:end]
		version, unit := set.u16(), set.uint(offSize)
		size, segment := int(set.u8()), set.u8()
		if version != 2 || segment != 0 || size != 4 && size != 8 {
			continue
		}
		header := set.pos - start
		set.skip(uint64((2*size - header%(2*size)) % (2 * size)))
		last := uint64(1)<<(8*uint(size)-1)<<1 - 1
		for set.left() >= 2*size {
			lo, n := set.uint(size), set.uint(size)
			if n == 0 || lo < d.in.CodeStart || lo >= last-1 || lo+n < lo {
				continue
			}
			if k := len(ranges) - 1; k >= 0 && ranges[k].hi == lo && ranges[k].unit == unit {
				ranges[k].hi = lo + n
				continue
			}
			ranges = append(ranges, unitRange{lo, lo + n, unit})
		}
	}
	return ranges
}
