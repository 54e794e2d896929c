package addr2line

import "bytes"

// sizes are what the sizes of forms depend on: one unit's encoding.
type sizes struct {
	addr, off uint8 // of addresses and offsets, in bytes
	v2        bool  // DW_FORM_ref_addr has the size of an address
}

// Ways to step over a value. opFixed has its size in the step.
const (
	opBad uint8 = iota // unknown form: what follows cannot be read
	opFixed
	opLEB
	opString
	opBlock1
	opBlock2
	opBlock4
	opBlock
	opIndirect
	opTake // read the value
)

// opOf returns how a form is stepped over, and its size where that is fixed.
func (s sizes) opOf(form uint64) (op uint8, n uint32) {
	switch form {
	case formFlagPresent, formImplicitConst:
		return opFixed, 0
	case formData1, formFlag, formRef1, formStrx1, formAddrx1:
		return opFixed, 1
	case formData2, formRef2, formStrx2, formAddrx2:
		return opFixed, 2
	case formStrx3, formAddrx3:
		return opFixed, 3
	case formData4, formRef4, formRefSup4, formStrx4, formAddrx4:
		return opFixed, 4
	case formData8, formRef8, formRefSig8, formRefSup8:
		return opFixed, 8
	case formData16:
		return opFixed, 16
	case formAddr:
		return opFixed, uint32(s.addr)
	case formStrp, formSecOffset, formLineStrp, formStrpSup, formGNURefAlt, formGNUStrpAlt:
		return opFixed, uint32(s.off)
	case formRefAddr:
		if s.v2 {
			return opFixed, uint32(s.addr)
		}
		return opFixed, uint32(s.off)
	case formSdata, formUdata, formRefUdata, formStrx, formAddrx, formLoclistx, formRnglistx, formGNUAddrIndex, formGNUStrIndex:
		return opLEB, 0
	case formString:
		return opString, 0
	case formBlock1:
		return opBlock1, 0
	case formBlock2:
		return opBlock2, 0
	case formBlock4:
		return opBlock4, 0
	case formBlock, formExprloc:
		return opBlock, 0
	case formIndirect:
		return opIndirect, 0
	}
	return opBad, 0
}

// attr is an attribute's value as it is encoded: what val means depends on
// form. For DW_FORM_string it is the string's position in the unit. A form of
// 0 says that the attribute is absent.
type attr struct {
	form uint16
	val  uint64
}

// present reports whether the attribute was there.
func (a attr) present() bool { return a.form != 0 }

// data is what the forms of a DIE are read from: a unit's bytes.
type data struct {
	b   []byte
	big bool
	sizes
}

// value reads the value of a form at pos. next is the position after it, -1 if
// it leads out of the data or the form is unknown. Blocks are stepped over.
func (d *data) value(form uint64, implicit int64, pos int) (a attr, next int) {
	op, n := d.opOf(form)
	switch op {
	case opFixed:
		if form == formImplicitConst {
			return attr{uint16(form), uint64(implicit)}, pos
		}
		end := pos + int(n)
		if uint(end) > uint(len(d.b)) {
			return a, -1
		}
		a.form = uint16(form)
		switch n {
		case 0:
			a.val = 1 // DW_FORM_flag_present
		case 1:
			a.val = uint64(d.b[pos])
		case 2:
			a.val = uint64(u16(d.b[pos:end], d.big))
		case 3:
			a.val = u24(d.b[pos:end], d.big)
		case 4:
			a.val = uint64(u32(d.b[pos:end], d.big))
		case 8:
			a.val = u64(d.b[pos:end], d.big)
		default: // 16 bytes are a checksum or a constant that nobody needs
			a.form = formBlock
		}
		return a, end
	case opLEB:
		if form == formSdata {
			v, next := sleb(d.b, pos)
			return attr{uint16(form), uint64(v)}, next
		}
		v, next := uleb(d.b, pos)
		return attr{uint16(form), v}, next
	case opString:
		next = d.skip(op, n, pos)
		return attr{formString, uint64(pos)}, next
	case opIndirect:
		v, next := uleb(d.b, pos)
		// An implicit constant has no place here (section 7.5.3), and nested
		// indirections have no use.
		if next < 0 || v == formIndirect || v == formImplicitConst {
			return a, -1
		}
		return d.value(v, 0, next)
	}
	return attr{form: formBlock}, d.skip(op, n, pos)
}

// skip returns the position after a value at pos, -1 if that leads out of the
// data.
func (d *data) skip(op uint8, n uint32, pos int) int {
	b := d.b
	var size uint64
	switch op {
	case opFixed:
		size = uint64(n)
	case opLEB:
		return skipLEB(b, pos)
	case opString:
		if uint(pos) > uint(len(b)) {
			return -1
		}
		i := bytes.IndexByte(b[pos:], 0)
		if i < 0 {
			return -1
		}
		return pos + i + 1
	case opBlock1:
		if uint(pos) >= uint(len(b)) {
			return -1
		}
		size = uint64(b[pos]) + 1
	case opBlock2:
		if pos+2 > len(b) {
			return -1
		}
		size = uint64(u16(b[pos:], d.big)) + 2
	case opBlock4:
		if pos+4 > len(b) {
			return -1
		}
		size = uint64(u32(b[pos:], d.big)) + 4
	case opBlock:
		v, next := uleb(b, pos)
		if next < 0 {
			return -1
		}
		pos, size = next, v
	case opIndirect:
		_, next := d.value(formIndirect, 0, pos)
		return next
	default:
		return -1
	}
	if pos < 0 || pos > len(b) || size > uint64(len(b)-pos) {
		return -1
	}
	return pos + int(size)
}
