package resolver

import (
	"context"
	"errors"
	"strings"

	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/proc"
)

// newEntry opens the object behind m and describes it; code are the object's
// other mappings of code. It never fails: an entry without an object says why.
// A file system that does not answer costs the time limit.
func (p *Process) newEntry(ctx context.Context, m Mapping, code []Mapping) (*Entry, proc.FileStat) {
	type both struct {
		e    *Entry
		stat proc.FileStat
	}
	err := p.stalledError(m)
	var made both
	if err == nil {
		open := func() (both, error) {
			o := p.climb(ctx, m, code)
			return both{p.describe(o), o.stat}, nil
		}
		if p.isLocal(m) {
			made, err = open()
		} else {
			made, err = limited(ctx, p.r.timeout, open, func(b both) { b.e.Close() })
			p.noteStall(m, err)
		}
	}
	if err != nil {
		open := &OpenError{Path: cutName(m.Name), Mapping: m, cause: err}
		return &Entry{Path: cutName(m.Name), State: StateUnreadable, Err: open}, proc.FileStat{}
	}
	p.noteHints(made.e)
	p.complete(ctx, made.e, m)
	return made.e, made.stat
}

// complete looks for the debug file of an entry's object within the time
// limit: the target's root directory may stall where the object itself does
// not. Once it did, it is left alone for a while.
func (p *Process) complete(ctx context.Context, e *Entry, m Mapping) {
	var inRoot Mapping // stands for the root directory
	if e.Object == nil || p.stalledError(inRoot) != nil {
		return
	}
	f := &finder{r: p.r, p: p, name: e.Path}
	if len(f.roots()) == 1 && p.isLocal(m) && len(p.r.debugDirs) == 0 && p.r.fetcher == nil {
		e.Object.complete(ctx, f) // beside the object, and in our /usr
		return
	}
	o := e.Object.handle()
	tried, err := limited(ctx, p.r.timeout, func() ([]Attempt, error) {
		defer o.Close()
		o.complete(ctx, f)
		return o.tried, nil
	}, nil)
	if err != nil {
		tried = []Attempt{{Source: SourceTarget, Err: err}}
		p.noteStall(inRoot, err)
	}
	e.Object.tried = tried
}

// Close gives back the entry's object, if it has one.
func (e *Entry) Close() {
	if e != nil && e.Object != nil {
		e.Object.Close()
	}
}

// describe turns what the ladder came to into an entry: the words of the
// table beside the object.
func (p *Process) describe(o opened) *Entry {
	e := &Entry{
		Path: cutName(o.mapping.Name), BuildID: o.identity.gnu, GoBuildID: o.identity.goID,
		Object: o.object, Err: o.err, attempts: o.attempts,
	}
	place := p.place(o)
	e.Path, e.Deleted, e.Container = place.path, place.deleted, place.container
	e.State = stateOf(o, place)
	if o.object == nil {
		return e
	}
	e.Source, e.Verified = o.object.source, o.object.verified
	if e.BuildID == "" {
		e.BuildID = o.object.BuildID()
	}
	if e.GoBuildID == "" {
		e.GoBuildID = o.object.GoBuildID()
	}
	return e
}

// Attempts lists the rungs that were tried for the object and why each was
// refused; the last has no error where it served.
func (e *Entry) Attempts() []Attempt {
	var open *OpenError
	if errors.As(e.Err, &open) {
		return open.Attempts
	}
	return e.attempts
}

// place is what lies at a mapped file's name today.
type place struct {
	path               string
	deleted, container bool
	// found says that something is there, same that it is the mapped file.
	found, same bool
}

// place looks at the name of the mapped file in the target's mount namespace
// and in ours.
func (p *Process) place(o opened) place {
	m := o.mapping
	base, suffixed := cutDeleted(m.Name)
	if m.Name == "" && o.object != nil {
		// The kernel gives no name longer than PATH_MAX; links tell what is left.
		linked := o.stat.Nlink > 0
		return place{deleted: !linked, found: linked, same: linked}
	}
	if !strings.HasPrefix(m.Name, "/") || isMemfd(m.Name) {
		return place{path: base, deleted: suffixed}
	}
	pl := place{path: m.Name}
	at, found := p.statName(m.Name)
	if suffixed && !(found && o.isAt(at)) {
		// The kernel's suffix, unless the file itself lies at the whole name.
		pl.path, pl.deleted = base, true
		at, found = p.statName(base)
	}
	pl.found, pl.same = found, found && o.isAt(at)
	pl.container = p.elsewhere(o, pl)
	return pl
}

// isAt reports whether stat, taken by a path, is of the mapped file. With an
// object at hand two stats of one kind are compared, as the mapping's device
// is not what stat gives on btrfs and overlayfs. An object found by its name is
// no witness of what became of the mapped one: where the kernel calls that
// deleted, the number must be the mapping's too.
func (o opened) isAt(stat proc.FileStat) bool {
	if o.object != nil && o.object.view.core != nil {
		if _, deleted := cutDeleted(o.mapping.Name); deleted && !o.object.source.byHandle() && stat.Ino != o.mapping.Inode {
			return false
		}
		return stat.Ino == o.stat.Ino && stat.DevMajor == o.stat.DevMajor && stat.DevMinor == o.stat.DevMinor
	}
	m := o.mapping
	return stat.Ino == m.Inode && stat.DevMajor == m.DevMajor && stat.DevMinor == m.DevMinor
}

// statName looks for the file that a mapping's name means to the target.
func (p *Process) statName(name string) (proc.FileStat, bool) {
	if same, err := p.sameMounts(); err == nil && same && p.rootLink() == "/" {
		// Its paths are ours.
		stat, err := proc.StatPath(name)
		return stat, err == nil
	}
	for _, path := range p.pathsInRoot(name) {
		if stat, err := p.os.StatInRoot(path); err == nil {
			return stat, true
		}
	}
	if same, err := p.sameMounts(); err == nil && !same {
		return proc.FileStat{}, false
	}
	// In our own mount namespace the name that we were given is ours, also
	// where the target sits in a chroot.
	stat, err := proc.StatPath(name)
	return stat, err == nil
}

// elsewhere reports whether pl's path means something else, or nothing, in
// our mount namespace, for a target in another one.
func (p *Process) elsewhere(o opened, pl place) bool {
	if same, err := p.sameMounts(); err != nil || same {
		return false
	}
	stat, err := proc.StatPath(pl.path)
	return err != nil || !o.isAt(stat)
}

// otherAtPath reports whether a file that has the mapped one's numbers proved
// to be another: a copy on overlayfs, written to since.
func (o opened) otherAtPath() bool {
	for _, a := range o.attempts {
		if _, ok := errors.AsType[*MismatchError](a.Err); ok && a.Source != SourceLower {
			return true
		}
	}
	return false
}

func isMemfd(name string) bool { return strings.HasPrefix(name, "/memfd:") }

// stateOf gives the first state of the contract's list that applies.
func stateOf(o opened, pl place) State {
	switch {
	case o.object == nil:
		return StateUnreadable
	case o.object.modified:
		return StateModified
	case pl.found && (!pl.same || o.otherAtPath()):
		return StateReplaced
	case isMemfd(o.mapping.Name):
		return StateMemfd
	case o.object.source == SourceVDSO:
		return StateVDSO
	case o.object.view.off != 0:
		return StateArchive
	case !pl.found:
		return StateDeleted
	}
	return StateOK
}

// vdsoEntry describes the code that the kernel maps into every process, from
// the target's own pages: it differs between a 64-bit and a 32-bit process.
func (p *Process) vdsoEntry(m Mapping) *Entry {
	e := &Entry{Path: m.Name, State: StateVDSO, Source: SourceVDSO, Verified: VerifiedMemory, Mappings: []Mapping{m}}
	image, err := elffile.Image(p.os.ReadMemory, m.Start)
	if err != nil {
		err = p.osError(err)
		e.State, e.Source, e.Verified = StateUnreadable, "", ""
		e.Err = &OpenError{Path: m.Name, Mapping: m, Attempts: []Attempt{{Source: SourceVDSO, Err: err}}}
		return e
	}
	e.Object = newObject(viewOf(image, &p.r.names), m.Name, SourceVDSO, verdict{by: VerifiedMemory})
	e.BuildID = e.Object.BuildID()
	return e
}
