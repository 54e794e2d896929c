package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// output runs a program and returns what it wrote. An exit status other than 0
// is no error: peers and symfetch say by it what they answered.
func (b *Bench) output(ctx context.Context, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var out, messages strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &messages
	err = cmd.Run()
	if cmd.ProcessState != nil && cmd.ProcessState.Exited() {
		err = nil
	}
	return out.String(), messages.String(), err
}

// Fact is a line about the machine or a program on it.
type Fact struct{ What, Value string }

// facts tells on what was measured: ratios travel, absolute times do not.
func (b *Bench) facts(ctx context.Context) []Fact {
	facts := []Fact{
		{"processors", fmt.Sprintf("%d, %s", runtime.NumCPU(), cpuModel())},
		{"kernel", strings.TrimSpace(readText("/proc/sys/kernel/osrelease")) + " " + runtime.GOARCH},
		{"go", runtime.Version()},
	}
	for _, p := range []struct{ what, path string }{
		{"symfetch", b.Symfetch}, {"gcc", onPath("gcc")}, {"cat", onPath("cat")},
		{"blazecli", b.Blazecli}, {"eu-addr2line", onPath("eu-addr2line")}, {"gdb", onPath("gdb")},
	} {
		facts = append(facts, Fact{p.what, b.version(ctx, p.path)})
	}
	return facts
}

// version is the first line that a program prints of its version.
func (b *Bench) version(ctx context.Context, path string) string {
	if path == "" {
		return "not installed"
	}
	out, _, err := b.output(ctx, path, "--version")
	line, _, _ := strings.Cut(out, "\n")
	if err != nil || line == "" {
		return "unknown version"
	}
	return line
}

func cpuModel() string {
	for line := range strings.Lines(readText("/proc/cpuinfo")) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown model"
}

// readText returns a file's text, "" where there is none.
func readText(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}
