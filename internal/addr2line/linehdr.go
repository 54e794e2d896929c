package addr2line

// lineTable is the header of a line program (section 6.2.4).
type lineTable struct {
	u       *unit // whose it is
	off     uint64
	version uint16
	sizes
	big        bool
	minInst    uint64
	maxOps     uint64
	lineBase   int64
	lineRange  uint64
	opcodeBase uint8
	lengths    []byte // operands of the standard opcodes, from 1
	program    []byte
	programOff uint64

	files []fileEntry
	dirs  []attr
}

// fileEntry is a file of the line table.
type fileEntry struct {
	name attr
	dir  uint64
}

// lineTable reads the header of the unit's line program, nil if it has none.
func (u *unit) lineTable(w *work) (*lineTable, error) {
	t, b, err := u.lineHeader(w)
	if t == nil || err != nil {
		return nil, err
	}
	if t.version >= 5 {
		t.dirs5(&b, w)
	} else {
		t.dirs4(&b)
	}
	return t, b.err
}

// lineHeader is lineTable without directories and files, which follow at the
// cursor.
func (u *unit) lineHeader(w *work) (t *lineTable, b buf, err error) {
	a := u.root.stmtList
	if !a.present() {
		return nil, b, nil
	}
	if data, err := u.file.get(secLine); err != nil || len(data) == 0 {
		return nil, b, err
	}
	b = u.file.buf(secLine, a.val)
	n, offSize := b.length()
	if b.err == nil && n > uint64(b.left()) {
		return nil, b, badFormat(secLine, a.val, "line table of %#x bytes, %#x are left", n, b.left())
	}
	if b.err != nil {
		return nil, b, b.err
	}
	b.data = b.data[:b.pos+int(n)]
	t = &lineTable{u: u, off: a.val, big: u.big, maxOps: 1}
	t.sizes = u.sizes
	t.sizes.off, t.v2 = uint8(offSize), false
	if t.version = b.u16(); b.err == nil && (t.version < 2 || t.version > 5) {
		return nil, b, badFormat(secLine, a.val, "line table of version %d", t.version)
	}
	if t.version >= 5 {
		t.addr = b.u8()
		b.u8() // segment selector size
	}
	header := b.uint(offSize)
	if b.err == nil && header > uint64(b.left()) {
		return nil, b, badFormat(secLine, b.off(), "line table's header of %#x bytes, %#x are left", header, b.left())
	}
	start := b.pos + int(header)
	if b.err == nil {
		t.program, t.programOff = b.data[start:], a.val+uint64(start)
		b.data = b.data[:start]
		if !w.charge(start) {
			return nil, b, errTooMuchWork
		}
	}
	t.minInst = uint64(b.u8())
	if t.version >= 4 {
		t.maxOps = uint64(max(b.u8(), 1))
	}
	b.u8() // default_is_stmt
	t.lineBase = int64(int8(b.u8()))
	t.lineRange = uint64(b.u8())
	t.opcodeBase = b.u8()
	if b.err == nil && t.opcodeBase == 0 {
		b.fail("opcode_base is 0")
	}
	if b.err == nil {
		t.lengths = b.bytes(uint64(t.opcodeBase) - 1)
	}
	return t, b, b.err
}

// dirs4 reads the directories and files of versions 2 to 4.
func (t *lineTable) dirs4(b *buf) {
	for b.err == nil {
		pos := b.pos
		if len(b.cstr()) == 0 {
			break
		}
		t.dirs = append(t.dirs, attr{formString, uint64(pos)})
	}
	for b.err == nil {
		f, ok := t.file4(b)
		if !ok {
			break
		}
		t.files = append(t.files, f)
	}
}

// file4 reads a file of versions 2 to 4; ok is false at the list's end.
func (t *lineTable) file4(b *buf) (f fileEntry, ok bool) {
	pos := b.pos
	if len(b.cstr()) == 0 {
		return f, false
	}
	f = fileEntry{attr{formString, uint64(pos)}, b.uleb()}
	b.uleb() // time
	b.uleb() // length
	return f, b.err == nil
}

// dirs5 reads the directories and files of version 5.
func (t *lineTable) dirs5(b *buf, w *work) {
	t.entries(b, w, func(path attr, _ uint64) { t.dirs = append(t.dirs, path) })
	t.entries(b, w, func(path attr, dir uint64) { t.files = append(t.files, fileEntry{path, dir}) })
}

// entries reads a format and the entries that follow it.
func (t *lineTable) entries(b *buf, w *work, add func(path attr, dir uint64)) {
	type field struct{ content, form uint64 }
	var fields [256]field
	n := int(b.u8())
	least := 0
	for i := range n {
		fields[i] = field{b.uleb(), b.uleb()}
		switch op, size := t.opOf(fields[i].form); op {
		case opFixed:
			least += int(size)
		default:
			least++
		}
	}
	count := b.uleb()
	if b.err != nil || count == 0 {
		return
	}
	if least == 0 || count > uint64(b.left()/least) {
		b.fail("more entries than bytes")
		return
	}
	if !w.charge(int(count) * n) { // fields can take no bytes
		b.err = errTooMuchWork
		return
	}
	d := data{b: b.data, big: t.big, sizes: t.sizes}
	for range count {
		var path attr
		var dir uint64
		for i := range n {
			f := &fields[i]
			a, next := d.value(f.form, 0, b.pos)
			if next < 0 {
				b.fail("bad form in a line table's header")
				return
			}
			b.pos = next
			switch f.content {
			case lnctPath:
				path = a
			case lnctDirectoryIndex:
				dir = a.val
				if a.form == formBlock {
					dir = 1<<64 - 1
				}
			}
		}
		add(path, dir)
	}
}
