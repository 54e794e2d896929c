package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/symfetch/symfetch/resolver"
)

// TestPrecedence: the first of 2, 3, 4, 5, 1 that applies.
func TestPrecedence(t *testing.T) {
	order := []int{exitUsage, exitGone, exitPermission, exitMismatch, exitPartly, exitOK}
	for i, high := range order {
		for _, low := range order[i:] {
			var a, b status
			a.note(high)
			a.note(low)
			b.note(low)
			b.note(high)
			if int(a) != high || int(b) != high {
				t.Errorf("%d and %d: %d, %d", high, low, a, b)
			}
		}
	}
}

func TestExitOf(t *testing.T) {
	for _, test := range []struct {
		want int
		err  error
	}{
		{0, nil},
		{1, errors.New("x")},
		{2, fmt.Errorf("x: %w", usagef("y"))},
		{3, fmt.Errorf("x: %w", resolver.ErrProcessGone)},
		{4, fmt.Errorf("x: %w", fs.ErrPermission)},
		{5, fmt.Errorf("x: %w", &resolver.MismatchError{})},
		{1, resolver.ErrTimeout},
		{1, resolver.ErrUnmapped},
		{1, resolver.ErrNoSymbol},
		{1, resolver.ErrNotVerified},
		{130, fmt.Errorf("x: %w", context.Canceled)},
	} {
		if got := exitOf(test.err); got != test.want {
			t.Errorf("exitOf(%v) = %d, want %d", test.err, got, test.want)
		}
	}
}
