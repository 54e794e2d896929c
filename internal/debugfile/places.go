package debugfile

import (
	"path"
	"slices"
	"strings"

	"github.com/symfetch/symfetch/buildid"
)

// Global is the directory of debug files of all distributions.
const Global = "/usr/lib/debug"

// ByID lists the paths at which the debug file of a build ID may lie, below
// the global directory and dirs.
func ByID(id buildid.ID, dirs ...string) []string {
	rel := id.DebugPath()
	if rel == "" {
		return nil
	}
	var paths []string
	for _, dir := range append([]string{Global}, dirs...) {
		paths = append(paths, path.Join(dir, rel))
	}
	return paths
}

// ByLink lists the paths at which the debug file that the object at name links
// to may lie, in gdb's order: beside it, in .debug beside it, and below the
// global directory and dirs. name is absolute.
func ByLink(name string, link Link, dirs ...string) []string {
	dir := path.Dir(name)
	paths := []string{path.Join(dir, link.Name), path.Join(dir, ".debug", link.Name), path.Join(Global, dir, link.Name)}
	for _, d := range dirs {
		paths = append(paths, path.Join(d, dir, link.Name), path.Join(d, link.Name))
	}
	return distinct(paths)
}

// BySupplementary lists the paths at which the supplementary file that the file
// at name links to may lie: as the link says, and by its build ID.
func BySupplementary(name string, link AltLink, dirs ...string) []string {
	var paths []string
	if path.IsAbs(link.Path) {
		paths = append(paths, path.Clean(link.Path))
	} else {
		paths = append(paths, path.Join(path.Dir(name), link.Path))
	}
	return distinct(append(paths, ByID(link.ID, dirs...)...))
}

// ByPackage lists the paths of the DWARF package of an object that is known by
// several names (its own, its debug file's).
func ByPackage(names ...string) []string {
	var paths []string
	for _, name := range names {
		paths = append(paths, name+".dwp")
		if base, isDebug := strings.CutSuffix(name, ".debug"); isDebug {
			paths = append(paths, base+".dwp")
		}
	}
	return distinct(paths)
}

// BySplit lists the paths of a split unit's .dwo file: where the compiler put
// it, and beside the object, which is known by several names.
func BySplit(dwo, compDir string, names ...string) []string {
	var paths []string
	if path.IsAbs(dwo) {
		paths = append(paths, path.Clean(dwo))
	} else if path.IsAbs(compDir) {
		paths = append(paths, path.Join(compDir, dwo))
	}
	for _, name := range names {
		dir := path.Dir(name)
		if !path.IsAbs(dwo) {
			paths = append(paths, path.Join(dir, dwo))
		}
		paths = append(paths, path.Join(dir, path.Base(dwo)))
	}
	return distinct(paths)
}

func distinct(paths []string) []string {
	var out []string
	for _, p := range paths {
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
