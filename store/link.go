package store

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/renameio/v2"
)

// link makes the names by which other tools look for o, of which found is
// known. was is the executable before.
func (r *room) link(o Object, found facts, was fs.FileInfo) error {
	s := r.store
	if o.Kind == Executable {
		if name := linkName(o.Name); name != "" {
			if err := symlink(string(Executable), filepath.Join(s.dir, string(o.Key), name)); err != nil {
				return err
			}
		}
		if found.symbols {
			if err := r.linkDebug(o.Key, was); err != nil {
				return err
			}
		}
	}
	if o.ID == "" || o.ID.Path() == "" {
		return nil
	}
	for kind, rel := range map[Kind]string{Executable: o.ID.Path(), DebugInfo: o.ID.DebugPath()} {
		if have := s.stat(o.Key, kind); have == nil || have.Size() == 0 {
			continue
		}
		at := filepath.Join(s.dir, rel)
		if err := os.MkdirAll(filepath.Dir(at), dirMode); err != nil {
			return err
		}
		up := strings.Repeat("../", strings.Count(rel, "/"))
		if err := symlink(up+string(o.Key)+"/"+string(kind), at); err != nil {
			return err
		}
	}
	return nil
}

// linkDebug makes an executable with symbols its own debug file, where there
// is no other: elfutils and debuginfod clients look nowhere else for them.
func (r *room) linkDebug(key Key, was fs.FileInfo) error {
	executable, debug := r.store.Path(key, Executable), r.store.Path(key, DebugInfo)
	have, now := r.store.stat(key, DebugInfo), r.store.stat(key, Executable)
	switch {
	case have == nil, have.Size() == 0:
	case now != nil && os.SameFile(have, now):
		return nil
	case was == nil || !os.SameFile(have, was):
		return nil // a debug file of its own
	}
	temp := filepath.Join(r.dir, string(DebugInfo))
	if err := os.Link(executable, temp); err != nil {
		return renameio.Symlink(string(Executable), debug) // some file systems know no hard links
	}
	return os.Rename(temp, debug)
}

// symlink makes at a link to target. A file that somebody else put there
// stays, unless it is empty.
func symlink(target, at string) error {
	if have, err := os.Readlink(at); err == nil && have == target {
		return nil
	}
	if info, err := os.Lstat(at); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		return nil
	}
	return renameio.Symlink(target, at)
}

// linkName returns the name of the link for an object's name, which comes
// from the target and is raw bytes: "" where it is no single path element, is
// too long, or is a name that the store or a debuginfod client's cache gives a
// meaning. Bytes that are no text, and a dot in front, become "_".
func linkName(name string) string {
	const longest = 200 // bytes, below what every file system takes
	switch {
	case name == "", name == ".", name == "..", len(name) > longest, strings.ContainsAny(name, "/\x00"):
		return ""
	case name == string(Executable), name == string(DebugInfo), name == "metadata":
		return ""
	}
	for _, prefix := range []string{"section", "source", "hdr-"} {
		if strings.HasPrefix(name, prefix) {
			return ""
		}
	}
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		if r == utf8.RuneError && n <= 1 || !unicode.IsPrint(r) || r == '.' && i == 0 {
			b = append(b, '_')
		} else {
			b = append(b, name[i:i+n]...)
		}
		i += n
	}
	return string(b)
}
