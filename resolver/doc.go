// Package resolver finds the bytes that a process really runs and turns its
// addresses into functions, files and lines.
//
// One address goes through it like this:
//
//  1. [Process] is pinned once: it stands for one address space, not for a
//     number. When that address space ends, so does the Process.
//  2. The [Mapping] that covers the address comes from the kernel.
//  3. The ladder of sources (map_files, the lower layers of an overlay, exe,
//     the path in the target's root, the path in ours, a [Fetcher], the memory
//     image) offers bytes, one rung after the other.
//  4. Every offer is verified against the live identity: the build ID that the
//     kernel or the memory gives, else the bytes in memory. What is known to
//     be another file is refused, and each refusal is kept for [OpenError].
//  5. The [Object] that was accepted turns the file offset into an ELF virtual
//     address, and that into [Frame] values: by the Go tables, then by the
//     symbol tables.
//
// A [Result] says which source gave the bytes and how they were verified. An
// address without an answer carries its reason; a batch never stops at one.
//
// All types are safe for concurrent use unless said otherwise.
package resolver
