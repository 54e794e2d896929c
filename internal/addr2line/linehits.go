package addr2line

import "slices"

// place is a row's file, line and column: what the line table says of a vaddr.
type place struct {
	file, line, col uint32
	ok              bool
}

// lineHits answers a sorted set of vaddrs while a line program runs. It stores
// no rows.
//
// Within a sequence the last of the rows with the greatest address not above
// the target's counts. Of several sequences that cover a target, that with the
// lowest end; of those with one end, the first.
type lineHits struct {
	targets []uint64
	places  []place
	ends    []uint64 // of the sequences from which places are, 0 = none

	// Of the sequence that is being read: targets [lo, hi) may have a place by
	// it, with openEnd for an end; pending are those of targets that another
	// sequence covers.
	lo, hi  int
	pending []pendingHit
	hits    int
	visited int // targets, since they were charged

	prog lineProgram
	rows [256]row
}

type pendingHit struct {
	target int32
	place  place
}

// openEnd is the end of a sequence that has not ended.
const openEnd = 1<<64 - 1

func (h *lineHits) reset(targets []uint64) {
	h.targets = targets
	h.places, h.ends = slices.Grow(h.places[:0], len(targets)), slices.Grow(h.ends[:0], len(targets))
	for range targets {
		h.places = append(h.places, place{})
		h.ends = append(h.ends, 0)
	}
	h.visited = 0
	h.begin()
}

// begin forgets the sequence that was read.
func (h *lineHits) begin() {
	h.lo, h.hi, h.pending, h.hits = len(h.targets), 0, h.pending[:0], 0
}

// maxRehits is how often the rows of one sequence may cover each target.
const maxRehits = 16

// run runs the program of t. What was found in the sequences before an error
// stays.
func (h *lineHits) run(t *lineTable, w *work) error {
	// A sequence that does not end covers nothing.
	defer h.commit(t.u, 0, 0)
	if !w.charge(len(t.program)) {
		return errTooMuchWork
	}
	h.prog.init(t)
	const never = 1<<64 - 1
	var prev row
	open := false
	var start uint64 // of the sequence
	next := uint64(never)
	j := 0
	for {
		n, err := h.prog.run(h.rows[:])
		for i := range h.rows[:n] {
			r := &h.rows[i]
			if !open {
				open, start = true, r.addr
				j, next = h.seek(r.addr)
			} else if r.addr > next {
				j = h.hit(j, r.addr, place{prev.file, prev.line, prev.col, true})
				if h.hits > maxRehits*len(h.targets) {
					return badFormat(secLine, t.programOff, "addresses of a sequence descend too often")
				}
				next = never
				if j < len(h.targets) {
					next = h.targets[j]
				}
			} else if r.addr < prev.addr {
				j, next = h.seek(r.addr)
			}
			prev = *r
			if r.end {
				h.commit(t.u, start, r.addr)
				open = false
			}
		}
		if !w.charge(h.visited) {
			return errTooMuchWork
		}
		h.visited = 0
		if err != nil || n < len(h.rows) {
			return err
		}
	}
}

// hit gives the targets from target j up to end a place, and returns the next
// target.
func (h *lineHits) hit(j int, end uint64, p place) int {
	from := j
	for ; j < len(h.targets) && h.targets[j] < end; j++ {
		if e := h.ends[j]; e == 0 || e == openEnd {
			h.places[j], h.ends[j] = p, openEnd
		} else {
			h.pending = append(h.pending, pendingHit{int32(j), p})
		}
	}
	h.hits += j - from
	h.visited += j - from
	h.lo, h.hi = min(h.lo, from), max(h.hi, j)
	return j
}

// seek returns the first target not below vaddr.
func (h *lineHits) seek(vaddr uint64) (j int, next uint64) {
	j = lowerBound(h.targets, vaddr)
	if j < len(h.targets) {
		return j, h.targets[j]
	}
	return j, 1<<64 - 1
}

// commit ends a sequence, which covers [start, end).
func (h *lineHits) commit(u *unit, start, end uint64) {
	h.visited += max(0, h.hi-h.lo)
	covers := u.covers(start, end)
	end = min(end, openEnd-1)
	within := func(v uint64) bool { return covers && start <= v && v < end }
	for i := h.lo; i < h.hi; i++ {
		if h.ends[i] != openEnd {
			continue
		}
		if h.ends[i] = end; !within(h.targets[i]) {
			h.places[i], h.ends[i] = place{}, 0
		}
	}
	// Should the addresses of the sequence not ascend, a target can have
	// several rows: the last counts, so they are taken backwards.
	for i := len(h.pending) - 1; i >= 0; i-- {
		p := &h.pending[i]
		if within(h.targets[p.target]) && end < h.ends[p.target] {
			h.places[p.target], h.ends[p.target] = p.place, end
		}
	}
	h.begin()
}
