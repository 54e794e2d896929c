package resolver

import (
	"sync"
	"sync/atomic"
)

// lazy is a value that is made when it is first asked for. Unlike
// sync.OnceValues it costs nothing where nobody asks, which is most of the
// tables of most objects.
type lazy[T any] struct {
	done atomic.Bool
	mu   sync.Mutex
	v    T
	err  error
}

// get returns the value, made by open the first time.
func (l *lazy[T]) get(v *view, open func(*view) (T, error)) (T, error) {
	if l.done.Load() {
		return l.v, l.err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.done.Load() {
		l.v, l.err = open(v)
		l.done.Store(true)
	}
	return l.v, l.err
}
