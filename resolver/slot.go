package resolver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/internal/proc"
)

// slotKey names a mapped file within one process. The kernel's build ID is
// part of it: overlayfs shows one device and inode for the lower file, still
// mapped, and for its rewritten copy, mapped later.
type slotKey struct {
	devMajor, devMinor uint32
	inode              uint64
	id                 buildid.ID
	member             uint64 // address of the object's first mapping where one file holds several
}

// rangeKey names a mapping as it was when its slot was found.
type rangeKey struct {
	start, end, offset uint64
	devMajor, devMinor uint32
	inode              uint64
}

func keyOf(m Mapping) rangeKey {
	return rangeKey{m.Start, m.End, m.Offset, m.DevMajor, m.DevMinor, m.Inode}
}

// slot is the place of one object in a process: filled once, by whoever asks
// first, while the others wait.
type slot struct {
	done  chan struct{}
	entry *Entry
	stat  proc.FileStat
	at    time.Time
}

// retryAfter is how long a failure is remembered: long enough that a stream
// of addresses does not climb the ladder for each, short enough that a long
// run gets over a passing fault.
const retryAfter = 10 * time.Second

// maxSlots bounds the objects that one Process keeps open between batches, as
// each may hold a file descriptor.
const maxSlots = 1024

func (s *slot) drop() {
	go func() {
		<-s.done
		s.entry.Close()
	}()
}

// entryOf returns the process's own entry for the object behind m, opening it
// where nobody has.
func (p *Process) entryOf(ctx context.Context, m Mapping) (*Entry, error) {
	s, mine, err := p.slotFor(ctx, m)
	if err != nil {
		return nil, err
	}
	if mine {
		p.fill(ctx, s, m)
	}
	select {
	case <-s.done:
		return s.entry, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// slotFor finds m's slot, or makes one that the caller must fill.
func (p *Process) slotFor(ctx context.Context, m Mapping) (s *slot, mine bool, err error) {
	rk := keyOf(m)
	p.mu.Lock()
	s = p.ranges[rk]
	p.mu.Unlock()
	if s != nil {
		return s, false, nil
	}
	key, err := p.slotKeyOf(ctx, m)
	if err != nil {
		return nil, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil, false, fmt.Errorf("process %d: %w", p.pid, ErrClosed)
	}
	if s = p.slots[key]; s == nil {
		s, mine = &slot{done: make(chan struct{})}, true
		p.slots[key] = s
	}
	p.ranges[rk] = s
	return s, mine, nil
}

// slotKeyOf asks the kernel for the build ID behind m, once for each mapping.
// Where there is none, each place to which a file is loaded stands for itself:
// nothing else would tell two files with one inode number apart.
func (p *Process) slotKeyOf(ctx context.Context, m Mapping) (slotKey, error) {
	key := slotKey{devMajor: m.DevMajor, devMinor: m.DevMinor, inode: m.Inode}
	id, err := p.kernelID(ctx, m)
	switch {
	case errors.Is(err, ErrTimeout):
		return key, nil // newEntry will say so in its own words
	case err != nil:
		return key, err
	}
	key.id = id
	if key.id == "" {
		key.member = p.loadedAt(m)
	}
	return key, nil
}

// kernelID is the build ID that the kernel finds in the file behind m. It reads
// the file for that, so that a stalled file system makes it wait.
func (p *Process) kernelID(ctx context.Context, m Mapping) (buildid.ID, error) {
	if err := p.stalledError(m); err != nil {
		return "", err
	}
	q, err := limited(ctx, p.r.timeout, func() (Mapping, error) { return p.os.Query(m.Start, proc.WantBuildID) }, nil)
	p.noteStall(m, err)
	return buildid.ID(q.BuildID), p.osError(err)
}

// noteStall remembers a device whose file system did not answer in time, so
// that it costs the time limit once and not for each of its objects.
func (p *Process) noteStall(m Mapping, err error) {
	if !errors.Is(err, ErrTimeout) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalls[device{m.DevMajor, m.DevMinor}] = time.Now()
}

// stalledError is ErrTimeout for a while after m's device stalled.
func (p *Process) stalledError(m Mapping) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	since, ok := p.stalls[device{m.DevMajor, m.DevMinor}]
	if !ok || time.Since(since) > retryAfter {
		return nil
	}
	return fmt.Errorf("%w: the file system of %q stalls", ErrTimeout, m.Name)
}

type device struct{ major, minor uint32 }

// loadedAt is the start of the run of adjacent mappings of m's file.
func (p *Process) loadedAt(m Mapping) uint64 {
	cur := m
	for range maxWalk {
		if cur.Start == 0 {
			break
		}
		prev, err := p.os.Query(cur.Start-1, 0)
		if err != nil || !sameFile(prev, m) || prev.Offset > cur.Offset {
			break
		}
		cur = prev
	}
	return cur.Start
}

// codeBeside lists the mappings of code that adjoin m and are of the same load
// of its file: text that mprotect split, or several segments.
func (p *Process) codeBeside(m Mapping) []Mapping {
	var code []Mapping
	cur := m
	for range maxWalk {
		if cur.Start == 0 {
			break
		}
		prev, err := p.os.Query(cur.Start-1, 0)
		if err != nil || !sameFile(prev, m) || prev.Offset > cur.Offset {
			break
		}
		if cur = prev; isCode(cur) {
			code = append(code, cur)
		}
	}
	cur = m
	for range maxWalk {
		next, err := p.os.Query(cur.End, 0)
		if err != nil || !sameFile(next, m) || next.Offset < cur.Offset {
			break
		}
		if cur = next; isCode(cur) {
			code = append(code, cur)
		}
	}
	return code
}

// fill opens the object for a slot within the Resolver's time limit.
func (p *Process) fill(ctx context.Context, s *slot, m Mapping) {
	s.entry, s.stat = p.newEntry(ctx, m, p.codeBeside(m))
	s.entry.Mappings = []Mapping{m}
	s.at = time.Now()
	if ctx.Err() != nil {
		p.forget(s) // this caller gave up, which says nothing to the next one
	}
	close(s.done)
}

// forget takes s out of the process's tables.
func (p *Process) forget(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.slots, func(_ slotKey, o *slot) bool { return o == s })
	maps.DeleteFunc(p.ranges, func(_ rangeKey, o *slot) bool { return o == s })
}

// refresh forgets what no longer holds: objects whose file was written to
// since, failures that may have passed, and the surplus of open objects.
func (p *Process) refresh() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	var dropped []*slot
	for key, s := range p.slots {
		select {
		case <-s.done:
		default:
			continue
		}
		if len(p.slots)-len(dropped) > maxSlots || s.stale(now) {
			delete(p.slots, key)
			dropped = append(dropped, s)
		}
	}
	if len(dropped) == 0 {
		return
	}
	clear(p.ranges)
	for _, s := range dropped {
		s.drop()
	}
}

// stale reports whether a filled slot should be asked for anew.
func (s *slot) stale(now time.Time) bool {
	if s.entry.Err != nil {
		return now.Sub(s.at) > retryAfter
	}
	co := s.entry.Object.view.core
	if co == nil || co.file == nil || !co.local {
		return false
	}
	stat, err := proc.StatFile(co.file)
	return err != nil || !stat.SameFile(s.stat)
}
