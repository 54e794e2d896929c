package main

import (
	"context"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"
)

// command is the tree of sub-commands and flags: what is parsed, what help and
// the man page tell, and what a shell completes. The sub-commands of other
// executables are no part of it, as they are run before any flag is parsed.
//
// Checked of this parser (v3.14): one or two dashes, flags before, between and
// after arguments, -- ends them, no bundles unless asked for, "-" and raw bytes
// are arguments. It takes all that follows an argument like -1, or one named as
// a sub-command, for arguments, and would so swallow flags: since no PID and no
// address starts with a dash, such an argument is a usage error here.
func (a *app) command() *cli.Command {
	return &cli.Command{
		Name:  "symfetch",
		Usage: "what is really mapped into a process, and what its addresses mean",
		UsageText: strings.Join([]string{
			"symfetch [flags] PID              the objects of a process, a table",
			"symfetch [flags] -p PID,PID,...   of several",
			"symfetch [flags] PID ADDR...      what is at these addresses",
			"symfetch [flags] PID -            addresses from standard input, streamed",
			"symfetch [flags] fetch PID...     copy the mapped files",
			"symfetch addr2line -e FILE [-a -f -i -C -p -s] [ADDR...]",
		}, "\n"),
		Version:     version(),
		Description: description,
		Flags:       a.rootFlags(),
		Action:      a.root,
		Commands:    []*cli.Command{a.fetchCommand(), a.addr2lineCommand(), a.manCommand()},
		// A shell completes process numbers too.
		EnableShellCompletion:           true,
		ConfigureShellCompletionCommand: func(c *cli.Command) { c.Hidden, c.Usage = false, "print a completion script: bash, zsh, fish" },
		ShellComplete:                   completeWithPIDs,
		DisableSliceFlagSeparator:       true,
		OnUsageError:                    usageErrorOf,
		ExitErrHandler:                  func(context.Context, *cli.Command, error) {}, // main decides
		Writer:                          a.out,
		ErrWriter:                       a.stderr,
	}
}

func (a *app) rootFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "p", Usage: "the objects of all these processes: `PID,PID,...`", Local: true},
		&cli.BoolFlag{Name: "return", Usage: "the addresses are return addresses, as in a stack: look up the call before each", Destination: &a.opts.returns, Local: true},
		&cli.BoolFlag{Name: "json", Usage: "write one JSON object a line", Destination: &a.opts.json},
		&cli.BoolFlag{Name: "explain", Usage: "tell every source that was tried and why it was refused", Destination: &a.opts.explain},
		&cli.StringSliceFlag{Name: "debug-dir", Usage: "look for debug files in `DIR` too (may be repeated)", Destination: &a.opts.debugDirs},
		&cli.StringFlag{Name: "store", Usage: "the store of fetched objects is in `DIR` (else $SYMFETCH_STORE, else the cache directory)", Destination: &a.opts.store},
		&cli.BoolFlag{Name: "v", Usage: "log what is done to standard error", Destination: &a.opts.verbose},
	}
}

// usageErrorOf makes the parser's complaint one of ours.
func usageErrorOf(_ context.Context, _ *cli.Command, err error, _ bool) error {
	return usagef("%v; see symfetch help", err)
}

// root runs `symfetch PID ...`.
func (a *app) root(ctx context.Context, cmd *cli.Command) error {
	args := cmd.Args().Slice()
	if cmd.IsSet("p") {
		if len(args) > 0 {
			return usagef("-p takes the place of the PID: no further argument may follow (%s)", strconv.Quote(args[0]))
		}
		pids, err := parsePIDList(cmd.String("p"))
		if err != nil {
			return err
		}
		return a.run(ctx, func(ctx context.Context) error { return a.objects(ctx, pids) })
	}
	if len(args) == 0 {
		return usagef("which process? see symfetch help")
	}
	if isExternal(args[0]) {
		return usagef("flags for %s go after its name: symfetch %s ...", args[0], args[0])
	}
	pid, err := parsePID(args[0])
	if err != nil {
		return err
	}
	switch addrs := args[1:]; {
	case len(addrs) == 0:
		return a.run(ctx, func(ctx context.Context) error { return a.objects(ctx, []int{pid}) })
	case len(addrs) == 1 && addrs[0] == "-":
		return a.run(ctx, func(ctx context.Context) error { return a.stream(ctx, pid) })
	default:
		queries, err := parseQueries(addrs)
		if err != nil {
			return err
		}
		return a.run(ctx, func(ctx context.Context) error { return a.addresses(ctx, pid, queries) })
	}
}

// run does the work of a command under the watch for signals.
func (a *app) run(ctx context.Context, work func(context.Context) error) error {
	if os.Getenv("GOGC") == "" {
		// Most of what is allocated lives as long as the run: fewer rounds of
		// the collector are worth a few megabytes.
		debug.SetGCPercent(200)
	}
	ctx, stop := a.watch(ctx)
	defer stop()
	err := work(ctx)
	a.out.Flush() // still under the watch, as nobody may read it; finish reports its error
	return err
}
