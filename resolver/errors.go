package resolver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/symfetch/symfetch/internal/addr2line"
	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/proc"
)

// The conditions that callers tell apart with errors.Is.
var (
	// ErrUnmapped: the process has no mapping at the address.
	ErrUnmapped = errors.New("not mapped")
	// ErrNoObject: the mapping is anonymous memory or a kernel mapping, with
	// no file behind it.
	ErrNoObject = errors.New("no file behind the mapping")
	// ErrNoSymbol: the object was read and no table of it names the address.
	ErrNoSymbol = errors.New("no symbol covers the address")
	// ErrNoBuildID: the object has no build ID.
	ErrNoBuildID = errors.New("no build ID")
	// ErrProcessGone: the process exited or called execve. It stays so for a
	// Process: a new image behind the same number is another process.
	ErrProcessGone = errors.New("process is gone")
	// ErrNotSupported: the kernel or the object's kind does not offer this.
	ErrNotSupported = errors.New("not supported")
	// ErrNotELF: the mapped file is no ELF object.
	ErrNotELF = errors.New("not an ELF object")
	// ErrNotVerified: bytes were found, and nothing proves that they are those
	// that are mapped.
	ErrNotVerified = errors.New("not verified")
	// ErrDevice: the mapping is of a device or another file that must not be
	// opened.
	ErrDevice = errors.New("not a regular file")
	// ErrTimeout: the object's file system did not answer in time.
	ErrTimeout = errors.New("no answer within the time limit")
	// ErrClosed: the handle was closed before.
	ErrClosed = errors.New("object is closed")
)

// MismatchError says that a source offered another file than the mapped one.
type MismatchError struct {
	// What was compared: "build ID", "Go build ID", "content", "CRC".
	What string
	// Want is the live identity, Got that of the refused file; empty for
	// content.
	Want, Got string
	// Off is the file offset of the first difference where What is "content".
	Off uint64
	// Source offered the file.
	Source Source
}

func (e *MismatchError) Error() string {
	if e.What == whatContent {
		return fmt.Sprintf("another file: its bytes at offset %#x are not those in memory", e.Off)
	}
	got := e.Got
	if got == "" {
		got = "none"
	}
	return fmt.Sprintf("another file: %s %s wanted, %s found", e.What, e.Want, got)
}

// What can be compared.
const (
	whatBuildID   = "build ID"
	whatGoBuildID = "Go build ID"
	whatContent   = "content"
	whatCRC       = "CRC"
)

// Attempt is one rung of the ladder that was tried for an object.
type Attempt struct {
	Source Source
	// Path is what was opened there, in the terms of the source.
	Path string
	// Err says why the rung was refused; nil for the rung that served.
	Err error
}

// OpenError says that no source gave an object's bytes, and why each did not.
// errors.Is and errors.As look into every attempt.
type OpenError struct {
	Path     string
	Mapping  Mapping
	Attempts []Attempt
	// cause decides over the attempts where the ladder was stopped.
	cause error
}

func (e *OpenError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "open object %q mapped at %#x", e.Path, e.Mapping.Start)
	if e.cause != nil {
		fmt.Fprintf(&b, ": %v", e.cause)
	}
	for i, a := range e.Attempts {
		if a.Err == nil || a.Err == e.cause {
			continue
		}
		sep := "; "
		if i == 0 || b.Len() == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s: %v", sep, a.Source, a.Err)
	}
	return b.String()
}

// Unwrap returns the cause that ended the ladder, if any, and every attempt's
// error.
func (e *OpenError) Unwrap() []error {
	errs := make([]error, 0, len(e.Attempts)+1)
	if e.cause != nil {
		errs = append(errs, e.cause)
	}
	for _, a := range e.Attempts {
		if a.Err != nil {
			errs = append(errs, a.Err)
		}
	}
	return errs
}

// ReasonOf returns the contract's word for err, ReasonNone for nil. An
// OpenError speaks by the cause that ended its ladder, else by the most
// telling of its attempts: a lack of permission says more than the refusals of
// the lower rungs to which it led.
func ReasonOf(err error) Reason {
	if err == nil {
		return ReasonNone
	}
	var open *OpenError
	if errors.As(err, &open) && open.cause != nil {
		return ReasonOf(open.cause)
	}
	for _, r := range reasons {
		if r.is(err) {
			return r.reason
		}
	}
	return ReasonNoObject
}

// reasons are tried in this order.
var reasons = []struct {
	reason Reason
	is     func(error) bool
}{
	{ReasonProcessGone, isAny(ErrProcessGone, proc.ErrGone, proc.ErrNoProcess)},
	{ReasonUnmapped, isAny(ErrUnmapped, proc.ErrUnmapped)},
	{ReasonNoSymbol, isAny(ErrNoSymbol)},
	{ReasonDevice, isAny(ErrDevice)},
	{ReasonTimeout, isAny(ErrTimeout, context.DeadlineExceeded)},
	{ReasonNotELF, isAny(ErrNotELF, elffile.ErrNotELF)},
	{ReasonPermission, isAny(fs.ErrPermission)},
	{ReasonMismatch, isType[*MismatchError]},
	{ReasonCorrupt, func(err error) bool {
		return isType[*elffile.FormatError](err) || isType[*elffile.FaultError](err) || isType[*addr2line.FormatError](err)
	}},
	{ReasonNotVerified, isAny(ErrNotVerified)},
}

func isAny(targets ...error) func(error) bool {
	return func(err error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
}

func isType[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}
