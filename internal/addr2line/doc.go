// Package addr2line turns a vaddr into the logical calls at it, with files and
// lines, by an object's DWARF: versions 2 to 5, of 32-bit and 64-bit format and
// of both byte orders.
//
// It knows bytes, not files: it takes sections, and asks its caller for more
// when it needs them (a unit's .dwo, a .dwp package, dwz's supplementary file).
//
// # How an address is answered
//
//  1. Which unit covers it: .debug_aranges where it says so, else the root DIEs
//     of all units (index.go, scan.go).
//  2. Which functions and inlined calls of the unit cover it: one walk over the
//     unit's DIEs (walk.go, paint.go) by compiled abbreviations (abbrev.go).
//  3. Which row of the unit's line table covers it (lineprog.go, linehits.go).
//  4. Names along DW_AT_abstract_origin and DW_AT_specification (function.go),
//     paths (path.go), frames (answer.go).
//
// Both 2 and 3 take a sorted set of vaddrs and store nothing but their answers.
// The first addresses of a unit, and the batches of [Data.Symbolize], are
// answered so. A unit that is asked again and again gets tables (table.go),
// which are filled by the same walk and the same program, so that all three
// give the same answers. With malformed DWARF they may not: a lookup of one
// vaddr jumps over the children of functions elsewhere, and sees less of it.
//
// # Where units and functions overlap
//
// The unit with the smaller range that has a function there is asked first;
// within a unit, the smaller function counts, and of inlined calls the
// innermost. See [walker], [lineHits] and [unitIndex] for the rules in full.
//
// # Hostile input
//
// Lengths, offsets and forms are checked; chains and depths are bounded; and
// what a call may decode is bounded by a multiple of the file's size, however
// often its entries refer to the same bytes (work.go). What is malformed costs
// the addresses of its unit an error, and no others; but where a call used up
// what it may decode, all that it has not yet answered get one.
package addr2line
