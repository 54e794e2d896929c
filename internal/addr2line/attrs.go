package addr2line

import "bytes"

// address returns the address that an attribute holds or refers to.
func (u *unit) address(a attr) (uint64, error) {
	switch a.form {
	case formAddr:
		return a.val, nil
	case formAddrx, formAddrx1, formAddrx2, formAddrx3, formAddrx4, formGNUAddrIndex:
		return u.indexed(a.val)
	}
	return 0, badFormat(secInfo, u.off, "address of form %#x", a.form)
}

// indexed returns an address of .debug_addr.
func (u *unit) indexed(i uint64) (uint64, error) {
	// A split unit's addresses are in the file of its skeleton.
	owner := u.lines()
	addrs, err := owner.file.get(secAddr)
	if err != nil {
		return 0, err
	}
	base := owner.root.addrBase
	if !base.present() && owner.version >= 5 {
		return 0, badFormat(secInfo, u.off, "indexed address, but no DW_AT_addr_base")
	}
	at := base.val + i*uint64(u.addr)
	if i >= uint64(len(addrs)) || at < base.val || at+uint64(u.addr) > uint64(len(addrs)) || at+uint64(u.addr) < at {
		return 0, badFormat(secAddr, at, "address %d of the unit at %#x beyond the section's end at %#x", i, u.off, len(addrs))
	}
	if u.addr == 4 {
		return uint64(u32(addrs[at:], u.big)), nil
	}
	return u64(addrs[at:], u.big), nil
}

// maxAddr returns the largest address of the unit's address size.
func (u *unit) maxAddr() uint64 { return 1<<(8*uint(u.addr)-1)<<1 - 1 }

// stringKey tells the strings of one Data apart.
type stringKey struct {
	file uint32
	sec  sectionID
	off  uint64
}

// maxString is the longest name or path, in bytes. Names of C++ templates
// reach some tens of thousands.
const maxString = 256 << 10

// str returns a view of the string that an attribute holds or refers to, and
// its key.
func (u *unit) str(a attr) ([]byte, stringKey, error) {
	file, sec, off := u.file, secStr, a.val
	switch a.form {
	case formString:
		b := u.b[a.val:]
		if n := bytes.IndexByte(b, 0); n >= 0 && n <= maxString {
			return b[:n], stringKey{file.id, secInfo, u.off + a.val}, nil
		}
		return nil, stringKey{}, badFormat(secInfo, u.off+a.val, "string does not end")
	case formStrp:
	case formLineStrp:
		sec = secLineStr
	case formStrx, formStrx1, formStrx2, formStrx3, formStrx4, formGNUStrIndex:
		var err error
		if off, err = u.strOffset(a.val); err != nil {
			return nil, stringKey{}, err
		}
	case formGNUStrpAlt, formStrpSup:
		alt, err := u.d.supplementary()
		if err != nil {
			return nil, stringKey{}, err
		}
		file = &alt.main
	default:
		return nil, stringKey{}, badFormat(secInfo, u.off, "string of form %#x", a.form)
	}
	s, err := file.str(sec, off)
	return s, stringKey{file.id, sec, off}, err
}

// str returns a view of the string at off of a section.
func (s *sections) str(sec sectionID, off uint64) ([]byte, error) {
	data, err := s.get(sec)
	if err != nil {
		return nil, err
	}
	if off >= uint64(len(data)) {
		return nil, badFormat(sec, off, "string beyond the section's end at %#x", len(data))
	}
	data = data[off:]
	if n := bytes.IndexByte(data[:min(len(data), maxString+1)], 0); n >= 0 {
		return data[:n], nil
	}
	return nil, badFormat(sec, off, "string does not end")
}

// strOffset returns entry i of the unit's part of .debug_str_offsets.
func (u *unit) strOffset(i uint64) (uint64, error) {
	offsets, err := u.file.get(secStrOffsets)
	if err != nil {
		return 0, err
	}
	var base uint64
	switch {
	case u.root.strOffsetsBase.present():
		base = u.root.strOffsetsBase.val
	case u.version >= 5 && u.file.dwo:
		base = 2 * uint64(u.sizes.off) // the header: length, version, padding
	case u.version >= 5:
		return 0, badFormat(secInfo, u.off, "indexed string, but no DW_AT_str_offsets_base")
	}
	size := uint64(u.sizes.off)
	at := base + i*size
	if i >= uint64(len(offsets)) || at < base || at+size > uint64(len(offsets)) || at+size < at {
		return 0, badFormat(secStrOffsets, at, "string %d of the unit at %#x beyond the section's end at %#x", i, u.off, len(offsets))
	}
	if size == 8 {
		return u64(offsets[at:], u.big), nil
	}
	return uint64(u32(offsets[at:], u.big)), nil
}
