package addr2line

// appendPath appends the path of a file to dst: as the compiler recorded it
// where it is absolute, else behind its directory and, if need be, the unit's.
// Nothing is cleaned. ok is false if the line table has no such file.
func (t *lineTable) appendPath(dst []byte, file uint32, extra []fileEntry) (path []byte, ok bool, err error) {
	i := uint64(file)
	if t.version < 5 {
		i-- // files are counted from 1; 0 is none
	}
	var f fileEntry
	switch {
	case i < uint64(len(t.files)):
		f = t.files[i]
	case i-uint64(len(t.files)) < uint64(len(extra)):
		f = extra[i-uint64(len(t.files))]
	default:
		return dst, false, nil
	}
	name, err := t.str(f.name)
	if err != nil {
		return dst, false, err
	}
	if isAbs(name) {
		return append(dst, name...), true, nil
	}
	var dir []byte
	// Of version 5, directory 0 is the unit's own; before, it is meant where
	// the number is 0 (section 6.2.4).
	d, own := f.dir, t.version >= 5 && f.dir == 0
	if t.version < 5 {
		d--
	}
	if d < uint64(len(t.dirs)) {
		if dir, err = t.str(t.dirs[d]); err != nil {
			return dst, false, err
		}
	}
	if !own && !isAbs(dir) && t.u.root.compDir.present() {
		comp, _, err := t.u.str(t.u.root.compDir)
		if err != nil {
			return dst, false, err
		}
		dst = join(dst, comp)
	}
	return join(join(dst, dir), name), true, nil
}

// str returns a view of a string of the header or of the program.
func (t *lineTable) str(a attr) ([]byte, error) {
	if a.form != formString {
		if !a.present() {
			return nil, nil
		}
		s, _, err := t.u.str(a)
		return s, err
	}
	b := t.u.file.buf(secLine, t.off+a.val)
	s := b.cstr()
	if b.err == nil && len(s) > maxString {
		b.fail("string does not end")
	}
	return s, b.err
}

// join appends a path's component to dst, with a slash between.
func join(dst, name []byte) []byte {
	if len(name) == 0 {
		return dst
	}
	if n := len(dst); n > 0 && dst[n-1] != '/' {
		dst = append(dst, '/')
	}
	if n := len(dst); n > 0 {
		for len(name) > 0 && name[0] == '/' {
			name = name[1:]
		}
	}
	return append(dst, name...)
}

// isAbs reports whether a path is absolute, by Unix's rules or by those of
// Windows: cross compilers record what their host has.
func isAbs(p []byte) bool {
	switch {
	case len(p) > 0 && p[0] == '/':
		return true
	case len(p) > 2 && p[1] == ':' && (p[2] == '\\' || p[2] == '/'):
		return true
	}
	return len(p) > 2 && p[0] == '\\' && p[1] == '\\'
}
