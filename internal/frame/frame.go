// Package frame holds the answer's smallest part: one logical call at an
// address, as every engine returns it.
//
// It imports nothing of the project, so that engines can return frames
// without knowing who asks.
package frame

// Engine names the table from which a frame was read.
type Engine uint8

// The engines, in the words of the command line's contract.
const (
	EngineNone Engine = iota
	EnginePclntab
	EngineDWARF
	EngineSymtab
	EngineDynsym
	EnginePLT
	EnginePerfMap
	EngineJITDump
	EngineKallsyms
)

var engineNames = [...]string{"", "pclntab", "dwarf", "symtab", "dynsym", "plt", "perfmap", "jitdump", "kallsyms"}

// String returns the contract's word for e, "" for EngineNone.
func (e Engine) String() string {
	if int(e) < len(engineNames) {
		return engineNames[e]
	}
	return ""
}

// Frame is one logical call at an address. A physical function and the calls
// inlined into it at that address are separate frames; lists of frames are
// innermost first, so the last frame is the physical function.
//
// Every string is owned (never a view of a mapped file) and may be kept.
type Frame struct {
	// Function is the name for people: demangled where the linkage name is
	// mangled, else the linkage name itself.
	Function string
	// LinkageName is the name as the table holds it; equal to Function where
	// nothing was demangled. An engine leaves it empty where another table may
	// know it and this one does not.
	LinkageName string
	// Offset is the distance in bytes from the function's entry to the
	// address. Meaningful only if HasOffset: tables give no entry for some
	// inlined calls.
	Offset    uint64
	HasOffset bool
	// File is the source file as recorded by the compiler, "" if unknown.
	File string
	// Line and Column are 1-based, 0 if unknown. For a frame with calls
	// inlined into it they are those of the call site.
	Line, Column int
	// StartLine is the line of the function's declaration, 0 if unknown.
	StartLine int
	// Inlined says that this call was inlined into the next frame.
	Inlined bool
	// Engine is the table that named the frame.
	Engine Engine
}
