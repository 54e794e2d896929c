package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// The versions of the programs that are built as their users install them.
const (
	dlvPackage    = "github.com/go-delve/delve/cmd/dlv@v1.27.2"
	rclonePackage = "github.com/rclone/rclone@v1.71.2"
	rustCrate     = "blazecli@0.1.14"
)

func buildDlv(ctx context.Context, w *workshop, out string) error {
	return w.goInstall(ctx, out, dlvPackage, "dlv")
}

func buildDlvStripped(ctx context.Context, w *workshop, out string) error {
	return w.goInstall(ctx, out, dlvPackage, "dlv", "-ldflags=-s -w")
}

// buildRclone builds a program of more than 100 MB, which takes some minutes.
func buildRclone(ctx context.Context, w *workshop, out string) error {
	return w.goInstall(ctx, out, rclonePackage, "rclone")
}

// goInstall installs a Go program and moves it to out.
func (w *workshop) goInstall(ctx context.Context, out, pkg, name string, flags ...string) error {
	dir, remove, err := w.temp(name)
	if err != nil {
		return err
	}
	args := append([]string{"go", "install"}, flags...)
	err = command{env: []string{"GOBIN=" + absolute(dir)}, args: append(args, pkg)}.run(ctx)
	if err == nil {
		err = os.Rename(filepath.Join(dir, name), out)
	}
	return errors.Join(err, remove())
}

// buildRust installs a Rust program with all its debug information.
func buildRust(ctx context.Context, w *workshop, out string) error {
	dir, remove, err := w.temp("rust")
	if err != nil {
		return err
	}
	err = command{
		env:  []string{"CARGO_PROFILE_RELEASE_DEBUG=2", "CARGO_PROFILE_RELEASE_STRIP=none"},
		args: []string{"cargo", "install", "--quiet", "--locked", "--root", dir, "--target-dir", filepath.Join(dir, "target"), rustCrate},
	}.run(ctx)
	if err == nil {
		err = os.Rename(filepath.Join(dir, "bin", "blazecli"), out)
	}
	return errors.Join(err, remove())
}
