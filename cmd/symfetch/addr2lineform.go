package main

import (
	"path/filepath"
	"strconv"

	"github.com/symfetch/symfetch/resolver"
)

// answerForm is a way to print answers.
type answerForm interface {
	// write writes one answer into l, in place of what it holds.
	write(l *jsonLine, q query, r fileAnswer)
}

// listForm is one that encloses the answers to a command line's addresses.
type listForm interface {
	begin() []byte
	end() []byte
}

// answerForm returns the form that the flags ask for.
func (a *app) answerForm(o addr2lineOptions) (answerForm, error) {
	switch {
	case a.opts.json:
		return ownJSON{explain: a.opts.explain}, nil
	case o.style == "GNU":
		return gnuForm{o}, nil
	case o.style == "LLVM":
		return llvmForm{o}, nil
	case o.style == "JSON":
		return &llvmJSON{file: o.file}, nil
	}
	return nil, usagef("--output-style is GNU, LLVM or JSON, not %s", strconv.Quote(o.style))
}

// ownJSON is the form of the other commands, with process 0.
type ownJSON struct{ explain bool }

func (f ownJSON) write(l *jsonLine, q query, r fileAnswer) {
	res := resolver.Result{Addr: q.addr, Vaddr: r.vaddr, HasVaddr: !q.bad, Frames: r.frames, Err: r.err}
	res.Entry = &resolver.Entry{
		Path: r.object.Path(), BuildID: r.object.BuildID(), Object: r.object,
		Source: r.object.Source(), Verified: r.object.Verified(),
	}
	l.address(0, q, res, f.explain)
}

// gnuForm is what GNU addr2line prints (binutils/addr2line.c).
type gnuForm struct{ o addr2lineOptions }

func (f gnuForm) write(l *jsonLine, q query, r fileAnswer) {
	b := l.b[:0]
	end := byte('\n')
	if f.o.addresses {
		b = appendHex16(append(b, "0x"...), q.addr)
		if f.o.pretty {
			b = append(b, ": "...)
		} else {
			b = append(b, end)
		}
	}
	frames := r.frames
	if len(frames) == 0 {
		if f.o.functions {
			b = append(b, "??"...)
			if f.o.pretty {
				end = ' '
			}
			b = append(b, end)
		}
		b = append(b, "??:0\n"...)
	}
	if !f.o.inlines {
		frames = frames[:min(len(frames), 1)]
	}
	for i := range frames {
		if i > 0 && f.o.pretty {
			b = append(b, " (inlined by) "...)
		}
		b = f.frame(b, &frames[i])
	}
	l.b = b
}

func (f gnuForm) frame(b []byte, fr *resolver.Frame) []byte {
	if f.o.functions {
		b = append(b, functionText(fr, f.o.demangle)...)
		if f.o.pretty {
			b = append(b, " at "...)
		} else {
			b = append(b, '\n')
		}
	}
	b = append(append(b, fileText(fr, f.o.basenames)...), ':')
	if fr.Line == 0 {
		return append(b, "?\n"...)
	}
	return append(strconv.AppendInt(b, int64(fr.Line), 10), '\n')
}

// llvmForm is what llvm-symbolizer prints (llvm/lib/DebugInfo/Symbolize/DIPrinter.cpp).
// It prints functions and inlined calls unasked, names as their source has them.
type llvmForm struct{ o addr2lineOptions }

func (f llvmForm) write(l *jsonLine, q query, r fileAnswer) {
	b := l.b[:0]
	if q.bad {
		l.b = append(append(b, show(q.input)...), '\n')
		return
	}
	if f.o.addresses {
		b = append(b, "0x"...)
		b = strconv.AppendUint(b, q.addr, 16)
		if f.o.pretty {
			b = append(b, ": "...)
		} else {
			b = append(b, '\n')
		}
	}
	frames := r.frames
	if len(frames) == 0 {
		frames = noFrames
	}
	for i := range frames {
		if i > 0 && f.o.pretty {
			b = append(b, " (inlined by) "...)
		}
		b = f.frame(b, &frames[i])
	}
	l.b = append(b, '\n')
}

// noFrames is what llvm-symbolizer prints where it knows nothing.
var noFrames = []resolver.Frame{{}}

func (f llvmForm) frame(b []byte, fr *resolver.Frame) []byte {
	b = append(b, functionText(fr, true)...)
	if f.o.pretty {
		b = append(b, " at "...)
	} else {
		b = append(b, '\n')
	}
	b = append(append(b, fileText(fr, f.o.basenames)...), ':')
	b = append(strconv.AppendInt(b, int64(fr.Line), 10), ':')
	return append(strconv.AppendInt(b, int64(fr.Column), 10), '\n')
}

// llvmJSON is llvm-symbolizer's JSON: an object for each line of standard
// input, or a list of them for the addresses of the command line.
type llvmJSON struct {
	file   string
	inList bool
	n      int
}

func (f *llvmJSON) begin() []byte {
	f.inList = true
	return []byte("[")
}

func (f *llvmJSON) end() []byte { return []byte("]\n") }

func (f *llvmJSON) write(l *jsonLine, q query, r fileAnswer) {
	l.b = l.b[:0]
	if f.inList && f.n > 0 {
		l.b = append(l.b, ',')
	}
	f.n++
	l.b = append(l.b, '{')
	if q.bad {
		l.object("Error", func() { l.str("Message", "unable to parse arguments: "+q.input) })
		l.name("ModuleName", f.file)
	} else {
		l.hex("Address", q.addr, true)
		l.name("ModuleName", f.file)
		frames := r.frames
		if len(frames) == 0 {
			frames = noFrames
		}
		l.list("Symbol", len(frames), func(i int) { l.llvmFrame(q.addr, &frames[i]) })
	}
	l.b = append(l.b, '}')
	if !f.inList {
		l.b = append(l.b, '\n')
	}
}

func (l *jsonLine) llvmFrame(vaddr uint64, fr *resolver.Frame) {
	l.num("Column", int64(fr.Column))
	l.num("Discriminator", 0)
	l.name("FileName", fr.File)
	l.name("FunctionName", fr.Function)
	l.num("Line", int64(fr.Line))
	l.hex("StartAddress", vaddr-fr.Offset, fr.HasOffset)
	l.str("StartFileName", "")
	l.num("StartLine", int64(fr.StartLine))
}

// functionText is a function's name, ?? where it is not known.
func functionText(fr *resolver.Frame, demangle bool) string {
	name := fr.LinkageName
	if demangle {
		name = fr.Function
	}
	if name == "" {
		return "??"
	}
	return show(name)
}

// fileText is a file's name, ?? where it is not known.
func fileText(fr *resolver.Frame, base bool) string {
	switch {
	case fr.File == "":
		return "??"
	case base:
		return show(filepath.Base(fr.File))
	}
	return show(fr.File)
}

// appendHex16 appends v as sixteen digits.
func appendHex16(b []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[v>>shift&15])
	}
	return b
}
