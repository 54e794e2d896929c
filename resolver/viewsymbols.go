package resolver

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/symtab"
)

// symbolTable is one of the tables to ask for a symbol.
type symbolTable struct {
	view   *view
	engine frame.Engine // .symtab or .dynsym
	delta  uint64       // to add to the object's vaddrs
}

// symbolTablesOf lists the tables to ask, the one to ask first first: the
// object's .symtab, else that of its debug file, the embedded one, .dynsym.
func (v *view) symbolTablesOf(dst []symbolTable) []symbolTable {
	dst = append(dst, symbolTable{v, frame.EngineSymtab, 0})
	if d := v.debug.Load(); d != nil {
		dst = append(dst, symbolTable{d.view, frame.EngineSymtab, d.delta})
	}
	if mini := v.embedded(); mini != nil {
		dst = append(dst, symbolTable{mini, frame.EngineSymtab, 0})
	}
	return append(dst, symbolTable{v, frame.EngineDynsym, 0})
}

// askSymbols completes DWARF's answer from the symbol tables: one frame where
// there is none, a name for a line alone, the linkage name of a function that
// DWARF calls by its short name.
func (v *view) askSymbols(frames []Frame, q *question) ([]Frame, error) {
	n := len(frames)
	if n > 0 && frames[n-1].LinkageName != "" {
		return withLinkageNames(frames), nil
	}
	var tables [4]symbolTable
	for _, table := range v.symbolTablesOf(tables[:0]) {
		sym, ok, err := table.lookup(q.vaddr + table.delta)
		q.note(err)
		if !ok {
			continue
		}
		sym.Vaddr -= table.delta
		if n == 0 {
			frames = append(frames, Frame{})
		}
		f := &frames[len(frames)-1]
		if f.Function == "" {
			f.Function, f.LinkageName = v.names.Demangle(sym.Name), sym.Name
			f.Offset, f.HasOffset, f.Engine = q.vaddr-sym.Vaddr, true, table.engine
		} else if name, part := cutClone(sym.Name); part || f.HasOffset && f.Offset == q.vaddr-sym.Vaddr {
			if isLinkageName(name, f.Function) {
				f.Function, f.LinkageName = v.names.Demangle(name), name
			}
		}
		return withLinkageNames(frames), nil
	}
	if n == 0 {
		if f, ok := v.stubFrame(q.vaddr); ok {
			return append(frames, f), nil
		}
	}
	switch {
	case n > 0:
		return withLinkageNames(frames), nil
	case len(q.problems) > 0:
		return nil, errors.Join(q.problems...)
	}
	return nil, ErrNoSymbol
}

// stubFrame names a stub by the function of another object to which it leads.
func (v *view) stubFrame(vaddr uint64) (Frame, bool) {
	stubs, _ := v.stubs()
	i, found := slices.BinarySearchFunc(stubs, vaddr, func(s elffile.Stub, vaddr uint64) int { return cmp.Compare(s.Vaddr, vaddr) })
	if !found {
		i--
	}
	if i < 0 || vaddr-stubs[i].Vaddr >= stubs[i].Size {
		return Frame{}, false
	}
	const suffix = "@plt"
	s := &stubs[i]
	return Frame{
		Function: v.names.Demangle(s.Name) + suffix, LinkageName: s.Name + suffix,
		Offset: vaddr - s.Vaddr, HasOffset: true, Engine: frame.EnginePLT,
	}, true
}

// cutClone cuts what a compiler appends to the C++ name of a clone or a part of
// a function, which DWARF knows as the function itself. part says that the
// symbol may start elsewhere than the function: seldom run code is put apart.
func cutClone(symbol string) (name string, part bool) {
	if !strings.HasPrefix(symbol, "_Z") || strings.Contains(symbol, "17h") {
		return symbol, false // in Rust's legacy names, points stand for other characters
	}
	name, suffix, _ := strings.Cut(symbol, ".")
	return name, strings.HasSuffix(suffix, "cold")
}

// isLinkageName reports whether a symbol is of the function with the given short
// name. A symbol at the same place may be another's: linkers fold functions
// with the same code.
func isLinkageName(symbol, short string) bool {
	name := frame.DemangleNoParams(symbol)
	if name == symbol {
		return symbol == short
	}
	if strings.HasPrefix(short, "operator") {
		return name == short || strings.HasSuffix(name, "::"+short)
	}
	bare, _, _ := strings.Cut(short, "<") // template arguments are spelled in several ways
	return bare != "" && lastPart(name) == bare
}

// lastPart returns the last part of a demangled name, without its template
// arguments: pick of geometry::Shape<a::b>::pick<int>.
func lastPart(name string) string {
	depth, start, end := 0, 0, len(name)
	for i := 0; i < len(name); i++ {
		switch name[i] {
		case '<', '(', '{', '[':
			if depth == 0 && name[i] == '<' && i > start {
				end = i
			}
			depth++
		case '>', ')', '}', ']':
			depth--
		case ':':
			if depth == 0 {
				start, end = i+1, len(name)
			}
		}
	}
	return name[start:end]
}

// withLinkageNames gives frames whose linkage name nothing tells their name.
func withLinkageNames(frames []Frame) []Frame {
	for i := range frames {
		if f := &frames[i]; f.LinkageName == "" {
			f.LinkageName = f.Function
		}
	}
	return frames
}

func (table symbolTable) lookup(vaddr uint64) (sym symtab.Symbol, ok bool, err error) {
	open := (*view).symtab
	if table.engine == frame.EngineDynsym {
		open = (*view).dynsym
	}
	t, err := open(table.view)
	if err != nil {
		return sym, false, err
	}
	err = elffile.Guard("symbols", func() error {
		sym, ok = t.Lookup(vaddr)
		return nil
	})
	return sym, ok && err == nil, err
}
