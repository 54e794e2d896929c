package main

import (
	"context"
	"os"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v3"
)

// addr2lineOptions are the flags of addr2line, those of GNU's.
type addr2lineOptions struct {
	file      string // -e
	section   string // -j
	style     string // --output-style
	addresses bool   // -a
	functions bool   // -f
	inlines   bool   // -i
	demangle  bool   // -C
	pretty    bool   // -p
	basenames bool   // -s
}

func (a *app) addr2lineCommand() *cli.Command {
	var o addr2lineOptions
	return &cli.Command{
		Name: "addr2line", Usage: "name addresses of a file, as GNU addr2line and llvm-symbolizer do", ArgsUsage: "[ADDR...]",
		Description: `The addresses are those of the file's symbol table (nm), in hexadecimal; without
any they are read from standard input, one a line. What is not known is ??, and
no error.

The output is GNU addr2line's. --output-style=LLVM prints what llvm-symbolizer
does: for each call its function and file:line:column, then an empty line.
--output-style=JSON is llvm-symbolizer's JSON, --json symfetch's own.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "e", Aliases: []string{"exe", "obj"}, Usage: "the addresses are of `FILE`", Value: "a.out", Destination: &o.file},
			&cli.BoolFlag{Name: "a", Aliases: []string{"addresses"}, Usage: "print each address first", Destination: &o.addresses},
			&cli.BoolFlag{Name: "f", Aliases: []string{"functions"}, Usage: "print functions", Destination: &o.functions},
			&cli.BoolFlag{Name: "i", Aliases: []string{"inlines"}, Usage: "print the calls into which one was inlined, too", Destination: &o.inlines},
			&cli.BoolFlag{Name: "C", Aliases: []string{"demangle"}, Usage: "print functions as their source names them", Destination: &o.demangle},
			&cli.BoolFlag{Name: "p", Aliases: []string{"pretty-print"}, Usage: "print each call on one line", Destination: &o.pretty},
			&cli.BoolFlag{Name: "s", Aliases: []string{"basenames"}, Usage: "print files without their directories", Destination: &o.basenames},
			&cli.StringFlag{Name: "j", Aliases: []string{"section"}, Usage: "the addresses count from the start of `SECTION`", Destination: &o.section},
			&cli.StringFlag{Name: "output-style", Usage: "`STYLE`: GNU, LLVM or JSON", Value: "GNU", Destination: &o.style},
		},
		HideHelpCommand: true,
		OnUsageError:    usageErrorOf,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			form, err := a.answerForm(o)
			if err != nil {
				return err
			}
			queries, err := parseQueries(cmd.Args().Slice())
			if err != nil {
				return err
			}
			return a.run(ctx, func(ctx context.Context) error { return a.addr2line(ctx, o, form, queries) })
		},
	}
}

// addr2lineLetters are the one-letter flags of addr2line; all but e and j are
// switches.
const addr2lineLetters = "aefijCps"

// unbundle splits bundles such as -Cfie, which only addr2line's users write,
// into the flags that they stand for.
func unbundle(args []string) []string {
	if len(args) < 2 || args[1] != "addr2line" {
		return args
	}
	out := args[:2:2]
	for i, arg := range args[2:] {
		if arg == "--" {
			return append(out, args[2+i:]...)
		}
		letters, dash := strings.CutPrefix(arg, "-")
		if !dash || len(letters) < 2 || strings.Trim(letters, addr2lineLetters) != "" {
			out = append(out, arg)
			continue
		}
		for _, l := range letters {
			out = append(out, "-"+string(l))
		}
	}
	return out
}

// addr2line answers the queries, or those on standard input.
func (a *app) addr2line(ctx context.Context, o addr2lineOptions, form answerForm, queries []query) error {
	res := a.newResolver()
	defer res.Close()
	object, err := res.Open(ctx, o.file)
	if err != nil {
		return err
	}
	defer object.Close()
	fa := &fileAnswerer{app: a, object: object, section: o.section, form: form}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(100) // little of what is allocated here lives long
	}
	fa.kept.detailed = a.opts.json || o.style == "JSON"
	if len(queries) == 0 {
		// The more debug information, the more a batch of it may take.
		size := min(max(object.Size()>>10, minBatch), maxBatch)
		return a.streamLines(ctx, int(size), fa.answer)
	}
	list, isList := form.(listForm)
	if isList {
		a.out.Write(list.begin())
	}
	fa.answer(ctx, queries)
	if isList {
		a.out.Write(list.end())
	}
	return nil
}
