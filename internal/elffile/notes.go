package elffile

import (
	"debug/elf"
	"errors"
	"io"

	"github.com/symfetch/symfetch/buildid"
)

const (
	// maxNotes is how many bytes of one note segment or section are read. A
	// build ID comes first or among a few hundred bytes; only core files have
	// more than some kilobytes.
	maxNotes = 1 << 20
	// noteBehind is how many bytes behind a PT_NOTE are looked at: a GNU build
	// ID note of the greatest length.
	noteBehind = 16 + buildid.MaxSize
)

// Notes returns the build IDs: from the PT_NOTE segments, from the note that
// lies directly behind one in internally linked Go programs (see
// [buildid.GNUAt]), and where a GNU build ID is still missing, from the
// SHT_NOTE sections. The first two are the same for a file and for its memory
// image. An object without any build ID is no error; bytes that cannot be read
// are, and what was found before comes with it.
func (f *File) Notes() (buildid.Notes, error) {
	if f.notes.GNU != "" {
		return f.notes, nil
	}
	n, err := f.progNotes(f.src)
	if n.GNU == "" && f.image == nil {
		m, serr := f.sectionNotes()
		n.Merge(m)
		if err == nil && !errors.Is(serr, ErrNoSection) {
			err = serr
		}
	}
	if n.GNU != "" {
		err = nil // the answer is complete, whatever else is broken
	}
	return n, err
}

// progNotes returns the build IDs in and behind the PT_NOTE segments, read from
// r. The error is the first segment's that could not be read.
func (f *File) progNotes(r io.ReaderAt) (n buildid.Notes, err error) {
	for i := range f.progs {
		p := &f.progs[i]
		if p.Type != elf.PT_NOTE || p.Filesz == 0 {
			continue
		}
		m, perr := f.segmentNotes(r, p)
		n.Merge(m)
		if err == nil {
			err = perr
		}
	}
	return n, err
}

// segmentNotes returns the build IDs in and directly behind the PT_NOTE p.
func (f *File) segmentNotes(r io.ReaderAt, p *elf.ProgHeader) (buildid.Notes, error) {
	size := min(p.Filesz, maxNotes)
	if total := uint64(f.src.Size()); p.Off > total || size > total-p.Off {
		return buildid.Notes{}, badFormat("PT_NOTE", p.Off, "%d bytes lie outside the file of %#x bytes", size, total)
	}
	behind := f.behind(p)
	page := scratch.Get().(*scratchPage)
	defer scratch.Put(page)
	data := page.b[:]
	if size+behind > uint64(len(data)) {
		data = make([]byte, size+behind)
	}
	data = data[:size+behind]
	got, err := r.ReadAt(data, int64(p.Off))
	if uint64(got) < size || got < len(data) && err != nil && err != io.EOF {
		return buildid.Notes{}, badRead(got, len(data), int64(p.Off), err)
	}
	n := buildid.FromNotes(data[:size], f.order, p.Align)
	if n.GNU == "" && n.Go != "" && buildid.WantBehind(data[:size], f.order, p.Align) {
		n.GNU = buildid.GNUAt(data[size:got], f.order)
	}
	return n, nil
}

// behind returns how many bytes behind the PT_NOTE p may hold a note: those
// that are loaded by the segment that loads p, up to a note's greatest length.
// What is not loaded with p, a process's memory would not have either.
func (f *File) behind(p *elf.ProgHeader) uint64 {
	end := p.Off + p.Filesz
	if p.Filesz > maxNotes || end%4 != 0 {
		return 0
	}
	for i := range f.progs {
		l := &f.progs[i]
		if l.Type == elf.PT_LOAD && p.Off >= l.Off && end <= l.Off+l.Filesz && p.Vaddr-l.Vaddr == p.Off-l.Off {
			n := min(l.Off+l.Filesz-end, noteBehind)
			if total := uint64(f.src.Size()); end+n > total {
				return 0
			}
			return n
		}
	}
	return 0
}

// sectionNotes returns the build IDs in the SHT_NOTE sections.
func (f *File) sectionNotes() (buildid.Notes, error) {
	var n buildid.Notes
	all, err := f.Sections()
	if err != nil {
		return n, err
	}
	var first error
	for i := range all {
		s := &all[i]
		if s.Type != elf.SHT_NOTE || s.Flags&elf.SHF_COMPRESSED != 0 {
			continue
		}
		err := f.checkData(s)
		if err == nil {
			var data []byte
			if data, err = copyOf(f.src, int64(s.Offset), int64(min(s.Size, maxNotes))); err == nil {
				n.Merge(buildid.FromNotes(data, f.order, s.Addralign))
			}
		}
		if first == nil {
			first = err
		}
		if n.GNU != "" {
			return n, nil
		}
	}
	return n, first
}
