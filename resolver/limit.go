package resolver

import (
	"context"
	"fmt"
	"time"
)

// limited runs f in a goroutine of its own and waits for it at most limit, or
// until ctx ends. f may be stuck in a system call on a file system that never
// answers: it is then abandoned, and undo gets its result whenever it does
// come. Nothing but a goroutine and its thread is lost by that.
func limited[T any](ctx context.Context, limit time.Duration, f func() (T, error), undo func(T)) (T, error) {
	type outcome struct {
		v   T
		err error
	}
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	done := make(chan outcome)
	abandoned := make(chan struct{})
	go func() {
		v, err := f()
		select {
		case done <- outcome{v, err}:
		case <-abandoned:
			if err == nil && undo != nil {
				undo(v)
			}
		}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.v, o.err
	case <-timer.C:
		close(abandoned)
		return zero, fmt.Errorf("%w of %v", ErrTimeout, limit)
	case <-ctx.Done():
		close(abandoned)
		return zero, ctx.Err()
	}
}
