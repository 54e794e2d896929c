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
	pkg packageIndex

	idsOnce sync.Once
	ids     map[uint64]uint64 // offsets of units by ID, of a .dwo file
	idsErr  error
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
	file, off := &f.sections, uint64(0)
	if len(index) > 0 {
		// The part of a package is the unit alone.
		if file, err = f.contribution(skeleton); err != nil {
			return nil, err
		}
	} else if off, err = f.find(skeleton, w); err != nil {
		return nil, err
	}
	u, _, err := skeleton.d.header(file, off)
	if err != nil {
		return nil, err
	}
	u.skeleton = skeleton
	if err := u.readRoot(w); err != nil {
		return nil, err
	}
	if u.id != skeleton.id || u.isType() {
		return nil, badFormat(secInfo, off, "no unit with ID %#x", skeleton.id)
	}
	return u, nil
}

// find returns the offset of a skeleton's unit in a .dwo file, which can have
// several, and units of types.
func (f *splitFile) find(skeleton *unit, w *work) (uint64, error) {
	f.idsOnce.Do(func() {
		f.idsErr = errInterrupted
		f.idsErr = f.readIDs(skeleton.d, w)
	})
	off, ok := f.ids[skeleton.id]
	switch {
	case ok:
		return off, nil
	case f.idsErr != nil:
		return 0, f.idsErr
	}
	return 0, badFormat(secInfo, 0, "no unit with ID %#x", skeleton.id)
}

// readIDs finds the units of a .dwo file; the first of an ID counts.
func (f *splitFile) readIDs(d *Data, w *work) error {
	info, err := f.get(secInfo)
	if err != nil {
		return err
	}
	f.ids = make(map[uint64]uint64)
	for off := uint64(0); off < uint64(len(info)); {
		u, next, err := d.header(&f.sections, off)
		if next <= off {
			return err
		}
		if err == nil && !u.isType() {
			// Before version 5, the root DIE has the ID. That it has an address
			// which cannot be read without the skeleton does not matter.
			if u.version < 5 {
				_ = u.readRoot(w)
			}
			if _, known := f.ids[u.id]; !known {
				f.ids[u.id] = off
			}
		}
		off = next
	}
	return nil
}
