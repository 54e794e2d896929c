package resolver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"

	"github.com/symfetch/symfetch/internal/addr2line"
	"github.com/symfetch/symfetch/internal/debugfile"
	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/proc"
)

// finder looks for the files that complete one object: in the root directory
// of the process that maps it, then in ours.
type finder struct {
	r *Resolver
	// p is nil for a file of no process.
	p *Process
	// name is the object's path, as the kernel or the user gave it.
	name string
}

// root is one of the directory trees that are searched.
type root struct {
	source Source
	// names are the object's paths in it.
	names []string
	open  func(path string) (*os.File, error)
	stat  func(path string) (proc.FileStat, error)
}

// roots lists the trees to search, the target's first. Where the target's is
// ours there is one.
func (f *finder) roots() []root {
	host := root{SourceHost, []string{f.name}, proc.OpenRegular, proc.StatPath}
	if f.p == nil {
		return []root{host}
	}
	if same, err := f.p.sameMounts(); err == nil && same && f.p.rootLink() == "/" {
		return []root{host}
	}
	return []root{{SourceTarget, f.p.pathsInRoot(f.name), f.p.os.OpenInRoot, f.p.os.StatInRoot}, host}
}

// find looks for the debug file of v and lets v adopt the first that is proved.
func (f *finder) find(ctx context.Context, v *view) (tried []Attempt) {
	l := v.links()
	try := func(source Source, path string, open func(string) (*os.File, error)) (found bool) {
		err := f.try(v, l, source, path, open)
		tried = append(tried, Attempt{Source: source, Path: path, Err: err})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.r.log.Debug("debug file refused", "object", f.name, "source", source, "path", path, "err", err)
		}
		return err == nil || ctx.Err() != nil
	}
	roots := f.roots()
	for _, r := range roots {
		for _, path := range debugfile.ByID(l.id, f.dirs(r)...) {
			if err := f.missing(r, path); err != nil {
				tried = append(tried, Attempt{Source: r.source, Path: path, Err: err})
				continue
			}
			if try(r.source, path, r.open) {
				return tried
			}
		}
	}
	if l.id != "" && f.r.fetcher != nil {
		fetch := func(string) (*os.File, error) { return f.r.fetcher.Fetch(ctx, l.id, KindDebugInfo) }
		if try(SourceStore, l.id.String(), fetch) {
			return tried
		}
	}
	if l.link.Name == "" {
		return tried
	}
	for _, r := range roots {
		for _, name := range r.names {
			if !path.IsAbs(name) {
				continue
			}
			for _, path := range debugfile.ByLink(name, l.link, f.dirs(r)...) {
				if try(r.source, path, r.open) {
					return tried
				}
			}
		}
	}
	return tried
}

// missing returns why the directory of a path is not there, nil if it is. A
// process has many objects, and few of 256 directories: each is looked for once
// in a while.
func (f *finder) missing(r root, file string) error {
	if f.p == nil {
		return nil
	}
	return f.p.idDirs.missing(r, path.Dir(file))
}

// idDirs remembers which directories of build IDs are there.
type idDirs struct {
	mu   sync.Mutex
	at   time.Time
	errs map[idDir]error
}

type idDir struct {
	source Source
	path   string
}

func (d *idDirs) missing(r root, dir string) error {
	d.mu.Lock()
	if d.errs == nil || time.Since(d.at) > retryAfter {
		d.at, d.errs = time.Now(), make(map[idDir]error)
	}
	key := idDir{r.source, dir}
	err, known := d.errs[key]
	d.mu.Unlock()
	if known {
		return err
	}
	_, err = r.stat(dir) // which may wait for its file system
	d.mu.Lock()
	defer d.mu.Unlock()
	d.errs[key] = err
	return err
}

// dirs are the further directories with debug files of a tree.
func (f *finder) dirs(r root) []string {
	if r.source == SourceHost {
		return f.r.debugDirs
	}
	return nil
}

// try opens one candidate and lets v adopt it.
func (f *finder) try(v *view, l links, source Source, path string, open func(string) (*os.File, error)) error {
	c, err := f.open(path, open)
	if err != nil {
		return err
	}
	return v.adopt(c, l, source, path)
}

// open opens a file as a core, which the caller releases.
func (f *finder) open(path string, open func(string) (*os.File, error)) (*core, error) {
	file, err := open(path)
	if err != nil {
		return nil, refusal(err)
	}
	stat, err := proc.StatFile(file)
	if err != nil {
		file.Close()
		return nil, err
	}
	return f.r.open(file, stat)
}

// errNoPlaces: nobody said where to look.
var errNoPlaces = errors.New("there is no place to look for it")

// supplementary opens dwz's file of what several objects have in common, which
// v links to. It is accepted by the build ID in the link only.
func (v *view) supplementary() (*addr2line.Input, error) {
	link, err := v.altLink()
	if err != nil {
		return nil, err
	}
	f := v.places.Load()
	if f == nil {
		return nil, errNoPlaces
	}
	var errs []error
	for _, r := range f.roots() {
		for _, name := range v.namesIn(r) {
			for _, path := range debugfile.BySupplementary(name, link, f.dirs(r)...) {
				alt, err := f.proved(path, r, func(c *view) error {
					notes, err := c.notes()
					if err == nil && notes.GNU != link.ID {
						err = &MismatchError{What: whatBuildID, Want: link.ID.String(), Got: notes.GNU.String()}
					}
					return err
				})
				if err == nil {
					v.hold(alt.core)
					in := alt.input()
					return &in, nil
				}
				errs = append(errs, err)
			}
		}
	}
	return nil, fmt.Errorf("%s with build ID %v: %w", link.Path, link.ID, errors.Join(errs...))
}

// altLink reads the object's link to a supplementary file.
func (v *view) altLink() (debugfile.AltLink, error) {
	if data, err := v.section(".gnu_debugaltlink"); err == nil {
		return debugfile.ParseAltLink(data)
	}
	data, err := v.section(".debug_sup")
	if err != nil {
		return debugfile.AltLink{}, err
	}
	link, ok, err := debugfile.ParseSup(data, v.elf.ByteOrder())
	if err == nil && !ok {
		err = fmt.Errorf("link to a supplementary file: %w", elffile.ErrNoSection)
	}
	return link, err
}

// namesIn are the paths of the file that v is of in a tree: those of the
// object, and of the debug file where v is of that.
func (v *view) namesIn(r root) []string {
	names := r.names
	if d := v.completes.Load(); d != nil && d.Source == r.source {
		names = append([]string{d.Path}, names...)
	}
	return names
}

// proved opens the file at path and returns its ELF if accept does. The caller
// owns a hold on its core.
func (f *finder) proved(path string, r root, accept func(*view) error) (*view, error) {
	c, err := f.open(path, r.open)
	if err != nil {
		return nil, err
	}
	err = c.wholeErr
	if c.whole != nil {
		err = accept(c.whole)
	}
	if err != nil {
		c.release()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c.whole, nil
}

// splitUnit opens the .dwp package or the .dwo file that holds a split unit.
// The reader compares the unit's ID, so that a file of another build is refused.
func (v *view) splitUnit(sk addr2line.Skeleton) (*addr2line.Input, error) {
	f := v.places.Load()
	if f == nil {
		return nil, errNoPlaces
	}
	if in := v.packageOf(f); in != nil {
		return in, nil
	}
	var errs []error
	for _, r := range f.roots() {
		for _, path := range debugfile.BySplit(sk.Name, sk.CompDir, v.namesIn(r)...) {
			dwo, err := f.proved(path, r, func(c *view) error {
				if !c.hasSection(".debug_info.dwo") {
					return errNoDebugInfo
				}
				return nil
			})
			if err == nil {
				v.hold(dwo.core)
				in := dwo.input()
				return &in, nil
			}
			errs = append(errs, err)
		}
	}
	return nil, errors.Join(errs...)
}

// packageOf opens the object's DWARF package, once; nil if it has none.
func (v *view) packageOf(f *finder) *addr2line.Input {
	v.packageOnce.Do(func() {
		for _, r := range f.roots() {
			for _, path := range debugfile.ByPackage(v.namesIn(r)...) {
				dwp, err := f.proved(path, r, func(c *view) error {
					if !c.hasSection(".debug_cu_index") {
						return errNoDebugInfo
					}
					return nil
				})
				if err != nil {
					continue
				}
				v.hold(dwp.core)
				in := dwp.input()
				v.dwp = &in
				return
			}
		}
	})
	return v.dwp
}
