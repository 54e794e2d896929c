package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"
)

const description = `Files come from the cache of the debuginfod clients or from the servers in
DEBUGINFOD_URLS, which are the only ones that are asked. Each is checked to be
the file of that build ID. The variables of debuginfod-find(1) are honoured.

With - questions are read from standard input, one a line: BUILDID KIND. Each is
answered by one line, in their order: ok PATH, or error TEXT.

Exit status: 0 found, 1 not found, 2 wrong usage, 130 interrupted.`

// command is the tree of sub-commands and flags. The names are those of
// symfetch, which starts this executable with the sub-command as first argument.
func (a *app) command() *cli.Command {
	quiet := func(context.Context, *cli.Command, error) {} // finish decides
	return &cli.Command{
		Name:        "symfetch-debuginfod",
		Usage:       "files by build ID over the network",
		Version:     version(),
		HideVersion: true, // -v is ours; --version below
		Commands:    []*cli.Command{a.getCommand(), a.serveCommand()},
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "version", Usage: "print the version", Local: true},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			switch {
			case cmd.Bool("version"):
				fmt.Fprintf(a.stdout, "symfetch-debuginfod %s\n", version())
				return nil
			case cmd.Args().Present():
				return usagef("%q is no command; see symfetch-debuginfod help", cmd.Args().First())
			}
			return usagef("which command? see symfetch-debuginfod help")
		},
		OnUsageError:   usageErrorOf,
		ExitErrHandler: quiet,
		Writer:         a.stdout,
		ErrWriter:      a.stderr,
	}
}

func (a *app) getCommand() *cli.Command {
	return &cli.Command{
		Name:  "get",
		Usage: "get a file by its build ID and print its path",
		UsageText: strings.Join([]string{
			"symfetch get BUILDID [executable|debuginfo|section NAME] [--output FILE]",
			"symfetch get -",
		}, "\n"),
		Description:     description,
		HideHelpCommand: true,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write a copy to `FILE`", Destination: &a.output},
			&cli.BoolFlag{Name: "v", Usage: "log what is asked and answered to standard error", Destination: &a.verbose},
			&cli.BoolFlag{Name: "attended", Usage: "of a batch: end with the input, and tell that bytes come in", Hidden: true, Destination: &a.attended},
		},
		OnUsageError: usageErrorOf,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			args := cmd.Args().Slice()
			switch {
			case len(args) == 0:
				return usagef("which build ID? see symfetch get --help")
			case args[0] != "-":
				return a.get(ctx, args)
			case len(args) > 1 || a.output != "":
				return usagef("with - all questions come from standard input")
			}
			return a.batch(ctx)
		},
	}
}

func (a *app) serveCommand() *cli.Command {
	return &cli.Command{
		Name:            "serve",
		Usage:           "serve the objects of this machine (not in this version)",
		HideHelpCommand: true,
		SkipFlagParsing: true,
		Action: func(context.Context, *cli.Command) error {
			return usagef("serve is not in this version of symfetch-debuginfod (%s)", version())
		},
	}
}

// usageErrorOf makes the parser's complaint one of ours.
func usageErrorOf(_ context.Context, _ *cli.Command, err error, _ bool) error {
	return usagef("%v; see symfetch get --help", err)
}
