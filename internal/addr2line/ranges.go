package addr2line

// span is a range of vaddrs, [lo, hi).
type span struct{ lo, hi uint64 }

// keep appends a range to dst, unless it covers nothing or is that of code
// which the linker discarded: such ranges begin at 0 (BFD, gold; 1 in
// .debug_ranges) or at one of the two largest addresses (LLD).
func (u *unit) keep(dst []span, lo, hi uint64) []span {
	if !u.covers(lo, hi) {
		return dst
	}
	return append(dst, span{lo, hi})
}

// covers reports whether [lo, hi) is a range of code that the linker kept.
func (u *unit) covers(lo, hi uint64) bool {
	return lo < hi && lo >= u.d.in.CodeStart && lo < u.maxAddr()-1
}

// spans appends the ranges that a DIE's attributes give it (section 2.17).
func (u *unit) spans(dst []span, low, high, ranges attr, w *work) ([]span, error) {
	switch {
	case ranges.present():
		return u.rangeList(dst, ranges, w)
	case low.present() && high.present():
		lo, err := u.address(low)
		if err != nil {
			return dst, err
		}
		var hi uint64
		switch high.form {
		case formAddr, formAddrx, formAddrx1, formAddrx2, formAddrx3, formAddrx4, formGNUAddrIndex:
			if hi, err = u.address(high); err != nil {
				return dst, err
			}
		default: // a constant: the size
			if hi = lo + high.val; hi < lo {
				return dst, badFormat(secInfo, u.off, "function of %#x bytes at %#x", high.val, lo)
			}
		}
		return u.keep(dst, lo, hi), nil
	}
	return dst, nil
}

// base returns what the unit's range lists are relative to.
func (u *unit) base() uint64 {
	if l := u.lines(); l.root.hasLow {
		return l.root.lowPC
	}
	return u.root.lowPC
}

// rangeList appends the ranges of a list.
func (u *unit) rangeList(dst []span, ranges attr, w *work) ([]span, error) {
	list := u.rangesList
	if u.version >= 5 {
		list = u.rnglist
	}
	dst, n, err := list(dst, ranges)
	if !w.charge(n) {
		return dst, errTooMuchWork
	}
	return dst, err
}

// rangesList appends the ranges of a list of .debug_ranges (DWARF 4, section
// 2.17.3). n is about the number of bytes that it read.
func (u *unit) rangesList(dst []span, ranges attr) (out []span, n int, err error) {
	off, file := ranges.val, u.file
	if u.skeleton != nil {
		// GNU's split DWARF 4: the lists stay in the skeleton's file.
		file = u.skeleton.file
		off += u.skeleton.root.gnuRangesBase.val
	}
	b := file.buf(secRanges, off)
	base, last, size := u.base(), u.maxAddr(), int(u.addr)
	for ; b.err == nil; n += 2 * size {
		lo, hi := b.uint(size), b.uint(size)
		switch {
		case b.err != nil || lo == 0 && hi == 0:
			return dst, n, b.err
		case lo == last:
			base = hi
		case lo == last-1: // LLD's mark of discarded code
		default:
			dst = u.keep(dst, (base+lo)&last, (base+hi)&last)
		}
	}
	return dst, n, b.err
}

// rnglist appends the ranges of a list of DWARF 5 (section 7.25). n is about
// the number of bytes that it read.
func (u *unit) rnglist(dst []span, ranges attr) (out []span, n int, err error) {
	off := ranges.val
	if ranges.form == formRnglistx {
		if off, err = u.rnglistOffset(ranges.val); err != nil {
			return dst, n, err
		}
	}
	b := u.file.buf(secRnglists, off)
	base, last, size := u.base(), u.maxAddr(), int(u.addr)
	for ; b.err == nil; n += 3 {
		var lo, hi uint64
		switch kind := b.u8(); kind {
		case rleEndOfList:
			return dst, n, b.err
		case rleBaseAddressx:
			if base, err = u.indexed(b.uleb()); err != nil {
				return dst, n, err
			}
			continue
		case rleBaseAddress:
			base = b.uint(size)
			continue
		case rleStartxEndx, rleStartxLength:
			if lo, err = u.indexed(b.uleb()); err != nil {
				return dst, n, err
			}
			v := b.uleb()
			if hi = lo + v; kind == rleStartxEndx {
				if hi, err = u.indexed(v); err != nil {
					return dst, n, err
				}
			}
		case rleOffsetPair:
			lo, hi = b.uleb(), b.uleb()
			if base >= last-1 {
				continue // discarded
			}
			lo, hi = (base+lo)&last, (base+hi)&last
		case rleStartEnd:
			lo, hi = b.uint(size), b.uint(size)
		case rleStartLength:
			lo = b.uint(size)
			hi = lo + b.uleb()
		default:
			b.fail("unknown entry of a range list")
			continue
		}
		if b.err == nil {
			dst = u.keep(dst, lo, hi)
		}
	}
	return dst, n, b.err
}

// rnglistOffset returns where list i of the unit begins in .debug_rnglists.
func (u *unit) rnglistOffset(i uint64) (uint64, error) {
	base := u.root.rnglistsBase.val
	if !u.root.rnglistsBase.present() {
		if !u.file.dwo {
			return 0, badFormat(secInfo, u.off, "indexed range list, but no DW_AT_rnglists_base")
		}
		base = 12 // the header of the only table (section 7.28)
		if u.sizes.off == 8 {
			base = 20
		}
	}
	data, err := u.file.get(secRnglists)
	if err != nil {
		return 0, err
	}
	size := uint64(u.sizes.off)
	at := base + i*size
	if i >= uint64(len(data)) || at < base || at+size > uint64(len(data)) || at+size < at {
		return 0, badFormat(secRnglists, at, "range list %d of the unit at %#x beyond the section's end at %#x", i, u.off, len(data))
	}
	if size == 8 {
		return base + u64(data[at:], u.big), nil
	}
	return base + uint64(u32(data[at:], u.big)), nil
}
