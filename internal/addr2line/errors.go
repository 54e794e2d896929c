package addr2line

import (
	"errors"
	"fmt"
)

var (
	// ErrNoDWARF is returned where the object has no .debug_info.
	ErrNoDWARF = errors.New("no dwarf")
	// ErrNoSymbol is returned where neither a function nor the line table
	// covers the address. Returned bare, so that failing costs nothing.
	ErrNoSymbol = errors.New("no symbol in dwarf")
)

// FormatError is malformed DWARF: what was read at an offset makes no sense,
// leads out of its section, or would take more work than the file can be worth.
type FormatError struct {
	// Section is the section's name, ".debug_info".
	Section string
	// Off is the offset in the section, uncompressed, of the offending bytes.
	Off uint64
	// Msg says what is wrong.
	Msg string
}

// Error names the section, the offset and what is wrong.
func (e *FormatError) Error() string {
	return fmt.Sprintf("malformed dwarf: %s at offset %#x: %s", e.Section, e.Off, e.Msg)
}

func badFormat(sec sectionID, off uint64, format string, args ...any) error {
	return &FormatError{Section: sec.String(), Off: off, Msg: fmt.Sprintf(format, args...)}
}
