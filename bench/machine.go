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
	programs := []program{
		{"gcc", []string{"gcc", "--version"}}, {"clang", []string{"clang", "--version"}}, {"rustc", []string{"rustc", "--version"}},
		{"cat", []string{"cat", "--version"}}, {"gdb", []string{"gdb", "--version"}},
	}
	for _, p := range b.symbolizers(ctx) {
		programs = append(programs, program{p.Name, p.Version})
	}
	for _, p := range programs {
		facts = append(facts, Fact{p.name, b.version(ctx, p.args)})
	}
	return facts
}

// program is what tells its version, and how it is asked.
type program struct {
	name string
	args []string
}

// version is the first line of a program's that has a number: llvm-symbolizer
// begins with its name alone.
func (b *Bench) version(ctx context.Context, args []string) string {
	if onPath(args[0]) == "" {
		return "not installed"
	}
	out, _, err := b.output(ctx, args...)
	if err != nil {
		return "unknown version"
	}
	for line := range strings.Lines(out) {
		if strings.ContainsAny(line, "0123456789") {
			return strings.TrimSpace(line)
		}
	}
	return "unknown version"
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
