package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// symbolizer is a program that answers addresses of a file. All are asked for
// functions, inlined calls and demangled names, as far as they can.
type symbolizer struct {
	// Name is the report's and the contender's.
	Name string
	// Args are the program and its flags for a file.
	Args func(file string) []string
	// Parse reads the answers, one for each address.
	Parse func(out string) [][]call
	// Most is how many addresses fit on its command line; 0: it reads them from
	// standard input, and has no limit.
	Most int
	// OnlyGo marks one that knows Go programs only.
	OnlyGo bool
	// Version are the program and flags that tell its version.
	Version []string
}

// The names that the report and the truth refer to.
const (
	ours     = "symfetch"
	llvm     = "llvm-symbolizer"
	gimli    = "gimli addr2line"
	blazecli = "blazecli"
)

// symbolizers returns symfetch and the peers that are installed.
func (b *Bench) symbolizers(ctx context.Context) []symbolizer {
	list := []symbolizer{{
		Name: ours, Parse: parseLLVM, Version: []string{b.Symfetch, "--version"},
		Args: func(file string) []string {
			return []string{b.Symfetch, "addr2line", "-e", file, "--output-style=LLVM"}
		},
	}}
	add := func(path string, s symbolizer) {
		if path != "" {
			flags := s.Args
			s.Args = func(file string) []string { return append([]string{path}, flags(file)...) }
			if s.Version == nil {
				s.Version = []string{path, "--version"}
			}
			list = append(list, s)
		}
	}
	gnuFlags := func(file string) []string { return []string{"-a", "-f", "-i", "-C", "-e", file} }
	add(b.peerPath("addr2line", ""), symbolizer{
		Name: gimli, Parse: parseLLVM,
		Args: func(file string) []string { return []string{"--llvm", "-f", "-i", "-C", "-e", file} },
	})
	add(b.peerPath("blazecli", "blazecli"), symbolizer{
		Name: blazecli, Parse: parseBlazecli, Most: 100_000,
		Args: func(file string) []string { return []string{"symbolize", "elf", "--path", file} },
	})
	add(newestLLVM(), symbolizer{
		Name: llvm, Parse: parseLLVM,
		Args: func(file string) []string {
			return []string{"--obj=" + file, "--functions=linkage", "--inlines", "--demangle"}
		},
	})
	add(onPath("addr2line"), symbolizer{Name: "GNU addr2line", Parse: parseGNU, Args: gnuFlags})
	add(onPath("eu-addr2line"), symbolizer{Name: "eu-addr2line", Parse: parseGNU, Args: gnuFlags})
	add(goTool(ctx), symbolizer{
		Name: "go tool addr2line", Parse: parseGoTool, OnlyGo: true, Version: []string{"go", "version"},
		Args: func(file string) []string { return []string{file} },
	})
	return list
}

// peerPath returns a peer that make peers installed, else what name means on
// PATH; "" is no name.
func (b *Bench) peerPath(file, name string) string { return peer(filepath.Join(b.Peers, file), name) }

// newestLLVM returns the newest llvm-symbolizer: distributions have several,
// and the one without a number is not the newest.
func newestLLVM() string {
	for version := 30; version > 12; version-- {
		if path := onPath(fmt.Sprintf("llvm-symbolizer-%d", version)); path != "" {
			return path
		}
	}
	return onPath("llvm-symbolizer")
}

// goTool returns the executable behind go tool addr2line, without the go
// command around it.
func goTool(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "tool", "-n", "addr2line").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
