package addr2line

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
)

// unitRange says that a unit covers [lo, hi).
type unitRange struct {
	lo, hi uint64
	unit   uint32 // in unitIndex.units
}

// unitIndex finds the units that cover a vaddr.
type unitIndex struct {
	ranges []unitRange // by lo
	// wider[i] is the last range before i whose hi is greater than that of i,
	// -1 if there is none: those between cannot cover what i ends before.
	wider []int32
	// units are the offsets of the units' headers; one can be there twice.
	units []uint64
	slots []atomic.Pointer[slot] // of units, nil if not asked for yet
}

// slot is what is kept of a unit that was asked for.
type slot struct {
	off uint64
	// streamed counts the lookups that read through the unit.
	streamed atomic.Int32
	table    atomic.Pointer[table]
}

// slot returns the slot of the unit whose header is at off.
func (d *Data) slot(off uint64) *slot {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.slots[off]
	if s == nil {
		if d.slots == nil {
			d.slots = make(map[uint64]*slot)
		}
		s = &slot{off: off}
		d.slots[off] = s
	}
	return s
}

// slot returns the slot of unit i.
func (x *unitIndex) slot(d *Data, i uint32) *slot {
	s := x.slots[i].Load()
	if s == nil {
		s = d.slot(x.units[i])
		x.slots[i].Store(s)
	}
	return s
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
	// maxSteps bounds the search among overlapping ranges.
	maxSteps = 1 << 7
)

func newUnitIndex(ranges []unitRange, units []uint64) unitIndex {
	byLo := func(a, b unitRange) int { return cmp.Or(cmp.Compare(a.lo, b.lo), cmp.Compare(a.unit, b.unit)) }
	if !slices.IsSortedFunc(ranges, byLo) {
		slices.SortFunc(ranges, byLo)
	}
	x := unitIndex{ranges, make([]int32, len(ranges)), units, make([]atomic.Pointer[slot], len(units))}
	for i := range ranges {
		j := int32(i) - 1
		for j >= 0 && ranges[j].hi <= ranges[i].hi {
			j = x.wider[j]
		}
		x.wider[i] = j
	}
	return x
}

// candidates are the units that cover a vaddr, the best first.
type candidates struct {
	n    int
	best [maxCandidates]claim
}

// claim is a unit's claim to cover a vaddr.
type claim struct {
	unit      uint32 // in unitIndex.units
	off, size uint64 // of the unit's header; of the range
}

// find returns the units that cover vaddr: those with the smallest ranges
// first, and of two of one size the first in the file. Linkers keep the first
// copy of a function that several units have, and some let the debug
// information of the others claim it, too: their ranges are of one size, as
// long as those of a unit are not joined where they adjoin.
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
	i := lo - 1
	for step := 0; i >= 0 && step < maxSteps; step++ {
		r := &x.ranges[i]
		if vaddr >= r.hi {
			i = int(x.wider[i])
			continue
		}
		c.add(r.unit, x.units[r.unit], r.hi-r.lo)
		i--
	}
	return c
}

func (c *candidates) has(off uint64) bool {
	for i := range c.best[:c.n] {
		if c.best[i].off == off {
			return true
		}
	}
	return false
}

// add takes a claim. Of several of one unit, the smallest counts.
func (c *candidates) add(unit uint32, off, size uint64) {
	for i := range c.best[:c.n] {
		if c.best[i].off != off {
			continue
		}
		if c.best[i].size <= size {
			return
		}
		copy(c.best[i:], c.best[i+1:c.n])
		c.n--
		break
	}
	i := c.n
	for ; i > 0; i-- {
		if b := &c.best[i-1]; size > b.size || size == b.size && off > b.off {
			break
		}
		if i < maxCandidates {
			c.best[i] = c.best[i-1]
		}
	}
	if i < maxCandidates {
		c.best[i] = claim{unit, off, size}
		c.n = min(c.n+1, maxCandidates)
	}
}

// candidate returns the unit to ask for vaddr in a round, counted from 0; nil
// when there is none. .debug_aranges is trusted where it names a unit: the
// others are looked at only if that one has no function for vaddr.
func (d *Data) candidate(vaddr uint64, round int) (*slot, error) {
	aranges, err := d.arangesIndex()
	if err != nil {
		return nil, err
	}
	a := aranges.index.find(vaddr)
	if round < a.n {
		return aranges.index.slot(d, a.best[round].unit), nil
	}
	s := d.scannedIndex()
	c := s.index.find(vaddr)
	round -= a.n
	for i := range c.best[:c.n] {
		b := &c.best[i]
		if a.has(b.off) {
			continue
		}
		if round == 0 {
			return s.index.slot(d, b.unit), nil
		}
		round--
	}
	return nil, s.err
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
func (d *Data) readAranges() (ranges []unitRange, units []uint64) {
	data, err := d.main.get(secAranges)
	if err != nil {
		return nil, nil
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
		id := uint32(len(units))
		units = append(units, unit)
		for set.left() >= 2*size {
			lo, n := set.uint(size), set.uint(size)
			if n == 0 || lo < d.in.CodeStart || lo >= last-1 || lo+n < lo {
				continue
			}
			ranges = append(ranges, unitRange{lo, lo + n, id})
		}
	}
	return ranges, units
}
