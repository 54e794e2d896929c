package resolver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/symfetch/symfetch/internal/proc"
)

// Frames returns the calls at addr, innermost first. addr is the address of an
// instruction: for a return address pass the one before it.
func (p *Process) Frames(ctx context.Context, addr uint64) ([]Frame, error) {
	for r := range p.Symbolize(ctx, []uint64{addr}) {
		return r.Frames, r.Err
	}
	return nil, ctx.Err()
}

// Symbolize answers a batch of addresses, one Result for each, in their order.
// An error belongs to its address alone; where the process ends or ctx is
// cancelled the addresses left say so. A Result's Entry belongs to the
// Process and serves until the next batch begins.
func (p *Process) Symbolize(ctx context.Context, addrs []uint64) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		p.refresh()
		for _, r := range p.symbolize(ctx, addrs) {
			if !yield(r) {
				return
			}
		}
	}
}

// symbolize sorts the addresses, finds each mapping and object once, and lets
// all processors name them.
func (p *Process) symbolize(ctx context.Context, addrs []uint64) []Result {
	results := make([]Result, len(addrs))
	order := make([]int, len(addrs))
	for i, a := range addrs {
		results[i] = Result{Index: i, Addr: a}
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(addrs[a], addrs[b]) })
	spans := p.locate(results, order)
	parallel(len(spans), openAtOnce, func(i int) { spans[i].at, spans[i].err = p.find(ctx, spans[i].at.mapping) })
	jobs := assign(results, spans)
	for i := range spans {
		if s := &spans[i]; isGenerated(s.err) {
			p.nameGenerated(ctx, results, s.order, s.err)
		}
	}
	p.fetchDebug(ctx, jobs)
	parallel(len(jobs), runtime.GOMAXPROCS(0), func(i int) { p.name(ctx, results, jobs[i]) })
	for _, s := range spans {
		if s.object != nil {
			s.object.Close()
		}
	}
	p.nameKernel(results)
	p.outlived(results)
	return results
}

// outlived takes back every answer if the process ended while they were made:
// some of them may be of the program that came after.
func (p *Process) outlived(results []Result) {
	err := p.Check()
	if err == nil {
		return
	}
	for i := range results {
		r := &results[i]
		*r = Result{Index: r.Index, Addr: r.Addr, Err: fmt.Errorf("address %#x: %w", r.Addr, err)}
	}
}

// openAtOnce bounds the objects opened in parallel. Opening waits more than it
// computes, above all where a file system stalls.
const openAtOnce = 16

// span is a run of addresses, ascending, in one mapping.
type span struct {
	at     location
	order  []int   // indices into the results
	object *Object // a hold for the time of the batch
	err    error
}

// locate finds the mapping of every address with one query for each mapping
// touched. What has none is answered at once.
func (p *Process) locate(results []Result, order []int) []span {
	var spans []span
	for i := 0; i < len(order); {
		r := &results[order[i]]
		m, err := p.os.Query(r.Addr, 0)
		if err != nil {
			r.Err = p.addrError(r.Addr, err)
			i++
			if errors.Is(err, proc.ErrGone) {
				for _, j := range order[i:] {
					results[j].Err = r.Err
				}
				return spans
			}
			continue
		}
		first := i
		for i++; i < len(order) && results[order[i]].Addr < m.End; i++ {
		}
		spans = append(spans, span{at: location{mapping: m}, order: order[first:i]})
	}
	return spans
}

func (p *Process) addrError(addr uint64, err error) error {
	if errors.Is(err, proc.ErrUnmapped) {
		return fmt.Errorf("address %#x: %w", addr, ErrUnmapped)
	}
	return fmt.Errorf("address %#x: %w", addr, p.osError(err))
}

// assign answers the spans that have no object, and returns the others.
func assign(results []Result, spans []span) []span {
	var jobs []span
	for i := range spans {
		s := &spans[i]
		if s.err == nil {
			s.err = s.at.entry.Err
		}
		for _, i := range s.order {
			results[i].Mapping, results[i].Entry, results[i].Err = s.at.mapping, s.at.entry, s.err
		}
		if s.err == nil {
			s.object = s.at.entry.Object.handle()
			jobs = append(jobs, *s)
		}
	}
	return jobs
}

// isGenerated reports whether an error says that no ELF object is behind a
// mapping, so that it may hold code that a runtime generated: in anonymous
// memory, or in a file of its own.
func isGenerated(err error) bool { return errors.Is(err, ErrNoObject) || errors.Is(err, ErrNotELF) }

// name answers one job.
func (p *Process) name(ctx context.Context, results []Result, job span) {
	if job.object.view.answersAtOnce() {
		nameAll(ctx, job.object, job.at, results, job.order)
		return
	}
	p.nameSlowly(ctx, job.object, job.at, results, job.order)
}

// nameAll answers addresses of one object.
func nameAll(ctx context.Context, o *Object, at location, results []Result, order []int) {
	vaddrs := make([]uint64, 0, len(order))
	asked := make([]*Result, 0, len(order))
	for _, i := range order {
		r := &results[i]
		if r.Err = ctx.Err(); r.Err != nil {
			continue
		}
		r.Off, r.Vaddr, r.Err = at.convert(o, r.Addr)
		if r.Err != nil {
			r.Err = fmt.Errorf("address %#x in %q: %w", r.Addr, at.entry.Path, r.Err)
			continue
		}
		r.HasVaddr = true
		vaddrs, asked = append(vaddrs, r.Vaddr), append(asked, r)
	}
	o.view.symbolize(vaddrs, func(i int, frames []Frame, err error) {
		r := asked[i]
		if err != nil {
			r.Err = fmt.Errorf("address %#x in %q at vaddr %#x: %w", r.Addr, at.entry.Path, r.Vaddr, err)
			return
		}
		r.Frames = slices.Clone(frames)
	})
}

// nameSlowly answers from an object on a file system that may stall, or from
// the target's memory behind which one may lie: on copies that the abandoned
// goroutine may keep, within the time limit.
func (p *Process) nameSlowly(ctx context.Context, o *Object, at location, results []Result, order []int) {
	mine := make([]Result, len(order))
	own := make([]int, len(order))
	for j, i := range order {
		mine[j], own[j] = results[i], j
	}
	o = o.handle()
	got, err := limited(ctx, p.r.timeout, func() ([]Result, error) {
		defer o.Close()
		nameAll(ctx, o, at, mine, own)
		return mine, nil
	}, nil)
	for j, i := range order {
		if err != nil {
			results[i].Err = fmt.Errorf("address %#x in %q: %w", results[i].Addr, at.entry.Path, err)
			continue
		}
		results[i] = got[j]
	}
}

// parallel runs f for every index below n in at most workers goroutines.
func parallel(n, workers int, f func(int)) {
	workers = min(n, workers)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
