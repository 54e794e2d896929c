package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v3"

	"github.com/symfetch/symfetch/debuginfod/client"
)

// The exit statuses.
const (
	exitOK          = 0
	exitNotFound    = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// app is one run of the command.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	verbose        bool
	output         string // --output
	attended       bool
}

func newApp() *app {
	return &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
}

// usageError is a mistake on the command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// finish says what went wrong and returns the exit status.
func (a *app) finish(ctx context.Context, err error) int {
	var usage *usageError
	var parser cli.ExitCoder
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case err == nil:
		return exitOK
	}
	fmt.Fprintf(a.stderr, "symfetch-debuginfod: %s\n", errText(err))
	if errors.As(err, &usage) || errors.As(err, &parser) {
		return exitUsage
	}
	return exitNotFound
}

// errText is an error in one line, without the package's name.
func errText(err error) string { return oneLine(strings.TrimPrefix(err.Error(), "debuginfod: ")) }

// oneLine returns a text that may hold what a server or a file says as it can be
// written to a terminal: what is not printable is escaped.
func oneLine(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
			q := strconv.Quote(s[i : i+n])
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// newClient returns the client that the environment describes.
func (a *app) newClient(progress func(client.Progress)) (*client.Client, error) {
	o, err := client.OptionsFromEnv(a.getenv)
	if err != nil {
		return nil, err
	}
	o.Logger = slog.New(slog.DiscardHandler)
	if a.verbose || a.getenv("DEBUGINFOD_VERBOSE") != "" {
		o.Logger = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	slog.SetDefault(o.Logger) // net/http logs what servers say out of turn
	o.Progress = progress
	return client.New(o)
}

// version is the module's version as the build recorded it.
func version() string {
	v := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return v + " " + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
}
