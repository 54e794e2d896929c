package resolver

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/internal/debugfile"
	"github.com/symfetch/symfetch/internal/elffile"
)

// DebugFile is a file that completes an object: its separate debug file, or
// the symbols that are embedded in it.
type DebugFile struct {
	// Path is the file in the terms of its source; "" where it is embedded.
	Path string
	// Source is one of SourceEmbedded, SourceTarget, SourceHost, SourceStore
	// and SourceDebuginfod.
	Source Source
	// Verified is VerifiedBuildID, VerifiedCRC, or VerifiedContent for what is
	// embedded in the object itself.
	Verified Verification
}

// debugInfo is a debug file in use.
type debugInfo struct {
	DebugFile
	view *view
	// delta is what is added to the object's vaddrs to get the file's: not 0
	// where the object was moved to another address since (prelink).
	delta uint64
}

// links are what an object says of its debug file.
type links struct {
	id   buildid.ID
	link debugfile.Link // without a name if there is none
}

// links reads the object's debug link. One that makes no sense is none.
func (v *view) links() (l links) {
	notes, _ := v.notes()
	l.id = notes.GNU
	if data, err := v.section(".gnu_debuglink"); err == nil {
		l.link, _ = debugfile.ParseLink(data, v.elf.ByteOrder())
	}
	return l
}

// section returns a copy of a small section's bytes.
func (v *view) section(name string) (data []byte, err error) {
	err = elffile.Guard(name, func() error {
		view, _, err := v.elf.SectionData(name)
		data = append(data, view...)
		return err
	})
	return data, err
}

// hasSection reports whether the object has bytes of one of these sections.
func (v *view) hasSection(names ...string) bool {
	for _, name := range names {
		if s, err := v.elf.Section(name); err == nil && s.Type != elf.SHT_NOBITS {
			return true
		}
	}
	return false
}

// hasDWARF reports whether the object holds debug information itself.
func (v *view) hasDWARF() bool { return v.hasSection(".debug_info", ".zdebug_info") }

// errNoDebugInfo: the file is the right one, and holds nothing that helps.
var errNoDebugInfo = errors.New("holds neither debug information nor symbols")

// adopt makes the opened file c, which it owns, the object's debug file if it
// is proved to be.
func (v *view) adopt(c *core, l links, source Source, path string) error {
	d := &debugInfo{DebugFile: DebugFile{Path: path, Source: source}, view: c.whole}
	err := c.wholeErr
	if c.whole != nil {
		err = v.proveDebug(d, l)
	}
	if err != nil || !v.debug.CompareAndSwap(nil, d) {
		c.release()
		return err
	}
	c.whole.places.Store(v.places.Load())
	c.whole.completes.Store(d)
	return nil
}

// proveDebug decides whether d completes the object: by the build ID, or where
// neither has one by the debug link's checksum.
func (v *view) proveDebug(d *debugInfo, l links) error {
	c := d.view
	if c.elf.Machine() != v.elf.Machine() || c.elf.Class() != v.elf.Class() {
		return fmt.Errorf("for another machine (%v): %w", c.elf.Machine(), ErrNotVerified)
	}
	notes, err := c.notes()
	if err != nil {
		return err
	}
	switch mine, _ := v.notes(); {
	case notes.GNU != l.id:
		return &MismatchError{What: whatBuildID, Want: l.id.String(), Got: notes.GNU.String()}
	case l.id != "":
		d.Verified = VerifiedBuildID
	case notes.Go != "" && notes.Go != mine.Go:
		return &MismatchError{What: whatGoBuildID, Want: mine.Go, Got: notes.Go}
	default:
		if err := compareCRC(c.src, l.link.CRC); err != nil {
			return err
		}
		d.Verified = VerifiedCRC
	}
	if !c.hasDWARF() && !c.hasSection(".symtab") {
		return errNoDebugInfo
	}
	d.delta, err = v.deltaTo(c)
	return err
}

func compareCRC(src elffile.Source, want uint32) error {
	sum, err := debugfile.CRC(io.NewSectionReader(src, 0, src.Size()))
	if err == nil && sum != want {
		err = &MismatchError{What: whatCRC, Want: fmt.Sprintf("%08x", want), Got: fmt.Sprintf("%08x", sum)}
	}
	return err
}

// deltaTo compares the segments of the object and of its debug file, which
// have the same, moved by one distance if at all.
func (v *view) deltaTo(c *view) (uint64, error) {
	mine, its := loadSegments(v.elf), loadSegments(c.elf)
	if len(its) == 0 || len(mine) == 0 {
		return 0, nil
	}
	delta := its[0].Vaddr - mine[0].Vaddr
	for i := range min(len(mine), len(its)) {
		if its[i].Vaddr-mine[i].Vaddr != delta {
			return 0, fmt.Errorf("its segments are laid out otherwise: %w", ErrNotVerified)
		}
	}
	return delta, nil
}

func loadSegments(f *elffile.File) (out []elf.ProgHeader) {
	for _, p := range f.Progs() {
		if p.Type == elf.PT_LOAD {
			out = append(out, p)
		}
	}
	return out
}

// embedded is the ELF within the ELF: .gnu_debugdata. Nil if there is none.
func (v *view) embedded() *view {
	v.miniOnce.Do(func() {
		if !v.hasSection(".gnu_debugdata") {
			return
		}
		var data []byte
		v.miniErr = elffile.Guard(".gnu_debugdata", func() (err error) {
			data, err = v.elf.MiniDebugInfo()
			return err
		})
		if v.miniErr != nil {
			return
		}
		mini, err := newView(nil, elffile.BytesSource(data), 0, v.names)
		if err == nil && mini.elf.Machine() != v.elf.Machine() {
			err = fmt.Errorf("for another machine: %w", ErrNotVerified)
		}
		if err != nil {
			v.miniErr = fmt.Errorf(".gnu_debugdata: %w", err)
			return
		}
		v.heap.Add(int64(len(data)))
		v.mini = mini
	})
	return v.mini
}

// Debug tells which file completes the object's own symbols; ok is false where
// it needs none or none was found.
func (o *Object) Debug() (d DebugFile, ok bool) {
	if o.closed.Load() {
		return d, false
	}
	if found := o.view.debug.Load(); found != nil {
		return found.DebugFile, true
	}
	if o.view.hasSection(".gnu_debugdata") && !o.view.hasSection(".symtab") {
		return DebugFile{Source: SourceEmbedded, Verified: VerifiedContent}, true
	}
	return d, false
}

// DebugAttempts lists the places where a debug file was looked for, and why
// each was refused; the last has no error where it served.
func (o *Object) DebugAttempts() []Attempt {
	if a := o.view.fetched.Load(); a != nil {
		return append(slices.Clip(o.tried), *a)
	}
	return o.tried
}

// complete looks for what the object lacks in the places that f knows.
func (o *Object) complete(ctx context.Context, f *finder) {
	v := o.view
	v.places.Store(f)
	if v.debug.Load() == nil && !v.hasDWARF() {
		o.tried = f.find(ctx, v)
	}
}
