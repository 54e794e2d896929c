package main

import (
	"context"
	"sync"

	"github.com/symfetch/symfetch/resolver"
)

// fileAnswerer answers addresses of a file, batch by batch. Answers are written
// as text at once, into one buffer and in any order: a batch of tens of
// thousands of them takes a few megabytes so.
type fileAnswerer struct {
	*app
	object  *resolver.Object
	section string
	form    answerForm
	warned  bool

	queries []query
	vaddrs  []uint64
	which   []int32 // index of the query of each vaddr
	texts   []piece // of each query
	lines   sync.Pool

	mu   sync.Mutex // the buffer, and the first error
	buf  []byte
	fail error
	at   query // that failed
}

// piece is where an answer lies in the buffer.
type piece struct{ start, end int }

// answer writes the answers to a batch, in order.
func (fa *fileAnswerer) answer(ctx context.Context, queries []query) {
	fa.queries, fa.vaddrs, fa.which, fa.buf = queries, fa.vaddrs[:0], fa.which[:0], fa.buf[:0]
	fa.texts = append(fa.texts[:0], make([]piece, len(queries))...)
	for i, q := range queries {
		if q.bad {
			fa.put(i, 0, nil, errBadAddress)
			continue
		}
		vaddr, err := fa.object.SectionVaddr(fa.section, q.addr)
		if err != nil {
			fa.put(i, 0, nil, err)
			continue
		}
		fa.vaddrs, fa.which = append(fa.vaddrs, vaddr), append(fa.which, int32(i))
	}
	fa.object.Symbolize(fa.vaddrs, func(i int, frames []resolver.Frame, err error) {
		fa.put(int(fa.which[i]), fa.vaddrs[i], frames, err)
	})
	if fa.fail != nil && !fa.warned {
		fa.warned = true // a file that is damaged once is damaged often
		fa.warn("%s in %s: %v", fa.at.input, fa.object.Path(), fa.fail)
	}
	for _, p := range fa.texts {
		if ctx.Err() != nil {
			return
		}
		fa.out.Write(fa.form.separate(fa.buf[p.start:p.end]))
	}
}

// put writes the answer to query i into the buffer. Several goroutines call it
// at once.
func (fa *fileAnswerer) put(i int, vaddr uint64, frames []resolver.Frame, err error) {
	l, _ := fa.lines.Get().(*jsonLine)
	if l == nil {
		l = new(jsonLine)
	}
	defer fa.lines.Put(l)
	q := fa.queries[i]
	fa.form.write(l, q, fileAnswer{fa.object, vaddr, frames, err})
	fa.mu.Lock()
	defer fa.mu.Unlock()
	start := len(fa.buf)
	fa.buf = append(fa.buf, l.b...)
	fa.texts[i] = piece{start, len(fa.buf)}
	if err != nil && err != resolver.ErrNoSymbol && fa.fail == nil {
		fa.fail, fa.at = err, q
	}
}

// fileAnswer is what there is to say of one address of a file.
type fileAnswer struct {
	object *resolver.Object
	vaddr  uint64
	frames []resolver.Frame
	err    error
}
