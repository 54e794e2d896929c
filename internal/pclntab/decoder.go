package pclntab

// decoder holds the scratch memory of one lookup, and between lookups the
// last function's tables: addresses that come in order mostly stay in one
// function, whose tables are then decoded once.
type decoder struct {
	calls  []call
	target uint32 // offset of the last lookup in its function

	fn               int // index of the function below, -1 = none
	f                function
	decoded          bool
	line, file, tree values
}

// maxKept ranges of a decoded table are kept for the next lookups.
const maxKept = 1 << 16

// values is a decoded table.
type values struct {
	end []uint32
	val []int32
	bad bool
}

func (t *Table) getDecoder() *decoder {
	if d, ok := t.decode.Get().(*decoder); ok {
		return d
	}
	return &decoder{fn: -1}
}

// resolve finds the function at vaddr and fills d.calls.
func (d *decoder) resolve(t *Table, vaddr uint64) (*function, error) {
	m := t.mod
	if vaddr < m.minpc || vaddr >= m.maxpc {
		return nil, ErrNoSymbol
	}
	off, ok := m.off(vaddr)
	if !ok {
		return nil, ErrNoSymbol
	}
	if err := d.seek(t, off); err != nil {
		return nil, err
	}
	d.target = off - d.f.entry
	return &d.f, d.chain(t)
}

// seek makes the function that covers off the current one.
func (d *decoder) seek(t *Table, off uint32) error {
	if d.fn >= 0 && off-d.f.entry < d.f.size {
		d.decodeAll(t)
		return nil
	}
	i, ok := t.find(off)
	if !ok {
		return ErrNoSymbol
	}
	f, err := t.function(i)
	if err != nil {
		return err
	}
	d.fn, d.f, d.decoded = i, f, false
	return nil
}

// decodeAll decodes the current function's tables for many lookups.
func (d *decoder) decodeAll(t *Table) {
	if d.decoded {
		return
	}
	d.line.fill(t.pcTable(d.f.pcln), d.f.size)
	d.file.fill(t.pcTable(d.f.pcfile), d.f.size)
	d.tree.fill(t.pcTable(d.f.pcinl), d.f.size)
	d.decoded = true
}

func (v *values) fill(p pcTable, size uint32) {
	if cap(v.end) > maxKept {
		*v = values{}
	}
	v.end, v.val = v.end[:0], v.val[:0]
	for p.end < size && p.next() {
		v.end, v.val = append(v.end, p.end), append(v.val, p.val)
	}
	v.bad = p.bad
}

// at is pcTable.at for a decoded table.
func (v *values) at(target uint32) (val int32, ok bool) {
	lo, hi := 0, len(v.end)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if v.end[mid] <= target {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(v.end) {
		return -1, false
	}
	return v.val[lo], true
}

// value looks up target in the table at off, or in its decoded form. ok is
// false beyond the table's end.
func (d *decoder) value(t *Table, off uint32, v *values, target uint32) (val int32, ok bool, err error) {
	var bad bool
	if d.decoded {
		val, ok = v.at(target)
		bad = v.bad
	} else {
		p := t.pcTable(off)
		val, ok = p.at(target)
		bad = p.bad
	}
	if !ok && bad {
		return -1, false, corrupt("function at %#x: pc table at %#x does not end", d.f.entry, off)
	}
	return val, ok, nil
}

// chain fills d.calls for d.target.
func (d *decoder) chain(t *Table) error {
	f := &d.f
	d.calls = d.calls[:0]
	if f.pcln == 0 {
		// No line table: foreign code of unknown size.
		if d.target != 0 {
			return ErrNoSymbol
		}
		d.calls = append(d.calls, call{tree: -1, nameOff: f.nameOff, startLine: f.startLine, file: -1})
		return nil
	}
	pc := d.target
	for idx := int32(1<<31 - 1); ; {
		c := call{tree: -1, nameOff: f.nameOff, startLine: f.startLine, pc: pc}
		if err := d.position(t, &c); err != nil {
			return err
		}
		next, ok, err := d.value(t, f.pcinl, &d.tree, pc)
		if err != nil {
			return err
		}
		if !ok && f.pcinl != 0 {
			return corrupt("function at %#x: inline table at %#x ends before %#x", f.entry, f.pcinl, pc)
		}
		if next < 0 {
			d.calls = append(d.calls, c)
			return nil
		}
		// A caller comes before its callees in the tree; so this ends.
		if next >= idx || len(d.calls) == maxDepth {
			return corrupt("function at %#x: inlined call %d inside %d", f.entry, idx, next)
		}
		idx = next
		in, err := t.inlined(f, idx)
		if err != nil {
			return err
		}
		c.tree, c.nameOff, c.startLine = idx, in.nameOff, in.startLine
		d.calls = append(d.calls, c)
		pc = in.parentPC
	}
}

// position looks up the file and line at c.pc.
func (d *decoder) position(t *Table, c *call) error {
	f := &d.f
	var ok bool
	var err error
	if c.line, ok, err = d.value(t, f.pcln, &d.line, c.pc); err != nil {
		return err
	}
	if !ok {
		if len(d.calls) > 0 {
			return corrupt("function at %#x: call site %#x beyond its code", f.entry, c.pc)
		}
		return ErrNoSymbol
	}
	if c.file, ok, err = d.value(t, f.pcfile, &d.file, c.pc); err != nil {
		return err
	}
	if !ok {
		return corrupt("function at %#x: file table at %#x ends before %#x", f.entry, f.pcfile, c.pc)
	}
	return nil
}
