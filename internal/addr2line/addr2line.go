package addr2line

import (
	"sync"
	"sync/atomic"

	"github.com/symfetch/symfetch/internal/frame"
)

// Input is one file's DWARF and what its reader may ask for.
type Input struct {
	// BigEndian is the byte order of the file.
	BigEndian bool
	// Section returns the bytes of the section of that name (".debug_info";
	// ".debug_info.dwo" of the files that Split returns), decompressed,
	// relocated if the file is a relocatable object, and nil without an error
	// if there is none. Of several sections of one name, as .dwo files have
	// them for type units, it returns all, one behind the other. It is called at most once per section, when it is
	// first needed, possibly by several goroutines at once. The bytes must
	// stay as they are while the Data is used.
	Section func(name string) ([]byte, error)
	// CodeStart is the lowest vaddr at which the object has code: the lowest
	// address of an executable section or segment. DWARF of functions that
	// the linker discarded remains, with ranges that begin at 0 (or 1), and
	// is known by that; without CodeStart it is believed. 0 says that code
	// begins at 0, as in a relocatable object.
	CodeStart uint64
	// Supplementary returns the file that .gnu_debugaltlink or .debug_sup
	// names (dwz). Called at most once, when it is first needed. nil: there is
	// none.
	Supplementary func() (*Input, error)
	// Split returns the file that holds the DIEs of a skeleton unit: a .dwo,
	// or a .dwp package with the unit among others. Returning the same
	// *Input for several units saves reading a package's index anew. nil:
	// there are none.
	Split func(Skeleton) (*Input, error)
	// Guard runs fn, and turns a fault of the mapped bytes into an error. It
	// is called on the goroutines that the package starts; on the caller's
	// own, the caller guards. nil: fn is called as it is.
	Guard func(fn func() error) error
	// Names demangles; nil remembers nothing.
	Names *frame.Demangler
	// MaxMemory bounds the tables that are kept for later lookups, in bytes;
	// 0 means 64 MiB.
	MaxMemory int64
}

// Skeleton is a unit whose DIEs are in another file.
type Skeleton struct {
	// Name is the path of the .dwo file as the compiler recorded it: absolute,
	// or relative to CompDir.
	Name, CompDir string
	// ID identifies the unit within the file.
	ID uint64
	// Version is that of DWARF: 5, or 4 with GNU's extension.
	Version int
}

// Data answers questions about one object's code. It is safe for concurrent
// use.
//
// Like everything that reads a mapped file, its methods fault if the file is
// truncated meanwhile; no lock is held while they read.
type Data struct {
	in   Input
	main sections
	ids  atomic.Uint32 // of sections

	mu    sync.Mutex
	units map[unitKey]*unit
	slots map[uint64]*slot // by offset of the unit's header

	abbrevTables   [abbrevSlots]atomic.Pointer[abbrevTable]
	bigAbbrevTable atomic.Pointer[abbrevTable]
	strsOnce       sync.Once
	strs           *strs

	aranges, scanned lazyIndex

	alt   altFile
	split splitFiles

	resident resident
	scratch  sync.Pool // of *scratch
}

// unitKey tells the units of one Data apart.
type unitKey struct {
	file uint32 // sections.id
	off  uint64
}

// New returns the Data of an object. It reads nothing.
func New(in Input) *Data {
	d := &Data{in: in}
	d.init(&d.main, &in)
	return d
}

func (d *Data) init(s *sections, in *Input) {
	s.id, s.big, s.load = d.ids.Add(1), in.BigEndian, in.Section
}

// AppendFrames appends the logical calls at vaddr to dst, innermost first, the
// physical function last. vaddr is looked up as it is: the caller turns return
// addresses into call addresses.
//
// The first few addresses of a unit are answered by reading through it, and
// nothing is built; then the unit gets tables, which stay until the memory is
// needed for those of others.
//
// A frame's Function is empty where the line table covers vaddr, but no
// function does; its File is empty where only a function does. LinkageName is
// empty where the function's language mangles names and DWARF does not tell
// this one (of a static function in C++): a symbol table may. ErrNoSymbol says
// that neither does, ErrNoDWARF that there is no DWARF. With any other error
// there can be frames too: those that could be read, with empty names or files
// where they could not. They are not wrong.
func (d *Data) AppendFrames(dst []frame.Frame, vaddr uint64) ([]frame.Frame, error) {
	base := len(dst)
	// What a unit says that knows the line only, or that cannot be read, is
	// the answer if no other unit says more.
	var lines frame.Frame
	haveLines := false
	var firstErr error
	for round := 0; round < maxRounds; round++ {
		s, err := d.candidate(vaddr, round)
		if s == nil {
			if firstErr == nil {
				firstErr = err
			}
			break
		}
		out, named, err := d.lookup(dst, s, vaddr)
		if named {
			return out, err
		}
		if err != nil && err != ErrNoSymbol && firstErr == nil {
			firstErr = err
		}
		if len(out) > base && !haveLines {
			lines, haveLines = out[base], true
		}
	}
	if haveLines {
		return append(dst[:base], lines), firstErr
	}
	if firstErr == nil {
		firstErr = ErrNoSymbol
	}
	return dst[:base], firstErr
}

func (d *Data) strings() *strs {
	d.strsOnce.Do(func() { d.strs = newStrs() })
	return d.strs
}
