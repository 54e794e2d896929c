package pclntab

// FuncIDs returns abi.FuncID of every logical call at vaddr, innermost first.
func (t *Table) FuncIDs(dst []uint8, vaddr uint64) []uint8 {
	d := t.getDecoder()
	defer t.decode.Put(d)
	f, err := d.resolve(t, vaddr)
	if err != nil {
		return dst
	}
	l := t.mod.layout
	for _, c := range d.calls {
		if c.tree < 0 {
			at := t.u32(t.ftab[8*d.fn+4:])
			dst = append(dst, t.funcs[int(at)+l.funcSize-4])
			continue
		}
		b, err := t.inl.record(uint64(f.inltree)+uint64(c.tree)*uint64(l.inlSize), l.inlSize)
		if err != nil {
			return dst
		}
		id := b[0]
		if l == &layout118 {
			id = b[2]
		}
		dst = append(dst, id)
	}
	return dst
}
