package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/symfetch/symfetch/internal/proc"
	"github.com/symfetch/symfetch/resolver"
)

// parsePID returns the process number in arg.
func parsePID(arg string) (int, error) {
	for _, c := range []byte(arg) {
		if c < '0' || c > '9' {
			return 0, usagef("%s is not a PID", strconv.Quote(arg))
		}
	}
	pid, err := strconv.Atoi(arg)
	if err != nil || pid == 0 {
		return 0, usagef("%s is not a PID", strconv.Quote(arg))
	}
	return pid, nil
}

// parsePIDs returns the process numbers in args, each once.
func parsePIDs(args []string) ([]int, error) {
	var pids []int
	for _, arg := range args {
		pid, err := parsePID(arg)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(pids, pid) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// parsePIDList returns the process numbers of -p's comma-separated list.
func parsePIDList(list string) ([]int, error) {
	return parsePIDs(strings.Split(list, ","))
}

// isLivePID reports whether digits is a process's number as people write it.
func isLivePID(digits string) bool {
	if _, err := parsePID(digits); err != nil || digits[0] == '0' {
		return false
	}
	_, err := os.Stat(proc.DefaultRoot + "/" + digits)
	return err == nil
}

// noProcess says that there is no process with this number.
type noProcess int

func (n noProcess) Error() string { return fmt.Sprintf("no such process: %d", int(n)) }

// Unwrap makes it the contract's "no such process, or it ended".
func (n noProcess) Unwrap() error { return resolver.ErrProcessGone }

// open pins a process. The error tells the user what can be done about it.
func (a *app) open(ctx context.Context, res *resolver.Resolver, pid int) (*resolver.Process, error) {
	p, err := res.Process(ctx, pid)
	if err == nil && p.Zombie() {
		p.Close()
		return nil, fmt.Errorf("process %d: has exited and waits for its parent: %w", pid, resolver.ErrProcessGone)
	}
	if errors.Is(err, proc.ErrNoProcess) {
		return nil, noProcess(pid)
	}
	if errors.Is(err, fs.ErrPermission) {
		if path, ok := errors.AsType[*fs.PathError](err); ok {
			err = path
		}
		return nil, fmt.Errorf("process %d: %w; %s", pid, err, whatWouldHelp(pid))
	}
	return p, err
}
