package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// grace is what an interrupted run gets to remove half-written files.
const grace = 500 * time.Millisecond

// interruptError is the cause of a context that a signal ended.
type interruptError struct{ sig syscall.Signal }

func (e *interruptError) Error() string { return e.sig.String() }

// Unwrap returns context.Canceled.
func (e *interruptError) Unwrap() error { return context.Canceled }

// watchSignals returns a context that ends when somebody ends the run, which is
// ended by force where that does not help.
func watchSignals(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 4)
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) { // by nohup, or for a background job
			signal.Notify(signals, sig)
		}
	}
	done := make(chan struct{})
	go func() {
		select {
		case sig := <-signals:
			cancel(&interruptError{sig.(syscall.Signal)})
			select {
			case <-done:
			case <-signals: // impatient
			case <-time.After(grace):
			}
			die(sig.(syscall.Signal))
		case <-done:
		}
	}()
	return ctx, func() {
		if e, ok := errors.AsType[*interruptError](context.Cause(ctx)); ok {
			die(e.sig)
		}
		close(done)
		cancel(nil)
	}
}

// die ends this process because of sig: with the contract's status for an
// interrupt, by the signal itself for the others.
func die(sig syscall.Signal) {
	if sig != syscall.SIGINT {
		signal.Reset(sig)
		syscall.Kill(syscall.Getpid(), sig)
		time.Sleep(grace) // the signal comes in between
	}
	os.Exit(exitInterrupted)
}
