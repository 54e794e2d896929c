package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// manCommand prints the manual page, from the same tree as help.
func (a *app) manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "print the manual page: symfetch man | man -l -",
		HideHelpCommand: true,
		OnUsageError:    usageErrorOf,
		Action: func(_ context.Context, cmd *cli.Command) error {
			if cmd.Args().Present() {
				return usagef("man takes no arguments")
			}
			_, err := a.out.Write([]byte(manPage(cmd.Root())))
			return err
		},
	}
}

// manPage is the manual page symfetch(1) in roff.
func manPage(root *cli.Command) string {
	var m man
	m.line(".TH SYMFETCH 1 \"\" \"symfetch\" \"User Commands\"")
	m.section("NAME")
	m.text("symfetch \\- " + roff(root.Usage))
	m.section("SYNOPSIS")
	for line := range strings.Lines(root.UsageText) {
		usage, _, _ := strings.Cut(line, "   ")
		m.line(".br", ".B "+roff(strings.TrimSpace(usage)))
	}
	m.section("DESCRIPTION")
	m.text(roff(root.Description))
	m.section("OPTIONS")
	m.text("A flag may have one dash or two, before or after the arguments; \\-\\- ends the flags. Single letters are not bundled.")
	m.flags(root.VisibleFlags())
	m.section("COMMANDS")
	for _, c := range root.VisibleCommands() {
		m.item(c.Name+" "+c.ArgsUsage, c.Usage)
		if c.Description != "" {
			m.line(".IP")
			m.text(roff(c.Description))
		}
		m.line(".RS")
		m.flags(slices.DeleteFunc(c.VisibleFlags(), isHelp))
		m.line(".RE")
	}
	for _, e := range externals {
		m.item(e.name+" ...", e.usage+" (by "+e.executable+")")
	}
	m.section("EXIT STATUS")
	m.text("The first of 2, 3, 4, 5, 1 that applies:")
	for _, s := range exitStatuses {
		m.item(s.code, s.what)
	}
	m.section("ENVIRONMENT")
	for _, e := range environment {
		m.item(e.name, e.what)
	}
	m.section("EXAMPLES")
	for _, e := range examples {
		m.line(".PP", roff(e.what), ".PP", ".RS 4", ".nf", roff(e.line), ".fi", ".RE")
	}
	m.section("SEE ALSO")
	m.line(".BR proc (5),", ".BR addr2line (1),", ".BR capabilities (7)")
	return m.b.String()
}

// man is a page being written.
type man struct{ b strings.Builder }

func (m *man) line(lines ...string) {
	for _, l := range lines {
		m.b.WriteString(l + "\n")
	}
}

func (m *man) section(name string) { m.line(".SH " + name) }

// text writes prose that is roff already; an empty line starts a paragraph.
func (m *man) text(s string) {
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l == "" {
			l = ".PP"
		}
		m.line(l)
	}
}

// item writes a tagged paragraph.
func (m *man) item(tag, what string) {
	m.line(".TP", ".B "+roff(strings.TrimSpace(tag)), roff(what))
}

func (m *man) flags(flags []cli.Flag) {
	for _, f := range flags {
		doc, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		what, arg := doc.GetUsage(), ""
		if doc.TakesValue() {
			arg = " " + placeholder(&what)
		}
		var names []string
		for _, n := range f.Names() {
			names = append(names, "-"+strings.Repeat("-", min(1, len(n)-1))+n)
		}
		m.item(strings.Join(names, ", ")+arg, what)
	}
}

// isHelp reports whether f is the parser's --help, which every command has.
func isHelp(f cli.Flag) bool { return slices.Contains(f.Names(), "help") }

// placeholder takes the word in backquotes out of a flag's usage.
func placeholder(usage *string) string {
	parts := strings.SplitN(*usage, "`", 3)
	if len(parts) != 3 {
		return "VALUE"
	}
	*usage = strings.Join(parts, "")
	return parts[1]
}

// roff escapes text: backslashes, dashes that must stay dashes, and what
// would be a request at the start of a line.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`).Replace(s)
	if strings.HasPrefix(s, ".") {
		s = `\&` + s
	}
	return s
}
