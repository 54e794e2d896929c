package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v3"
)

// example is a command line that works as printed.
type example struct {
	what, line string
}

// examples work in any shell: $$ is the shell's own number.
var examples = []example{
	{"The objects of this shell:", "symfetch $$"},
	{"Their paths, for a script:", "symfetch --json $$ | grep -o '\"path\":\"[^\"]*\"'"},
	{"Where a process waits:", "sleep 60 & sleep 0.1; cut -d' ' -f9 /proc/$!/syscall | symfetch $! -"},
	{"A program whose file is gone:", "cp /bin/sleep ./nap; ./nap 60 & sleep 0.1; rm ./nap; symfetch $!"},
	{"Its file back:", "symfetch fetch $! -o ./objects"},
	{"All files that are mapped, one for each mapping:", "symfetch fetch $! --as-mapped ./mapped"},
}

const description = `symfetch reads the bytes that are really mapped, also where the file was
deleted or replaced, lies in a container or in memory only, and proves that
they are. Every answer names its source and its proof; where there is no
answer, it says why.

An ADDR is hexadecimal, with or without 0x.`

// exitStatuses are the contract's exit statuses, for help and the man page.
var exitStatuses = []struct{ code, what string }{
	{"0", "every question was answered"},
	{"1", "some were not"},
	{"2", "wrong usage"},
	{"3", "no such process, or it ended"},
	{"4", "permission denied; the message names the capability or setting"},
	{"5", "identity mismatch: only other files than the mapped one were found"},
	{"130", "interrupted"},
}

// environment are the variables that are looked at.
var environment = []struct{ name, what string }{
	{"SYMFETCH_STORE", "the store's directory, where --store does not name one"},
	{"XDG_CACHE_HOME", "else the store is its subdirectory symfetch; ~/.cache by default"},
	{"NO_COLOR", "if not empty, the table has no colours on a terminal either"},
	{"PATH", "where the executables of other sub-commands are looked for after symfetch's own directory"},
}

// helpPrinter returns the printer of help texts: the parser's own, with the
// examples and exit statuses below the root's, and with those sub-commands
// marked whose executables are not installed.
func helpPrinter(argv0 string) cli.HelpPrinterFunc {
	return func(w io.Writer, template string, data any) {
		cmd, ok := data.(*cli.Command)
		if !ok || cmd != cmd.Root() {
			cli.DefaultPrintHelp(w, template, data)
			return
		}
		for _, c := range cmd.Commands {
			if c.Category != externalCategory {
				continue
			}
			if exe := executableOf(c.Name); !has(exe, argv0) {
				c.Usage += " (" + exe + " is not installed)"
			}
		}
		cli.DefaultPrintHelp(w, template, data)
		io.WriteString(w, epilogue())
	}
}

func has(exe, argv0 string) bool {
	_, ok := findExecutable(exe, argv0)
	return ok
}

func epilogue() string {
	var b strings.Builder
	b.WriteString("\nEXAMPLES:\n")
	for _, e := range examples {
		b.WriteString("   # " + e.what + "\n   " + e.line + "\n")
	}
	b.WriteString("\nEXIT STATUS (the first of 2, 3, 4, 5, 1 that applies):\n")
	for _, s := range exitStatuses {
		b.WriteString("   " + s.code + strings.Repeat(" ", 5-len(s.code)) + s.what + "\n")
	}
	return b.String()
}
