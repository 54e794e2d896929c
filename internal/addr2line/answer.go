package addr2line

import (
	"slices"

	"github.com/symfetch/symfetch/internal/frame"
)

// scratch is the memory of the lookups of one unit at a time.
type scratch struct {
	walk  walker
	hits  lineHits
	names unitNames
	one   [1]uint64
	rows  lineRows
	// Of a batch: its targets, and the frames of a chunk.
	targets []uint64
	frames  []frame.Frame
	answers [chunk]answer
}

// unitNames turns what the walk and the line program found into strings, for
// one unit at a time.
type unitNames struct {
	u     *unit // that has the DIEs
	w     *work
	lines *lineTable // nil if the unit has none
	extra []fileEntry
	files map[uint32]string
	// byNode are the functions of the walker's nodes, by origin those that
	// several nodes share.
	byNode   []*function
	byOrigin map[uint64]*function
	path     []byte
}

func (s *unitNames) reset(u *unit, lines *lineTable, extra []fileEntry, nodes int, w *work) {
	s.u, s.w, s.lines, s.extra = u, w, lines, extra
	if s.files == nil {
		s.files, s.byOrigin = make(map[uint32]string), make(map[uint64]*function)
	}
	clear(s.files)
	clear(s.byOrigin)
	s.byNode = slices.Grow(s.byNode[:0], nodes)
	for range nodes {
		s.byNode = append(s.byNode, nil)
	}
}

// file returns the path of a file of the line table, "" if there is no such.
func (s *unitNames) file(i uint32) (string, error) {
	if s.lines == nil {
		return "", nil
	}
	if p, ok := s.files[i]; ok {
		return p, nil
	}
	path, ok, err := s.lines.appendPath(s.path[:0], i, s.extra)
	s.path = path[:0]
	if err != nil {
		return "", err
	}
	if !s.w.charge(len(path)) {
		return "", errTooMuchWork
	}
	p := ""
	if ok {
		p = s.u.d.strings().path(path)
	}
	s.files[i] = p
	return p, nil
}

// function returns what is known of the function of node id. It is never nil.
func (s *unitNames) function(id int32, n *node) (*function, error) {
	if fn := s.byNode[id]; fn != nil {
		return fn, nil
	}
	key := n.originKey()
	fn := s.byOrigin[key]
	if key == 0 || fn == nil {
		f, err := s.u.describe(n, s.w)
		if err != nil {
			return &function{}, err
		}
		fn = &f
		if key != 0 {
			s.byOrigin[key] = fn
		}
	}
	s.byNode[id] = fn
	return fn, nil
}

// originKey is the same for the nodes of one unit that have one origin; 0 if
// there is none.
func (n *node) originKey() uint64 {
	if !n.origin.present() {
		return 0
	}
	// The form tells references to other files apart.
	return n.origin.val<<16 | uint64(n.origin.form)
}

// describe gathers what is known of a node's function.
func (u *unit) describe(n *node, w *work) (fn function, err error) {
	ref := dieRef{u, int(n.die)}
	if n.origin.present() {
		if ref, err = u.follow(n.origin, w); err != nil {
			return fn, err
		}
	}
	fn, err = ref.u.function(ref.pos, w)
	if fn.linkage == "" && !u.mangles() {
		fn.linkage = fn.name // the unit's language, as shared DIEs (dwz) are of none
	}
	return fn, err
}

// search finds what unit u says of sorted targets: after it, the walker and the
// hits hold the answers. The errors of the two are apart, as one can be right
// without the other.
func (s *scratch) search(u *unit, targets []uint64, w *work) (dies, lines error) {
	full, dies := u.full(w)
	if err := s.walkUnit(full, targets, w); err != nil {
		s.walk.reset(full, w, targets)
		dies = err
	}
	t, lines := u.lineTable(w)
	s.hits.reset(targets)
	s.hits.prog.extra = nil
	if lines == nil && t != nil {
		lines = s.hits.run(t, w)
	}
	s.names.reset(full, t, s.hits.prog.extra, len(s.walk.nodes), w)
	return dies, lines
}

func (s *scratch) walkUnit(u *unit, targets []uint64, w *work) error {
	k := &s.walk
	k.reset(u, w, targets)
	k.hop = len(targets) == 1
	if err := k.run(); err != nil {
		return err
	}
	if k.hopped && k.deep[0] == noNode {
		k.reset(u, w, targets)
		return k.run()
	}
	return nil
}

// appendFrames appends the frames of target i. named is false if no function
// covers it. There can be both frames and an error.
func (s *scratch) appendFrames(dst []frame.Frame, i int) (out []frame.Frame, named bool, err error) {
	k := &s.walk
	place := s.hits.places[i]
	id := k.deep[i]
	if id == noNode && !place.ok {
		return dst, false, ErrNoSymbol
	}
	note := func(e error) {
		if e != nil && err == nil {
			err = e
		}
	}
	if id == noNode {
		fr := frame.Frame{Engine: frame.EngineDWARF, Line: int(place.line), Column: int(place.col)}
		fr.File, err = s.names.file(place.file)
		return append(dst, fr), false, err
	}
	for {
		n := &k.nodes[id]
		fn, e := s.names.function(id, n)
		note(e)
		fr := frame.Frame{
			Function: fn.name, LinkageName: fn.linkage, StartLine: fn.startLine,
			Line: int(place.line), Column: int(place.col), Inlined: n.parent != noNode, Engine: frame.EngineDWARF,
		}
		if place.ok {
			fr.File, e = s.names.file(place.file)
			note(e)
		}
		if n.parent == noNode {
			if v := k.targets[i]; v >= n.entry {
				fr.Offset, fr.HasOffset = v-n.entry, true
			}
			return append(dst, fr), true, err
		}
		dst = append(dst, fr)
		place.file, place.line, place.col, place.ok = n.callFile, n.callLine, n.callColumn, true
		id = n.parent
	}
}
