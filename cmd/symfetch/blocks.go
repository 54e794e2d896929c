package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/symfetch/symfetch/resolver"
)

// errBadAddress: a line of the input is no hexadecimal address.
var errBadAddress = errors.New("not a hexadecimal address of at most 64 bits")

// reasonOf is resolver.ReasonOf, and knows malformed lines.
func reasonOf(err error) resolver.Reason {
	if err == errBadAddress {
		return resolver.ReasonBadAddress
	}
	return resolver.ReasonOf(err)
}

// addressText is an address's answer for people: the innermost call with the
// object that holds it, then its inlined callers, then an empty line. The
// result is overwritten by the next call.
func (a *app) addressText(q query, r resolver.Result) []byte {
	b := a.textBuf[:0]
	if q.bad {
		b = append(b, show(q.input)...)
	} else {
		b = append(b, "0x"...)
		b = strconv.AppendUint(b, q.addr, 16)
	}
	b = append(b, ": "...)
	if len(r.Frames) == 0 {
		b = append(b, "?? ("...)
		b = append(b, reasonText(reasonOf(r.Err))...)
		b = append(b, ')')
		b = appendObject(b, r)
	}
	for i, f := range r.Frames {
		if i > 0 {
			b = append(b, "  (inlined by) "...)
		}
		b = appendFrame(b, f)
		if i == 0 {
			b = appendObject(b, r)
		}
		if i < len(r.Frames)-1 {
			b = append(b, '\n')
		}
	}
	b = append(b, '\n')
	if a.opts.explain && r.Entry != nil {
		for _, n := range attemptNotes(r.Entry) {
			b = append(append(append(b, gap...), n...), '\n')
		}
	}
	b = append(b, '\n')
	a.textBuf = b
	return b
}

func appendFrame(b []byte, f resolver.Frame) []byte {
	if f.Function == "" {
		b = append(b, "??"...)
	} else {
		b = append(b, show(f.Function)...)
	}
	if f.HasOffset {
		b = append(b, "+0x"...)
		b = strconv.AppendUint(b, f.Offset, 16)
	}
	if f.File == "" {
		return b
	}
	b = append(b, " at "...)
	b = append(b, show(f.File)...)
	if f.Line > 0 {
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(f.Line), 10)
	}
	return b
}

// appendObject tells the object, and by which source and which proof its bytes
// are known. Nothing is known of an address that is not mapped.
func appendObject(b []byte, r resolver.Result) []byte {
	path := pathOf(r)
	if path == "" {
		return b
	}
	b = append(append(b, " ["...), show(path)...)
	if e := r.Entry; e != nil {
		if words := stateWords(e.State, e.Deleted, e.Container); len(words) > 0 {
			b = fmt.Appendf(b, " (%s)", strings.Join(words, ", "))
		}
		if e.Source == resolver.SourceKernel {
			b = append(b, ", the kernel's own symbols"...)
		} else if e.Err == nil {
			b = fmt.Appendf(b, ", %s, %s", e.Source, verifiedText(e.Verified))
		}
	}
	return append(b, ']')
}

// pathOf is the name of what covers an address, "" if that has none.
func pathOf(r resolver.Result) string {
	if r.Entry != nil {
		return r.Entry.Path
	}
	return r.Mapping.Name
}
