package pclntab

import "github.com/symfetch/symfetch/internal/frame"

// maxDepth bounds the calls inlined into each other at one pc.
const maxDepth = 1 << 10

// call is one logical call at a pc: what AppendFrames makes a frame of.
type call struct {
	// tree is the index in the inline tree, -1 for the physical function.
	tree      int32
	nameOff   uint32
	startLine int32
	// pc is the offset from the function's entry whose file and line are the
	// call's: for callers, that of the call site.
	pc         uint32
	file, line int32
}

// AppendFrames appends the logical calls at vaddr to dst, innermost first,
// the physical function last. vaddr is looked up as it is: the caller turns
// return addresses into call addresses.
//
// Errors: ErrNoSymbol outside known Go code, ErrCorrupt, or the Image's own;
// dst is returned as it was.
func (t *Table) AppendFrames(dst []frame.Frame, vaddr uint64) ([]frame.Frame, error) {
	d := t.getDecoder()
	defer t.decode.Put(d)
	f, err := d.resolve(t, vaddr)
	if err != nil {
		return dst, err
	}
	out := dst
	last := len(d.calls) - 1
	for i := range d.calls {
		c := &d.calls[i]
		name, err := t.name(c.nameOff)
		if err != nil {
			return dst, err
		}
		file, err := t.file(f.cu, c.file)
		if err != nil {
			return dst, err
		}
		fr := frame.Frame{
			Function:    name,
			LinkageName: name,
			File:        file,
			StartLine:   max(0, int(c.startLine)),
			Inlined:     i < last,
			Engine:      frame.EnginePclntab,
		}
		if file != "" {
			fr.Line = max(0, int(c.line))
		}
		if i == last {
			fr.Offset, fr.HasOffset = uint64(d.target), true
		}
		out = append(out, fr)
	}
	return out, nil
}
