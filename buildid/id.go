// Package buildid holds the identity of an object: the GNU build ID that
// linkers write and the build ID that the go command writes, both stored as
// ELF notes.
//
// It reads notes from bytes and knows nothing of files, processes or ELF
// headers.
package buildid

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// MaxSize is the length in bytes of the longest build ID that is accepted.
// SHA-1 gives 20, MD5 and UUID 16, SHA-256 32 bytes; elfutils and debuginfod
// accept up to 64 too.
const MaxSize = 64

// ID is a GNU build ID: its raw bytes, 1 to [MaxSize] of them. The zero ID, "",
// is none. IDs are comparable and can be keys of maps.
type ID string

// Parse reads an ID from hexadecimal digits of either case. It refuses the
// empty string, an odd number of digits, anything that is not a digit
// (prefixes such as "0x" and white space too) and more than [MaxSize] bytes.
func Parse(s string) (ID, error) {
	switch {
	case s == "":
		return "", fmt.Errorf("build ID is empty")
	case len(s)%2 != 0:
		return "", fmt.Errorf("build ID %.140q has an odd number of digits", s)
	case len(s)/2 > MaxSize:
		return "", fmt.Errorf("build ID %.140q is longer than %d bytes", s, MaxSize)
	}
	raw, err := hex.DecodeString(s)
	if err != nil {
		return "", fmt.Errorf("build ID %.140q is not hexadecimal: %w", s, err)
	}
	return ID(raw), nil
}

// FromBytes copies b, an ID's raw bytes as a note or the kernel gives them, to
// an ID. It returns "" for what cannot identify anything: no bytes, more than
// [MaxSize], or only zero bytes, which is what a linker leaves that reserved
// the note and never filled it.
func FromBytes(b []byte) ID {
	if len(b) == 0 || len(b) > MaxSize || allZero(b) {
		return ""
	}
	return ID(b)
}

// String returns the ID as lower-case hexadecimal digits, "" for none.
func (id ID) String() string { return hex.EncodeToString([]byte(id)) }

// Path returns the ID's place in a build-ID tree, ".build-id/xx/rest", without
// a suffix: where the executable is. An ID of one byte has no rest, and no
// reader of such trees looks for one: the result is then "", as for no ID.
func (id ID) Path() string {
	if len(id) < 2 {
		return ""
	}
	s := id.String()
	return ".build-id/" + s[:2] + "/" + s[2:]
}

// DebugPath is [ID.Path] with ".debug", where the separate debug file is; ""
// where Path is.
func (id ID) DebugPath() string {
	p := id.Path()
	if p == "" {
		return ""
	}
	return p + ".debug"
}

// allZero tells whether b holds no other byte than zero.
func allZero(b []byte) bool {
	return strings.Trim(string(b), "\x00") == ""
}
