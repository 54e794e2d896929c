package main

import (
	"context"
	"slices"
	"sync"

	"github.com/symfetch/symfetch/resolver"
)

// fileAnswerer answers addresses of a file, batch by batch.
type fileAnswerer struct {
	*app
	object  *resolver.Object
	section string
	form    answerForm
	warned  bool

	vaddrs []uint64
	which  []int32 // index of the query of each vaddr
	kept   keptFrames
	line   jsonLine
}

// answer writes the answers to a batch, in order.
func (fa *fileAnswerer) answer(ctx context.Context, queries []query) {
	fa.vaddrs, fa.which = fa.vaddrs[:0], fa.which[:0]
	fa.kept.reset(len(queries))
	for i, q := range queries {
		if q.bad {
			fa.kept.put(i, nil, errBadAddress)
			continue
		}
		vaddr, err := fa.object.SectionVaddr(fa.section, q.addr)
		if err != nil {
			fa.kept.put(i, nil, err)
			continue
		}
		fa.vaddrs, fa.which = append(fa.vaddrs, vaddr), append(fa.which, int32(i))
	}
	fa.object.Symbolize(fa.vaddrs, func(i int, frames []resolver.Frame, err error) {
		fa.kept.put(int(fa.which[i]), frames, err)
	})
	next := 0 // in vaddrs
	for i, q := range queries {
		if ctx.Err() != nil {
			return
		}
		r := fileAnswer{object: fa.object}
		if next < len(fa.which) && int(fa.which[next]) == i {
			r.vaddr = fa.vaddrs[next]
			next++
		}
		r.frames, r.err = fa.kept.get(i)
		if r.err != nil && r.err != resolver.ErrNoSymbol && !fa.warned {
			fa.warned = true // a file that is damaged once is damaged often
			fa.warn("%s in %s: %v", q.input, fa.object.Path(), r.err)
		}
		fa.form.write(&fa.line, q, r)
		fa.out.Write(fa.line.b)
	}
}

// fileAnswer is what there is to say of one address of a file.
type fileAnswer struct {
	object *resolver.Object
	vaddr  uint64
	frames []resolver.Frame
	err    error
}

// keptFrames holds the answers of a batch, which come in any order, until all
// are there: tens of thousands, in a few megabytes, as they share most strings.
type keptFrames struct {
	mu      sync.Mutex
	answers []keptAnswer
	frames  []keptFrame
	// details are of the frames with the same indices, for forms that tell them.
	details  []keptDetail
	detailed bool
	ids      map[string]uint32
	strings  []string // by id
	errs     map[int]error
	scratch  []resolver.Frame
}

type keptAnswer struct{ start, n uint32 }

// keptFrame is a resolver.Frame with its strings by id.
type keptFrame struct {
	function, linkage, file uint32
	line, column            uint32
}

type keptDetail struct {
	offset             uint64
	startLine          uint32
	hasOffset, inlined bool
	engine             resolver.Engine
}

// maxKept bounds the strings that one batch leaves to the next.
const maxKept = 1 << 16

func (k *keptFrames) reset(n int) {
	if k.ids == nil || len(k.strings) > maxKept {
		k.ids, k.strings = map[string]uint32{"": 0}, []string{""}
	}
	k.answers = slices.Grow(k.answers[:0], n)[:n]
	clear(k.answers)
	k.frames, k.details, k.errs = k.frames[:0], k.details[:0], nil
}

// put keeps the answer to query i. Several goroutines call it at once.
func (k *keptFrames) put(i int, frames []resolver.Frame, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil && err != resolver.ErrNoSymbol {
		if k.errs == nil {
			k.errs = make(map[int]error)
		}
		k.errs[i] = err
	}
	k.answers[i] = keptAnswer{uint32(len(k.frames)), uint32(len(frames))}
	for j := range frames {
		f := &frames[j]
		kept := keptFrame{function: k.id(f.Function), file: k.id(f.File), line: uint32(f.Line), column: uint32(f.Column)}
		kept.linkage = kept.function
		if f.LinkageName != f.Function {
			kept.linkage = k.id(f.LinkageName)
		}
		k.frames = append(k.frames, kept)
		if k.detailed {
			k.details = append(k.details, keptDetail{f.Offset, uint32(f.StartLine), f.HasOffset, f.Inlined, f.Engine})
		}
	}
}

func (k *keptFrames) id(s string) uint32 {
	id, ok := k.ids[s]
	if !ok {
		id = uint32(len(k.strings))
		k.ids[s], k.strings = id, append(k.strings, s)
	}
	return id
}

// get returns the answer to query i, until the next call.
func (k *keptFrames) get(i int) ([]resolver.Frame, error) {
	a := k.answers[i]
	k.scratch = k.scratch[:0]
	for at := a.start; at < a.start+a.n; at++ {
		kept := &k.frames[at]
		f := resolver.Frame{
			Function: k.strings[kept.function], LinkageName: k.strings[kept.linkage], File: k.strings[kept.file],
			Line: int(kept.line), Column: int(kept.column),
		}
		if k.detailed {
			d := &k.details[at]
			f.Offset, f.HasOffset, f.StartLine, f.Inlined, f.Engine = d.offset, d.hasOffset, int(d.startLine), d.inlined, d.engine
		}
		k.scratch = append(k.scratch, f)
	}
	err := k.errs[i]
	if err == nil && a.n == 0 {
		err = resolver.ErrNoSymbol
	}
	return k.scratch, err
}
