package elffile

import "debug/elf"

// fit says how well a segment explains a mapping; more is better.
type fit uint8

const (
	// fitNone: the segment cannot have made this mapping.
	fitNone fit = iota
	// fitChanged: the mapping has permissions that the process must have
	// changed afterwards: added any, or taken writing away.
	fitChanged
	// fitLoaded: the mapping is as a loader makes and leaves it.
	fitLoaded
)

// pages is a range of addresses or offsets that consists of whole pages; end
// is exclusive.
type pages struct{ start, end uint64 }

func (p pages) has(n uint64) bool { return n >= p.start && n < p.end }

// rounded returns the pages that hold the size bytes at start. The very last
// page of the address space is cut off: its end would be 0, and nothing maps it.
func rounded(start, size, page uint64) pages {
	end := (start + size + page - 1) &^ (page - 1)
	if end < start {
		end = -page
	}
	return pages{start &^ (page - 1), end}
}

// layout answers which segments can have made one mapping. Differences of vaddr
// and offset, here delta, are modulo 2^64.
type layout struct {
	progs []elf.ProgHeader
	page  uint64
	m     Mapped
	has   elf.ProgFlag // m's permissions
	// lowest is the segment of the lowest vaddr, nil if there is none.
	lowest *elf.ProgHeader
}

func (l *layout) findLowest() {
	for i := range l.progs {
		s := &l.progs[i]
		if s.Type == elf.PT_LOAD && (l.lowest == nil || s.Vaddr < l.lowest.Vaddr) {
			l.lowest = s
		}
	}
}

const allPerms = elf.PF_R | elf.PF_W | elf.PF_X

// loadable tells whether a loader maps bytes of s at all.
func loadable(s *elf.ProgHeader, page uint64) bool {
	return s.Type == elf.PT_LOAD && s.Filesz != 0 && (s.Vaddr-s.Off)%page == 0
}

// fit tells whether segment s can have made the mapping of the byte at off.
func (l *layout) fit(s *elf.ProgHeader, off uint64) fit {
	if !loadable(s, l.page) || !rounded(s.Off, s.Filesz, l.page).has(off) {
		return fitNone
	}
	delta := s.Vaddr - s.Off
	if !l.agrees(delta) || !l.alone(s, delta) {
		return fitNone
	}
	return l.permFit(s, delta)
}

// agrees tells whether delta agrees with the load bias, where that is known.
func (l *layout) agrees(delta uint64) bool {
	return !l.m.HasBias || delta+l.m.Bias == l.m.Start-l.m.Offset
}

// permFit compares permissions. A mapping without any is a hole that glibc's
// ld.so left, or was protected: either way it shows nothing of the segment.
func (l *layout) permFit(s *elf.ProgHeader, delta uint64) fit {
	want := s.Flags & allPerms
	readOnly := want &^ elf.PF_W
	switch {
	case l.has == 0:
		return fitNone
	case l.has == want || l.has == readOnly && l.relro(s, delta):
		return fitLoaded
	case l.has == readOnly || l.has&want == want:
		return fitChanged
	}
	return fitNone
}

// relro tells whether the part of the mapping that s made lies in PT_GNU_RELRO.
// ld.so takes writing away page by page: the last page may stay writable.
func (l *layout) relro(s *elf.ProgHeader, delta uint64) bool {
	own := rounded(s.Vaddr, s.Filesz, l.page)
	start, end := max(l.m.Offset+delta, own.start), min(l.m.Offset+l.m.Size+delta, own.end)
	mask := ^(l.page - 1)
	for i := range l.progs {
		r := &l.progs[i]
		if r.Type == elf.PT_GNU_RELRO && (l.m.Size == 0 || start >= r.Vaddr&mask && end <= (r.Vaddr+r.Memsz)&mask) {
			return true
		}
	}
	return false
}

// alone tells whether the mapping, taken as one that s made, covers nothing
// but what s and its neighbours can have made.
func (l *layout) alone(s *elf.ProgHeader, delta uint64) bool {
	if l.m.Size == 0 {
		return true
	}
	own := rounded(s.Vaddr, s.Filesz, l.page)
	start := l.m.Offset + delta
	end := start + l.m.Size
	return end > start && (start >= own.start && end <= own.end || l.covered(start, end, delta))
}

// covered tells whether every page of the mapping, taken as the vaddrs from
// start to end, belongs to a segment of that delta whose permissions fit (the
// kernel merges mappings that continue each other), or to a whole hole between
// segments that the first segment's mapping fills: musl's ld.so maps the first
// one as long as the whole object, and the others over it.
//
// Segments are in ascending order of vaddr (gABI, "Program Header"); where they
// are not, less is taken as covered.
func (l *layout) covered(start, end, delta uint64) bool {
	fillsHoles := delta == l.lowest.Vaddr-l.lowest.Off && l.permits(l.lowest)
	pos, holeStart := start, uint64(0)
	for i := range l.progs {
		t := &l.progs[i]
		if t.Type != elf.PT_LOAD {
			continue
		}
		claimed := rounded(t.Vaddr, max(t.Filesz, t.Memsz), l.page)
		if pos < end && pos < claimed.start {
			if !fillsHoles || pos != holeStart || end < claimed.start {
				return false
			}
			pos = claimed.start
		}
		if pos >= end {
			return true
		}
		if claimed.has(pos) {
			if !loadable(t, l.page) || t.Vaddr-t.Off != delta || !l.permits(t) {
				return false
			}
			pos = rounded(t.Vaddr, t.Filesz, l.page).end
		}
		holeStart = max(holeStart, claimed.end)
	}
	return pos >= end
}

// permits tells whether a mapping that t made can have the permissions at all.
func (l *layout) permits(t *elf.ProgHeader) bool {
	want := t.Flags & (elf.PF_R | elf.PF_X)
	return l.has&want == want
}

// inHole tells whether the mapping of the byte at off can be what the first
// segment's mapping left in a hole between segments (see covered): such bytes
// have no vaddr, whichever segment's they are in the file.
func (l *layout) inHole(off uint64) bool {
	s := l.lowest
	if s == nil || !loadable(s, l.page) || l.has == 0 || l.has != s.Flags&allPerms {
		return false
	}
	delta := s.Vaddr - s.Off
	v := off + delta
	if !l.agrees(delta) || !l.isHole(v) {
		return false
	}
	start := l.m.Offset + delta
	end := start + l.m.Size
	return l.m.Size == 0 || end > start && l.covered(start, end, delta)
}

// isHole tells whether vaddr v is between segments.
func (l *layout) isHole(v uint64) bool {
	below, above := false, false
	for i := range l.progs {
		t := &l.progs[i]
		if t.Type != elf.PT_LOAD {
			continue
		}
		claimed := rounded(t.Vaddr, max(t.Filesz, t.Memsz), l.page)
		if claimed.has(v) {
			return false
		}
		below, above = below || claimed.end <= v, above || claimed.start > v
	}
	return below && above
}
