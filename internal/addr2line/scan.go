package addr2line

import (
	"runtime"
	"sync"
)

// scannedIndex reads the root DIEs of all units for their ranges.
func (d *Data) scannedIndex() *lazyIndex {
	x := &d.scanned
	x.once.Do(func() {
		x.err = errInterrupted
		ranges, units, err := d.scan()
		x.index, x.err = newUnitIndex(ranges, units), err
	})
	return x
}

// scanChunk is the least number of units worth a goroutine.
const scanChunk = 64

func (d *Data) scan() (ranges []unitRange, units []uint64, err error) {
	starts, err := d.starts(&d.main)
	w := d.newWork()
	n := min(runtime.GOMAXPROCS(0), len(starts)/scanChunk)
	if n <= 1 {
		ranges, scanErr := d.scanUnits(starts, 0, w)
		if scanErr != nil {
			err = scanErr
		}
		return ranges, starts, err
	}
	parts := make([][]unitRange, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		lo, hi := i*len(starts)/n, (i+1)*len(starts)/n
		wg.Go(func() {
			guardErr := d.guard(func() error {
				parts[i], errs[i] = d.scanUnits(starts[lo:hi], uint32(lo), w)
				return nil
			})
			if guardErr != nil {
				errs[i] = guardErr
			}
		})
	}
	wg.Wait()
	for i := range parts {
		ranges = append(ranges, parts[i]...)
		if errs[i] != nil {
			err = errs[i]
		}
	}
	return ranges, starts, err
}

// guard runs fn under the caller's guard.
func (d *Data) guard(fn func() error) error {
	if d.in.Guard == nil {
		return fn()
	}
	return d.in.Guard(fn)
}

// scanUnits returns the ranges of the units at some offsets, which are numbered
// from first, and the error of the last that could not be read.
func (d *Data) scanUnits(starts []uint64, first uint32, w *work) (ranges []unitRange, err error) {
	var spans []span
	for i, off := range starts {
		if !w.charge(0) {
			return ranges, errTooMuchWork
		}
		id := first + uint32(i)
		var unitErr error
		if spans, unitErr = d.scanUnit(spans[:0], off, w); unitErr != nil {
			err = unitErr
		}
		if !w.chargeRanges(len(spans)) {
			return ranges, errTooMuchWork
		}
		for _, s := range spans {
			ranges = append(ranges, unitRange{s.lo, s.hi, id})
		}
	}
	return ranges, err
}

// scanUnit appends the ranges of the unit at off.
func (d *Data) scanUnit(dst []span, off uint64, w *work) ([]span, error) {
	u, _, err := d.header(&d.main, off)
	if err != nil || u.isType() {
		return dst, err
	}
	if err := u.readRoot(w); err != nil {
		return dst, err
	}
	r := &u.root
	switch {
	case r.tag == tagTypeUnit:
		return dst, nil
	case r.ranges.present() || r.low.present() && r.high.present():
		return u.spans(dst, r.low, r.high, r.ranges, w)
	case r.tag == tagPartialUnit:
		return dst, nil
	}
	// Some producers give the unit no ranges: its line table knows.
	return u.sequences(dst, w)
}

// sequences appends the ranges of the sequences of the unit's line table.
func (u *unit) sequences(dst []span, w *work) ([]span, error) {
	t, _, err := u.lineHeader(w)
	if t == nil || err != nil {
		return dst, err
	}
	if len(t.program) == 0 {
		return dst, nil
	}
	if !w.charge(len(t.program)) {
		return dst, errTooMuchWork
	}
	var p lineProgram
	p.init(t)
	var rows [256]row
	var start uint64
	open := false
	for {
		n, err := p.run(rows[:])
		for i := range rows[:n] {
			r := &rows[i]
			if !open {
				start, open = r.addr, true
			}
			if r.end {
				dst, open = u.keep(dst, start, r.addr), false
			}
		}
		if err != nil || n < len(rows) {
			return dst, err
		}
	}
}
