package main

import (
	"io"
	"sync"
)

// outputBuffer is how much finished output is kept back before it is written,
// in bytes.
const outputBuffer = 64 << 10

// output is standard output. It takes whole blocks (a table, an address's
// answer, a line of JSON) and never tears one apart between two writes of its
// own, so that what is flushed when the run is interrupted is complete.
type output struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
	err error // the first write error; nothing is written after it
}

// Write takes one block. It returns the error of an earlier write, if any.
func (o *output) Write(block []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	o.buf = append(o.buf, block...)
	if len(o.buf) >= outputBuffer {
		o.flush()
	}
	return len(block), o.err
}

// Flush writes what is buffered and returns the first error of all writes.
func (o *output) Flush() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flush()
	return o.err
}

// tryFlush flushes unless another goroutine is at it: that one may be stuck in
// a write which nobody reads.
func (o *output) tryFlush() {
	if o.mu.TryLock() {
		defer o.mu.Unlock()
		o.flush()
	}
}

func (o *output) flush() {
	if o.err != nil || len(o.buf) == 0 {
		return
	}
	_, o.err = o.w.Write(o.buf)
	o.buf = o.buf[:0]
}
