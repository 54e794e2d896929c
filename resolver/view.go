package resolver

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/internal/addr2line"
	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/pclntab"
	"github.com/symfetch/symfetch/internal/symtab"
)

// view is one ELF object within a core: the whole file, or a member of an
// archive. It opens its tables when they are first asked for.
type view struct {
	core *core
	// keeper counts the handles of a memory image, which has no core.
	keeper *core
	src    elffile.Source // nil for a memory image
	off    uint64         // where the ELF starts within the core's file
	elf    *elffile.File

	names *frame.Demangler

	notesOnce        lazy[buildid.Notes]
	goTable          lazy[*pclntab.Table]
	symbols, dynamic lazy[*symtab.Table]
	stubTable        lazy[[]elffile.Stub]
	dwarfOnce        lazy[*addr2line.Data]

	// debug is the separate debug file, once one was found; completes is the
	// same where the view is that file's.
	debug, completes atomic.Pointer[debugInfo]
	// places is where supplementary files and split units may be.
	places atomic.Pointer[finder]

	// fetched is what came of asking the network for the debug file.
	fetchOnce sync.Once
	fetched   atomic.Pointer[Attempt]

	miniOnce sync.Once
	mini     *view // of .gnu_debugdata
	miniErr  error

	packageOnce sync.Once
	dwp         *addr2line.Input

	heldMu sync.Mutex
	held   []*core // further files that dwarf reads

	// opened is dwarf's result, once it was asked for.
	opened atomic.Pointer[addr2line.Data]
	// heap estimates what the other tables and inflated sections take, in
	// bytes.
	heap atomic.Int64
}

func newView(co *core, src elffile.Source, off uint64, names *frame.Demangler) (*view, error) {
	var f *elffile.File
	err := elffile.Guard("ELF header", func() (err error) {
		f, err = elffile.Parse(src)
		return err
	})
	if err != nil {
		return nil, err
	}
	v := viewOf(f, names)
	v.core, v.src, v.off = co, src, off
	return v, nil
}

// viewOf wraps a parsed ELF: of a file, or of a process's memory.
func viewOf(f *elffile.File, names *frame.Demangler) *view { return &view{elf: f, names: names} }

func (v *view) notes() (buildid.Notes, error)      { return v.notesOnce.get(v, (*view).readNotes) }
func (v *view) pclntab() (*pclntab.Table, error)   { return v.goTable.get(v, (*view).openPclntab) }
func (v *view) symtab() (*symtab.Table, error)     { return v.symbols.get(v, (*view).openSymtab) }
func (v *view) dynsym() (*symtab.Table, error)     { return v.dynamic.get(v, (*view).openDynsym) }
func (v *view) stubs() ([]elffile.Stub, error)     { return v.stubTable.get(v, (*view).readStubs) }
func (v *view) openSymtab() (*symtab.Table, error) { return v.openSymbols(v.elf.Symtab, false) }
func (v *view) openDynsym() (*symtab.Table, error) { return v.openSymbols(v.elf.Dynsym, true) }

// dwarf is the reader of the object's DWARF.
func (v *view) dwarf() *addr2line.Data {
	d, _ := v.dwarfOnce.get(v, func(v *view) (*addr2line.Data, error) { return v.openDWARF(), nil })
	return d
}

func (v *view) readNotes() (n buildid.Notes, err error) {
	err = elffile.Guard("notes", func() error {
		n, err = v.elf.Notes()
		return err
	})
	return n, err
}

func (v *view) openPclntab() (t *pclntab.Table, err error) {
	err = elffile.Guard("pclntab", func() error {
		t, err = pclntab.Open(v.elf)
		return err
	})
	return t, err
}

func (v *view) readStubs() (stubs []elffile.Stub, err error) {
	err = elffile.Guard("plt", func() error {
		stubs, err = v.elf.Stubs()
		return err
	})
	return stubs, err
}

// openSymbols reads one of the two symbol tables.
func (v *view) openSymbols(read func() (elffile.Symbols, error), dynamic bool) (t *symtab.Table, err error) {
	err = elffile.Guard("symbols", func() error {
		if v.isScattered() {
			return elffile.ErrNoSection // symbols count from the starts of several sections
		}
		raw, err := read()
		if err != nil {
			return err
		}
		in := symtab.Input{
			Data: raw.Data, Strings: raw.Strings, Is64: raw.Is64, Order: raw.Order,
			Machine: v.elf.Machine(), Dynamic: dynamic,
		}
		// Without section headers the table does without these bounds.
		in.Sections, _ = v.elf.Sections()
		t, err = symtab.New(in)
		if err == nil {
			const perSymbol = 4 // in bytes: the index holds one uint32 each
			v.heap.Add(int64(len(raw.Data)) / 24 * perSymbol)
		}
		return err
	})
	return t, err
}

// question is one vaddr on its way through the engines.
type question struct {
	vaddr uint64
	// noDWARF: vaddr lies within the Go code, of which the Go tables know all.
	noDWARF bool
	// problems are the errors of tables that could not be read.
	problems []error
}

// note remembers an error, unless it only says that an engine knows nothing.
func (q *question) note(err error) {
	if err != nil && !isAbsent(err) {
		q.problems = append(q.problems, err)
	}
}

// appendFrames answers a vaddr by the one rule of which engine to believe:
//
//  1. The Go tables, for all code between their first and last function: they
//     are in every Go program, the runtime itself trusts them, and what they do
//     not name there is padding.
//  2. DWARF for everything else: names, lines and inlined calls.
//  3. The symbol tables, for what DWARF does not name. A line that DWARF knows
//     without the function stays. A function that DWARF calls by its short
//     name has the symbol's, where both start at one address and the symbol's
//     holds the short one.
//
// So a function that DWARF and .symtab call differently (foo and
// foo.constprop.0, or one of several aliases) has its name in the source.
func (v *view) appendFrames(dst []Frame, vaddr uint64) ([]Frame, error) {
	n := len(dst)
	q := question{vaddr: vaddr}
	out, settled := v.askGo(dst, &q)
	if settled {
		return out, nil
	}
	if !q.noDWARF {
		var err error
		out, err = v.dwarfFrames(dst, vaddr)
		q.note(err)
	}
	frames, err := v.askSymbols(out[n:], &q)
	if err != nil {
		return dst[:n], err
	}
	return append(out[:n], frames...), nil
}

// askGo asks the Go tables.
func (v *view) askGo(dst []Frame, q *question) (out []Frame, settled bool) {
	t, err := v.pclntab()
	if err != nil {
		q.note(err)
		return dst, false
	}
	n := len(dst)
	err = elffile.Guard("pclntab", func() (err error) {
		dst, err = t.AppendFrames(dst, q.vaddr)
		return err
	})
	if err == nil && len(dst) > n {
		return dst, true
	}
	lo, hi := t.Bounds()
	q.noDWARF = errors.Is(err, pclntab.ErrNoSymbol) && lo <= q.vaddr && q.vaddr < hi
	q.note(err)
	return dst[:n], false
}

// isAbsent reports whether an engine has nothing to say, rather than a table
// that it cannot read.
func isAbsent(err error) bool {
	for _, absent := range [...]error{
		pclntab.ErrNotGo, pclntab.ErrNoSymbol, addr2line.ErrNoDWARF, addr2line.ErrNoSymbol, elffile.ErrNoSection,
	} {
		if errors.Is(err, absent) {
			return true
		}
	}
	return false
}

// symbolTables lists the tables that the object has, in the contract's words
// and order.
func (v *view) symbolTables() []string {
	var have []string
	elffile.Guard("section headers", func() error {
		for _, t := range []struct {
			word     string
			sections []string
		}{
			{"dwarf", []string{".debug_info", ".zdebug_info"}},
			{"pclntab", []string{".gopclntab", ".data.rel.ro.gopclntab"}},
			{"symtab", []string{".symtab"}},
		} {
			for _, s := range t.sections {
				if _, err := v.elf.Section(s); err == nil {
					have = append(have, t.word)
					break
				}
			}
		}
		return nil
	})
	if _, err := v.dynsym(); err == nil {
		have = append(have, "dynsym")
	}
	return have
}

// answersAtOnce reports whether reading the object waits for nothing but local
// disks: neither for another file system nor for the target's memory.
func (v *view) answersAtOnce() bool {
	if v.core == nil || !v.core.local {
		return false
	}
	d := v.debug.Load()
	return d == nil || d.view.core.local
}

// holder is what the view's handles hold.
func (v *view) holder() *core {
	if v.core != nil {
		return v.core
	}
	return v.keeper
}

// hold keeps a core open as long as the view's own. The caller's hold becomes
// the view's.
func (v *view) hold(c *core) {
	v.heldMu.Lock()
	defer v.heldMu.Unlock()
	v.held = append(v.held, c)
}

// holding lists the cores that the view keeps open.
func (v *view) holding() []*core {
	v.heldMu.Lock()
	defer v.heldMu.Unlock()
	held := v.held
	if d := v.debug.Load(); d != nil {
		held = append(held, d.view.core)
	}
	return held
}
