package addr2line

import (
	"github.com/symfetch/symfetch/internal/frame"
)

func (d *Data) getScratch() *scratch {
	if s, ok := d.scratch.Get().(*scratch); ok {
		return s
	}
	return new(scratch)
}

// stream answers one vaddr by reading through the unit at off.
func (d *Data) stream(dst []frame.Frame, off, vaddr uint64) (out []frame.Frame, named bool, err error) {
	w := d.newWork()
	u, err := d.unitAt(&d.main, off, w)
	if err != nil {
		return dst, false, err
	}
	s := d.getScratch()
	defer d.scratch.Put(s)
	s.one[0] = vaddr
	dies, lines := s.search(u, s.one[:], w)
	out, named, err = s.appendFrames(dst, 0)
	return out, named, s.reason(0, err, dies, lines)
}

// reason returns the error that belongs to target i: err, which appendFrames
// returned, or what kept the walk and the line program from knowing more.
func (s *scratch) reason(i int, err, dies, lines error) error {
	switch {
	case dies != nil:
		return dies
	case lines != nil && !s.hits.places[i].ok:
		return lines
	}
	return err
}
