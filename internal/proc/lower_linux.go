package proc

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// maxMountinfo bounds the text of one mountinfo file.
const maxMountinfo = 64 << 20 // bytes

// maxOverlays bounds how many nested overlay mounts are looked into for a path.
const maxOverlays = 8

// ErrRelativeLayer: the overlay was mounted with a path relative to a
// directory that is not known any more.
var ErrRelativeLayer = errors.New("layer's path is relative")

// Lower is one place at which a file of an overlay mount may lie.
type Lower struct {
	// Layer is the directory of the layer as whoever mounted it named it,
	// Path the place in it.
	Layer, Path string
	// InRoot says that Path was looked up in the process's root directory,
	// else in our own namespace.
	InRoot bool
	// File belongs to the caller; nil where Err says why.
	File *os.File
	Err  error
}

// Mounts returns the mounts that the process sees below its root directory.
func (p *Process) Mounts() ([]Mount, error) {
	if err := p.refs.acquire(); err != nil {
		return nil, err
	}
	defer p.refs.release()
	var text []byte
	err := p.withTask(func(dir int) (err error) {
		text, err = readSmall(dir, "mountinfo", maxMountinfo)
		return err
	})
	if err = p.settle(err); err != nil {
		return nil, asPathError("read", p.path("mountinfo"), err)
	}
	return parseMounts(text)
}

// LowerFiles looks for the file that an overlay mount shows at path, a path as
// seen from the process's root directory, in the directories of which the
// mount is made: the lower layers from the top down, then the upper one. A
// file that was mapped from a lower layer and written to afterwards is still
// what runs, and only there.
//
// Every place is yielded, also those where nothing was opened, so that the
// caller can tell what was tried. It is tried in our own namespace first and
// then in the process's root, as both may be where the layer's path means
// something; whether a file is the mapped one is for the caller to prove.
// Paths in the data-only layers of an overlay that names them by redirection
// are not found.
//
// Errors: ErrNotOverlay, or why the mounts cannot be read. It can wait for the
// layers' file systems.
func (p *Process) LowerFiles(path string) (iter.Seq[Lower], error) {
	mounts, err := p.Mounts()
	if err != nil {
		return nil, err
	}
	overlays := overlaysAt(mounts, path)
	if len(overlays) == 0 || !strings.HasPrefix(path, "/") {
		return nil, p.errorf("%q: %w", path, ErrNotOverlay)
	}
	overlays = overlays[:min(len(overlays), maxOverlays)]
	return func(yield func(Lower) bool) {
		for _, m := range overlays {
			inner, _ := m.inner(path)
			for _, layer := range overlayLayers(m.Options) {
				if !p.tryLayer(layer, inner, yield) {
					return
				}
			}
		}
	}, nil
}

// tryLayer yields one layer's places.
func (p *Process) tryLayer(layer, inner string, yield func(Lower) bool) bool {
	l := Lower{Layer: layer, Path: strings.TrimSuffix(layer, "/") + inner}
	if !strings.HasPrefix(layer, "/") {
		l.Err = fmt.Errorf("%q: %w", layer, ErrRelativeLayer)
		return yield(l)
	}
	for _, l.InRoot = range [...]bool{false, true} {
		l.File, l.Err = p.openLayerFile(l, inner)
		if !yield(l) {
			return false
		}
	}
	return true
}

// openLayerFile opens the file inner of a layer. Inside a layer no link is
// followed: the kernel's path to a mapped file holds none, and a layer's own
// absolute links would lead elsewhere than they do in the overlay.
func (p *Process) openLayerFile(l Lower, inner string) (*os.File, error) {
	if err := p.refs.acquire(); err != nil {
		return nil, err
	}
	defer p.refs.release()
	layer, err := p.openLayer(l)
	if err != nil {
		return nil, asPathError("open", l.Layer, err)
	}
	defer unix.Close(layer)
	fd, err := openBeneath(layer, strings.TrimLeft(inner, "/"), unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)
	if err != nil {
		return nil, asPathError("open", l.Path, err)
	}
	return reopen(fd, p.root, l.Path)
}

// openLayer opens a layer's directory, O_PATH.
func (p *Process) openLayer(l Lower) (int, error) {
	if !l.InRoot {
		return openBeneath(unix.AT_FDCWD, l.Layer, 0)
	}
	root, err := p.rootDir()
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	return openBeneath(root, l.Layer, unix.RESOLVE_IN_ROOT)
}
