package addr2line

import "slices"

// node is a function, or a call inlined into one, that covers a target.
type node struct {
	// die is the position of the DIE in the unit.
	die uint32
	// parent is the node into which it was inlined, -1 for a function.
	parent int32
	// function is the node of the function, itself for one.
	function int32
	depth    int32
	// callFile, callLine and callColumn are the call site's, in the file that
	// the line table of the unit numbers so.
	callFile, callLine, callColumn uint32
	// origin is the DIE that describes the function of an inlined call; absent
	// if the call's own does.
	origin attr
	// entry is the vaddr of a function's first instruction.
	entry uint64
	// size is what a function covers, in bytes.
	size uint64
	// lo and hi delimit the targets among which those of the node are.
	lo, hi int32
}

// walker finds the functions and inlined calls that cover a set of vaddrs, in
// one pass over a unit's DIEs.
//
// Where functions overlap, the smaller one covers an address; of two of one
// size, the later. An inlined call covers an address only if what it is inlined
// into does; of two that overlap, the later does.
type walker struct {
	u       *unit
	w       *work
	targets []uint64 // sorted ascending, each once
	deep    []int32  // the innermost node of each target, -1 = none
	nodes   []node
	// all keeps every node and its ranges instead of painting targets, as long
	// as there are no more than maxNodes.
	all      bool
	maxNodes int
	spans    []span
	owners   []int32 // of spans, if all
	stack    []open
	// hop jumps over the children of functions that cover no target. It can
	// miss functions nested in them; hopped says that it happened.
	hop, hopped bool
	paints      int
}

// open is a DIE whose children are being read.
type open struct {
	depth int32
	node  int32 // of the DIE; noNode if it covers no target
}

const (
	noNode = -1
	// maxInlined is the number of calls inlined into each other.
	maxInlined = 1 << 10
	// maxPaints and maxPaintsEach bound how often targets are covered anew:
	// once per call that is inlined there, in sound DWARF.
	maxPaints, maxPaintsEach = 1 << 20, 128
)

// reset makes the walker ready for a unit.
func (k *walker) reset(u *unit, w *work, targets []uint64) {
	k.u, k.w, k.targets = u, w, targets
	k.nodes, k.stack, k.spans, k.owners = k.nodes[:0], k.stack[:0], k.spans[:0], k.owners[:0]
	k.hop, k.hopped, k.all, k.paints = false, false, false, 0
	k.deep = slices.Grow(k.deep[:0], len(targets))
	for range targets {
		k.deep = append(k.deep, noNode)
	}
}

// values are the attributes that the walk reads of one DIE.
type values struct {
	attrs [numSlots]attr
}

// run walks over the DIEs of the unit.
func (k *walker) run() error {
	u := k.u
	table, err := u.abbrevs(k.w)
	if err != nil {
		return err
	}
	if !k.w.charge(len(u.b)) {
		return errTooMuchWork
	}
	b := u.b
	pos := u.first
	depth := int32(0)
	// Functions are looked for everywhere, so types can be jumped over where
	// they are not local to one.
	local := 0 // functions that are open
	cur := int32(noNode)
	for pos < len(b) {
		at := pos
		code := uint64(b[pos])
		pos++
		if code == 0 {
			depth--
			if depth <= 0 {
				return nil
			}
			if n := len(k.stack); n > 0 && k.stack[n-1].depth == depth {
				k.stack = k.stack[:n-1]
				cur, local = k.top()
			}
			continue
		}
		if code >= 0x80 {
			if code, pos = uleb(b, at); pos < 0 {
				return badFormat(secInfo, u.off+uint64(at), "bad LEB128")
			}
		}
		var a *abbrev
		if i := code - 1; i < uint64(table.dense) {
			a = &table.abbrevs[i]
		} else if a = table.find(code); a == nil {
			return badFormat(secInfo, u.off+uint64(at), "abbreviation %d is not in the table at %#x", code, u.abbrevOff)
		}
		if a.kind == kindOther || !a.children && (a.kind > kindInline || cur == noNode && a.kind == kindInline) {
			if a.fixed >= 0 {
				pos += int(a.fixed)
			} else if pos = k.skip(table.steps[a.lo:a.hi], pos); pos < 0 {
				return k.badDIE(at)
			}
			if a.children {
				depth++
			}
			continue
		}
		if a.kind > kindInline {
			// A type or the like, with children.
			start := pos
			sibling := 0
			if a.fixed >= 0 {
				pos += int(a.fixed)
				if a.sibling >= 0 && pos <= len(b) {
					sibling = int(u32(b[start+int(a.sibling):], u.big))
				}
			} else {
				var v values
				if pos = k.read(table.steps[a.lo:a.hi], pos, &v); pos < 0 {
					return k.badDIE(at)
				}
				sibling = u.reference(v.attrs[slotSibling])
			}
			if (a.kind == kindNoCode || local == 0) && sibling > pos && sibling <= len(b) {
				pos = sibling
				continue
			}
			depth++
			continue
		}
		var v values
		if pos = k.read(table.steps[a.lo:a.hi], pos, &v); pos < 0 {
			return k.badDIE(at)
		}
		id := int32(noNode)
		if a.kind == kindFunc || cur != noNode {
			if id, err = k.visit(a, at, &v, cur); err != nil {
				return err
			}
		}
		if !a.children {
			continue
		}
		if k.hop && id == noNode {
			if sibling := u.reference(v.attrs[slotSibling]); sibling > pos && sibling <= len(b) {
				pos, k.hopped = sibling, true
				continue
			}
		}
		k.stack = append(k.stack, open{depth, id})
		if a.kind == kindFunc {
			local++
		}
		cur = id
		depth++
	}
	if pos > len(b) {
		return k.badDIE(len(b))
	}
	return nil // the end marks of the last DIEs may be missing
}

// top returns the innermost open node and how many DIEs are open.
func (k *walker) top() (int32, int) {
	n := len(k.stack)
	if n == 0 {
		return noNode, 0
	}
	return k.stack[n-1].node, n
}

func (k *walker) badDIE(at int) error {
	return badFormat(secInfo, k.u.off+uint64(at), "DIE leads out of its unit")
}

// reference returns the position in the unit to which a reference within the
// unit leads, 0 for others.
func (u *unit) reference(a attr) int {
	switch a.form {
	case formRef1, formRef2, formRef4, formRef8, formRefUdata:
		if a.val < uint64(len(u.b)) || a.val == uint64(len(u.b)) {
			return int(a.val)
		}
	}
	return 0
}

// skip returns the position after the attributes at pos, -1 if they lead out of
// the unit.
func (k *walker) skip(steps []step, pos int) int {
	b := k.u.b
	for i := range steps {
		s := &steps[i]
		switch s.op {
		case opFixed:
			pos += int(s.n)
		case opLEB:
			if pos = skipLEB(b, pos); pos < 0 {
				return -1
			}
		case opTake:
			op, n := k.u.opOf(uint64(s.form))
			if pos = k.u.data.skip(op, n, pos); pos < 0 {
				return -1
			}
		default:
			if pos = k.u.data.skip(s.op, s.n, pos); pos < 0 {
				return -1
			}
		}
	}
	return pos
}

// read is skip, but for the attributes that have a slot.
func (k *walker) read(steps []step, pos int, v *values) int {
	b := k.u.b
	for i := range steps {
		s := &steps[i]
		switch s.op {
		case opFixed:
			pos += int(s.n)
		case opLEB:
			if pos = skipLEB(b, pos); pos < 0 {
				return -1
			}
		case opTake:
			if v.attrs[s.slot], pos = k.u.value(uint64(s.form), s.implicit, pos); pos < 0 {
				return -1
			}
		default:
			if pos = k.u.data.skip(s.op, s.n, pos); pos < 0 {
				return -1
			}
		}
	}
	return pos
}
