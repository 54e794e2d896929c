package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/symfetch/symfetch/buildid"
)

// sourcesManifest names the crates that carry the sources of C and C++
// libraries. Only their files are wanted: nothing of Rust is built from them.
const sourcesManifest = `[package]
name = "sources"
version = "0.0.0"
edition = "2021"

[dependencies]
libsqlite3-sys = "=0.30.1"
harfbuzz-sys = "=0.6.1"
spirv-tools-sys = "=0.12.2"
`

// crates returns the directory that holds the crates of sourcesManifest.
func (w *workshop) crates(ctx context.Context) (string, error) {
	dir := filepath.Join(w.dir, "sources")
	crates := filepath.Join(dir, "crates")
	if _, err := os.Stat(crates); err == nil {
		return crates, nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "src"), 0o755); err != nil {
		return "", err
	}
	unfinished := crates + ".unfinished"
	err := errors.Join(
		os.RemoveAll(unfinished),
		os.WriteFile(filepath.Join(dir, "Cargo.toml"), []byte(sourcesManifest), 0o644),
		os.WriteFile(filepath.Join(dir, "src", "lib.rs"), nil, 0o644),
	)
	if err != nil {
		return "", err
	}
	if err := (command{dir: dir, args: []string{"cargo", "vendor", "--quiet", filepath.Base(unfinished)}}).run(ctx); err != nil {
		return "", err
	}
	return crates, os.Rename(unfinished, crates)
}

// buildSpirv builds SPIRV-Tools' validator and optimizer: two hundred units that
// use the standard library's templates as C++ programs do.
func buildSpirv(ctx context.Context, w *workshop, out string) error {
	flags := []string{
		"-std=c++17", "-O2", "-gdwarf-5", "-fPIC", "-fno-rtti", "-fno-exceptions",
		"-DSPIRV_CHECK_CONTEXT", "-DSPIRV_LINUX", "-Ispirv-tools", "-Ispirv-tools/include", "-Igenerated",
		"-Ispirv-headers/include", "-Ispirv-headers/include/spirv/unified1",
	}
	return w.buildShared(ctx, out, "spirv-tools-sys", flags,
		"spirv-tools/source/*.cpp", "spirv-tools/source/util/*.cpp", "spirv-tools/source/val/*.cpp", "spirv-tools/source/opt/*.cpp")
}

// buildHarfbuzz builds HarfBuzz unit by unit, its debug information compressed
// as distributions ship it.
func buildHarfbuzz(ctx context.Context, w *workshop, out string) error {
	return w.buildShared(ctx, out, "harfbuzz-sys",
		[]string{"-std=c++11", "-O2", "-gdwarf-4", "-gz=zlib", "-fPIC", "-DHAVE_PTHREAD"},
		"harfbuzz/src/hb-*.cc", "harfbuzz/src/graph/gsubgpos-*.cc")
}

// buildShared compiles the units of a crate and links them to a library.
func (w *workshop) buildShared(ctx context.Context, out, crate string, flags []string, patterns ...string) error {
	crates, err := w.crates(ctx)
	if err != nil {
		return err
	}
	dir := filepath.Join(crates, crate)
	var units []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(dir, p))
		if err != nil {
			return err
		}
		units = append(units, found...)
	}
	if len(units) == 0 {
		return fmt.Errorf("no source files in %s", dir)
	}
	objects, remove, err := w.temp(crate)
	if err != nil {
		return err
	}
	commands := make([]command, len(units))
	link := []string{"g++", "-shared", "-o", absolute(out)}
	link = append(link, flags...)
	for i, unit := range units {
		object := filepath.Join(absolute(objects), fmt.Sprintf("%03d.o", i))
		rel, err := filepath.Rel(dir, unit)
		if err != nil {
			return err
		}
		commands[i] = command{dir: dir, args: slices.Concat([]string{"g++", "-c", "-o", object, rel}, flags)}
		link = append(link, object)
	}
	err = inParallel(ctx, commands)
	if err == nil {
		err = command{dir: dir, args: append(link, "-pthread")}.run(ctx)
	}
	return errors.Join(err, remove())
}

// inParallel runs commands, as many at a time as there are processors, until
// one fails.
func inParallel(ctx context.Context, commands []command) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan command, len(commands))
	for _, c := range commands {
		queue <- c
	}
	close(queue)
	errs := make([]error, runtime.NumCPU())
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for c := range queue {
				if errs[i] = c.run(ctx); errs[i] != nil {
					cancel()
					return
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// buildSQLite returns how SQLite's amalgamation is built: one unit of C.
func buildSQLite(compiler, debug string) func(context.Context, *workshop, string) error {
	return func(ctx context.Context, w *workshop, out string) error {
		crates, err := w.crates(ctx)
		if err != nil {
			return err
		}
		return command{
			dir:  filepath.Join(crates, "libsqlite3-sys", "sqlite3"),
			args: []string{compiler, "-O2", debug, "-fPIC", "-shared", "-DSQLITE_ENABLE_FTS5", "-o", absolute(out), "sqlite3.c", "-lm"},
		}.run(ctx)
	}
}

// buildLibc copies the debug file that the distribution has for its libc.
func buildLibc(ctx context.Context, _ *workshop, out string) error {
	path, err := exec.CommandContext(ctx, "gcc", "-print-file-name=libc.so.6").Output()
	if err != nil {
		return err
	}
	id, err := buildIDOf(strings.TrimSpace(string(path)))
	if err != nil {
		return err
	}
	text := id.String()
	data, err := os.ReadFile(filepath.Join("/usr/lib/debug/.build-id", text[:2], text[2:]+".debug"))
	if err != nil {
		return fmt.Errorf("%w (the package libc6-dbg has it)", err)
	}
	return os.WriteFile(out, data, 0o644)
}

// buildIDOf returns the GNU build ID of a file.
func buildIDOf(path string) (buildid.ID, error) {
	f, err := elf.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	section := f.Section(".note.gnu.build-id")
	if section == nil {
		return "", fmt.Errorf("%s has no build ID", path)
	}
	data, err := section.Data()
	if err != nil {
		return "", err
	}
	return buildid.FromNotes(data, f.ByteOrder, 4).GNU, nil
}

// buildSymbols removes from the C++ library all but its symbols.
func buildSymbols(ctx context.Context, w *workshop, out string) error {
	full, err := w.named(ctx, "spirv")
	if err != nil {
		return err
	}
	return command{args: []string{"objcopy", "--strip-debug", full, out}}.run(ctx)
}

// absolute makes a path good for a command that runs in another directory.
func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path // the working directory is gone, and all else fails with it
	}
	return abs
}
