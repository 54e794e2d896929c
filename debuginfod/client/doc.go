// Package client gets executables and debug files by their build IDs from
// debuginfod servers, and keeps them where every debuginfod client looks.
//
// A server is any HTTP server that answers
//
//	GET PREFIX/buildid/<id>/executable
//	GET PREFIX/buildid/<id>/debuginfo
//	GET PREFIX/buildid/<id>/section/<name>
//
// Nobody is asked whom the user did not name: without URLs a [Client] only
// reads its cache. Servers are not trusted to be right, alive or quick:
//
//   - An answer is used if it is a whole ELF of the build ID that was asked
//     for. Any other is refused and the next server is asked.
//   - A server that refuses, keeps silent or drips costs [Options.Timeout],
//     once: it is not asked again by the same Client.
//   - Size and time have limits, and what was sent compressed is counted as it
//     unfolds.
//   - A redirect leads to http and https only, and what identifies the user
//     (headers, a password in the URL) goes to no other host.
//
// The cache has the layout of elfutils' own client, so that gdb, elfutils and
// this package download nothing twice. [FromEnv] reads the environment variables
// of debuginfod-find(1).
package client
