package client

import (
	"context"
	"sync"
	"time"
)

// enough is how much a server must send within the time limit, in bytes.
const enough = 100 << 10

// watch ends a request whose server sends too little for too long.
type watch struct {
	limit time.Duration // 0: none
	timer *time.Timer
	mu    sync.Mutex
	got   int64 // since the timer was last set
}

// newWatch calls expired when first is over and no progress was told, nor
// afterwards within limit.
func newWatch(first, limit time.Duration, expired func()) *watch {
	w := &watch{limit: limit}
	if limit > 0 {
		w.timer = time.AfterFunc(first, expired)
	}
	return w
}

// advance tells of n more bytes.
func (w *watch) advance(n int) {
	if w.timer == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.got += int64(n); w.got >= enough {
		w.got = 0
		w.timer.Reset(w.limit)
	}
}

// pause stops the watch while we are those who wait, resume starts it anew.
func (w *watch) pause() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *watch) resume() {
	if w.timer != nil {
		w.timer.Reset(w.limit)
	}
}

// causeOf returns why ctx ended, where err is only its echo.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
