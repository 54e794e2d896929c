package pclntab

// maxPCTable bounds the bytes of one function's table. The largest seen are
// some 10^5.
const maxPCTable = 8 << 20

// pcTable walks one function's table of a value by pc: pairs of a value delta
// (zigzag) and a pc delta, both varints, ended by a value delta of 0 that is
// not the first. See runtime.pcvalue.
type pcTable struct {
	b     []byte
	minLC uint32
	// val holds in [start, end), offsets from the function's entry.
	val        int32
	start, end uint32
	// bad: the table does not end, or does not advance.
	bad bool
}

// pcTable returns the walk of the table at off. It is empty for off == 0.
func (t *Table) pcTable(off uint32) pcTable {
	p := pcTable{minLC: t.minLC, val: -1}
	switch {
	case off == 0:
	case uint64(off) >= uint64(len(t.pctab)):
		p.bad = true
	default:
		p.b = t.pctab[off:min(uint64(len(t.pctab)), uint64(off)+maxPCTable)]
	}
	return p
}

// next steps to the next range. It returns false at the end.
func (p *pcTable) next() bool {
	b := p.b
	if len(b) == 0 {
		p.bad = p.bad || b != nil // nil: there is no table
		return false
	}
	dv, n := uint32(b[0]), 1
	if dv == 0 && p.end != 0 {
		return false
	}
	if dv&0x80 != 0 {
		dv, n = uvarint(b)
	}
	var dp uint32
	if n < len(b) {
		dp = uint32(b[n])
		n++
		if dp&0x80 != 0 {
			var k int
			dp, k = uvarint(b[n-1:])
			n += k - 1
		}
	}
	end := uint64(p.end) + uint64(dp)*uint64(p.minLC)
	if dp == 0 || end > 1<<32-1 {
		p.bad = true
		return false
	}
	p.val += int32(-(dv & 1) ^ (dv >> 1))
	p.start, p.end = p.end, uint32(end)
	p.b = b[n:]
	return true
}

// uvarint reads a varint of at most 32 bits; 0, len(b) if it does not end.
func uvarint(b []byte) (v uint32, n int) {
	for i := range min(len(b), 5) {
		v |= uint32(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, i + 1
		}
	}
	return 0, len(b)
}

// at returns the value at target. ok is false beyond the table's end.
func (p *pcTable) at(target uint32) (val int32, ok bool) {
	for p.end <= target {
		p.short(target)
		if p.end <= target && !p.next() {
			return -1, false
		}
	}
	return p.val, true
}

// short steps on to target while both deltas are single bytes, as nearly all
// are, without next's call and checks. It stops before the first step that is
// not that simple.
func (p *pcTable) short(target uint32) {
	b, val, end := p.b, p.val, p.end
	limit := min(target, 1<<32-1-0x80*4) // end cannot overflow in the loop
	i := 0
	for i+1 < len(b) && end <= limit {
		dv, dp := uint32(b[i]), uint32(b[i+1])
		if (dv|dp)&0x80 != 0 || dp == 0 || dv == 0 && end != 0 {
			break
		}
		val += int32(-(dv & 1) ^ (dv >> 1))
		p.start = end
		end += dp * p.minLC
		i += 2
	}
	p.b, p.val, p.end = b[i:], val, end
}
