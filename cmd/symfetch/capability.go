package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/symfetch/symfetch/internal/proc"
)

// whatWouldHelp names what was missing to look at a process at all.
func whatWouldHelp(pid int) string {
	own, err := proc.OwnCredentials()
	if err != nil {
		return "root could"
	}
	var names []string
	for _, c := range own.Missing(proc.AccessMaps, owns(pid)) {
		names = append(names, c.String())
	}
	switch {
	case len(names) > 0 && !own.InitialUserNS:
		return strings.Join(names, ", ") + " in the initial user namespace would help"
	case len(names) > 0:
		return strings.Join(names, ", ") + " would help"
	}
	return "no capability is missing: a security module or the mount options of /proc deny it"
}

// owns reports whether the process's directory is ours.
func owns(pid int) bool {
	info, err := os.Stat(fmt.Sprintf("%s/%d", proc.DefaultRoot, pid))
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
