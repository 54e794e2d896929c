package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/symfetch/symfetch/resolver"
)

// app is one run of the command.
type app struct {
	stdin   io.Reader
	out     *output
	stderr  io.Writer
	status  status
	opts    options
	temps   tempFiles
	screen  screen
	hinted  []resolver.Hint
	jsonBuf jsonLine
	textBuf []byte
	ended   os.Signal // the signal that ended the run, nil if none did
	// debuginfod is nil until the network could be needed.
	debuginfod *debuginfodFetcher
}

// options are the flags that several commands share.
type options struct {
	json    bool
	explain bool
	returns bool // addresses are return addresses
	verbose bool
	// debugDirs and store are directories; store is "" where neither a flag
	// nor the environment names one.
	debugDirs []string
	store     string
}

func newApp() *app {
	return &app{stdin: os.Stdin, out: &output{w: os.Stdout}, stderr: os.Stderr}
}

// fail reports err on standard error and records the status that it earns.
func (a *app) fail(err error) {
	code := exitOf(err)
	a.status.note(code)
	if code == exitInterrupted {
		return
	}
	a.warn("%v", err)
}

// warn writes one line to standard error, after what was written to standard
// output before it.
func (a *app) warn(format string, args ...any) {
	a.out.Flush() // its error is reported when the run ends
	fmt.Fprintf(a.stderr, "symfetch: %s\n", showText(oneLine(fmt.Sprintf(format, args...))))
}

// usagef returns a mistake on the command line.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...)}
}

// finish ends the run: it writes what is left and returns the exit status.
func (a *app) finish(err error) int {
	if err != nil {
		a.fail(err)
	}
	if err := a.out.Flush(); err != nil {
		a.status.note(exitPartly)
		fmt.Fprintf(a.stderr, "symfetch: standard output: %s\n", showText(errText(err)))
	}
	return int(a.status)
}

// errText drops the name that os gives to standard output ("write /dev/stdout").
func errText(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// logger returns where the libraries report what they try; nil without -v.
func (a *app) logger() *slog.Logger {
	if !a.opts.verbose {
		return nil
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// newResolver returns the door to processes, set up by the flags.
func (a *app) newResolver() *resolver.Resolver {
	return resolver.New(&resolver.Options{
		DebugDirs: a.opts.debugDirs,
		Fetcher:   a.fetcher(),
		Network:   a.network(),
		Logger:    a.logger(),
	})
}
