package addr2line

import "sync"

// packageIndex is the .debug_cu_index of a .dwp package: which parts of the
// package's sections belong to a unit (section 7.3.5).
type packageIndex struct {
	once    sync.Once
	err     error
	columns []uint32 // section of each column
	v5      bool
	units   uint32
	slots   uint32
	ids     []byte // slots IDs
	rows    []byte // slots row numbers, from 1; 0 = free
	offsets []byte // units rows of columns offsets
	sizes   []byte // as offsets
}

// contribution returns the part of the package that belongs to a skeleton's
// unit.
func (f *splitFile) contribution(skeleton *unit) (*sections, error) {
	x := &f.pkg
	x.once.Do(func() {
		x.err = errInterrupted
		x.err = x.parse(f)
	})
	if x.err != nil {
		return nil, x.err
	}
	row, ok := x.find(skeleton.id, f.big)
	if !ok {
		return nil, badFormat(secCUIndex, 0, "no unit with ID %#x", skeleton.id)
	}
	part := new(sections)
	part.id, part.big, part.dwo = skeleton.d.ids.Add(1), f.big, true
	str, err := f.get(secStr)
	part.set(secStr, str, err)
	for i, column := range x.columns {
		id, ok := x.section(column)
		if !ok {
			continue
		}
		at := (int(row)*len(x.columns) + i) * 4
		off, size := uint64(u32(x.offsets[at:], f.big)), uint64(u32(x.sizes[at:], f.big))
		data, err := f.get(id)
		if err == nil && off+size > uint64(len(data)) {
			err = badFormat(secCUIndex, 0, "part of %s at %#x of %#x bytes beyond its end at %#x", id, off, size, len(data))
		}
		if err != nil {
			return nil, err
		}
		part.set(id, data[off:off+size:off+size], nil)
	}
	return part, nil
}

func (x *packageIndex) section(column uint32) (sectionID, bool) {
	switch column {
	case sectInfo:
		return secInfo, true
	case sectAbbrev:
		return secAbbrev, true
	case sectLine:
		return secLine, true
	case sectStrOffsets:
		return secStrOffsets, true
	case sectRnglists:
		return secRnglists, x.v5
	}
	return 0, false
}

func (x *packageIndex) parse(f *splitFile) error {
	b := f.buf(secCUIndex, 0)
	// Version 5 is a half word and padding, GNU's version 2 a word.
	head := b.bytes(4)
	if b.err != nil {
		return b.err
	}
	switch {
	case u16(head, f.big) == 5:
		x.v5 = true
	case u32(head, f.big) == 2:
	default:
		return badFormat(secCUIndex, 0, "index of unknown version")
	}
	columns := b.u32()
	x.units, x.slots = b.u32(), b.u32()
	if b.err == nil && (x.slots == 0 || x.slots&(x.slots-1) != 0 || columns > 32) {
		return badFormat(secCUIndex, 0, "index of %d slots, %d columns", x.slots, columns)
	}
	x.ids = b.bytes(uint64(x.slots) * 8)
	x.rows = b.bytes(uint64(x.slots) * 4)
	for range columns {
		x.columns = append(x.columns, b.u32())
		if b.err != nil {
			break
		}
	}
	table := uint64(x.units) * uint64(columns) * 4
	x.offsets, x.sizes = b.bytes(table), b.bytes(table)
	return b.err
}

// maxProbes slots are tried for an ID. Double hashing in a table that is two
// thirds full, as the format demands, takes some tens.
const maxProbes = 1 << 10

// find returns the row of a unit, counted from 0.
func (x *packageIndex) find(id uint64, big bool) (row uint32, ok bool) {
	mask := x.slots - 1
	i, step := uint32(id)&mask, uint32(id>>32)&mask|1
	for range min(x.slots, maxProbes) {
		row := u32(x.rows[4*i:], big)
		if row == 0 {
			return 0, false
		}
		if u64(x.ids[8*i:], big) == id {
			return row - 1, row <= x.units
		}
		i = (i + step) & mask
	}
	return 0, false
}
