package elffile

import (
	"errors"
	"fmt"
)

var (
	// ErrNotELF is returned for what does not begin with the ELF magic.
	ErrNotELF = errors.New("not an ELF file")
	// ErrNoSection is returned where the ELF has no section of that name or
	// type, or no section headers at all (stripped of them, or a memory
	// image, of which they are no part).
	ErrNoSection = errors.New("no such section")
	// ErrNoData is returned for a section or a table that is there but has no
	// bytes in the file, as most have in a separate debug file.
	ErrNoData = errors.New("section has no data in the file")
	// ErrNoVaddr is returned by [File.Vaddr] for an offset that no segment of
	// fitting permissions loads.
	ErrNoVaddr = errors.New("offset is in no segment that fits the mapping")
	// ErrAmbiguous is returned by [File.Vaddr] where two segments load the
	// offset, each to another vaddr, and the mapping fits both. A load bias
	// learnt from another mapping of the same load decides: see [Mapped].
	ErrAmbiguous = errors.New("offset is in several segments that fit the mapping")
	// ErrNotLoaded is returned for a vaddr, or a memory image's offset, that
	// no PT_LOAD segment gives bytes to.
	ErrNotLoaded = errors.New("not in any loaded segment's bytes")
	// ErrTooLarge is returned where a size is above one of this package's
	// caps. The bytes may be fine; nobody who asked for them needs so many.
	ErrTooLarge = errors.New("larger than accepted")
)

// FormatError is a malformed ELF: what was read at an offset makes no sense or
// leads out of the file.
type FormatError struct {
	// Section names the part of the file: "ELF header", "program headers",
	// "section headers", or a section's name.
	Section string
	// Off is the file offset of the offending bytes, or where they point to.
	Off int64
	// Msg says what is wrong.
	Msg string
}

// Error names the part, the offset and what is wrong.
func (e *FormatError) Error() string {
	return fmt.Sprintf("malformed ELF: %s at offset %#x: %s", e.Section, e.Off, e.Msg)
}

// badFormat makes a *FormatError.
func badFormat(section string, off uint64, format string, args ...any) error {
	return &FormatError{Section: section, Off: int64(off), Msg: fmt.Sprintf(format, args...)}
}
