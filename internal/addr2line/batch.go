package addr2line

import (
	"cmp"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/symfetch/symfetch/internal/frame"
)

// Symbolize answers many vaddrs, each as AppendFrames would. Each unit is read
// through once for all its addresses, several units at a time, and nothing of
// it is kept: the memory is bounded by the largest units.
//
// emit is called once for each index of vaddrs, in no particular order and from
// several goroutines at once. frames may be used during the call only; the
// strings in it may be kept. vaddrs ascend; others are sorted first.
//
// Symbolize reads under Input.Guard, on the caller's goroutine too, and calls
// emit outside of it. A fault is the error of the addresses that needed the
// bytes.
func (d *Data) Symbolize(vaddrs []uint64, emit func(i int, frames []frame.Frame, err error)) {
	b := batch{d: d, vaddrs: vaddrs, emit: emit}
	if !slices.IsSorted(vaddrs) {
		order := make([]int, len(vaddrs))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(i, j int) int { return cmp.Compare(vaddrs[i], vaddrs[j]) })
		b.vaddrs = make([]uint64, len(vaddrs))
		for i, j := range order {
			b.vaddrs[i] = vaddrs[j]
		}
		b.emit = func(i int, frames []frame.Frame, err error) { emit(order[i], frames, err) }
	}
	b.run()
}

// batch is one call of Symbolize.
type batch struct {
	d      *Data
	w      *work
	vaddrs []uint64
	emit   func(i int, frames []frame.Frame, err error)

	mu sync.Mutex
	// left are the indexes of vaddrs for which no unit has named a function
	// yet, and partial is what is known of those of which something is.
	left    []int32
	partial map[int32]partial
}

// partial is an address for which no unit has named a function yet.
type partial struct {
	// line is what a unit said that knows only the line table; err the first
	// error.
	line *frame.Frame
	err  error
}

// job is the addresses to ask one unit for.
type job struct {
	unit  *slot
	items []int32 // indexes of vaddrs, ascending
}

func (b *batch) run() {
	left := make([]int32, len(b.vaddrs))
	for i := range left {
		left[i] = int32(i)
	}
	for round := 0; len(left) > 0; round++ {
		var jobs []job
		err := b.d.guard(func() error {
			if b.w == nil {
				b.w = b.d.newWork()
			}
			jobs, left = b.group(left, round)
			return nil
		})
		if err != nil {
			for _, i := range left {
				b.emit(int(i), nil, err)
			}
			return
		}
		for _, i := range left {
			b.finish(i)
		}
		b.left = nil
		b.work(jobs)
		left = b.left
		slices.Sort(left) // they come from several units
	}
}

// finish answers an address for which there are no more units.
func (b *batch) finish(i int32) {
	p := b.partial[i]
	if p.line != nil {
		b.emit(int(i), []frame.Frame{*p.line}, p.err)
		return
	}
	if p.err == nil {
		p.err = ErrNoSymbol
	}
	b.emit(int(i), nil, p.err)
}

// group sorts addresses by the unit to ask in a round. rest are those for which
// there is none; left is overwritten.
func (b *batch) group(left []int32, round int) (jobs []job, rest []int32) {
	const none = -1
	byUnit := make(map[*slot]int32)
	of := make([]int32, len(left)) // the job of each
	var sizes []int32
	last := int32(none)
	for k, i := range left {
		var unit *slot
		if round < maxRounds {
			var err error
			if unit, err = b.d.candidate(b.vaddrs[i], round); err != nil {
				b.note(i, nil, err)
			}
		}
		if unit == nil {
			of[k] = none
			continue
		}
		if last == none || jobs[last].unit != unit {
			var ok bool
			if last, ok = byUnit[unit]; !ok {
				last = int32(len(jobs))
				byUnit[unit] = last
				jobs, sizes = append(jobs, job{unit: unit}), append(sizes, 0)
			}
		}
		of[k] = last
		sizes[last]++
	}
	items := make([]int32, len(left))
	for j := range jobs {
		n := sizes[j]
		jobs[j].items, items = items[:0:n], items[n:]
	}
	rest = left[:0]
	for k, i := range left {
		if j := of[k]; j == none {
			rest = append(rest, i)
		} else {
			jobs[j].items = append(jobs[j].items, i)
		}
	}
	return jobs, rest
}

// work does the jobs on several goroutines.
func (b *batch) work(jobs []job) {
	n := min(runtime.GOMAXPROCS(0), len(jobs))
	if n <= 1 {
		for i := range jobs {
			b.do(&jobs[i])
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				b.do(&jobs[i])
			}
		})
	}
	wg.Wait()
}

// chunk is how many addresses get their frames before emit is called for them.
const chunk = 256

// do answers the addresses of one unit.
func (b *batch) do(j *job) {
	d := b.d
	s := d.getScratch()
	defer d.scratch.Put(s)
	if t := b.tableOf(j.unit, len(j.items)); t != nil {
		b.chunks(s, j.items, func(k int, dst []frame.Frame) ([]frame.Frame, bool, error) {
			return t.appendFrames(dst, b.vaddrs[j.items[k]])
		})
		return
	}
	s.targets = slices.Grow(s.targets[:0], len(j.items))
	for _, i := range j.items {
		s.targets = append(s.targets, b.vaddrs[i])
	}
	var dies, lines error
	err := d.guard(func() error {
		u, err := d.unitAt(&d.main, j.unit.off, b.w)
		if err != nil {
			return err
		}
		dies, lines = s.search(u, s.targets, b.w)
		return nil
	})
	if err != nil {
		b.later(j.items, err)
		return
	}
	b.chunks(s, j.items, func(k int, dst []frame.Frame) ([]frame.Frame, bool, error) {
		out, named, err := s.appendFrames(dst, k)
		return out, named, s.reason(k, err, dies, lines)
	})
}

// manyItems is how many addresses of a unit are worth reading through it each
// time: a table takes several times the memory.
const manyItems = 1 << 10

// tableOf returns the unit's table, if it has one or was asked for n addresses,
// few, in several batches: whoever streams addresses asks in many small ones.
func (b *batch) tableOf(unit *slot, n int) (t *table) {
	if t = unit.table.Load(); t == nil && n < manyItems && unit.streamed.Add(1) == maxStreamed+1 {
		b.d.guard(func() error {
			t = b.d.buildTable(unit)
			return nil
		})
	}
	if t != nil && !t.used.Load() {
		t.used.Store(true)
	}
	return t
}

// chunks answers items, the k-th by ask(k).
func (b *batch) chunks(s *scratch, items []int32, ask func(k int, dst []frame.Frame) ([]frame.Frame, bool, error)) {
	for lo := 0; lo < len(items); lo += chunk {
		b.chunk(s, items[lo:min(lo+chunk, len(items))], func(k int, dst []frame.Frame) ([]frame.Frame, bool, error) { return ask(lo+k, dst) })
	}
}

// later keeps items for the next round.
func (b *batch) later(items []int32, err error) {
	for _, i := range items {
		b.note(i, nil, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = append(b.left, items...)
}

// note keeps what a unit said of an address that it did not name, where nothing
// was known before.
func (b *batch) note(i int32, line *frame.Frame, err error) {
	if line == nil && err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.partial[i]
	if p.err == nil {
		p.err = err
	}
	if p.line == nil {
		p.line = line
	}
	if b.partial == nil {
		b.partial = make(map[int32]partial)
	}
	b.partial[i] = p
}

// answer is the frames of one address in a chunk.
type answer struct {
	lo, hi int // in scratch.frames
	named  bool
	err    error
}

// chunk answers items, the k-th by ask(k).
func (b *batch) chunk(s *scratch, items []int32, ask func(k int, dst []frame.Frame) ([]frame.Frame, bool, error)) {
	answers := s.answers[:len(items)]
	s.frames = s.frames[:0]
	err := b.d.guard(func() error {
		for i := range items {
			a := &answers[i]
			a.lo = len(s.frames)
			s.frames, a.named, a.err = ask(i, s.frames)
			a.hi = len(s.frames)
		}
		return nil
	})
	if err != nil {
		b.later(items, err)
		return
	}
	for k, i := range items {
		a := &answers[k]
		if a.named {
			b.emit(int(i), s.frames[a.lo:a.hi:a.hi], a.err)
			continue
		}
		var line *frame.Frame
		if a.hi > a.lo {
			fr := s.frames[a.lo]
			line = &fr
		}
		if errors.Is(a.err, ErrNoSymbol) {
			a.err = nil
		}
		b.note(i, line, a.err)
		b.later(items[k:k+1], nil)
	}
}
