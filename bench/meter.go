package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed src
var sources embed.FS

// runTimeout bounds one run of a contender: a debugger may take minutes for a
// process with thousands of objects, which is an answer too.
const runTimeout = 2 * time.Minute

// Sample is what one run of a program cost.
type Sample struct {
	// Wall is from before the fork to after the wait.
	Wall time.Duration
	// CPU is user and system time together.
	CPU time.Duration
	// Peak is the largest resident set, in bytes.
	Peak int64
	// Status is the exit status, 128 + the signal's number where one ended it.
	Status int
}

// meter runs programs and measures them; see src/meter.c. Not goroutine-safe:
// one program runs at a time, or they would measure each other.
type meter struct {
	path string
	dir  string
}

// newMeter builds the meter into dir.
func newMeter(ctx context.Context, dir string) (*meter, error) {
	path, err := buildC(ctx, dir, "meter", "-static")
	if err != nil {
		return nil, err
	}
	return &meter{path: path, dir: dir}, nil
}

// buildC builds src/NAME.c into dir.
func buildC(ctx context.Context, dir, name string, flags ...string) (string, error) {
	text, err := sources.ReadFile("src/" + name + ".c")
	if err != nil {
		return "", err
	}
	src, out := filepath.Join(dir, name+".c"), filepath.Join(dir, name)
	if err := os.WriteFile(src, text, 0o644); err != nil {
		return "", err
	}
	args := append([]string{"-O2", "-o", out, src}, flags...)
	if msg, err := exec.CommandContext(ctx, "gcc", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("gcc %s: %w\n%s", strings.Join(args, " "), err, msg)
	}
	return out, nil
}

// errTimeout means that a contender was ended because it took too long.
var errTimeout = errors.New("no end")

// output is the file that receives what programs write.
func (m *meter) output() string { return filepath.Join(m.dir, "output") }

// run runs args once, for limit at most, with standard input and output from and
// to these files; "" is no input. messages is what it wrote to standard error.
func (m *meter) run(ctx context.Context, limit time.Duration, stdin, stdout string, args ...string) (s Sample, messages string, err error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if stdin == "" {
		stdin = os.DevNull
	}
	cmd := exec.CommandContext(limited, m.path, append([]string{stdin, stdout}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	var line, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &line, &stderr
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return Sample{}, "", ctx.Err()
	case limited.Err() != nil:
		return Sample{}, stderr.String(), fmt.Errorf("%s: %w in %v", args[0], errTimeout, limit)
	case err != nil:
		return Sample{}, stderr.String(), fmt.Errorf("meter: %s: %w: %s", args[0], err, stderr.String())
	}
	s, err = parseSample(line.String())
	return s, stderr.String(), err
}

// parseSample reads the meter's line.
func parseSample(line string) (Sample, error) {
	var wall, user, system, peak int64
	var s Sample
	if _, err := fmt.Sscanf(line, "%d %d %d %d %d\n", &wall, &user, &system, &peak, &s.Status); err != nil {
		return Sample{}, fmt.Errorf("meter: line %q: %w", line, err)
	}
	s.Wall = time.Duration(wall)
	s.CPU = time.Duration(user+system) * time.Microsecond
	s.Peak = peak << 10
	return s, nil
}
