// Package debugfile knows where an object's separate debug files may lie, and
// what proves that a file is the one. It opens nothing: its caller looks into
// the places, in the target's root directory and in its own, and decides.
package debugfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/symfetch/symfetch/buildid"
)

// Link is what .gnu_debuglink says: the name of the debug file and the CRC-32
// of its bytes (gdb's manual, "Debugging Information in Separate Files").
type Link struct {
	// Name is a file name without a directory, raw bytes.
	Name string
	CRC  uint32
}

// maxName bounds the names in links, in bytes: PATH_MAX.
const maxName = 4096

// ParseLink reads the content of .gnu_debuglink: a name, zeros up to a multiple
// of four bytes, the CRC.
func ParseLink(data []byte, order binary.ByteOrder) (Link, error) {
	n := bytes.IndexByte(data, 0)
	if n <= 0 || n > maxName {
		return Link{}, fmt.Errorf("debug link of %d bytes without a name", len(data))
	}
	at := (n + 4) &^ 3
	if at+4 > len(data) {
		return Link{}, fmt.Errorf("debug link of %d bytes without a checksum", len(data))
	}
	name := string(data[:n])
	if bytes.IndexByte(data[:n], '/') >= 0 || name == "." || name == ".." {
		return Link{}, fmt.Errorf("debug link to %q, which is no file name", name)
	}
	return Link{Name: name, CRC: order.Uint32(data[at:])}, nil
}

// AltLink is what .gnu_debugaltlink says: the path of the supplementary file
// that dwz made, absolute or relative to the file that has the link, and its
// build ID.
type AltLink struct {
	Path string
	ID   buildid.ID
}

// ParseAltLink reads the content of .gnu_debugaltlink: a path, a zero, the
// bytes of the build ID.
func ParseAltLink(data []byte) (AltLink, error) {
	n := bytes.IndexByte(data, 0)
	if n <= 0 || n > maxName {
		return AltLink{}, fmt.Errorf("link to a supplementary file of %d bytes without a path", len(data))
	}
	id := buildid.FromBytes(data[n+1:])
	if id == "" {
		return AltLink{}, fmt.Errorf("link to the supplementary file %q without a build ID", data[:n])
	}
	return AltLink{Path: string(data[:n]), ID: id}, nil
}

// ParseSup reads the content of .debug_sup (DWARF 5, section 7.3.6) of a file
// that has a supplementary one; ok is false where it is a supplementary file
// itself. The checksum that dwz writes there is the build ID.
func ParseSup(data []byte, order binary.ByteOrder) (link AltLink, ok bool, err error) {
	if len(data) < 4 || order.Uint16(data) != 5 {
		return link, false, fmt.Errorf("supplementary section of %d bytes is not of version 5", len(data))
	}
	if data[2] != 0 {
		return link, false, nil
	}
	rest := data[3:]
	n := bytes.IndexByte(rest, 0)
	if n <= 0 || n > maxName {
		return link, false, fmt.Errorf("supplementary section of %d bytes without a path", len(data))
	}
	path := string(rest[:n])
	size, k := binary.Uvarint(rest[n+1:])
	rest = rest[n+1+max(k, 0):]
	if k <= 0 || size > uint64(len(rest)) {
		return link, false, fmt.Errorf("supplementary section of %d bytes with a checksum of %d", len(data), size)
	}
	id := buildid.FromBytes(rest[:size])
	if id == "" {
		return link, false, fmt.Errorf("link to the supplementary file %q without a checksum", path)
	}
	return AltLink{Path: path, ID: id}, true, nil
}

// CRC returns the checksum of a file as debug links have it.
func CRC(r io.Reader) (uint32, error) {
	h := crc32.NewIEEE()
	if _, err := io.Copy(h, r); err != nil {
		return 0, err
	}
	return h.Sum32(), nil
}
