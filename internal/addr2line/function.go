package addr2line

// function is what the DIEs say of a function, gathered along
// DW_AT_abstract_origin and DW_AT_specification.
type function struct {
	// linkage is "" where the language has mangled names and DWARF does not
	// tell this function's, as of static ones.
	name, linkage string
	startLine     int
}

// maxOrigins is the length of the longest chain of DIEs that describe one
// function.
const maxOrigins = 16

// dieRef is a DIE: its position in a unit.
type dieRef struct {
	u   *unit
	pos int
}

// facts are the attributes of one DIE that describe its function.
type facts struct {
	name, linkage, declLine attr
	origin, specification   attr
}

// facts reads the attributes of the DIE at pos that describe its function.
func (u *unit) facts(pos int, w *work) (f facts, err error) {
	if !w.charge(0) {
		return f, errTooMuchWork
	}
	table, err := u.abbrevs(w)
	if err != nil {
		return f, err
	}
	code, next := uleb(u.b, pos)
	if next < 0 || pos < u.first {
		return f, badFormat(secInfo, u.off+uint64(max(pos, 0)), "no DIE")
	}
	a := table.find(code)
	if a == nil {
		return f, badFormat(secInfo, u.off+uint64(pos), "abbreviation %d is not in the table at %#x", code, u.abbrevOff)
	}
	at := next
	i := int(a.specs)
	defer func() { w.charge(max(i, 0) - int(a.specs) + max(at-pos, 0)) }()
	// The table was compiled from these bytes, so they are well formed.
	specs := table.raw
	for {
		var name, form uint64
		var implicit int64
		if name, i = uleb(specs, i); i >= 0 {
			form, i = uleb(specs, i)
		}
		if i >= 0 && form == formImplicitConst {
			implicit, i = sleb(specs, i)
		}
		if i < 0 || name == 0 && form == 0 {
			return f, nil
		}
		v, next := u.value(form, implicit, at)
		if next < 0 {
			return f, badFormat(secInfo, u.off+uint64(at), "DIE leads out of its unit")
		}
		at = next
		switch name {
		case attrName:
			f.name = v
		case attrLinkageName, attrMIPSLinkageName:
			f.linkage = v
		case attrDeclLine:
			f.declLine = v
		case attrAbstractOrigin:
			f.origin = v
		case attrSpecification:
			f.specification = v
		}
	}
}

// function gathers what the DIE at pos and those that it refers to say.
func (u *unit) function(pos int, w *work) (function, error) {
	var fn function
	var short *name
	queue := [maxOrigins]dieRef{{u, pos}}
	for i, n := 0, 1; i < n; i++ {
		ref := queue[i]
		f, err := ref.u.facts(ref.pos, w)
		if err != nil {
			return fn, err
		}
		if f.declLine.present() && fn.startLine == 0 {
			fn.startLine = int(clamp32(f.declLine))
		}
		if f.linkage.present() && fn.linkage == "" {
			s, err := ref.u.name(f.linkage)
			if err != nil {
				return fn, err
			}
			fn.name, fn.linkage = s.function, s.linkage
			if !w.charge(len(fn.name) + len(fn.linkage)) {
				return function{}, errTooMuchWork
			}
		}
		if f.name.present() && short == nil {
			if short, err = ref.u.name(f.name); err != nil {
				return fn, err
			}
			if !w.charge(len(short.linkage)) {
				return function{}, errTooMuchWork
			}
		}
		if fn.linkage != "" && fn.startLine != 0 {
			return fn, nil
		}
		for _, a := range [...]attr{f.specification, f.origin} {
			if !a.present() {
				continue
			}
			if n == maxOrigins {
				return fn, badFormat(secInfo, u.off+uint64(pos), "more than %d DIEs describe one function", maxOrigins)
			}
			if queue[n], err = ref.u.follow(a, w); err != nil {
				return fn, err
			}
			n++
		}
	}
	if fn.linkage == "" && short != nil {
		// DW_AT_name is not mangled; were it demangled, a C function named
		// like a mangled one would change its name.
		fn.name = short.linkage
	}
	return fn, nil
}

// follow returns the DIE to which a reference leads.
func (u *unit) follow(a attr, w *work) (dieRef, error) {
	switch a.form {
	case formRef1, formRef2, formRef4, formRef8, formRefUdata:
		if a.val >= uint64(len(u.b)) {
			return dieRef{}, badFormat(secInfo, u.off, "reference to %#x beyond the unit's end at %#x", a.val, len(u.b))
		}
		return dieRef{u, int(a.val)}, nil
	case formRefAddr:
		if a.val-u.off < uint64(len(u.b)) {
			return dieRef{u, int(a.val - u.off)}, nil
		}
		return u.d.dieAt(u.file, a.val, w)
	case formGNURefAlt, formRefSup4, formRefSup8:
		alt, err := u.d.supplementary()
		if err != nil {
			return dieRef{}, err
		}
		w.admit(&alt.main)
		return alt.dieAt(&alt.main, a.val, w)
	}
	return dieRef{}, badFormat(secInfo, u.off, "reference of form %#x", a.form)
}

// dieAt returns the DIE at off of a file's .debug_info.
func (d *Data) dieAt(file *sections, off uint64, w *work) (dieRef, error) {
	starts, err := d.starts(file)
	if len(starts) == 0 {
		if err == nil {
			err = badFormat(secInfo, off, "reference to a DIE, but there is no unit")
		}
		return dieRef{}, err
	}
	i := lowerBound(starts, off+1) - 1
	if i < 0 {
		return dieRef{}, badFormat(secInfo, off, "reference to no unit")
	}
	u, err := d.unitAt(file, starts[i], w)
	if err != nil {
		return dieRef{}, err
	}
	if off-u.off >= uint64(len(u.b)) {
		return dieRef{}, badFormat(secInfo, off, "reference to no unit")
	}
	return dieRef{u, int(off - u.off)}, nil
}

// starts returns the offsets of the units of a file's .debug_info. An error
// ends them.
func (d *Data) starts(file *sections) ([]uint64, error) {
	file.startsOnce.Do(func() {
		file.startsErr = errInterrupted
		file.starts, file.startsErr = unitStarts(file)
	})
	return file.starts, file.startsErr
}

func unitStarts(file *sections) ([]uint64, error) {
	info, err := file.get(secInfo)
	if err != nil {
		return nil, err
	}
	var starts []uint64
	for off := uint64(0); off < uint64(len(info)); {
		b := file.buf(secInfo, off)
		n, _ := b.length()
		if b.err == nil && n > uint64(b.left()) {
			b.fail("unit leads out of the section")
		}
		if b.err != nil {
			return starts, b.err
		}
		starts = append(starts, off)
		off += uint64(b.pos) + n
	}
	return starts, nil
}
