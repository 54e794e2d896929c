package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Workload is a file whose addresses are asked for. It is built once, from
// packages of pinned versions, into a directory that outlives the run.
type Workload struct {
	// Name is the file's in that directory, and stands in measures' names.
	Name string
	// Title is the report's word for it.
	Title string
	// Build writes the file to out.
	Build func(ctx context.Context, w *workshop, out string) error
	// Go marks a Go program as it is shipped, answered from its own tables:
	// more is promised for it, and the go command's tool is one of the peers.
	Go bool
	// Twin names the workload of the same code that has the debug information
	// which this one lacks: the peers' answers there are the truth here.
	Twin string
	// NamesOnly marks a file that knows no lines.
	NamesOnly bool
}

// workloads returns all, in the order of the report.
func workloads() []Workload {
	return []Workload{
		{Name: "dlv", Title: "Go, dlv as shipped (compressed DWARF)", Build: buildDlv, Go: true},
		{Name: "dlv-stripped", Title: "Go, dlv stripped", Build: buildDlvStripped, Go: true, Twin: "dlv"},
		{Name: "rclone", Title: "Go with C, rclone as shipped", Build: buildRclone, Go: true},
		{Name: "spirv", Title: "C++ library, gcc, DWARF 5", Build: buildSpirv},
		{Name: "harfbuzz", Title: "C++ library, gcc, DWARF 4, zlib sections", Build: buildHarfbuzz},
		{Name: "rust", Title: "Rust program, debug=2", Build: buildRust},
		{Name: "libc", Title: "libc's debug file", Build: buildLibc},
		{Name: "sqlite-gcc4", Title: "C, one unit, gcc, DWARF 4", Build: buildSQLite("gcc", "-gdwarf-4")},
		{Name: "sqlite-clang5", Title: "C, one unit, clang, DWARF 5", Build: buildSQLite("clang", "-gdwarf-5")},
		{Name: "symbols", Title: "C++ library, symbols only", Build: buildSymbols, NamesOnly: true},
	}
}

// findWorkload returns the workload of that name.
func findWorkload(name string) (Workload, error) {
	for _, w := range workloads() {
		if w.Name == name {
			return w, nil
		}
	}
	return Workload{}, fmt.Errorf("no workload %q", name)
}

// workshop is the directory in which workloads are built and kept.
type workshop struct{ dir string }

// get returns the path of a workload, which is built if it is not there yet.
func (w *workshop) get(ctx context.Context, load Workload) (string, error) {
	path := filepath.Join(w.dir, load.Name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := os.MkdirAll(w.dir, 0o755); err != nil {
		return "", err
	}
	// What a build leaves when it is interrupted must not pass for a workload.
	unfinished := path + ".unfinished"
	if err := load.Build(ctx, w, unfinished); err != nil {
		return "", fmt.Errorf("building workload %s: %w", load.Name, err)
	}
	return path, os.Rename(unfinished, path)
}

// buildWorkloads builds all that are missing.
func buildWorkloads(ctx context.Context, w *workshop) error {
	var errs []error
	for _, load := range workloads() {
		path, err := w.get(ctx, load)
		if err == nil {
			log.Printf("%s: %s", load.Name, path)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// named is get by name.
func (w *workshop) named(ctx context.Context, name string) (string, error) {
	load, err := findWorkload(name)
	if err != nil {
		return "", err
	}
	return w.get(ctx, load)
}

// temp returns an empty directory for a build's own files, and how to remove it.
func (w *workshop) temp(name string) (dir string, remove func() error, err error) {
	dir, err = os.MkdirTemp(w.dir, name+"-build-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

// command is a program that takes part in a build.
type command struct {
	dir  string
	env  []string // added to the environment
	args []string
}

func (c command) run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, c.args[0], c.args[1:]...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	if msg, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(c.args, " "), err, msg)
	}
	return nil
}
