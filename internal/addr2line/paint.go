package addr2line

// visit makes a node of the DIE at pos if it covers a target, and returns it.
func (k *walker) visit(a *abbrev, pos int, v *values, parent int32) (int32, error) {
	u := k.u
	first := len(k.spans)
	spans, err := u.spans(k.spans, v.attrs[slotLowPC], v.attrs[slotHighPC], v.attrs[slotRanges], k.w)
	k.spans = spans
	if err != nil {
		return noNode, err
	}
	added := spans[first:]
	if len(added) == 0 {
		return noNode, nil
	}
	n := node{die: uint32(pos), parent: noNode, function: int32(len(k.nodes)), hi: int32(len(k.targets)), entry: added[0].lo}
	if a.kind == kindInline {
		p := &k.nodes[parent]
		if n.depth = p.depth + 1; n.depth > maxInlined {
			return noNode, badFormat(secInfo, u.off+uint64(pos), "more than %d calls inlined into each other", maxInlined)
		}
		n.parent, n.function, n.lo, n.hi = parent, p.function, p.lo, p.hi
		n.callFile = clamp32(v.attrs[slotCallFile])
		n.callLine = clamp32(v.attrs[slotCallLine])
		n.callColumn = clamp32(v.attrs[slotCallColumn])
		if !a.named {
			n.origin = v.attrs[slotOrigin]
		}
	} else {
		for _, s := range added {
			n.size += s.hi - s.lo
		}
		if e := v.attrs[slotEntryPC]; e.present() {
			n.entry = u.entry(e, n.entry, added)
		}
	}
	id := int32(len(k.nodes))
	k.nodes = append(k.nodes, n)
	if k.all {
		if len(k.nodes) > k.maxNodes || !k.w.chargeRanges(len(added)) {
			return noNode, errTableTooBig
		}
		for range added {
			k.owners = append(k.owners, id)
		}
		return id, nil
	}
	hit := false
	lo, hi := int32(len(k.targets)), int32(0)
	for _, s := range added {
		i, j, ok := k.paint(id, s)
		if ok {
			hit = true
			lo, hi = min(lo, i), max(hi, j)
		}
	}
	k.spans = k.spans[:first]
	if k.paints > maxPaints+maxPaintsEach*len(k.targets) {
		return noNode, badFormat(secInfo, u.off+uint64(pos), "functions overlap too often")
	}
	if !hit {
		k.nodes = k.nodes[:id]
		return noNode, nil
	}
	k.nodes[id].lo, k.nodes[id].hi = lo, hi
	return id, nil
}

// entry returns the vaddr of DW_AT_entry_pc if it lies in one of the ranges.
func (u *unit) entry(a attr, first uint64, spans []span) uint64 {
	e, err := u.address(a)
	if err != nil {
		e = first + a.val // a constant is relative to the lowest address
	}
	for _, s := range spans {
		if s.lo <= e && e < s.hi {
			return e
		}
	}
	return first
}

func clamp32(a attr) uint32 {
	if a.form == formBlock || a.val > 1<<31-1 {
		return 0
	}
	return uint32(a.val)
}

// paint covers the targets in s by node id, where the rules let it. It returns
// the targets between which it did.
func (k *walker) paint(id int32, s span) (first, end int32, ok bool) {
	n := &k.nodes[id]
	i := n.lo + int32(lowerBound(k.targets[n.lo:n.hi], s.lo))
	first = i
	for ; i < n.hi && k.targets[i] < s.hi; i++ {
		k.paints++
		old := k.deep[i]
		if n.parent == noNode {
			if old == noNode || n.size <= k.nodes[k.nodes[old].function].size {
				k.deep[i], ok = id, true
			}
			continue
		}
		for old != n.parent && old != noNode {
			k.paints++
			old = k.nodes[old].parent
		}
		if old == n.parent {
			k.deep[i], ok = id, true
		}
	}
	return first, i, ok
}

// paintAll covers targets by the nodes and ranges that were kept.
func (k *walker) paintAll(targets []uint64) error {
	k.targets, k.deep = targets, k.deep[:0]
	for range targets {
		k.deep = append(k.deep, noNode)
	}
	for i := 0; i < len(k.spans); {
		id := k.owners[i]
		n := &k.nodes[id]
		if n.lo, n.hi = 0, int32(len(targets)); n.parent != noNode {
			n.lo, n.hi = k.nodes[n.parent].lo, k.nodes[n.parent].hi
		}
		lo, hi := int32(len(targets)), int32(0)
		for ; i < len(k.spans) && k.owners[i] == id; i++ {
			first, end, ok := k.paint(id, k.spans[i])
			if ok {
				lo, hi = min(lo, first), max(hi, end)
			}
		}
		n.lo, n.hi = min(lo, hi), hi
		if k.paints > maxPaints+maxPaintsEach*len(targets) {
			return badFormat(secInfo, k.u.off, "functions overlap too often")
		}
	}
	return nil
}

// lowerBound returns the index of the first vaddr of a that is not below v.
func lowerBound(a []uint64, v uint64) int {
	lo, hi := 0, len(a)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if a[mid] < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
