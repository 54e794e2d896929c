package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// external is a sub-command that lives in an executable of its own, so that
// this one stays small, quick to start and without a socket.
type external struct {
	name, executable, usage string
}

// externals are the sub-commands of the project's other executables.
var externals = []external{
	{"pprof", "symfetch-pprof", "pprof, with the objects that are really mapped"},
	{"symbolize", "symfetch-pprof", "symbolize a profile"},
	{"dlv", "symfetch-dlv", "Delve on deleted, replaced and container processes"},
	{"dap", "symfetch-dlv", "Delve's server for editors"},
	{"core", "symfetch-dlv", "open a core file with the objects that it belongs to"},
	{"get", "symfetch-debuginfod", "fetch files by build ID from debuginfod servers"},
	{"serve", "symfetch-debuginfod", "serve the objects of this machine by debuginfod"},
}

// planned are the sub-commands of this executable that this version has not.
var planned = []string{"check", "exec"}

// ownCommands are those that this executable has, the parser's among them.
var ownCommands = []string{"fetch", "addr2line", "man", "completion", "help", "h"}

// modulePath is where `go install` finds the executables.
const modulePath = "github.com/symfetch/symfetch/cmd/"

// isExternal reports whether name is one of externals.
func isExternal(name string) bool {
	return slices.ContainsFunc(externals, func(e external) bool { return e.name == name })
}

// executableOf returns the executable that serves the sub-command name.
func executableOf(name string) string {
	for _, e := range externals {
		if e.name == name {
			return e.executable
		}
	}
	return "symfetch-" + name
}

// externalName returns the sub-command in args that this executable does not
// have itself; ok is false where there is none: flags, a PID, our own.
func externalName(args []string) (name string, ok bool) {
	if len(args) < 2 || args[1] == "" {
		return "", false
	}
	name = args[1]
	if c := name[0]; c == '-' || c >= '0' && c <= '9' || slices.Contains(ownCommands, name) {
		return "", false
	}
	return name, true
}

// runExternal becomes the executable that serves args[1]; it returns only if
// that fails. The sub-command's name is the executable's first argument.
func runExternal(args []string) error {
	name := args[1]
	if args[len(args)-1] == completionMark {
		return nil // a shell asks what could follow; that is not ours to say
	}
	if slices.Contains(planned, name) {
		return usagef("%s is not in this version of symfetch (%s)", name, version())
	}
	if !isCommandName(name) {
		return usagef("%s is neither a PID nor a command", show(name))
	}
	exe := executableOf(name)
	path, ok := findExecutable(exe, args[0])
	if !ok {
		return missing(name, exe)
	}
	err := syscall.Exec(path, append([]string{path}, args[1:]...), os.Environ())
	return fmt.Errorf("%s: start %s: %w", name, show(path), err)
}

// missing tells how to get the executable.
func missing(name, exe string) error {
	if !isExternal(name) {
		return usagef("%s is neither a PID nor a command (%s is neither beside symfetch nor on PATH); see symfetch help", name, exe)
	}
	return usagef("%s is served by %s, which is neither beside symfetch nor on PATH; install it with: go install %s%s@latest",
		name, exe, modulePath, exe)
}

// isCommandName reports whether name can be part of an executable's name: no
// path may be slipped in by it.
func isCommandName(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return name != ""
}

// findExecutable looks for exe beside this executable, then on PATH. argv0 is
// the name by which this one was started: it may be a link in a directory
// where the others are links too, while /proc/self/exe is never a link.
func findExecutable(exe, argv0 string) (path string, ok bool) {
	for _, dir := range executableDirs(argv0) {
		if path := filepath.Join(dir, exe); isExecutable(path) {
			return path, true
		}
	}
	return "", false
}

// executableDirs lists where executables are looked for. Relative entries of
// PATH are left out: the directory that one happens to be in must not choose
// what is run.
func executableDirs(argv0 string) []string {
	var dirs []string
	if self, err := os.Executable(); err == nil {
		dirs = append(dirs, filepath.Dir(self))
	}
	if strings.Contains(argv0, "/") {
		if abs, err := filepath.Abs(argv0); err == nil {
			dirs = append(dirs, filepath.Dir(abs))
			if real, err := filepath.EvalSymlinks(abs); err == nil {
				dirs = append(dirs, filepath.Dir(real))
			}
		}
	}
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
