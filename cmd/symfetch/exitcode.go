package main

import (
	"context"
	"errors"
	"io/fs"

	"github.com/urfave/cli/v3"

	"github.com/symfetch/symfetch/resolver"
)

// The exit statuses of the command line's contract.
const (
	exitOK          = 0   // every question was answered
	exitPartly      = 1   // some questions were not
	exitUsage       = 2   // the command line is wrong
	exitGone        = 3   // no such process, or it ended
	exitPermission  = 4   // permission denied
	exitMismatch    = 5   // only bytes of another identity were found
	exitInterrupted = 130 // Ctrl-C
)

// precedence orders the statuses: of those that apply, the first is returned.
var precedence = [...]int{exitInterrupted, exitUsage, exitGone, exitPermission, exitMismatch, exitPartly}

// status is the exit status that a run has earned so far.
type status int

// note records that code applies too.
func (s *status) note(code int) {
	for _, p := range precedence {
		if int(*s) == p {
			return
		}
		if code == p {
			*s = status(p)
			return
		}
	}
}

// usageError is a mistake on the command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

// exitOf returns the status that err earns.
func exitOf(err error) int {
	var usage *usageError
	var parser cli.ExitCoder
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage), errors.As(err, &parser):
		return exitUsage
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, resolver.ErrProcessGone):
		return exitGone
	case errors.Is(err, fs.ErrPermission):
		return exitPermission
	}
	return exitOfReason(resolver.ReasonOf(err))
}

// exitOfReason returns the status that an unanswered question earns.
func exitOfReason(r resolver.Reason) int {
	switch r {
	case resolver.ReasonNone:
		return exitOK
	case resolver.ReasonProcessGone:
		return exitGone
	case resolver.ReasonPermission:
		return exitPermission
	case resolver.ReasonMismatch:
		return exitMismatch
	}
	return exitPartly
}
