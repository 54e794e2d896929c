package main

import (
	"fmt"
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
	{"DEBUGINFOD_URLS", "servers that are asked for debug files which are nowhere on this machine; without it there is no network. " +
		"The other variables of debuginfod-find(1) are honoured as well"},
	{"NO_COLOR", "if not empty, the table has no colours on a terminal either"},
	{"PATH", "where the executables of other sub-commands are looked for after symfetch's own directory"},
}

// helpPrinter returns the printer of help texts: the parser's own, and below
// the root's what the parser does not know.
func helpPrinter(argv0 string) cli.HelpPrinterFunc {
	return func(w io.Writer, template string, data any) {
		cli.DefaultPrintHelp(w, template, data)
		if cmd, ok := data.(*cli.Command); ok && cmd == cmd.Root() {
			io.WriteString(w, epilogue(argv0))
		}
	}
}

// epilogue lists the sub-commands of other executables, telling which of these
// are not installed, the examples and the exit statuses.
func epilogue(argv0 string) string {
	var b strings.Builder
	b.WriteString("\nCOMMANDS IN EXECUTABLES OF THEIR OWN:\n")
	for _, e := range externals {
		fmt.Fprintf(&b, "   %-10s  %s", e.name, e.usage)
		if _, ok := findExecutable(e.executable, argv0); !ok {
			fmt.Fprintf(&b, " (%s is not installed)", e.executable)
		}
		b.WriteByte('\n')
	}
	b.WriteString("\nEXAMPLES:\n")
	for _, e := range examples {
		fmt.Fprintf(&b, "   # %s\n   %s\n", e.what, e.line)
	}
	b.WriteString("\nEXIT STATUS (the first of 2, 3, 4, 5, 1 that applies):\n")
	for _, s := range exitStatuses {
		fmt.Fprintf(&b, "   %-4s %s\n", s.code, s.what)
	}
	return b.String()
}
