package addr2line

import "sync/atomic"

// work bounds what one call may decode. A sound file has each byte read about
// once per call, however many addresses are asked for; a hostile one makes
// many entries refer to the same long list, program or table.
type work struct{ left atomic.Int64 }

const (
	// workFactor is how often a call may read each byte of the file's DWARF.
	workFactor = 32
	// workBase bytes may be read in any case.
	workBase = 16 << 20
)

// errTooMuchWork is the error of what exceeded it.
var errTooMuchWork = &FormatError{Section: secInfo.String(), Msg: "entries refer to more bytes than the file can need"}

func (d *Data) newWork() *work {
	w := new(work)
	total := 0
	for _, id := range []sectionID{secInfo, secAbbrev, secLine, secRanges, secRnglists} {
		data, _ := d.main.get(id)
		total += len(data)
	}
	w.left.Store(int64(total)*workFactor + workBase)
	return w
}

// charge reports whether n bytes more may be read.
func (w *work) charge(n int) bool { return w.left.Add(-int64(n)) >= 0 }
