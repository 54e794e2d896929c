package resolver

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/proc"
	"github.com/symfetch/symfetch/internal/symtab"
)

// Symbol is one entry of an object's symbol tables; see package symtab.
type Symbol = symtab.Symbol

// Object is an ELF object whose bytes can be read: a counted handle on what
// all processes that map the file share. It stays usable after its process
// ended, unless its source is memory. Close gives it back; methods of a
// closed Object return ErrClosed.
type Object struct {
	view     *view
	path     string
	source   Source
	verified Verification
	modified bool
	notes    buildid.Notes
	tried    []Attempt // places of debug files
	closed   atomic.Bool
}

// newObject makes a handle; it takes over one hold on the view's core.
func newObject(v *view, path string, source Source, by verdict) *Object {
	o := &Object{view: v, path: path, source: source, verified: by.by, modified: by.modified}
	o.notes, _ = v.notes()
	return o
}

// handle returns a further handle on the same object.
func (o *Object) handle() *Object {
	if c := o.view.holder(); c != nil {
		c.retain()
	}
	return &Object{view: o.view, path: o.path, source: o.source, verified: o.verified, modified: o.modified, notes: o.notes, tried: o.tried}
}

// Close gives the handle back. Further calls do nothing.
func (o *Object) Close() error {
	if c := o.view.holder(); o.closed.CompareAndSwap(false, true) && c != nil {
		c.release()
	}
	return nil
}

// Path is the name by which the object was found, raw bytes.
func (o *Object) Path() string { return o.path }

// BuildID is the GNU build ID in the object's own notes, "" if it has none.
func (o *Object) BuildID() buildid.ID { return o.notes.GNU }

// GoBuildID is the Go build ID in the object's notes, "" if it has none.
func (o *Object) GoBuildID() string { return o.notes.Go }

// Source tells from which rung of the ladder the bytes came.
func (o *Object) Source() Source { return o.source }

// Verified tells by what the bytes were proved to be the mapped ones.
func (o *Object) Verified() Verification { return o.verified }

// Modified reports whether memory holds other bytes than the object.
func (o *Object) Modified() bool { return o.modified }

// Size is the object's size in bytes: that of the file, of the member where
// the object lies in an archive, or of the ELF by its own headers where its
// source is memory.
func (o *Object) Size() int64 {
	if o.view.src == nil {
		return o.view.elf.Extent()
	}
	return o.view.src.Size()
}

// ReadAt reads the object's bytes; off counts from the start of the ELF, also
// where it is a member of an archive. A memory image gives what its segments
// hold and errors elsewhere.
func (o *Object) ReadAt(p []byte, off int64) (n int, err error) {
	if o.closed.Load() {
		return 0, ErrClosed
	}
	if o.view.src == nil {
		return 0, fmt.Errorf("read file offset of a memory image: %w", ErrNotSupported)
	}
	err = elffile.Guard(o.path, func() error {
		n, err = o.view.src.ReadAt(p, off)
		return err
	})
	return n, err
}

// File returns a new file descriptor on the file that holds the object; see
// Member for where in it. The caller closes it. A memory image has none.
func (o *Object) File() (*os.File, error) {
	if o.closed.Load() {
		return nil, ErrClosed
	}
	if o.view.core == nil || o.view.core.file == nil {
		return nil, fmt.Errorf("file of a memory image: %w", ErrNotSupported)
	}
	return reopen(o.view.core.file)
}

// reopen opens f's file anew, with a position of its own.
func reopen(f *os.File) (again *os.File, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	if ctl := conn.Control(func(fd uintptr) {
		again, err = os.Open(fmt.Sprintf("/proc/self/fd/%d", fd))
	}); ctl != nil {
		return nil, ctl
	}
	return again, err
}

// Member reports where in its file the object lies, in bytes; ok is false
// where it is the whole file.
func (o *Object) Member() (off, size int64, ok bool) {
	if o.view.off == 0 || o.view.src == nil {
		return 0, 0, false
	}
	return int64(o.view.off), o.view.src.Size(), true
}

// SymbolTables lists what can name addresses of the object: "dwarf",
// "pclntab", "symtab", "dynsym", in this order.
func (o *Object) SymbolTables() []string {
	if o.closed.Load() {
		return nil
	}
	return o.view.symbolTables()
}

// Symbols returns the functions of .symtab, or of the dynamic symbols where
// the object is stripped, in no particular order.
func (o *Object) Symbols() iter.Seq[Symbol] {
	return func(yield func(Symbol) bool) {
		if o.closed.Load() {
			return
		}
		t, err := o.view.symtab()
		if err != nil || t == nil {
			t, err = o.view.dynsym()
		}
		if err != nil || t == nil {
			return
		}
		// Collected before they are handed out: a fault in a mapped table must
		// not run through the caller's function.
		var all []Symbol
		if elffile.Guard(o.path, func() error {
			for s := range t.Symbols() {
				all = append(all, s)
			}
			return nil
		}) != nil {
			return
		}
		for _, s := range all {
			if !yield(s) {
				return
			}
		}
	}
}

// Frames returns the calls at vaddr, an ELF virtual address of the object,
// innermost first; ErrNoSymbol where nothing names it.
func (o *Object) Frames(vaddr uint64) ([]Frame, error) { return o.AppendFrames(nil, vaddr) }

// AppendFrames appends what Frames returns to dst. vaddr is the address of an
// instruction: for a return address pass the one before it.
func (o *Object) AppendFrames(dst []Frame, vaddr uint64) ([]Frame, error) {
	if o.closed.Load() {
		return dst, ErrClosed
	}
	return o.view.appendFrames(dst, vaddr)
}

// Symbolize answers many vaddrs, each as AppendFrames would, and reads each
// part of the debug information once for all of them. answer is called once for
// each index of vaddrs, in no particular order, from several goroutines at
// once. The frames are its to use during the call only; their strings may be
// kept.
func (o *Object) Symbolize(vaddrs []uint64, answer func(i int, frames []Frame, err error)) {
	if o.closed.Load() {
		for i := range vaddrs {
			answer(i, nil, ErrClosed)
		}
		return
	}
	o.view.symbolize(vaddrs, answer)
}

// Vaddr turns an offset in the object's file, reached through a mapping, into
// an ELF virtual address. The mapping's own offset and permissions choose among
// segments that share a page of the file; where they do not, the error wraps
// elffile's: it is never a guess.
func (o *Object) Vaddr(off uint64, m Mapping) (uint64, error) { return o.vaddr(off, m, nil) }

func (o *Object) vaddr(off uint64, m Mapping, hint *biasHint) (uint64, error) {
	if o.view.src == nil {
		return 0, fmt.Errorf("offset of a memory image: %w", ErrNotSupported)
	}
	if off < o.view.off || m.Offset < o.view.off {
		return 0, fmt.Errorf("offset %#x lies before the object: %w", off, ErrNoObject)
	}
	mapped := elffile.Mapped{
		Offset: m.Offset - o.view.off, Size: m.Size(), Start: m.Start,
		Read: m.Perms&proc.PermRead != 0, Write: m.Perms&proc.PermWrite != 0, Exec: isCode(m),
	}
	if hint != nil {
		mapped.HasBias, mapped.Bias = true, hint.bias
	}
	return o.view.elf.Vaddr(off-o.view.off, mapped)
}

// vaddrOf turns addr, which m covers, into an offset in the file and an ELF
// virtual address.
func (o *Object) vaddrOf(addr uint64, m Mapping, hint *biasHint) (off, vaddr uint64, err error) {
	off = fileOffset(m, addr)
	if o.view.src == nil {
		return off, addr - o.view.elf.Bias(), nil
	}
	vaddr, err = o.vaddr(off, m, hint)
	return off, vaddr, err
}

// Open opens the regular file at path as File does; a device or a FIFO is not
// touched.
func (r *Resolver) Open(ctx context.Context, path string) (*Object, error) {
	f, err := proc.OpenRegular(path)
	if err != nil {
		return nil, refusal(err)
	}
	return r.File(ctx, f, path)
}

// File opens f, which the Resolver owns from here on, as an object of no
// process; path is for messages. It is not compared with anything, so its
// verification is VerifiedNone.
func (r *Resolver) File(ctx context.Context, f *os.File, path string) (*Object, error) {
	stat, err := proc.StatFile(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	co, err := r.open(f, stat)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	if co.whole == nil {
		err := co.wholeErr
		co.release()
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	o := newObject(co.whole, path, SourcePath, verdict{by: VerifiedNone})
	name, err := filepath.Abs(path)
	if err != nil {
		name = path
	}
	o.complete(ctx, &finder{r: r, name: name})
	return o, ctx.Err()
}
