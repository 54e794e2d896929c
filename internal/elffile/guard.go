package elffile

import (
	"fmt"
	"runtime/debug"
)

// FaultError is a memory fault while mapped bytes were read: the file was
// truncated under its mapping, or its disk failed.
type FaultError struct {
	// What names what was being read.
	What string
	// Addr is the address of the fault in this process.
	Addr uint64
}

// Error says what was being read.
func (e *FaultError) Error() string {
	return fmt.Sprintf("%s: bytes vanished while they were read (fault at %#x): the file was truncated or its device failed", e.What, e.Addr)
}

// Guard runs fn, which reads views of a mapped file, and turns a memory fault
// into a *FaultError that names what. Every other panic passes through, and so
// does the fault of a nil pointer.
//
// It covers fn's own goroutine only, so fn starts none that read views. Nor may
// fn call a function of the caller's (yield): a fault there is not this
// object's. Calls may be nested.
func Guard(what string, fn func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		switch r := recover().(type) {
		case nil:
		case interface{ Addr() uintptr }: // runtime.Error of a fault at an address
			err = &FaultError{What: what, Addr: uint64(r.Addr())}
		default:
			panic(r)
		}
	}()
	return fn()
}
