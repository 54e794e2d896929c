package addr2line

// What a DIE can mean to the walk over a unit.
type kind uint8

const (
	kindOther  kind = iota // step over its attributes, look at its children
	kindFunc               // DW_TAG_subprogram
	kindInline             // DW_TAG_inlined_subroutine
	kindType               // its children hold no code, unless it is local to a function
	kindNoCode             // its children hold no code
)

func kindOf(tag uint64) kind {
	switch tag {
	case tagSubprogram:
		return kindFunc
	case tagInlinedSubroutine:
		return kindInline
	case tagStructureType, tagClassType, tagUnionType, tagInterfaceType:
		return kindType
	case tagArrayType, tagEnumerationType, tagSubroutineType, tagCallSite, tagGNUCallSite, tagFormalParameter, tagVariable:
		return kindNoCode
	}
	return kindOther
}

// Slots of the attributes that the walk reads.
const (
	slotNone = iota
	slotSibling
	slotLowPC
	slotHighPC
	slotRanges
	slotEntryPC
	slotCallFile
	slotCallLine
	slotCallColumn
	slotOrigin
	numSlots
)

func slotOf(k kind, name uint64) uint8 {
	if name == attrSibling && k != kindOther {
		return slotSibling
	}
	if k != kindFunc && k != kindInline {
		return slotNone
	}
	switch name {
	case attrLowPC:
		return slotLowPC
	case attrHighPC:
		return slotHighPC
	case attrRanges:
		return slotRanges
	case attrEntryPC:
		return slotEntryPC
	case attrCallFile:
		return slotCallFile
	case attrCallLine:
		return slotCallLine
	case attrCallColumn:
		return slotCallColumn
	case attrAbstractOrigin:
		if k == kindInline {
			return slotOrigin
		}
	}
	return slotNone
}

// step is one move over the attributes of a DIE. Neighbours of fixed size that
// nobody reads are one step.
type step struct {
	op       uint8
	slot     uint8 // opTake
	form     uint16
	n        uint32 // opFixed: bytes
	implicit int64  // opTake of DW_FORM_implicit_const
}

// abbrev is one abbreviation, compiled for the walk.
type abbrev struct {
	tag      uint16
	kind     kind
	children bool
	// named says that the DIE itself describes its function, and not only by
	// an abstract origin.
	named bool
	slots uint16 // that have a step, as bits
	// fixed is the size of all attributes in bytes, -1 if it varies.
	fixed int32
	// sibling is the position of DW_AT_sibling behind the abbreviation code,
	// as DW_FORM_ref4, -1 if it varies or there is none.
	sibling int32
	// lo and hi delimit the steps over the attributes in the table's steps.
	lo, hi uint32
	// specs is where the attribute specifications begin in the table's bytes.
	specs uint32
}

// abbrevTable is a unit's abbreviations. It is immutable.
type abbrevTable struct {
	key     abbrevKey
	raw     []byte // .debug_abbrev from the table's start
	abbrevs []abbrev
	// codes are 1, 2, 3... for the first dense abbreviations; sparse has the
	// index of the others.
	dense  int
	sparse map[uint64]uint32
	steps  []step
}

// abbrevKey is what a compiled table depends on.
type abbrevKey struct {
	file uint32 // sections.id
	off  uint64 // in .debug_abbrev
	sizes
}

// find returns the abbreviation of a code, nil if there is none.
func (t *abbrevTable) find(code uint64) *abbrev {
	if i := code - 1; i < uint64(t.dense) {
		return &t.abbrevs[i]
	}
	if i, ok := t.sparse[code]; ok {
		return &t.abbrevs[i]
	}
	return nil
}

// maxAbbrevs bytes has the largest table. Large C++ units have some 10 kB.
const maxAbbrevs = 4 << 20

// parseAbbrevs compiles the table at the cursor's position.
func parseAbbrevs(b *buf, key abbrevKey) (*abbrevTable, error) {
	t := &abbrevTable{key: key, raw: b.data}
	for b.err == nil && b.left() > 0 { // a table at the section's end may lack its end mark
		code := b.uleb()
		if code == 0 {
			break
		}
		if b.pos > maxAbbrevs {
			return nil, badFormat(secAbbrev, key.off, "table of more than %d bytes", maxAbbrevs)
		}
		tag := b.uleb()
		children := b.u8() != 0
		a := abbrev{tag: uint16(min(tag, 0xffff)), kind: kindOf(tag), children: children, sibling: -1, lo: uint32(len(t.steps)), specs: uint32(b.pos)}
		for b.err == nil {
			name, form := b.uleb(), b.uleb()
			var implicit int64
			if form == formImplicitConst {
				implicit = b.sleb()
			}
			if name == 0 && form == 0 {
				break
			}
			if b.pos > maxAbbrevs {
				return nil, badFormat(secAbbrev, key.off, "table of more than %d bytes", maxAbbrevs)
			}
			t.addStep(&a, name, form, implicit)
		}
		a.finish(t)
		t.add(code, a)
	}
	return t, b.err
}

func (t *abbrevTable) add(code uint64, a abbrev) {
	i := len(t.abbrevs)
	if t.sparse == nil && code == uint64(i)+1 {
		t.dense = i + 1
	} else {
		if t.find(code) != nil {
			return // of two equal codes, the first counts
		}
		if t.sparse == nil {
			t.sparse = make(map[uint64]uint32)
		}
		t.sparse[code] = uint32(i)
	}
	t.abbrevs = append(t.abbrevs, a)
}

func (t *abbrevTable) addStep(a *abbrev, name, form uint64, implicit int64) {
	switch name {
	case attrName, attrLinkageName, attrMIPSLinkageName, attrDeclLine, attrSpecification:
		a.named = true
	}
	slot := slotOf(a.kind, name)
	// Of an attribute that is there twice, the first counts: steps that take no
	// bytes are no more than slots.
	if slot != slotNone && a.slots&(1<<slot) == 0 && (slot != slotSibling || a.children) {
		a.slots |= 1 << slot
		t.steps = append(t.steps, step{op: opTake, slot: slot, form: uint16(min(form, 0xffff)), implicit: implicit})
		return
	}
	op, n := t.key.opOf(form)
	if op == opFixed {
		if n == 0 {
			return
		}
		if last := len(t.steps) - 1; last >= int(a.lo) && t.steps[last].op == opFixed {
			t.steps[last].n += n
			return
		}
	}
	t.steps = append(t.steps, step{op: op, n: n})
}

// finish works out whether the attributes have a fixed size.
func (a *abbrev) finish(t *abbrevTable) {
	a.hi = uint32(len(t.steps))
	size := uint32(0)
	for _, s := range t.steps[a.lo:a.hi] {
		op, n := s.op, s.n
		if op == opTake {
			op, n = t.key.opOf(uint64(s.form))
			if s.slot == slotSibling && s.form == formRef4 {
				a.sibling = int32(size)
			}
		}
		if op != opFixed {
			a.fixed = -1
			return
		}
		size += n
	}
	a.fixed = int32(size)
}

// skipSpecs returns the position after the attribute specifications at pos of a
// table, -1 if they do not end. Scans of many units spend most of their time
// here: some compilers put the root's abbreviation last.
func skipSpecs(b []byte, pos int) int {
	for {
		// Nearly all names and forms have one byte.
		if uint(pos+1) < uint(len(b)) {
			name, form := b[pos], b[pos+1]
			if name < 0x80 && form < 0x80 && form != formImplicitConst {
				pos += 2
				if name == 0 && form == 0 {
					return pos
				}
				continue
			}
		}
		name, next := uleb(b, pos)
		if next < 0 {
			return -1
		}
		form, next := uleb(b, next)
		if next >= 0 && form == formImplicitConst {
			_, next = sleb(b, next)
		}
		if next < 0 || name == 0 && form == 0 {
			return next
		}
		pos = next
	}
}
