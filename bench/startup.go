package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startUp compares the start of symfetch with that of programs that do nothing.
var startUp = Measure{
	Name:  "start-up",
	Title: "Start-up",
	Doc: "A process is started, prints its version, and ends. Nothing that symfetch does costs less than this, " +
		"so it is held against the least that any process costs: a C program that returns.",
	Start: func(ctx context.Context, b *Bench) (*Round, error) {
		dir, err := b.env.Mkdir("start-up")
		if err != nil {
			return nil, err
		}
		c, err := buildC(ctx, dir, "nothing")
		if err != nil {
			return nil, err
		}
		goNothing, err := buildGo(ctx, filepath.Join(dir, "nothing-go"), "./bench/nothing")
		if err != nil {
			return nil, err
		}
		return &Round{
			Contenders: []Contender{
				{Name: "C, returns", Args: []string{c}},
				{Name: "Go, returns", Args: []string{goNothing}},
				{Name: "`symfetch --version`", Args: []string{b.Symfetch, "--version"}, Ours: true, Answers: func(out string) Answer {
					if !strings.HasPrefix(out, "symfetch ") {
						return Wrong
					}
					return Right
				}},
			},
			Figures: startUpFigures,
		}, nil
	},
}

func startUpFigures(results map[string]Summary) []Figure {
	c, goNothing, we := results["C, returns"], results["Go, returns"], results["`symfetch --version`"]
	return []Figure{
		{What: "wall time above the C program", Value: ms(we.Wall - c.Wall), Limit: 2, Unit: "ms"},
		{What: "peak memory above the C program", Value: mb(we.Peak - c.Peak), Limit: 5, Unit: "MB"},
		{What: "wall time above the Go program", Value: ms(we.Wall - goNothing.Wall), Unit: "ms"},
	}
}

// buildGo builds a package as symfetch itself is built.
func buildGo(ctx context.Context, out, pkg string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", &buildError{pkg, string(msg), err}
	}
	return out, nil
}

// buildError is what the compiler said.
type buildError struct {
	pkg, msg string
	err      error
}

func (e *buildError) Error() string {
	return "go build " + e.pkg + ": " + e.err.Error() + "\n" + e.msg
}
func (e *buildError) Unwrap() error { return e.err }

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
func us(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func mb(n int64) float64         { return float64(n) / 1e6 }
