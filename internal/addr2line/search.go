package addr2line

// addrs are ascending addresses with an index over them: a search that halves
// them alone misses the processor's caches most of the time.
type addrs struct {
	a []uint32
	// first[i] is the index of the first address that is not below i<<shift.
	first []uint32
	shift uint8
}

// addrsPerBucket is about how many addresses each element of addrs.first has.
const addrsPerBucket = 8

// newAddrs takes the addresses a.
func newAddrs(a []uint32) addrs {
	x := addrs{a: a, shift: 32}
	last := uint64(0)
	if len(a) > 0 {
		last = uint64(a[len(a)-1])
	}
	for x.shift > 0 && last>>(x.shift-1) < uint64(len(a)/addrsPerBucket) {
		x.shift--
	}
	x.first = make([]uint32, last>>x.shift+2)
	i := 0
	for b := range x.first {
		for i < len(a) && uint64(a[i]) < uint64(b)<<x.shift {
			i++
		}
		x.first[b] = uint32(i)
	}
	return x
}

// search returns the index of the last address that is not above v, -1 if there
// is none.
func (x *addrs) search(v uint32) int {
	b := int(v >> x.shift)
	if b > len(x.first)-2 {
		return len(x.a) - 1
	}
	lo, hi := int(x.first[b]), int(x.first[b+1])
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if x.a[mid] <= v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// bytes is what the index takes.
func (x *addrs) bytes() int64 { return 4 * int64(len(x.first)) }
