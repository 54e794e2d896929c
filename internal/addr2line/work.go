package addr2line

import (
	"sync"
	"sync/atomic"
)

// work bounds what one call may decode. A sound file has each byte read about
// once per call, however many addresses are asked for; a hostile one makes
// many entries refer to the same long list, program or table.
type work struct {
	left atomic.Int64 // bytes that may be read
	// ranges may be kept. Each has bytes of its own in a sound file, so that
	// what is kept is bounded more tightly than what is read.
	ranges atomic.Int64

	mu    sync.Mutex
	files []*sections // that left and ranges take into account
}

const (
	// workFactor is how often a call may read each byte of the file's DWARF.
	workFactor = 32
	// workBase bytes may be read in any case.
	workBase = 1 << 20
	// rangeBytes is less than what the file has for each range, its function or
	// its unit included.
	rangeBytes = 4
)

// errTooMuchWork is the error of what exceeded it.
var errTooMuchWork = &FormatError{Section: secInfo.String(), Msg: "entries refer to more bytes than the file can need"}

func (d *Data) newWork() *work {
	w := new(work)
	w.left.Store(workBase)
	w.ranges.Store(workBase / workFactor)
	w.admit(&d.main)
	return w
}

// admit allows for reading another of the object's files, once per file.
func (w *work) admit(file *sections) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.files {
		if f == file {
			return
		}
	}
	w.files = append(w.files, file)
	total := 0
	for _, id := range [...]sectionID{secInfo, secAbbrev, secLine, secRanges, secRnglists} {
		data, _ := file.get(id)
		total += len(data)
	}
	w.left.Add(int64(total) * workFactor)
	w.ranges.Add(int64(total) / rangeBytes)
}

// charge reports whether n bytes more may be read.
func (w *work) charge(n int) bool { return w.left.Add(-int64(n)) >= 0 }

// chargeRanges reports whether n ranges more may be kept.
func (w *work) chargeRanges(n int) bool { return w.ranges.Add(-int64(n)) >= 0 }
