package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v3"
)

// completionMark is the last argument of a command line that a shell wants
// completed; the completion scripts append it.
const completionMark = "--generate-shell-completion"

// completeWithPIDs suggests sub-commands, flags, and the processes with their
// names.
func completeWithPIDs(ctx context.Context, cmd *cli.Command) {
	cli.DefaultCompleteWithFlags(ctx, cmd)
	// The last argument is the parser's own marker for a completion.
	if n := len(os.Args); n > 2 && strings.HasPrefix(os.Args[n-2], "-") {
		return
	}
	if cmd == cmd.Root() {
		for _, e := range externals {
			fmt.Fprintf(cmd.Writer, "%s:%s\n", e.name, e.usage)
		}
	}
	for _, pid := range processes() {
		comm, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil {
			continue
		}
		fmt.Fprintf(cmd.Root().Writer, "%s:%s\n", pid, showText(strings.TrimSuffix(string(comm), "\n")))
	}
}

// processes lists the numbers of all processes.
func processes() []string {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var pids []string
	for _, n := range names {
		if _, err := parsePID(n); err == nil {
			pids = append(pids, n)
		}
	}
	return pids
}
