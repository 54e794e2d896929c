// Symfetch-debuginfod is symfetch's side of the network: it gets files by build
// ID from debuginfod servers. `symfetch get` starts it.
//
// Usage:
//
//	symfetch get BUILDID [executable|debuginfo|section NAME] [--output FILE]
//	symfetch get -
//
// It prints the path of the file in the cache that all debuginfod clients
// share, or with --output puts a copy to FILE and prints that. The kind is
// debuginfo if none is named. Only the servers in DEBUGINFOD_URLS are asked:
// where it is empty the cache alone answers. Every file is checked to be a whole
// ELF of the build ID; a section has none and cannot be. See package
// debuginfod/client, and docs/debuginfod.md.
//
// # Batches
//
// With - it reads questions from standard input, one a line, and answers each
// with one line, in the order of the questions, which it works on at the same
// time:
//
//	BUILDID executable          ok PATH
//	BUILDID debuginfo           error TEXT
//	BUILDID section NAME
//
// With --attended, as symfetch starts it, it ends as soon as its input does,
// finished or not, and writes further lines "alive BYTES TOTAL" while bytes come
// in.
//
// # Exit status
//
// 0: the file was found, a batch was answered; 1: it was not found; 2: wrong
// usage; 130: interrupted.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(os.Args))
}

// run is the whole command; it returns the exit status.
func run(args []string) int {
	a := newApp()
	ctx, stop := watchSignals(context.Background())
	code := a.finish(ctx, a.command().Run(ctx, args))
	stop()
	return code
}
