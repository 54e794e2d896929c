package resolver

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/proc"
)

// verdict is what verify says of an offer that it accepts.
type verdict struct {
	by Verification
	// modified: the memory holds other bytes than the file, although the file
	// is the one that was mapped.
	modified bool
}

// verify is the only place that says yes: it compares what a rung offered
// with the live identity, and with the bytes that memory holds behind m.
//
// Pages of m that the process has not written to are pages of the mapped file:
// a difference there proves that the offer is another file. A difference in a
// page of the process's own only says that the code was modified.
//
// An equal build ID proves a file that the kernel handed out by the mapping
// itself. A file found by its name must also show no difference to memory: two
// builds with one ID exist (a fixed --build-id, a patched copy). Without an ID
// on the live side the bytes decide, and where memory cannot be read either,
// dev and inode on a file system where these are one file's own.
func (p *Process) verify(id identity, m Mapping, o offer) (verdict, error) {
	by, err := compareIDs(id, o)
	if err != nil {
		return verdict{}, err
	}
	own, ownErr := p.os.PrivatePages(m, maxPrivate)
	modified := p.differsAt(m, own, o.src)
	if by != "" && o.rung.byHandle() {
		return verdict{by: by, modified: modified}, nil
	}
	diff, err := p.compareBytes(m, own, o.src, samplesPerContent)
	switch {
	case err != nil:
		return p.unreadable(by, m, o, err)
	case diff == nil:
		if by == "" {
			by = VerifiedContent
		}
		return verdict{by: by, modified: modified}, nil
	case ownErr != nil && by != "" && o.isInode(m):
		// Which pages are the file's own is not known here.
		return verdict{by: by, modified: true}, nil
	}
	diff.Source = o.rung
	return verdict{}, diff
}

// maxPrivate bounds the private pages of one mapping that are compared with
// the file. Text with more of them was rewritten as a whole, and the first
// ones show it.
const maxPrivate = 1024

// differsAt reports whether one of the process's own pages holds other bytes
// than the file.
func (p *Process) differsAt(m Mapping, own []uint64, src elffile.Source) bool {
	for _, addr := range own {
		equal, err := p.equalPage(m, addr, src)
		if err == nil && !equal {
			return true
		}
	}
	return false
}

// modifiedIn reports whether a mapping of the accepted file has a page of the
// process's own with other bytes than the file.
func (p *Process) modifiedIn(code []Mapping, src elffile.Source) bool {
	for _, m := range code {
		own, _ := p.os.PrivatePages(m, maxPrivate)
		if p.differsAt(m, own, src) {
			return true
		}
	}
	return false
}

// byHandle reports whether the kernel opened the file by the mapping or by
// the process, without looking up a path that could have changed.
func (s Source) byHandle() bool {
	return s == SourceMapFiles || s == SourceExe || s == SourceLower
}

// compareIDs compares the offer's IDs with the live ones: the verification
// that they allow, "" where the live side has none, or a *MismatchError.
func compareIDs(id identity, o offer) (Verification, error) {
	switch {
	case id.gnu != "":
		if o.notes.GNU != id.gnu {
			return "", &MismatchError{What: whatBuildID, Want: id.gnu.String(), Got: o.notes.GNU.String(), Source: o.rung}
		}
		return VerifiedBuildID, nil
	case id.goID != "":
		if o.notes.Go != id.goID {
			return "", &MismatchError{What: whatGoBuildID, Want: id.goID, Got: o.notes.Go, Source: o.rung}
		}
		return VerifiedGoBuildID, nil
	}
	return "", nil
}

// unreadable decides where memory gave no bytes to compare.
func (p *Process) unreadable(by Verification, m Mapping, o offer, cause error) (verdict, error) {
	if errors.Is(cause, ErrProcessGone) {
		return verdict{}, cause
	}
	if by != "" {
		return verdict{by: by}, nil
	}
	if o.isInode(m) && p.ownsInodes(m) {
		return verdict{by: VerifiedDevInode}, nil
	}
	if o.rung == SourceMapFiles {
		return verdict{by: VerifiedNone}, nil
	}
	return verdict{}, fmt.Errorf("%w: no live build ID, and memory cannot be compared: %w", ErrNotVerified, cause)
}

const (
	// samplesPerContent is how many pages of a mapping are compared where the
	// bytes have to prove something.
	samplesPerContent = 16
	sampleSize        = 4096 // in bytes
)

// errNothingComparable: no sampled page could be read on both sides.
var errNothingComparable = errors.New("no page of the mapping can be read both in memory and in the file")

// compareBytes compares up to n pages of m, spread evenly from its first to
// its last, between memory and the file; skip are pages that prove nothing. It
// returns the first difference, or an error where nothing could be compared.
// A page that only one side can read is passed over.
func (p *Process) compareBytes(m Mapping, skip []uint64, src elffile.Source, n int) (*MismatchError, error) {
	pages := int((min(m.End-m.Start, fileBytes(m, src)) + sampleSize - 1) / sampleSize)
	n = min(n, pages)
	compared := 0
	for i := range n {
		addr := m.Start
		if n > 1 {
			addr += uint64(i) * uint64(pages-1) / uint64(n-1) * sampleSize
		}
		if slices.Contains(skip, addr) {
			continue
		}
		equal, err := p.equalPage(m, addr, src)
		switch {
		case errors.Is(err, proc.ErrMemoryDenied), errors.Is(err, proc.ErrGone):
			return nil, p.osError(err)
		case err != nil:
		case !equal:
			return &MismatchError{What: whatContent, Off: fileOffset(m, addr)}, nil
		default:
			compared++
		}
	}
	if compared == 0 {
		return nil, errNothingComparable
	}
	return nil, nil
}

// equalPage compares the page at addr, within m, with the file's bytes.
func (p *Process) equalPage(m Mapping, addr uint64, src elffile.Source) (equal bool, err error) {
	off := fileOffset(m, addr)
	if size := uint64(src.Size()); off >= size {
		return false, errNothingComparable
	}
	file, err := src.View(int64(off), int64(min(sampleSize, uint64(src.Size())-off)))
	if err != nil {
		return false, err
	}
	var mem [sampleSize]byte
	if _, err := p.os.ReadMemory(mem[:len(file)], addr); err != nil {
		return false, err
	}
	err = elffile.Guard("content", func() error {
		equal = bytes.Equal(mem[:len(file)], file)
		return nil
	})
	return equal, err
}

// fileBytes is how many bytes of the file lie behind m, which may reach past
// the file's end.
func fileBytes(m Mapping, src elffile.Source) uint64 {
	size := uint64(src.Size())
	if m.Offset >= size {
		return 0
	}
	return size - m.Offset
}

// isInode reports whether the offered file has m's device and inode number.
func (o offer) isInode(m Mapping) bool {
	return o.stat.Ino == m.Inode && o.stat.DevMajor == m.DevMajor && o.stat.DevMinor == m.DevMinor
}
