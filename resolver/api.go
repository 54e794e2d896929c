package resolver

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/proc"
)

// Frame is one logical call at an address; see package frame.
type Frame = frame.Frame

// Engine names the table from which a frame was read; see package frame.
type Engine = frame.Engine

// Mapping is one row of a process's maps.
type Mapping = proc.Mapping

// Options tells a Resolver where to look and how much to spend. The zero
// value is useful.
type Options struct {
	// ProcRoot is where the proc file system is mounted, "/proc" if empty
	// ("/host/proc" in a debug container).
	ProcRoot string
	// Fetcher gets bytes by build ID where every local source failed. Nil:
	// nothing is fetched.
	Fetcher Fetcher
	// Network is a Fetcher that may take its time: asked last, only for an
	// object's debug info, only when an address was asked. Nil: no network.
	Network Fetcher
	// DebugDirs are further directories that hold .build-id trees.
	DebugDirs []string
	// Logger receives what was tried and refused. Nil: silence.
	Logger *slog.Logger
	// MaxMemory bounds the bytes of the caches that the Resolver keeps for
	// objects which nobody holds; 0 means 256 MiB.
	MaxMemory int64
	// Timeout bounds what one object may cost, so that a file system which
	// never answers costs that object its answer and no other; 0 means 5 s.
	Timeout time.Duration
}

// Kind tells which bytes of a build ID are wanted from a Fetcher.
type Kind uint8

// What a Fetcher can be asked for.
const (
	KindExecutable Kind = iota
	KindDebugInfo
)

// Fetcher gets an object's bytes by its build ID. It returns an open file, as
// a path can change under its reader; fs.ErrNotExist where it has none.
type Fetcher interface {
	Fetch(ctx context.Context, id buildid.ID, kind Kind) (*os.File, error)
}

// State says how an object stands to the file at its path; the first that
// applies, in the order of the command line's contract.
type State string

// The states.
const (
	StateUnreadable State = "unreadable"
	StateModified   State = "modified"
	StateReplaced   State = "replaced"
	StateMemfd      State = "memfd"
	StateVDSO       State = "vdso"
	StateArchive    State = "archive"
	StateDeleted    State = "deleted"
	StateOK         State = "ok"
)

// Source is the rung of the ladder from which an object's bytes came.
type Source string

// The sources.
const (
	SourceMapFiles   Source = "map_files"
	SourceLower      Source = "lower"
	SourceExe        Source = "exe"
	SourceRoot       Source = "root"
	SourcePath       Source = "path"
	SourceStore      Source = "store"
	SourceDebuginfod Source = "debuginfod"
	SourceMemory     Source = "memory"
	SourceVDSO       Source = "vdso"
	SourcePerfMap    Source = "perfmap"
	SourceJITDump    Source = "jitdump"
	SourceKernel     Source = "kernel"
)

// The sources of debug files, beside SourceStore and SourceDebuginfod.
const (
	SourceEmbedded Source = "embedded" // in the object itself
	SourceTarget   Source = "target"   // in the root directory of the process
	SourceHost     Source = "host"     // in ours
)

// Verification says by what an object's bytes were proved to be those that
// are mapped.
type Verification string

// The verifications, strongest first.
const (
	VerifiedBuildID   Verification = "build-id"
	VerifiedGoBuildID Verification = "go-build-id"
	VerifiedContent   Verification = "content"
	VerifiedMemory    Verification = "memory"
	VerifiedDevInode  Verification = "dev-inode"
	VerifiedCRC       Verification = "crc" // debug files only
	VerifiedNone      Verification = "none"
)

// Entry is one object of a process: the mappings of one file and the object
// behind them, or the reason why there is none. It is a value of its own; the
// Object in it is a handle that Close gives back.
type Entry struct {
	// Path is the kernel's name for the file: raw bytes, without the
	// " (deleted)" that the kernel appends ("[vdso]" for the vDSO).
	Path string
	// State compares the object with the file at its path.
	State State
	// Deleted: the kernel says that the path was removed. Container: the path
	// means something else, or nothing, outside the target's mount namespace.
	Deleted, Container bool
	// Mappings are the object's mappings by ascending address.
	Mappings []Mapping
	// BuildID and GoBuildID are the live identity, from the kernel or from
	// memory; known even where no source of bytes was accepted.
	BuildID   buildid.ID
	GoBuildID string
	// Source and Verified tell whence Object's bytes came and how they were
	// proved; empty where Object is nil.
	Source   Source
	Verified Verification
	// Object is nil where Err is not.
	Object *Object
	// Err is an *OpenError (or wraps ErrProcessGone) and lists every rung.
	Err error

	attempts []Attempt
}

// Result is the answer for one address of a batch.
type Result struct {
	// Index is the address's place in the batch, Addr the address as given.
	Index int
	Addr  uint64
	// Mapping covers Addr; the zero Mapping where Addr is unmapped.
	Mapping Mapping
	// Entry is the object at Addr, owned by the Process (do not close it);
	// nil where there is none.
	Entry *Entry
	// Off and Vaddr are Addr as offset in the object's file and as ELF virtual
	// address; meaningful only if HasVaddr.
	Off, Vaddr uint64
	HasVaddr   bool
	// Frames are innermost first; empty where Err is not nil.
	Frames []Frame
	// Err says why there is no answer; ReasonOf gives the contract's word.
	Err error
}

// Reason is the contract's word for why an address or object has no answer.
type Reason string

// The reasons.
const (
	ReasonNone        Reason = ""
	ReasonUnmapped    Reason = "unmapped"
	ReasonBadAddress  Reason = "bad-address"
	ReasonNoObject    Reason = "no-object"
	ReasonNotELF      Reason = "not-elf"
	ReasonNotVerified Reason = "not-verified"
	ReasonMismatch    Reason = "mismatch"
	ReasonNoSymbol    Reason = "no-symbol"
	ReasonPermission  Reason = "permission"
	ReasonProcessGone Reason = "process-gone"
	ReasonTimeout     Reason = "timeout"
	ReasonCorrupt     Reason = "corrupt"
	ReasonDevice      Reason = "device"
)

// Hint says what would have let the resolver do better, for the user.
type Hint struct {
	// Missing is a capability or setting, such as "CAP_CHECKPOINT_RESTORE".
	Missing string
	// Effect is what its lack cost, one sentence in lower case.
	Effect string
}
