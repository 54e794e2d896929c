package resolver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/proc"
)

// offer is what a rung of the ladder came up with: bytes that nobody has
// verified yet.
type offer struct {
	rung Source
	path string
	// src holds the whole file and notes its identity.
	src   elffile.Source
	notes buildid.Notes
	stat  proc.FileStat
}

// A rung yields the files that one source has for a mapping. It decides
// nothing: an error is recorded as an attempt, a file is offered. It stops
// when yield returns false.
type rung struct {
	source Source
	files  func(p *Process, ctx context.Context, id identity, m Mapping, yield func(path string, f *os.File, err error) bool)
}

// ladder holds the rungs that open files, best first: what the kernel opens by
// the mapping itself, then by the process, then by names that may have come to
// mean another file.
var ladder = []rung{
	{SourceMapFiles, (*Process).mapFiles},
	{SourceLower, (*Process).lowerFiles},
	{SourceExe, (*Process).exeFile},
	{SourceRoot, (*Process).rootFile},
	{SourcePath, (*Process).ownFile},
	{SourceStore, (*Process).fetched},
}

type yieldFile = func(path string, f *os.File, err error) bool

func (p *Process) mapFiles(_ context.Context, _ identity, m Mapping, yield yieldFile) {
	f, err := p.os.OpenMapping(m)
	yield(fmt.Sprintf("map_files/%x-%x", m.Start, m.End), f, err)
}

// lowerFiles are asked only on overlayfs, where a file that is written to
// while mapped moves to the upper layer: the mapping stays on the lower one.
func (p *Process) lowerFiles(_ context.Context, _ identity, m Mapping, yield yieldFile) {
	if p.fsType(m) != "overlay" {
		return
	}
	for _, path := range p.pathsInRoot(cutName(m.Name)) {
		layers, err := p.os.LowerFiles(path)
		if err != nil {
			continue // not the path by which the target sees the overlay
		}
		for l := range layers {
			if !yield(l.Path, l.File, l.Err) {
				return
			}
		}
	}
}

// exeFile is asked only for mappings of the program itself. A path longer than
// PATH_MAX is told of neither.
func (p *Process) exeFile(_ context.Context, _ identity, m Mapping, yield yieldFile) {
	link, err := p.os.ExeLink()
	if err != nil && !errors.Is(err, syscall.ENAMETOOLONG) || link != m.Name {
		return
	}
	f, err := p.os.OpenExe()
	yield("exe", f, err)
}

func (p *Process) rootFile(_ context.Context, _ identity, m Mapping, yield yieldFile) {
	for _, name := range names(m) {
		for _, path := range p.pathsInRoot(name) {
			f, err := p.os.OpenInRoot(path)
			if !yield("root"+path, f, err) {
				return
			}
		}
	}
}

func (p *Process) ownFile(_ context.Context, _ identity, m Mapping, yield yieldFile) {
	for _, path := range names(m) {
		f, err := proc.OpenRegular(path)
		if !yield(path, f, err) {
			return
		}
	}
}

func (p *Process) fetched(ctx context.Context, id identity, _ Mapping, yield yieldFile) {
	if p.r.fetcher == nil || id.gnu == "" {
		return
	}
	f, err := p.r.fetcher.Fetch(ctx, id.gnu, KindExecutable)
	yield(id.gnu.String(), f, err)
}

// names are the paths that m's name can stand for: the name as it is, and
// without the suffix that the kernel appends for a removed file. A file may
// really be named so.
func names(m Mapping) []string {
	if !strings.HasPrefix(m.Name, "/") {
		return nil
	}
	if base, cut := cutDeleted(m.Name); cut {
		return []string{m.Name, base}
	}
	return []string{m.Name}
}

const deletedSuffix = " (deleted)"

func cutDeleted(name string) (string, bool) {
	return strings.CutSuffix(name, deletedSuffix)
}

// pathsInRoot are the places below the target's root that name can stand for.
// The kernel prints paths as this process sees them, so those of a process in
// a chroot start with the chroot's own path.
func (p *Process) pathsInRoot(name string) []string {
	root := p.rootLink()
	if root == "/" || root == "" {
		return []string{name}
	}
	if rest, ok := strings.CutPrefix(name, root); ok && strings.HasPrefix(rest, "/") {
		return []string{rest, name}
	}
	return []string{name}
}

// refusal turns a rung's failure into the words of an attempt.
func refusal(err error) error {
	var notRegular *proc.NotRegularError
	if errors.As(err, &notRegular) {
		return fmt.Errorf("%w: %w", ErrDevice, err)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("open: %w", err)
}
