package proc

import (
	"slices"

	"golang.org/x/sys/unix"
)

// readSize is the room for a line without end and one read of maps behind it.
// The kernel hands out at most a page at a time unless a single line is longer.
const readSize = maxLine + 16<<10 // bytes

// Mappings returns all mappings by ascending address, without build IDs. Nil
// for processes without memory (zombies, kernel threads). ErrGone if the
// process ended since Open.
//
// The kernel builds the list piece by piece: mappings that do not change
// meanwhile are always in it, rows never overlap.
func (p *Process) Mappings() ([]Mapping, error) {
	if err := p.refs.acquire(); err != nil {
		return nil, err
	}
	defer p.refs.release()
	if !p.hasMemory() {
		return nil, p.checkTask()
	}
	parser, err := p.readMaps(nil)
	if err != nil {
		return nil, p.errorf("%w", err)
	}
	for _, i := range parser.ambiguous {
		p.settleName(&parser.mappings[i])
	}
	return parser.mappings, nil
}

// readMaps reads maps and parses it, up to the end or until stop says so of
// what was read so far.
func (p *Process) readMaps(stop func(parser *mapsParser) bool) (*mapsParser, error) {
	parser, err := p.readMapsOf(p.mapsFD, stop)
	if err == unix.ESRCH && p.leaderDead.Load() {
		// The text, unlike the query, is bound to the thread through which maps
		// was opened. Another thread shows the same address space.
		err = p.withTask(func(dir int) error {
			fd, err := openAt(dir, "maps", unix.O_RDONLY|unix.O_NOFOLLOW)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			parser, err = p.readMapsOf(fd, stop)
			return err
		})
	}
	// A list that the end of the process cut short looks like a whole one.
	if err = p.settle(err); err != nil {
		return nil, err
	}
	return parser, nil
}

// readMapsOf is readMaps for one descriptor.
func (p *Process) readMapsOf(fd int, stop func(parser *mapsParser) bool) (*mapsParser, error) {
	p.readMu.Lock()
	defer p.readMu.Unlock()
	parser := &mapsParser{}
	if stop == nil {
		parser.mappings = make([]Mapping, 0, p.lastLen+p.lastLen/16+64)
	}
	if p.readBuf == nil {
		p.readBuf = make([]byte, readSize)
	}
	var rest int // bytes of a line without end, at the front of readBuf
	for off := int64(0); ; {
		n, err := pread(fd, p.readBuf[rest:], off)
		if err != nil {
			return nil, err
		}
		if n == 0 && rest > 0 {
			err = parser.line(p.readBuf[:rest])
		}
		if n == 0 {
			p.lastLen = len(parser.mappings)
			return parser, err
		}
		off += int64(n)
		tail, err := parser.feed(p.readBuf[:rest+n])
		if err != nil || stop != nil && stop(parser) {
			return parser, err
		}
		rest = copy(p.readBuf, tail)
	}
}

// queryText is query by the text of maps, read no further than needed.
func (p *Process) queryText(addr uint64, next bool) (Mapping, error) {
	parser, err := p.readMaps(func(parser *mapsParser) bool {
		n := len(parser.mappings)
		return n > 0 && parser.mappings[n-1].End > addr
	})
	if err != nil {
		return Mapping{}, err
	}
	i := slices.IndexFunc(parser.mappings, func(m Mapping) bool { return m.End > addr })
	if i < 0 {
		return Mapping{}, ErrUnmapped
	}
	m := parser.mappings[i]
	if !m.Contains(addr) && (!next || isGate(m.Start)) {
		return Mapping{}, ErrUnmapped
	}
	if slices.Contains(parser.ambiguous, i) {
		p.settleName(&m)
	}
	return m, nil
}

// settleName replaces a name in which maps escaped newlines, or seems to, by
// the raw one. Where the kernel does not tell, the decoded name stays: it is
// for display only.
func (p *Process) settleName(m *Mapping) {
	if !p.textOnly.Load() {
		raw, err := p.queryIoctl(m.Start, false, WantName)
		if err == nil && raw.sameFile(*m) && raw.Name != "" {
			m.Name = raw.Name
			return
		}
	}
	if raw, err := p.mappingLink(*m); err == nil {
		m.Name = raw
	}
}
