package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// grace is what an interrupted run gets to end by itself. It may not need it:
// a goroutine may be stuck in a system call on a file system that never
// answers, or in a write that nobody reads.
const grace = 300 * time.Millisecond

// watch returns a context that ends when the user interrupts the run. A run
// that does not end then is ended, after what is complete was written out and
// half-written files were removed.
func (a *app) watch(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 4)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		// What our parent chose to ignore (nohup, a shell's background job)
		// stays ignored.
		if !signal.Ignored(sig) {
			signal.Notify(signals, sig)
		}
	}
	var got atomic.Value
	done := make(chan struct{})
	go func() {
		select {
		case sig := <-signals:
			got.Store(sig)
			cancel()
			select {
			case <-done:
			case <-signals: // impatient
				a.abort(sig)
			case <-time.After(grace):
				a.abort(sig)
			}
		case <-done:
		}
	}()
	var once sync.Once
	return ctx, func() {
		once.Do(func() {
			if sig, ok := got.Load().(os.Signal); ok {
				// The watcher stays, should the last write be stuck.
				a.status.note(exitInterrupted)
				a.ended = sig
				return
			}
			close(done)
			signal.Stop(signals)
			cancel()
		})
	}
}

// abort ends a run whose goroutines may all be stuck.
func (a *app) abort(sig os.Signal) {
	ready := make(chan struct{})
	go func() {
		a.temps.removeAll()
		a.out.tryFlush()
		close(ready)
	}()
	select {
	case <-ready:
	case <-time.After(grace):
	}
	die(sig)
}

// die ends this process because of sig: with the contract's status for an
// interrupt, by the signal itself for the others.
func die(sig os.Signal) {
	if s, ok := sig.(syscall.Signal); ok && sig != syscall.SIGINT {
		signal.Reset(sig)
		syscall.Kill(syscall.Getpid(), s)
		time.Sleep(grace) // the signal comes in between
	}
	os.Exit(exitInterrupted)
}
