package addr2line

import (
	"sync"

	"github.com/symfetch/symfetch/internal/frame"
)

// resident are the tables that are kept, up to a bound.
type resident struct {
	mu     sync.Mutex
	tables []*table
	hand   int // where the search for a table to drop goes on
	bytes  int64
}

const (
	// defaultMemory bounds the tables where nobody chose, in bytes.
	defaultMemory = 64 << 20
	// maxStreamed lookups read through a unit before it gets a table. A table
	// costs about as much as two of them.
	maxStreamed = 3
	// neverTable is slot.streamed of a unit that cannot have a table.
	neverTable = -1 << 30
)

// lookup answers vaddr from one unit.
func (d *Data) lookup(dst []frame.Frame, s *slot, vaddr uint64) (out []frame.Frame, named bool, err error) {
	t := s.table.Load()
	if t == nil {
		// Of several goroutines that ask at once, one builds.
		if s.streamed.Add(1) != maxStreamed+1 {
			return d.stream(dst, s.off, vaddr)
		}
		if t = d.buildTable(s); t == nil {
			return d.stream(dst, s.off, vaddr)
		}
	}
	if !t.used.Load() {
		t.used.Store(true)
	}
	return t.appendFrames(dst, vaddr)
}

// buildTable gives a unit its table, nil if it cannot have one.
func (d *Data) buildTable(s *slot) *table {
	w := d.newWork()
	u, err := d.unitAt(&d.main, s.off, w)
	var t *table
	limit := d.maxMemory()
	if err == nil {
		t = u.build(w, limit)
	}
	if t == nil || t.size > limit {
		s.streamed.Store(neverTable)
		return nil
	}
	t.slot = s
	d.resident.keep(t, limit)
	return t
}

// maxMemory bounds the tables, in bytes.
func (d *Data) maxMemory() int64 {
	if d.in.MaxMemory > 0 {
		return d.in.MaxMemory
	}
	return defaultMemory
}

// keep adds a table, and drops others that were not used lately until all fit.
func (r *resident) keep(t *table, limit int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.used.Store(true)
	t.slot.table.Store(t)
	r.bytes += t.size
	r.fit(limit)
	r.tables = append(r.tables, t)
}

// grow says that a table takes n bytes more, which its functions' names take as
// they become known.
func (r *resident) grow(t *table, n, limit int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.slot.table.Load() != t {
		return // dropped
	}
	t.size += n
	r.bytes += n
	r.fit(limit)
}

// fit drops tables that were not used lately.
func (r *resident) fit(limit int64) {
	for r.bytes > limit && len(r.tables) > 0 {
		if r.hand >= len(r.tables) {
			r.hand = 0
		}
		old := r.tables[r.hand]
		if old.used.Swap(false) {
			r.hand++
			continue
		}
		last := len(r.tables) - 1
		r.tables[r.hand] = r.tables[last]
		r.tables[last] = nil
		r.tables = r.tables[:last]
		r.bytes -= old.size
		old.slot.table.Store(nil)
		old.slot.streamed.Store(0)
	}
}

// Bytes estimates what the tables of the units take on the heap, in bytes.
func (d *Data) Bytes() int64 {
	d.resident.mu.Lock()
	defer d.resident.mu.Unlock()
	return d.resident.bytes
}
