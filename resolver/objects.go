package resolver

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/internal/proc"
)

// Objects yields every object that the process runs code of, by ascending
// address of its first mapping, opened in parallel a few ahead of the caller.
// An entry without an object says why. The caller closes the entries. The
// error, yielded once and last, is about the process as a whole.
func (p *Process) Objects(ctx context.Context) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		all, err := p.os.Mappings()
		if err != nil {
			yield(nil, p.osError(err))
			return
		}
		made := p.openAll(ctx, p.group(ctx, all))
		defer made.stop()
		for e := range made.entries() {
			if !yield(e, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		} else if err := p.Check(); err != nil {
			yield(nil, err)
		}
	}
}

// Entry opens the object behind m, one that Mappings or Mapping returned. The
// caller closes it. The error is ErrNoObject where m is of no file.
func (p *Process) Entry(ctx context.Context, m Mapping) (*Entry, error) {
	at, err := p.find(ctx, m)
	if err != nil {
		return nil, err
	}
	e := *at.entry
	if e.Object != nil {
		e.Object = e.Object.handle()
	}
	return &e, nil
}

// Object opens the object behind m, a counted handle that the caller closes.
// The error is an *OpenError, ErrNoObject or ErrProcessGone.
func (p *Process) Object(ctx context.Context, m Mapping) (*Object, error) {
	e, err := p.Entry(ctx, m)
	if err != nil {
		return nil, err
	}
	return e.Object, e.Err
}

// ahead is how many objects are opened beyond the one that the caller of
// Objects looks at: more than workers, so that one that stalls does not hold
// the others up.
const ahead = 4 * openAtOnce

// opening is a list of objects that workers open a few ahead of their reader.
type opening struct {
	ctx    context.Context
	cancel context.CancelFunc
	n      int
	next   atomic.Int64
	tokens chan struct{}      // one for each object that is opened and not read
	made   [ahead]chan *Entry // of the object with the index modulo ahead
	wg     sync.WaitGroup
}

// openAll begins to open the objects of groups. The caller reads entries and
// calls stop.
func (p *Process) openAll(ctx context.Context, groups []group) *opening {
	o := &opening{n: len(groups), tokens: make(chan struct{}, ahead)}
	o.ctx, o.cancel = context.WithCancel(ctx)
	for i := range o.made {
		o.made[i] = make(chan *Entry, 1)
	}
	for range min(openAtOnce, o.n) {
		o.wg.Go(func() {
			for {
				select {
				case o.tokens <- struct{}{}:
				case <-o.ctx.Done():
					return
				}
				i := int(o.next.Add(1)) - 1
				if i >= o.n {
					return
				}
				o.made[i%ahead] <- p.open(o.ctx, groups[i])
			}
		})
	}
	return o
}

// entries yields the entries in the order of the groups, until the context
// ends. The receiver closes them.
func (o *opening) entries() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for i := range o.n {
			select {
			case e := <-o.made[i%ahead]:
				<-o.tokens
				if !yield(e) {
					return
				}
			case <-o.ctx.Done():
				return
			}
		}
	}
}

// stop ends the workers and closes what nobody read.
func (o *opening) stop() {
	o.cancel()
	o.wg.Wait()
	for _, made := range o.made {
		select {
		case e := <-made:
			e.Close()
		default:
		}
	}
}

// group is the mappings of one loaded object.
type group struct {
	mappings []Mapping
	// code is the mapping by which the object is opened and verified.
	code Mapping
}

// open makes the entry of one group.
func (p *Process) open(ctx context.Context, g group) *Entry {
	if g.code.Name == vdsoName {
		return p.vdsoEntry(g.code)
	}
	var code []Mapping
	for _, m := range g.mappings {
		if isCode(m) && m.Start != g.code.Start {
			code = append(code, m)
		}
	}
	e, _ := p.newEntry(ctx, g.code, code)
	e.Mappings = g.mappings
	return e
}

// group sorts mappings into objects: those of one file with code among them,
// or with anonymous code between them, and the vDSO. Files that are mapped
// for their data only are no objects of the process.
func (p *Process) group(ctx context.Context, all []Mapping) []group {
	type fileKey struct {
		devMajor, devMinor uint32
		inode              uint64
	}
	byFile := make(map[fileKey]int)
	var groups []group
	for i, m := range all {
		switch {
		case m.HasFile():
			k := fileKey{m.DevMajor, m.DevMinor, m.Inode}
			at, ok := byFile[k]
			if !ok {
				at = len(groups)
				byFile[k] = at
				groups = append(groups, group{})
			}
			groups[at].mappings = append(groups[at].mappings, m)
			if isCode(m) && !isCode(groups[at].code) {
				groups[at].code = m
			}
		case m.Name == vdsoName:
			groups = append(groups, group{mappings: []Mapping{m}, code: m})
		case isCode(m) && i > 0 && i+1 < len(all) && all[i-1].HasFile() && sameFile(all[i-1], all[i+1]):
			at := byFile[fileKey{all[i-1].DevMajor, all[i-1].DevMinor, all[i-1].Inode}]
			if groups[at].code.End == 0 {
				groups[at].code = groups[at].mappings[0]
			}
		}
	}
	kept := groups[:0]
	for _, g := range groups {
		if g.code.End != 0 {
			kept = append(kept, p.split(ctx, g)...)
		}
	}
	return kept
}

// split parts a group whose file was loaded more than once where the kernel
// shows different build IDs: overlayfs gives one inode number to a file that
// is still mapped and to its rewritten copy. Members of an archive, each with
// code of its own, part as well.
func (p *Process) split(ctx context.Context, g group) []group {
	runs := loads(g.mappings)
	if len(runs) < 2 {
		return []group{g}
	}
	ids := p.kernelIDs(ctx, runs)
	var out []group
	byID := make(map[buildid.ID]int)
	for i, run := range runs {
		code, ok := codeOf(run)
		if !ok {
			continue
		}
		if at, ok := byID[ids[i]]; ok && ids[i] != "" {
			out[at].mappings = append(out[at].mappings, run...)
			continue
		}
		byID[ids[i]] = len(out)
		out = append(out, group{mappings: run, code: code})
	}
	if len(out) == 0 {
		return []group{g}
	}
	return out
}

// kernelIDs asks for the build ID of each run, all of one file; "" where the
// kernel has none or its file system stalls.
func (p *Process) kernelIDs(ctx context.Context, runs [][]Mapping) []buildid.ID {
	ids := make([]buildid.ID, len(runs))
	if p.stalledError(runs[0][0]) != nil {
		return ids
	}
	got, err := limited(ctx, p.r.timeout, func() ([]buildid.ID, error) {
		got := make([]buildid.ID, len(runs))
		for i, run := range runs {
			if q, err := p.os.Query(run[0].Start, proc.WantBuildID); err == nil {
				got[i] = buildid.ID(q.BuildID)
			}
		}
		return got, nil
	}, nil)
	p.noteStall(runs[0][0], err)
	if err != nil {
		return ids
	}
	return got
}

// loads cuts a file's mappings where its offsets start over: each part was
// loaded by itself.
func loads(ms []Mapping) [][]Mapping {
	var runs [][]Mapping
	first := 0
	for i := 1; i < len(ms); i++ {
		if ms[i].Offset < ms[i-1].Offset || ms[i].Offset == 0 {
			runs = append(runs, ms[first:i:i])
			first = i
		}
	}
	return append(runs, ms[first:])
}

func codeOf(ms []Mapping) (Mapping, bool) {
	for _, m := range ms {
		if isCode(m) {
			return m, true
		}
	}
	return Mapping{}, false
}
