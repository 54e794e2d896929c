package resolver

import (
	"debug/elf"
	"errors"
	"math"
	"sync"

	"github.com/symfetch/symfetch/internal/addr2line"
	"github.com/symfetch/symfetch/internal/elffile"
)

// openDWARF makes the reader of the object's DWARF. It reads nothing yet.
func (v *view) openDWARF() *addr2line.Data {
	d := addr2line.New(v.input())
	v.opened.Store(d)
	return d
}

// input is what the reader of DWARF may ask the object for.
func (v *view) input() addr2line.Input {
	loaders := v.sectionLoaders()
	return addr2line.Input{
		BigEndian: v.elf.ByteOrder().String() == "BigEndian",
		Section: func(name string) ([]byte, error) {
			if load := loaders[name]; load != nil {
				return load()
			}
			return v.readDebug(name)
		},
		CodeStart:     v.codeStart(),
		Supplementary: v.supplementary,
		Split:         v.splitUnit,
		Guard:         func(fn func() error) error { return elffile.Guard("DWARF", fn) },
		Names:         v.names,
	}
}

// heapBytes estimates what the view's tables hold on the heap.
func (v *view) heapBytes() int64 {
	n := v.heap.Load()
	if d := v.opened.Load(); d != nil {
		n += d.Bytes()
	}
	return n
}

// debugSections are read together where they are compressed: inflating them is
// most of what a first answer costs, and all processors can share in it.
var debugSections = []string{
	".debug_info", ".debug_str", ".debug_line", ".debug_abbrev", ".debug_line_str",
	".debug_ranges", ".debug_rnglists", ".debug_aranges", ".debug_addr", ".debug_str_offsets",
}

// sectionLoaders returns a function for each of debugSections, which reads it
// once. Where they are compressed all begin to be read.
func (v *view) sectionLoaders() map[string]func() ([]byte, error) {
	loaders := make(map[string]func() ([]byte, error), len(debugSections))
	for _, name := range debugSections {
		loaders[name] = sync.OnceValues(func() ([]byte, error) { return v.readDebug(name) })
	}
	if s, err := v.elf.Section(".debug_info"); !v.hasDWARF() || err == nil && s.Flags&elf.SHF_COMPRESSED == 0 {
		return loaders
	}
	for _, load := range loaders {
		go load()
	}
	return loaders
}

// readDebug returns a section of debug information, nil where the object has
// none of that name.
func (v *view) readDebug(name string) (data []byte, err error) {
	private := false
	err = elffile.Guard(name, func() error {
		data, private, err = v.elf.DebugData(name)
		return err
	})
	if errors.Is(err, elffile.ErrNoSection) || errors.Is(err, elffile.ErrNoData) {
		return nil, nil
	}
	if private {
		v.heap.Add(int64(len(data)))
	}
	return data, err
}

// codeStart is the lowest vaddr with code: DWARF of what the linker discarded
// lies below.
func (v *view) codeStart() uint64 {
	lowest := uint64(math.MaxUint64)
	code, _ := v.elf.CodeSections()
	for _, s := range code {
		lowest = min(lowest, s.Vaddr)
	}
	if len(code) > 0 {
		return lowest
	}
	for _, p := range v.elf.Progs() {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 {
			lowest = min(lowest, p.Vaddr)
		}
	}
	if lowest == math.MaxUint64 {
		return 0
	}
	return lowest
}

// debugView returns the view whose DWARF is of the object: its debug file, which
// is looked for only where it has none itself, else the object; delta is what to add to the object's vaddrs there.
func (v *view) debugView() (w *view, delta uint64) {
	if d := v.debug.Load(); d != nil {
		return d.view, d.delta
	}
	return v, 0
}

// dwarfFrames answers from DWARF. Frames that are there beside an error are
// not wrong: a name or a caller that could not be read is missing.
func (v *view) dwarfFrames(dst []Frame, vaddr uint64) (out []Frame, err error) {
	n := len(dst)
	w, delta := v.debugView()
	err = elffile.Guard("DWARF", func() (err error) {
		out, err = w.dwarf().AppendFrames(dst, vaddr+delta)
		return err
	})
	if _, fault := errors.AsType[*elffile.FaultError](err); fault {
		return dst[:n], err
	}
	return out, err
}
