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

	pending []pendingHit // of the sequence that is being read
	prog    lineProgram
	rows    [256]row
}

type pendingHit struct {
	target int32
	place  place
}

func (h *lineHits) reset(targets []uint64) {
	h.targets, h.pending = targets, h.pending[:0]
	h.places, h.ends = slices.Grow(h.places[:0], len(targets)), slices.Grow(h.ends[:0], len(targets))
	for range targets {
		h.places = append(h.places, place{})
		h.ends = append(h.ends, 0)
	}
}

// maxRehits is how often the rows of one sequence may cover each target.
const maxRehits = 16

// run runs the program of t. What was found in the sequences before an error
// stays.
func (h *lineHits) run(t *lineTable, w *work) error {
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
	hits := 0 // since they were charged
	for {
		n, err := h.prog.run(h.rows[:])
		for i := range h.rows[:n] {
			r := &h.rows[i]
			if !open {
				open, start = true, r.addr
				j, next = h.seek(r.addr)
			} else if r.addr > next {
				from := j
				for j < len(h.targets) && h.targets[j] < r.addr {
					h.pending = append(h.pending, pendingHit{int32(j), place{prev.file, prev.line, prev.col, true}})
					j++
				}
				if hits += j - from; len(h.pending) > maxRehits*len(h.targets) {
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
		if !w.charge(hits) {
			return errTooMuchWork
		}
		hits = 0
		if err != nil || n < len(h.rows) {
			return err
		}
	}
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
	if len(h.pending) == 0 {
		return
	}
	if u.covers(start, end) {
		// Should the addresses of the sequence not ascend, a target can have
		// several rows: the last counts, so they are taken backwards.
		for i := len(h.pending) - 1; i >= 0; i-- {
			p := &h.pending[i]
			if v := h.targets[p.target]; v < start || v >= end {
				continue
			}
			if old := h.ends[p.target]; old == 0 || end < old {
				h.places[p.target], h.ends[p.target] = p.place, end
			}
		}
	}
	h.pending = h.pending[:0]
}
