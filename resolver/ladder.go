package resolver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/proc"
)

// opened is what the ladder came to for one mapping.
type opened struct {
	mapping  Mapping   // as the kernel named it
	code     []Mapping // the object's other mappings of code
	identity identity
	object   *Object // nil where err is not
	stat     proc.FileStat
	attempts []Attempt
	err      error
}

// climb finds the object behind m: it asks for the live identity, tries the
// rungs in order and takes the first offer that verify accepts.
func (p *Process) climb(ctx context.Context, m Mapping, code []Mapping) opened {
	m, id, err := p.identify(m)
	res := opened{mapping: m, code: code, identity: id}
	if err != nil {
		res.err = err
		return res
	}
	if cause := p.climbFiles(ctx, &res); cause != nil || res.object != nil {
		return p.finish(res, cause)
	}
	return p.finish(res, p.climbMemory(&res))
}

// climbFiles tries the rungs that open files. It returns the cause that makes
// all further rungs pointless, if there is one.
func (p *Process) climbFiles(ctx context.Context, res *opened) (cause error) {
	m, id := res.mapping, res.identity
	for _, r := range ladder {
		r.files(p, ctx, id, m, func(path string, f *os.File, err error) bool {
			if err == nil {
				err = p.consider(res, r.source, path, f)
			} else {
				err = p.osError(refusal(err))
			}
			res.attempts = append(res.attempts, Attempt{Source: r.source, Path: path, Err: err})
			if err != nil {
				p.r.log.Debug("rung refused", "pid", p.pid, "object", m.Name, "source", r.source, "path", path, "err", err)
				cause = final(r.source, m, err)
			}
			return res.object == nil && cause == nil && ctx.Err() == nil
		})
		if res.object != nil || cause != nil {
			return cause
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// final returns err where it settles the matter for every rung: the process
// is gone, the mapped inode is a device's, or is itself no ELF file and has no
// ELF header in memory either. A device that merely lies at a name settles
// nothing.
func final(s Source, m Mapping, err error) error {
	var special *proc.NotRegularError
	switch {
	case errors.Is(err, ErrProcessGone):
		return err
	case errors.As(err, &special) && (s == SourceMapFiles || special.Ino == m.Inode):
		return err
	case s == SourceMapFiles && errors.Is(err, errSettledNotELF):
		return err
	}
	return nil
}

// errSettledNotELF is ErrNotELF where the kernel opened the mapped inode itself.
const errSettledNotELF = settled("not an ELF object, nor does its memory start as one")

// settled is an ErrNotELF that no further rung can change.
type settled string

func (e settled) Error() string { return string(e) }
func (e settled) Unwrap() error { return ErrNotELF }

// consider looks at one offered file, which it owns, and makes it res's object
// if it is proved.
func (p *Process) consider(res *opened, source Source, path string, f *os.File) error {
	m, id := res.mapping, res.identity
	stat, err := proc.StatFile(f)
	if err != nil {
		f.Close()
		return err
	}
	co, err := p.r.open(f, stat)
	if err != nil {
		return err
	}
	defer func() {
		if res.object == nil {
			co.release()
		}
	}()
	v, err := p.memberOf(co, m)
	if err != nil {
		if errors.Is(err, ErrNotELF) && id.image == nil && id.gnu == "" && !errors.Is(id.imageErr, fs.ErrPermission) {
			return errSettledNotELF
		}
		return err
	}
	o := offer{rung: source, path: path, src: co.src, stat: stat}
	if o.notes, err = v.notes(); err != nil {
		return err
	}
	if id.image == nil && v.off != 0 && co.whole != nil {
		// The kernel's ID is that of the file's start, not of the member.
		if o.notes, err = co.whole.notes(); err != nil {
			return err
		}
	}
	by, err := p.verify(id, m, o)
	if err != nil {
		return err
	}
	by.modified = by.modified || p.modifiedIn(res.code, co.src)
	if err := p.os.Alive(); err != nil {
		// The rungs open by the process's number, which may be another's now.
		return p.osError(err)
	}
	res.stat = stat
	res.object = newObject(v, cutName(m.Name), source, by)
	return nil
}

// memberOf finds the ELF within the file that m maps: the whole file, or a
// member of an archive whose start is mapped too.
func (p *Process) memberOf(co *core, m Mapping) (*view, error) {
	const pageMask = 1<<16 - 1 // the largest page size, so that a last partial page counts
	if co.whole != nil && m.Offset <= uint64(co.whole.elf.Extent())|pageMask {
		return co.whole, nil
	}
	if co.whole == nil && !errors.Is(co.wholeErr, elffile.ErrNotELF) {
		return nil, co.wholeErr
	}
	all, err := p.os.Mappings()
	if err != nil {
		return nil, p.osError(err)
	}
	for i := len(all) - 1; i >= 0; i-- {
		c := all[i]
		if c.Start > m.Start || !sameFile(c, m) || c.Offset > m.Offset || c.Offset == 0 {
			continue
		}
		v, err := co.member(c.Offset)
		if err != nil {
			continue
		}
		if m.Offset < c.Offset+uint64(v.src.Size())|pageMask {
			return v, nil
		}
	}
	if co.whole != nil {
		return nil, fmt.Errorf("offset %#x lies behind the ELF object that the file starts with: %w", m.Offset, ErrNotELF)
	}
	return nil, ErrNotELF
}

// climbMemory is the last rung: the ELF as it lies in the target's memory,
// with what its segments hold: dynamic symbols and Go tables, no .symtab.
func (p *Process) climbMemory(res *opened) error {
	id := &res.identity
	if id.image == nil && id.imageErr == nil {
		id.image, id.imageErr = p.image(res.mapping)
	}
	if id.image == nil {
		res.attempts = append(res.attempts, Attempt{Source: SourceMemory, Err: id.imageErr})
		return nil
	}
	v := viewOf(id.image, &p.r.names)
	v.keeper = &core{cache: p.r.cache, refs: 1, whole: v}
	notes, err := v.notes()
	if err == nil && id.gnu != "" && notes.GNU != id.gnu {
		err = &MismatchError{What: whatBuildID, Want: id.gnu.String(), Got: notes.GNU.String(), Source: SourceMemory}
	}
	res.attempts = append(res.attempts, Attempt{Source: SourceMemory, Err: err})
	if err != nil {
		return nil
	}
	res.object = newObject(v, cutName(res.mapping.Name), SourceMemory, verdict{by: VerifiedMemory})
	return nil
}

// finish turns the attempts into an error where nothing was accepted.
func (p *Process) finish(res opened, cause error) opened {
	if res.object != nil {
		return res
	}
	res.err = &OpenError{Path: cutName(res.mapping.Name), Mapping: res.mapping, Attempts: res.attempts, cause: cause}
	return res
}

func cutName(name string) string {
	base, _ := cutDeleted(name)
	return base
}
