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

	mu   sync.Mutex
	left []leftover
}

// job is the addresses to ask one unit for.
type job struct {
	unit  *slot
	items []leftover
}

// leftover is an address for which no unit has named a function yet.
type leftover struct {
	i int
	// line is what a unit said that knows only the line table; err the first
	// error.
	line *frame.Frame
	err  error
}

func (b *batch) run() {
	if len(b.vaddrs) == 0 {
		return
	}
	left := make([]leftover, len(b.vaddrs))
	for i := range left {
		left[i].i = i
	}
	for round := 0; len(left) > 0; round++ {
		var jobs []*job
		err := b.d.guard(func() error {
			if b.w == nil {
				b.w = b.d.newWork()
			}
			jobs, left = b.group(left, round)
			return nil
		})
		if err != nil {
			for _, l := range left {
				b.emit(l.i, nil, err)
			}
			return
		}
		for _, l := range left {
			b.finish(l)
		}
		b.left = nil
		b.work(jobs)
		left = b.left
	}
}

// finish answers an address for which there are no more units.
func (b *batch) finish(l leftover) {
	if l.line != nil {
		b.emit(l.i, []frame.Frame{*l.line}, l.err)
		return
	}
	if l.err == nil {
		l.err = ErrNoSymbol
	}
	b.emit(l.i, nil, l.err)
}

// group sorts addresses by the unit to ask in a round. rest are those for which
// there is none.
func (b *batch) group(left []leftover, round int) (jobs []*job, rest []leftover) {
	units := make(map[*slot]*job)
	var last *job
	for _, l := range left {
		var unit *slot
		if round < maxRounds {
			var err error
			if unit, err = b.d.candidate(b.vaddrs[l.i], round); err != nil && l.err == nil {
				l.err = err
			}
		}
		if unit == nil {
			rest = append(rest, l)
			continue
		}
		if last == nil || last.unit != unit {
			if last = units[unit]; last == nil {
				last = &job{unit: unit}
				units[unit] = last
				jobs = append(jobs, last)
			}
		}
		last.items = append(last.items, l)
	}
	return jobs, rest
}

// work does the jobs on several goroutines.
func (b *batch) work(jobs []*job) {
	n := min(runtime.GOMAXPROCS(0), len(jobs))
	if n <= 1 {
		for _, j := range jobs {
			b.do(j)
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
				b.do(jobs[i])
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
	s.targets = s.targets[:0]
	for _, l := range j.items {
		s.targets = append(s.targets, b.vaddrs[l.i])
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
	for lo := 0; lo < len(j.items); lo += chunk {
		b.chunk(s, j.items[lo:min(lo+chunk, len(j.items))], lo, dies, lines)
	}
}

// later keeps items for the next round.
func (b *batch) later(items []leftover, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range items {
		if l.err == nil {
			l.err = err
		}
		b.left = append(b.left, l)
	}
}

// answer is the frames of one address in a chunk.
type answer struct {
	lo, hi int // in scratch.frames
	named  bool
	err    error
}

// chunk answers items, of which the first is target first.
func (b *batch) chunk(s *scratch, items []leftover, first int, dies, lines error) {
	var answers [chunk]answer
	s.frames = s.frames[:0]
	err := b.d.guard(func() error {
		for i := range items {
			a := &answers[i]
			a.lo = len(s.frames)
			s.frames, a.named, a.err = s.appendFrames(s.frames, first+i)
			a.err = s.reason(first+i, a.err, dies, lines)
			a.hi = len(s.frames)
		}
		return nil
	})
	if err != nil {
		b.later(items, err)
		return
	}
	for i, l := range items {
		a := &answers[i]
		if a.named {
			b.emit(l.i, s.frames[a.lo:a.hi:a.hi], a.err)
			continue
		}
		if l.err == nil && !errors.Is(a.err, ErrNoSymbol) {
			l.err = a.err
		}
		if a.hi > a.lo && l.line == nil {
			fr := s.frames[a.lo]
			l.line = &fr
		}
		b.later([]leftover{l}, nil)
	}
}
