package resolver

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/pclntab"
	"github.com/symfetch/symfetch/internal/symtab"
)

// view is one ELF object within a core: the whole file, or a member of an
// archive. It opens its tables when they are first asked for.
type view struct {
	core *core
	src  elffile.Source // nil for a memory image
	off  uint64         // where the ELF starts within the core's file
	elf  *elffile.File

	notes   func() (buildid.Notes, error)
	pclntab func() (*pclntab.Table, error)
	symtab  func() (*symtab.Table, error)
	dynsym  func() (*symtab.Table, error)

	// heap estimates the bytes that the tables take, in bytes.
	heap atomic.Int64
}

func newView(co *core, src elffile.Source, off uint64) (*view, error) {
	var f *elffile.File
	err := elffile.Guard("ELF header", func() (err error) {
		f, err = elffile.Parse(src)
		return err
	})
	if err != nil {
		return nil, err
	}
	v := viewOf(f)
	v.core, v.src, v.off = co, src, off
	return v, nil
}

// viewOf wraps a parsed ELF: of a file, or of a process's memory.
func viewOf(f *elffile.File) *view {
	v := &view{elf: f}
	v.notes = sync.OnceValues(func() (n buildid.Notes, err error) {
		err = elffile.Guard("notes", func() error {
			n, err = f.Notes()
			return err
		})
		return n, err
	})
	v.pclntab = sync.OnceValues(func() (t *pclntab.Table, err error) {
		err = elffile.Guard("pclntab", func() error {
			t, err = pclntab.Open(f)
			return err
		})
		return t, err
	})
	v.symtab = sync.OnceValues(func() (*symtab.Table, error) { return v.openSymbols(f.Symtab, false) })
	v.dynsym = sync.OnceValues(func() (*symtab.Table, error) { return v.openSymbols(f.Dynsym, true) })
	return v
}

// openSymbols reads one of the two symbol tables.
func (v *view) openSymbols(read func() (elffile.Symbols, error), dynamic bool) (t *symtab.Table, err error) {
	err = elffile.Guard("symbols", func() error {
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

// appendFrames answers a virtual address from the first table that names it:
// the Go tables, which know lines and inlined calls and are in every Go
// program, then the symbol tables. DWARF has its place between them.
func (v *view) appendFrames(dst []Frame, vaddr uint64, names *frame.Demangler) ([]Frame, error) {
	n := len(dst)
	var problems []error
	engines := [...]func([]Frame, uint64, *frame.Demangler) ([]Frame, error){v.goFrames, v.symtabFrame, v.dynsymFrame}
	for _, engine := range engines {
		out, err := engine(dst, vaddr, names)
		if err == nil && len(out) > n {
			return out, nil
		}
		dst = dst[:n]
		if err != nil && !isAbsent(err) {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return dst, errors.Join(problems...)
	}
	return dst, ErrNoSymbol
}

func (v *view) goFrames(dst []Frame, vaddr uint64, _ *frame.Demangler) ([]Frame, error) {
	t, err := v.pclntab()
	if err != nil {
		return dst, err
	}
	err = elffile.Guard("pclntab", func() (err error) {
		dst, err = t.AppendFrames(dst, vaddr)
		return err
	})
	return dst, err
}

func (v *view) symtabFrame(dst []Frame, vaddr uint64, names *frame.Demangler) ([]Frame, error) {
	return symbolFrame(v.symtab, frame.EngineSymtab, dst, vaddr, names)
}

func (v *view) dynsymFrame(dst []Frame, vaddr uint64, names *frame.Demangler) ([]Frame, error) {
	return symbolFrame(v.dynsym, frame.EngineDynsym, dst, vaddr, names)
}

func symbolFrame(open func() (*symtab.Table, error), engine frame.Engine, dst []Frame, vaddr uint64, names *frame.Demangler) ([]Frame, error) {
	t, err := open()
	if err != nil {
		return dst, err
	}
	var sym symtab.Symbol
	var ok bool
	err = elffile.Guard("symbols", func() error {
		sym, ok = t.Lookup(vaddr)
		return nil
	})
	if err != nil || !ok {
		return dst, err
	}
	return append(dst, Frame{
		Function: names.Demangle(sym.Name), LinkageName: sym.Name,
		Offset: vaddr - sym.Vaddr, HasOffset: true, Engine: engine,
	}), nil
}

// isAbsent reports whether an engine has nothing to say, rather than a table
// that it cannot read.
func isAbsent(err error) bool {
	return errors.Is(err, pclntab.ErrNotGo) || errors.Is(err, pclntab.ErrNoSymbol) || errors.Is(err, elffile.ErrNoSection)
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
func (v *view) answersAtOnce() bool { return v.core != nil && v.core.local }
