package addr2line

import (
	"sync"
	"sync/atomic"
)

// unit is one compilation, partial or skeleton unit of .debug_info, or the
// split unit of one. It is immutable, but for what once guards.
type unit struct {
	d     *Data
	file  *sections
	data         // the unit's bytes, header included; positions are relative to off
	off   uint64 // of the header in .debug_info
	first int    // position of the root DIE

	version   uint16
	kind      uint8 // unitCompile...
	id        uint64
	abbrevOff uint64

	root root
	// skeleton is, for a split unit, the unit that has the line table and the
	// addresses; else nil.
	skeleton *unit

	splitOnce sync.Once
	splitFile atomic.Pointer[splitFile]
	split     *unit // the unit with the DIEs: itself, if it is not a skeleton
	splitErr  error
}

// root is what the root DIE of a unit says.
type root struct {
	tag                 uint64
	low, high, ranges   attr
	name, compDir       attr
	language            attr
	stmtList            attr
	strOffsetsBase      attr
	addrBase            attr
	rnglistsBase        attr
	gnuRangesBase       attr
	dwoName, gnuDwoID   attr
	lowPC               uint64 // resolved low
	hasLow, hasChildren bool
}

// header reads the header of the unit at off of .debug_info. It returns the
// unit, which may be of a version that is not known, and where the next one
// starts.
func (d *Data) header(file *sections, off uint64) (u *unit, next uint64, err error) {
	b := file.buf(secInfo, off)
	n, offSize := b.length()
	start := b.pos
	if b.err == nil && n > uint64(b.left()) {
		return nil, 0, badFormat(secInfo, off, "unit of %#x bytes, %#x are left", n, b.left())
	}
	if b.err != nil {
		return nil, 0, b.err
	}
	end := start + int(n)
	if end > maxUnit {
		return nil, off + uint64(end), badFormat(secInfo, off, "unit of %#x bytes", n)
	}
	next = off + uint64(end)
	b.data = b.data[:end]
	u = &unit{d: d, file: file, off: off, version: b.u16(), kind: unitCompile}
	u.b, u.big = b.data, file.big
	u.sizes = sizes{off: uint8(offSize), v2: u.version == 2}
	switch {
	case b.err != nil:
		return nil, next, b.err
	case u.version >= 2 && u.version <= 4:
		u.abbrevOff = b.uint(offSize)
		u.addr = b.u8()
	case u.version == 5:
		u.kind = b.u8()
		u.addr = b.u8()
		u.abbrevOff = b.uint(offSize)
		switch u.kind {
		case unitSkeleton, unitSplitCompile:
			u.id = b.u64()
		case unitType, unitSplitType:
			b.skip(8 + uint64(offSize))
		}
	default:
		return nil, next, badFormat(secInfo, off, "unit of version %d", u.version)
	}
	if b.err == nil && u.addr != 4 && u.addr != 8 {
		return nil, next, badFormat(secInfo, off, "unit with addresses of %d bytes", u.addr)
	}
	u.first = b.pos
	return u, next, b.err
}

// maxUnit bytes has the largest unit: positions in it are kept in 32 bits.
const maxUnit = 1<<31 - 1

// isType reports whether the unit holds types only.
func (u *unit) isType() bool { return u.kind == unitType || u.kind == unitSplitType }

// readRoot reads the root DIE. It finds the abbreviation by itself, so that a
// scan of many units compiles no tables.
func (u *unit) readRoot(w *work) error {
	if !w.charge(0) {
		return errTooMuchWork
	}
	b := u.file.buf(secAbbrev, u.abbrevOff)
	err := u.findRoot(&b)
	w.charge(b.pos)
	return err
}

// findRoot reads the root DIE by the abbreviations at the cursor.
func (u *unit) findRoot(b *buf) error {
	code, pos := uleb(u.b, u.first)
	if pos < 0 {
		return badFormat(secInfo, u.off, "unit without a DIE")
	}
	for b.err == nil {
		c := b.uleb()
		if c == 0 {
			break
		}
		tag, children := b.uleb(), b.u8()
		if c == code {
			u.root.tag, u.root.hasChildren = tag, children != 0
			return u.readRootAttrs(b, pos)
		}
		if next := skipSpecs(b.data, b.pos); next >= 0 {
			b.pos = next
		} else {
			b.fail("abbreviation does not end")
		}
	}
	if b.err != nil {
		return b.err
	}
	return badFormat(secInfo, u.off+uint64(u.first), "abbreviation %d is not in the table at %#x", code, u.abbrevOff)
}

func (u *unit) readRootAttrs(b *buf, pos int) error {
	r := &u.root
	for {
		name, form := b.uleb(), b.uleb()
		var implicit int64
		if form == formImplicitConst {
			implicit = b.sleb()
		}
		if b.err != nil {
			return b.err
		}
		if name == 0 && form == 0 {
			break
		}
		at := pos
		a, next := u.value(form, implicit, pos)
		if next < 0 {
			return badFormat(secInfo, u.off+uint64(at), "attribute %#x of form %#x in the root DIE", name, form)
		}
		pos = next
		switch name {
		case attrLowPC:
			r.low = a
		case attrHighPC:
			r.high = a
		case attrRanges:
			r.ranges = a
		case attrName:
			r.name = a
		case attrLanguage:
			r.language = a
		case attrCompDir:
			r.compDir = a
		case attrStmtList:
			r.stmtList = a
		case attrStrOffsetsBase:
			r.strOffsetsBase = a
		case attrAddrBase, attrGNUAddrBase:
			r.addrBase = a
		case attrRnglistsBase:
			r.rnglistsBase = a
		case attrGNURangesBase:
			r.gnuRangesBase = a
		case attrDwoName, attrGNUDwoName:
			r.dwoName = a
		case attrGNUDwoID:
			r.gnuDwoID = a
		}
	}
	if r.gnuDwoID.present() && u.version < 5 {
		u.id = r.gnuDwoID.val
	}
	if r.low.present() {
		low, err := u.address(r.low)
		if err != nil {
			return err
		}
		r.lowPC, r.hasLow = low, true
	}
	return nil
}

// mangles reports whether functions of the unit may have linkage names that
// differ from their names.
func (u *unit) mangles() bool {
	return !u.root.language.present() || !plainLanguages[u.root.language.val]
}

// isSkeleton reports whether the DIEs are in another file.
func (u *unit) isSkeleton() bool {
	return u.skeleton == nil && u.root.dwoName.present() && (u.kind == unitSkeleton || u.root.gnuDwoID.present())
}

// lines returns the unit whose line table the unit uses.
func (u *unit) lines() *unit {
	if u.skeleton != nil {
		return u.skeleton
	}
	return u
}

// abbrevs returns the unit's compiled abbreviations.
func (u *unit) abbrevs(w *work) (*abbrevTable, error) {
	key := abbrevKey{file: u.file.id, off: u.abbrevOff, sizes: u.sizes}
	slot := &u.d.abbrevTables[(u.abbrevOff*0x9e3779b97f4a7c15>>32^uint64(u.file.id))%abbrevSlots]
	big := &u.d.bigAbbrevTable
	if t := slot.Load(); t != nil && t.key == key {
		return t, nil
	}
	if t := big.Load(); t != nil && t.key == key {
		return t, nil
	}
	b := u.file.buf(secAbbrev, u.abbrevOff)
	t, err := parseAbbrevs(&b, key)
	if !w.charge(b.pos) {
		return nil, errTooMuchWork
	}
	if err != nil {
		return nil, err
	}
	if b.pos > maxKeptAbbrevs {
		slot = big
	}
	slot.Store(t)
	return t, nil
}

const (
	// abbrevSlots is how many tables are kept for the next unit or lookup.
	abbrevSlots = 32
	// maxKeptAbbrevs bytes have the tables of which as many are kept; of larger
	// ones, the last is. Compiled, they are some ten times as large.
	maxKeptAbbrevs = 64 << 10
)

// unitAt returns the unit whose header is at off of a file.
func (d *Data) unitAt(file *sections, off uint64, w *work) (*unit, error) {
	key := unitKey{file.id, off}
	d.mu.Lock()
	u := d.units[key]
	d.mu.Unlock()
	if u != nil {
		return u, nil
	}
	u, _, err := d.header(file, off)
	if err != nil {
		return nil, err
	}
	if err := u.readRoot(w); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if v := d.units[key]; v != nil {
		return v, nil
	}
	if d.units == nil {
		d.units = make(map[unitKey]*unit)
	}
	d.units[key] = u
	return u, nil
}
