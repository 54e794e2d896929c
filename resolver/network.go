package resolver

import (
	"context"

	"github.com/symfetch/symfetch/internal/proc"
)

// fetchAtOnce is how many debug files are fetched in parallel.
const fetchAtOnce = 8

// fetchDebug gets the debug files that the objects of jobs lack from the
// network, where there is one. It takes as long as the Fetcher does.
func (p *Process) fetchDebug(ctx context.Context, jobs []span) {
	if p.r.network == nil {
		return
	}
	parallel(len(jobs), fetchAtOnce, func(i int) { p.r.fetchFor(ctx, jobs[i].object) })
}

// fetchFor asks the network once for the debug file of an object that has a
// build ID and no lines of its own.
func (r *Resolver) fetchFor(ctx context.Context, o *Object) {
	v := o.view
	l := v.links()
	if l.id == "" || o.source == SourceVDSO || v.debug.Load() != nil || v.hasDWARF() {
		return
	}
	if _, err := v.pclntab(); err == nil {
		return // Go has its own
	}
	v.fetchOnce.Do(func() {
		a := &Attempt{Source: SourceDebuginfod, Path: l.id.String()}
		a.Err = r.fetchAndAdopt(ctx, v, l)
		v.fetched.Store(a)
		if a.Err != nil {
			r.log.Debug("debug file not fetched", "object", o.path, "id", l.id, "err", a.Err)
		}
	})
}

func (r *Resolver) fetchAndAdopt(ctx context.Context, v *view, l links) error {
	f, err := r.network.Fetch(ctx, l.id, KindDebugInfo)
	if err != nil {
		return err
	}
	path := f.Name()
	stat, err := proc.StatFile(f)
	if err != nil {
		f.Close()
		return err
	}
	c, err := r.open(f, stat)
	if err != nil {
		return err
	}
	return v.adopt(c, l, SourceDebuginfod, path)
}
