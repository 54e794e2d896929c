// Symfetch tells what is really mapped into a process, and turns addresses of
// it into functions, files and lines.
//
// Usage:
//
//	symfetch [flags] PID              the objects of a process, a table
//	symfetch [flags] -p PID,PID,...   of several
//	symfetch [flags] PID ADDR...      what is at these addresses
//	symfetch [flags] PID -            addresses from standard input, streamed
//	symfetch [flags] fetch PID... [-o DIR] [--as-mapped DIR]
//	symfetch completion bash|zsh|fish
//	symfetch man
//	symfetch NAME ...                 runs symfetch-NAME, see below
//
// It reads the bytes that the kernel has mapped, also where the file was
// deleted or replaced, lies in a container, in a memfd or on a detached mount,
// and proves that they are: by the build ID that the kernel or the process's
// memory gives, else by a comparison with that memory. Every answer names its
// source and its proof. A missing answer comes with the reason; a name from
// another file never comes.
//
// # The table
//
// One row for each object, by ascending address:
//
//	$ symfetch 4711
//	BUILD ID                                  STATE     SOURCE     VERIFIED  SYMBOLS        SIZE  PATH
//	3b8d1c5f0a7e9d2b4c6f8e1a3d5b7c9e0f2a4b6d  replaced  map_files  build-id  symtab,dynsym   68K  /usr/sbin/api
//	...
//	4711 api: 4 objects (2 ok, 1 replaced, 1 vdso), all verified, 2.1M
//
// State is the first that applies of unreadable, modified (memory differs from
// the file's bytes), replaced (another file is at the path), memfd, vdso,
// archive (a member of an archive), deleted (nothing is at the path), ok; the
// flags "deleted" and "container" (the path means something else, or nothing,
// outside the target's mount namespace) stand beside it. Source is where the
// bytes came from, verified by what they were proved; symbols are the tables
// that can name addresses. What would have helped, such as a capability, is
// said on standard error. On a terminal that is too narrow for the rows each
// becomes three short lines, the path first.
//
// Names are printed raw where that is safe. A name with control bytes, bytes
// that are not UTF-8 or invisible characters is printed as a Go string.
//
// # Addresses
//
// An ADDR is hexadecimal, with or without 0x. Each gets a block, in the order
// of the input, also where it is malformed; a block ends with an empty line:
//
//	$ symfetch 4711 0x55d0c3a4f1b2 0x7f0000000000
//	0x55d0c3a4f1b2: parse_header+0x12 at http.c:88 [/usr/sbin/api (replaced), map_files, build ID verified]
//	  (inlined by) handle+0x9a at server.c:412
//
//	0x7f0000000000: ?? (not mapped)
//
// With --return an ADDR is a return address: it is looked up at ADDR-1, in the
// call that it returns from, and printed as given, distances included. From
// standard input answers are written whenever the next line is not there yet.
//
// # Fetch
//
// Fetch copies the file behind every object into the store, an atomic, checked
// copy for each: to DIR with -o, else to that of --store, $SYMFETCH_STORE, or
// symfetch in the user's cache directory. What is there already is not copied
// again. An image that could only be read from memory is never stored as an
// executable; a member of an archive is stored as the member alone.
//
// With --as-mapped, fetch writes each mapped file, whatever it holds, to
// DIR/START-END, named as in /proc/PID/map_files; the store is then used only
// if -o or --store asks for it. Several processes get a directory each,
// DIR/PID.
//
// # JSON
//
// With --json standard output is one object a line, schema 1. The fields of
// the types "object" (a row of the table) and "address" (an answer):
//
//	{"schema":1,"type":"object","pid":4711,"path":"/usr/sbin/api","state":"replaced","deleted":true,"container":false,
//	 "build_id":"hex","go_build_id":"","source":"map_files","verified":"build-id","symbols":["symtab","dynsym"],
//	 "debug":null,"size":12345,"mappings":[{"start":"0x..","end":"0x..","offset":"0x..","perms":"r-xp"}],"reason":"","error":""}
//	{"schema":1,"type":"address","pid":4711,"input":"55d0c3a4f1b2","addr":"0x55d0c3a4f1b2","path":"/usr/sbin/api","build_id":"hex",
//	 "source":"map_files","verified":"build-id","offset":"0x..","vaddr":"0x..",
//	 "frames":[{"function":"demangled","linkage_name":"_Z..","function_offset":"0x12","file":"http.c","line":88,"column":3,"inlined":true,"engine":"symtab"}],
//	 "reason":"","error":""}
//
// Fetch writes lines of the type "fetch", one for each object and, with
// --as-mapped, one for each range:
//
//	{"schema":1,"type":"fetch","pid":4711,"kind":"executable","path":"/usr/sbin/api","state":"replaced","deleted":true,"container":false,
//	 "build_id":"hex","go_build_id":"","source":"map_files","verified":"build-id","size":12345,
//	 "action":"stored","file":"/store/hex/executable","reason":"","error":""}
//	{"schema":1,"type":"fetch","pid":4711,"kind":"range","path":"/usr/sbin/api","start":"0x..","end":"0x..","offset":"0x..","perms":"r-xp",
//	 "size":12345,"action":"stored","file":"/mapped/55d0c3a4f000-55d0c3a51000","reason":"","error":""}
//
// The action is stored, present (it was there), skipped (there is nothing to
// store, with the reason) or failed. A field that has no value is "", an
// address without answer has no frames. Where a name is not valid UTF-8, a
// field with _b64 behind its name gives the raw bytes (path_b64,
// function_b64, ...). With --explain, lines have "attempts", a list of
// {"source","path","reason","error"}.
//
// # Exit status
//
// 0: every question was answered; 1: some were not; 2: wrong usage; 3: no such
// process, or it ended; 4: permission denied, the message names the capability
// or setting; 5: identity mismatch, only other files than the mapped one were
// found; 130: interrupted. The first of 2, 3, 4, 5, 1 that applies.
//
// # Other executables
//
// pprof and symbolize are served by symfetch-pprof, dlv, dap and core by
// symfetch-dlv, get and serve by symfetch-debuginfod; any other NAME by
// symfetch-NAME. Each is looked for beside symfetch, then on PATH, and gets
// NAME as its first argument.
package main

import (
	"context"
	"os"

	"github.com/urfave/cli/v3"
)

func main() {
	os.Exit(run(os.Args))
}

// run is the whole command; it returns the exit status.
func run(args []string) int {
	a := newApp()
	if _, ok := externalName(args); ok {
		return a.finish(runExternal(args))
	}
	cli.HelpPrinter = helpPrinter(args[0])
	cli.VersionPrinter = printVersion
	code := a.finish(a.command().Run(context.Background(), unbundle(args)))
	if a.ended != nil {
		die(a.ended)
	}
	return code
}
