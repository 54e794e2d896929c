package addr2line

import (
	"errors"
	"fmt"
	"sync"
)

// sectionID is a section that the engine reads.
type sectionID uint8

const (
	secInfo sectionID = iota
	secAbbrev
	secStr
	secLineStr
	secStrOffsets
	secAddr
	secLine
	secRanges
	secRnglists
	secAranges
	secCUIndex
	numSections
)

var sectionNames = [numSections]string{
	".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str", ".debug_str_offsets",
	".debug_addr", ".debug_line", ".debug_ranges", ".debug_rnglists", ".debug_aranges", ".debug_cu_index",
}

func (id sectionID) String() string { return sectionNames[id] }

// inDWO reports whether a file of split units holds the section under a name
// that ends in .dwo.
func (id sectionID) inDWO() bool {
	switch id {
	case secAddr, secRanges, secAranges, secCUIndex, secLineStr:
		return false
	}
	return true
}

// sections are the bytes of one file: the object, a split unit's file, or a
// supplementary file. Each is asked for once, when it is first needed.
type sections struct {
	id   uint32 // tells the files of one Data apart
	big  bool
	dwo  bool
	load func(name string) ([]byte, error)
	each [numSections]section

	startsOnce sync.Once
	starts     []uint64 // of the units in .debug_info
	startsErr  error
}

type section struct {
	once sync.Once
	data []byte
	err  error
}

// errInterrupted is the error of a section whose loading panicked.
var errInterrupted = errors.New("reading it was interrupted")

// get returns a section's bytes, none if the file has no such section.
func (s *sections) get(id sectionID) ([]byte, error) {
	e := &s.each[id]
	e.once.Do(func() {
		if s.load == nil {
			return
		}
		name := id.String()
		if s.dwo && id.inDWO() {
			name += ".dwo"
		}
		// A fault passes through Do, which does not run again.
		e.err = fmt.Errorf("section %s: %w", name, errInterrupted)
		data, err := s.load(name)
		if err != nil {
			err = fmt.Errorf("section %s: %w", name, err)
		}
		e.data, e.err = data, err
	})
	return e.data, e.err
}

// set gives a section its bytes, in place of loading it.
func (s *sections) set(id sectionID, data []byte, err error) {
	e := &s.each[id]
	e.once.Do(func() { e.data, e.err = data, err })
}

// buf returns a cursor at offset off of a section.
func (s *sections) buf(id sectionID, off uint64) buf {
	data, err := s.get(id)
	b := buf{big: s.big, sec: id, base: off, err: err}
	switch {
	case err != nil:
	case off > uint64(len(data)):
		b.err = badFormat(id, off, "beyond the section's end at %#x", len(data))
	default:
		b.data = data[off:]
	}
	return b
}
