package resolver

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"strings"

	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/proc"
)

// location is where the addresses of one mapping lead: to an object, with the
// conversion into its virtual addresses.
type location struct {
	mapping Mapping
	entry   *Entry
	// bridged: the mapping is anonymous memory that took the place of the
	// object's text; bias is then addr - vaddr, proved by the neighbours.
	bridged bool
	bias    uint64
	// hint tells two segments of the object apart that could both have made
	// the mapping; nil where it is not needed.
	hint *biasHint
}

// biasHint is the load bias that another mapping of the same load shows.
type biasHint struct{ bias uint64 }

// convert turns an address of the location into an offset and a virtual
// address of the object.
func (l location) convert(o *Object, addr uint64) (off, vaddr uint64, err error) {
	if !l.bridged {
		return o.vaddrOf(addr, l.mapping, l.hint)
	}
	vaddr = addr - l.bias
	at, ok := codeWithin(o.view.elf, vaddr, vaddr+1)
	if !ok {
		return 0, 0, fmt.Errorf("vaddr %#x lies in no segment of code: %w", vaddr, ErrNoObject)
	}
	return at.Offset + o.view.off, vaddr, nil
}

const vdsoName = "[vdso]"

// find leads from a mapping to its object.
func (p *Process) find(ctx context.Context, m Mapping) (location, error) {
	at := location{mapping: m}
	var err error
	if m.HasFile() {
		if at.entry, err = p.entryOf(ctx, m); err == nil && at.entry.Err == nil {
			at.hint = p.hintFor(m, at.entry.Object)
		}
		return at, err
	}
	if m.Name == "" {
		if m, err = p.os.Query(m.Start, proc.WantName); err != nil {
			return at, p.addrError(at.mapping.Start, err)
		}
		at.mapping = m
	}
	if m.Name == vdsoName {
		at.entry, err = p.ownVDSO(m)
		return at, err
	}
	return p.bridge(ctx, at)
}

// ownVDSO returns the process's own entry for the vDSO.
func (p *Process) ownVDSO(m Mapping) (*Entry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil, ErrClosed
	}
	s := p.ranges[keyOf(m)]
	if s == nil {
		s = &slot{done: make(chan struct{}), entry: p.vdsoEntry(m)}
		close(s.done)
		p.ranges[keyOf(m)] = s
		p.slots[slotKey{member: m.Start}] = s
	}
	return s.entry, nil
}

// bridge finds the object whose text was moved to anonymous memory (for huge
// pages, as some runtimes do): the file's own mappings still lie beside it.
// The neighbours only give an idea; that the memory holds the object's bytes
// at these virtual addresses is what proves it. Code that a JIT compiler put
// into a hole between two segments differs there.
func (p *Process) bridge(ctx context.Context, at location) (location, error) {
	m := at.mapping
	none := fmt.Errorf("%s: %w", describeAnonymous(m), ErrNoObject)
	if !isCode(m) {
		return at, none
	}
	before, after, err := p.neighbours(m)
	if err != nil {
		return at, err
	}
	var refused error
	for _, n := range []Mapping{before, after} {
		if !n.HasFile() {
			continue
		}
		e, err := p.entryOf(ctx, n)
		if err != nil {
			return at, err
		}
		if e.Err != nil || e.Object.view.src == nil {
			continue
		}
		bias, err := p.proveBridge(m, n, e.Object)
		if err == nil {
			return location{mapping: m, entry: e, bridged: true, bias: bias}, nil
		}
		refused = err
	}
	if refused != nil {
		return at, fmt.Errorf("%w (beside mappings of an object, but %v)", none, refused)
	}
	return at, none
}

// hintFor looks at the other mappings of the same load where m alone does not
// say which segment it is of, as when its permissions were changed.
func (p *Process) hintFor(m Mapping, o *Object) *biasHint {
	if _, _, err := o.vaddrOf(m.Start, m, nil); !errors.Is(err, elffile.ErrAmbiguous) {
		return nil
	}
	first, err := p.os.Query(p.loadedAt(m), 0)
	if err != nil || first == m {
		return nil
	}
	_, vaddr, err := o.vaddrOf(first.Start, first, nil)
	if err != nil {
		return nil
	}
	return &biasHint{first.Start - vaddr}
}

// neighbours are the nearest mappings of files below and above m, the zero
// Mapping where there is none: text may have moved in several pieces.
func (p *Process) neighbours(m Mapping) (before, after Mapping, err error) {
	const maxPieces = 64
	cur := m
	for range maxPieces {
		if cur.Start == 0 {
			break
		}
		if cur, err = p.os.Query(cur.Start-1, 0); err != nil {
			break
		}
		if cur.HasFile() {
			before = cur
			break
		}
	}
	if err != nil && !errors.Is(err, proc.ErrUnmapped) {
		return before, after, p.osError(err)
	}
	cur = m
	for range maxPieces {
		if cur, err = p.os.QueryNext(cur.End, 0); err != nil {
			break
		}
		if cur.HasFile() {
			after = cur
			break
		}
	}
	if err != nil && !errors.Is(err, proc.ErrUnmapped) {
		return before, after, p.osError(err)
	}
	return before, after, nil
}

// proveBridge computes the load bias from the neighbour n and compares m's
// memory with the object's bytes at the virtual addresses that it gives.
func (p *Process) proveBridge(m, n Mapping, o *Object) (bias uint64, err error) {
	_, vaddr, err := o.vaddrOf(n.Start, n, nil)
	if err != nil {
		return 0, err
	}
	bias = n.Start - vaddr
	code, ok := codeWithin(o.view.elf, m.Start-bias, m.End-bias)
	if !ok {
		return 0, errors.New("the object has no code at this distance")
	}
	code.Start, code.End = code.Start+bias, code.End+bias
	diff, err := p.compareBytes(code, nil, o.view.src, samplesPerContent)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrNotVerified, err)
	}
	if diff != nil {
		return 0, diff
	}
	return bias, nil
}

// codeWithin returns the part of a segment of code that lies between two
// virtual addresses, as a mapping of virtual addresses.
func codeWithin(f *elffile.File, start, end uint64) (Mapping, bool) {
	for _, s := range f.Progs() {
		if s.Type != elf.PT_LOAD || s.Flags&elf.PF_X == 0 || s.Vaddr+s.Filesz < s.Vaddr {
			continue
		}
		lo, hi := max(start, s.Vaddr), min(end, s.Vaddr+s.Filesz)
		if lo < hi {
			return Mapping{Start: lo, End: hi, Offset: s.Off + (lo - s.Vaddr)}, true
		}
	}
	return Mapping{}, false
}

func describeAnonymous(m Mapping) string {
	switch {
	case m.Name == "":
		return "anonymous memory"
	case strings.HasPrefix(m.Name, "["):
		return m.Name
	}
	return fmt.Sprintf("memory named %q", m.Name)
}
