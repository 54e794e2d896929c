package addr2line

import (
	"errors"
	"fmt"
	"sync"
)

// altFile is the supplementary file, to which dwz moved what several objects
// have in common.
type altFile struct {
	once sync.Once
	data *Data
	err  error
}

var errNoSupplementary = errors.New("refers to a supplementary file, which is missing")

// altIDs are beyond the numbers of the object's own files.
const altIDs = 1 << 24

// supplementary returns the supplementary file's DWARF.
func (d *Data) supplementary() (*Data, error) {
	a := &d.alt
	a.once.Do(func() {
		a.err = fmt.Errorf("supplementary file: %w", errInterrupted)
		if d.in.Supplementary == nil {
			a.err = errNoSupplementary
			return
		}
		in, err := d.in.Supplementary()
		if err == nil && in == nil {
			err = errNoSupplementary
		}
		if err != nil {
			a.err = fmt.Errorf("supplementary file: %w", err)
			return
		}
		alt := &Data{in: *in}
		alt.in.Names, alt.in.Supplementary, alt.in.Split = d.in.Names, nil, nil
		alt.ids.Store(altIDs)
		alt.init(&alt.main, in)
		a.data, a.err = alt, nil
	})
	return a.data, a.err
}
