package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/symfetch/symfetch/buildid"
)

var (
	// ErrNotFound: every server answered that it has no such file, now or a
	// short while ago. It wraps fs.ErrNotExist.
	ErrNotFound error = &kindError{"no server has it", fs.ErrNotExist}
	// ErrNoServers: the file is not in the cache, and no server is configured.
	// It wraps fs.ErrNotExist.
	ErrNoServers error = &kindError{"not in the cache, and no server is configured", fs.ErrNotExist}
	// ErrTimeout: a server did not send enough in time. It wraps
	// context.DeadlineExceeded.
	ErrTimeout error = &kindError{"too slow", context.DeadlineExceeded}
	// ErrTooLarge: the file is larger than Options.MaxSize.
	ErrTooLarge = errors.New("larger than accepted")
	// ErrRedirect: a server sent us where this package does not go.
	ErrRedirect = errors.New("redirect refused")
	// ErrIncomplete: the bytes end before what their own headers tell.
	ErrIncomplete = errors.New("incomplete")
)

// kindError is one of a more general kind, which its text need not repeat.
type kindError struct {
	text string
	kind error
}

func (e *kindError) Error() string { return e.text }
func (e *kindError) Unwrap() error { return e.kind }

// Error is why a file could not be had.
type Error struct {
	ID buildid.ID
	// What is "executable", "debuginfo" or "section NAME".
	What string
	// Errs are one for each server that failed, or the only reason.
	Errs []error
}

// Error names the file, its build ID and every reason.
func (e *Error) Error() string {
	texts := make([]string, len(e.Errs))
	for i, err := range e.Errs {
		texts[i] = err.Error()
	}
	return fmt.Sprintf("debuginfod: %s of build ID %s: %s", e.What, e.ID, strings.Join(texts, "; "))
}

// Unwrap returns the reasons.
func (e *Error) Unwrap() []error { return e.Errs }

// ServerError is a server's failure to answer.
type ServerError struct {
	// URL is what was asked, without a password.
	URL string
	// Status is the answer's HTTP status, 0 if none came.
	Status int
	// Err says more; nil where Status says all.
	Err error
}

// Error names the URL.
func (e *ServerError) Error() string {
	switch {
	case e.Err == nil:
		return fmt.Sprintf("%s: status %d %s", e.URL, e.Status, http.StatusText(e.Status))
	case e.Status != 0 && e.Status != http.StatusOK:
		return fmt.Sprintf("%s: status %d: %v", e.URL, e.Status, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.URL, e.Err)
}

// Unwrap returns Err.
func (e *ServerError) Unwrap() error { return e.Err }

// MismatchError is a file of another build than the one asked for.
type MismatchError struct {
	// URL is where it came from, or the file's path in the cache.
	URL string
	// Got is "" where the file has no build ID.
	Want, Got buildid.ID
}

// Error names the source and both build IDs.
func (e *MismatchError) Error() string {
	got := "has no build ID"
	if e.Got != "" {
		got = "is build ID " + e.Got.String()
	}
	return fmt.Sprintf("%s: the file %s, not %s", e.URL, got, e.Want)
}
