package addr2line

import (
	"bytes"
	"encoding/binary"
)

// asm writes DWARF by hand, little endian.
type asm struct{ b []byte }

func (a *asm) u8(v ...byte) *asm { a.b = append(a.b, v...); return a }
func (a *asm) u16(v uint16) *asm { a.b = binary.LittleEndian.AppendUint16(a.b, v); return a }
func (a *asm) u32(v uint32) *asm { a.b = binary.LittleEndian.AppendUint32(a.b, v); return a }
func (a *asm) u64(v uint64) *asm { a.b = binary.LittleEndian.AppendUint64(a.b, v); return a }
func (a *asm) uleb(v ...uint64) *asm {
	for _, v := range v {
		a.b = binary.AppendUvarint(a.b, v)
	}
	return a
}
func (a *asm) str(s string) *asm           { a.b = append(append(a.b, s...), 0); return a }
func (a *asm) times(n int, v ...byte) *asm { a.b = append(a.b, bytes.Repeat(v, n)...); return a }

// abbrev writes an abbreviation: a code, a tag, whether there are children, and
// pairs of attributes and forms.
func (a *asm) abbrev(code, tag uint64, children byte, specs ...uint64) *asm {
	return a.uleb(code, tag).u8(children).uleb(specs...).u8(0, 0)
}

// unit4 writes a unit of DWARF 4 with addresses of 8 bytes.
func (a *asm) unit4(abbrev uint32, dies []byte) *asm {
	return a.u32(uint32(7 + len(dies))).u16(4).u32(abbrev).u8(8).u8(dies...)
}

// unit5 writes a unit of DWARF 5 with addresses of 8 bytes.
func (a *asm) unit5(kind byte, abbrev uint32, dies []byte) *asm {
	return a.u32(uint32(8+len(dies))).u16(5).u8(kind, 8).u32(abbrev).u8(dies...)
}

// line4 is a line table of version 4: a directory, a file, and a program.
func line4(program []byte) []byte {
	var h asm
	h.u8(1, 1, 1, 0xfb, 14, 13).u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1).str("dir").u8(0).str("a.c").u8(1, 0, 0, 0)
	return lineTableOf(4, h.b, program)
}

// lineTableOf puts the lengths before a line table's header and its program.
func lineTableOf(version uint16, header, program []byte) []byte {
	var t asm
	head := 6
	if version >= 5 {
		head = 8
	}
	t.u32(uint32(head + len(header) + len(program))).u16(version)
	if version >= 5 {
		t.u8(8, 0)
	}
	return t.u32(uint32(len(header))).u8(header...).u8(program...).b
}

// What hand-made code covers.
const (
	codeLo   = 0x1000
	codeSize = 0x10000
)

// rootAttrs are the attributes of the root DIE that root writes.
var rootAttrs = []uint64{attrLowPC, formAddr, attrHighPC, formData4, attrStmtList, formSecOffset}

// root writes a root DIE of abbreviation 1 with rootAttrs.
func (a *asm) root() *asm { return a.uleb(1).u64(codeLo).u32(codeSize).u32(0) }

// n is an amount, fewer where everything takes longer.
func n(amount int) int { return amount / slowdown }

// rootAbbrev is the abbreviation of asm.root, for a unit with children.
func rootAbbrev() []byte { return new(asm).abbrev(1, tagCompileUnit, 1, rootAttrs...).b }

// rooted gives an object one unit without DIEs but the root.
func rooted(f *dwarfFiles) {
	f.main[secAbbrev] = rootAbbrev()
	f.main[secInfo] = new(asm).unit4(0, new(asm).root().u8(0).b).b
}

func repeatUnits(n int, dies []byte) []byte {
	return new(asm).times(n, new(asm).unit4(0, dies).b...).b
}

func repeatUnits5(n int, dies []byte) []byte {
	return new(asm).times(n, new(asm).unit5(unitCompile, 0, dies).b...).b
}
