package proc

import (
	"slices"
)

// readSize is the size of one read of maps. The kernel hands out at most a
// page at a time unless a single line needs more.
const readSize = 16 << 10 // bytes

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
// the last mapping that was read.
func (p *Process) readMaps(stop func(parser *mapsParser) bool) (*mapsParser, error) {
	p.readMu.Lock()
	defer p.readMu.Unlock()
	if p.readBuf == nil {
		p.readBuf = make([]byte, readSize)
	}
	parser := &mapsParser{}
	if stop == nil {
		parser.mappings = make([]Mapping, 0, p.lastLen+p.lastLen/16+64)
	}
	var off int64
	var rest []byte // at the front of readBuf
	for {
		if len(p.readBuf)-len(rest) < readSize/2 {
			p.readBuf = append(p.readBuf, make([]byte, len(p.readBuf))...)
			rest = p.readBuf[:len(rest)]
		}
		n, err := pread(p.mapsFD, p.readBuf[len(rest):], off)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			break
		}
		off += int64(n)
		tail, err := parser.feed(p.readBuf[:len(rest)+n])
		if err != nil {
			return nil, err
		}
		rest = p.readBuf[:copy(p.readBuf, tail)]
		if stop != nil && stop(parser) {
			return parser, nil
		}
	}
	if off == 0 {
		return nil, ErrGone
	}
	if len(rest) > 0 {
		if err := parser.line(rest); err != nil {
			return nil, err
		}
	}
	p.lastLen = len(parser.mappings)
	return parser, nil
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
