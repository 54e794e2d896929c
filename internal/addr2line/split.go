package addr2line

import (
	"errors"
	"fmt"
	"sync"
)

// splitFiles are the files of split units that were asked for.
type splitFiles struct {
	mu    sync.Mutex
	files map[*Input]*splitFile
}

// splitFile is a .dwo file or a .dwp package.
type splitFile struct {
	sections
	id  uint32
	pkg packageIndex
}

var errNoSplit = errors.New("its file is missing")

// full returns the unit that has the DIEs of u: u itself, unless it is a
// skeleton. Where its file cannot be had, the error comes with u: it may have
// DIEs of its own for that case (-fsplit-dwarf-inlining).
func (u *unit) full(w *work) (*unit, error) {
	if !u.isSkeleton() {
		return u, nil
	}
	if f := u.splitFile.Load(); f != nil {
		w.admit(&f.sections)
	}
	u.splitOnce.Do(func() {
		u.split, u.splitErr = u, fmt.Errorf("split unit: %w", errInterrupted)
		split, err := u.openSplit(w)
		if err != nil {
			u.splitErr = err
			return
		}
		u.split, u.splitErr = split, nil
	})
	return u.split, u.splitErr
}

func (u *unit) openSplit(w *work) (*unit, error) {
	d := u.d
	sk := Skeleton{ID: u.id, Version: int(u.version)}
	name, _, err := u.str(u.root.dwoName)
	if err != nil {
		return nil, err
	}
	sk.Name = string(name)
	if u.root.compDir.present() {
		dir, _, err := u.str(u.root.compDir)
		if err != nil {
			return nil, err
		}
		sk.CompDir = string(dir)
	}
	var in *Input
	err = errNoSplit
	if d.in.Split != nil {
		in, err = d.in.Split(sk)
		if err == nil && in == nil {
			err = errNoSplit
		}
	}
	if err != nil {
		return nil, fmt.Errorf("split unit %s: %w", sk.Name, err)
	}
	f := d.splitFile(in)
	u.splitFile.Store(f)
	w.admit(&f.sections)
	split, err := f.unit(u, w)
	if err != nil {
		return nil, fmt.Errorf("split unit %s: %w", sk.Name, err)
	}
	return split, nil
}

// splitFile returns the file of an Input, the same for the same.
func (d *Data) splitFile(in *Input) *splitFile {
	s := &d.split
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[in]
	if f == nil {
		if s.files == nil {
			s.files = make(map[*Input]*splitFile)
		}
		f = new(splitFile)
		d.init(&f.sections, in)
		f.dwo = true
		s.files[in] = f
	}
	return f
}

// unit returns the split unit of a skeleton.
func (f *splitFile) unit(skeleton *unit, w *work) (*unit, error) {
	index, err := f.get(secCUIndex)
	if err != nil {
		return nil, err
	}
	file := &f.sections
	if len(index) > 0 {
		if file, err = f.contribution(skeleton); err != nil {
			return nil, err
		}
	}
	info, err := file.get(secInfo)
	if err != nil {
		return nil, err
	}
	for off := uint64(0); off < uint64(len(info)); {
		u, next, err := skeleton.d.header(file, off)
		if next <= off {
			return nil, err
		}
		off = next
		if err != nil || u.isType() {
			continue
		}
		u.skeleton = skeleton
		if err := u.readRoot(w); err != nil {
			return nil, err
		}
		if u.id == skeleton.id {
			return u, nil
		}
	}
	return nil, badFormat(secInfo, 0, "no unit with ID %#x", skeleton.id)
}
