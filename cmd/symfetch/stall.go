package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/symfetch/symfetch/resolver"
)

// stallLimit is how long one file may keep silent before it is given up, as
// the resolver's own limit for one object: a file system that never answers
// costs what lies on it, and nothing else.
const stallLimit = 5 * time.Second

// errStalled is resolver.ErrTimeout for what this command reads itself.
func errStalled() error { return fmt.Errorf("%w of %v", resolver.ErrTimeout, stallLimit) }

// watched runs f in a goroutine of its own, which it abandons when f has not
// called alive for stallLimit, or ctx ends: it may be stuck in a system call.
// f must not touch what its caller uses afterwards.
func watched[T any](ctx context.Context, f func(alive func()) (T, error)) (T, error) {
	type outcome struct {
		v   T
		err error
	}
	done := make(chan outcome, 1)
	signs := make(chan struct{}, 1)
	go func() {
		v, err := f(func() {
			select {
			case signs <- struct{}{}:
			default:
			}
		})
		done <- outcome{v, err}
	}()
	timer := time.NewTimer(stallLimit)
	defer timer.Stop()
	var zero T
	for {
		select {
		case o := <-done:
			return o.v, o.err
		case <-signs:
			timer.Reset(stallLimit)
		case <-timer.C:
			return zero, errStalled()
		case <-ctx.Done():
			return zero, ctx.Err()
		}
	}
}

// watchedReader reads from r, each time for at most stallLimit. It copies: an
// abandoned read must not write to its caller's buffer.
type watchedReader struct {
	ctx context.Context
	r   io.ReaderAt
}

// ReadAt implements io.ReaderAt.
func (w watchedReader) ReadAt(p []byte, off int64) (int, error) {
	type read struct {
		data []byte
		err  error
	}
	got, err := watched(w.ctx, func(func()) (read, error) {
		buf := make([]byte, len(p))
		n, err := w.r.ReadAt(buf, off)
		return read{buf[:n], err}, nil
	})
	if err != nil {
		return 0, err
	}
	return copy(p, got.data), got.err
}
