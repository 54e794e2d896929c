package proc

import (
	"bytes"
	"fmt"
	"strconv"
)

// maxMounts bounds the mounts of one namespace (fs.mount-max is 100000).
const maxMounts = 1 << 17

// Mount is one row of mountinfo: the directory Root of a file system, seen at
// Point. Paths are raw bytes, as seen from the process's root directory.
type Mount struct {
	ID, Parent         int
	DevMajor, DevMinor uint32
	Root, Point        string
	FSType, Source     string
	// Options are the file system's own, as the kernel writes them: separated
	// by commas, special characters escaped in octal.
	Options string
}

// parseMounts parses the text of a mountinfo file.
//
// Format: show_mountinfo in fs/proc_namespace.c; proc_pid_mountinfo(5).
func parseMounts(text []byte) ([]Mount, error) {
	var mounts []Mount
	for line := range bytes.Lines(text) {
		m, ok := parseMount(bytes.TrimSuffix(line, []byte{'\n'}))
		if !ok {
			return nil, fmt.Errorf("%w line %d of mountinfo: %.80q", ErrMalformed, len(mounts)+1, line)
		}
		if len(mounts) == maxMounts {
			return nil, fmt.Errorf("%w: more than %d mounts", ErrTooLarge, maxMounts)
		}
		mounts = append(mounts, m)
	}
	return mounts, nil
}

// parseMount parses one line: "ID PARENT MAJ:MIN ROOT POINT OPTIONS [TAG...] -
// TYPE SOURCE OPTIONS". Spaces inside fields are escaped, fields can be empty.
func parseMount(line []byte) (Mount, bool) {
	// The separator is found from the front: nothing before it can be "-",
	// while a source can be named so.
	front, back, ok := bytes.Cut(line, []byte(" - "))
	fields := bytes.SplitN(front, []byte{' '}, 7)
	super := bytes.SplitN(back, []byte{' '}, 3)
	if !ok || len(fields) < 6 || len(super) < 3 {
		return Mount{}, false
	}
	id, err1 := parsePID(fields[0])
	parent, err2 := parsePID(fields[1])
	major, minor, ok := bytes.Cut(fields[2], []byte{':'})
	maj, err3 := strconv.ParseUint(string(major), 10, 32)
	mnr, err4 := strconv.ParseUint(string(minor), 10, 32)
	if !ok || err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		return Mount{}, false
	}
	return Mount{ID: id, Parent: parent, DevMajor: uint32(maj), DevMinor: uint32(mnr),
		Root: unescapeOctal(fields[3]), Point: unescapeOctal(fields[4]),
		FSType: unescapeOctal(super[0]), Source: unescapeOctal(super[1]), Options: string(super[2])}, true
}

// unescapeOctal undoes the kernel's escapes, a backslash and three octal
// digits. The kernel escapes the backslash itself too, so nothing is ambiguous;
// a backslash without digits is kept.
func unescapeOctal(b []byte) string {
	if bytes.IndexByte(b, '\\') < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+3 < len(b) {
			if v, err := strconv.ParseUint(string(b[i+1:i+4]), 8, 8); err == nil {
				out = append(out, byte(v))
				i += 3
				continue
			}
		}
		out = append(out, b[i])
	}
	return string(out)
}
