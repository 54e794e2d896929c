package resolver

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/symfetch/symfetch/buildid"
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
// An equal build ID proves a file that the kernel handed out by the mapping
// itself. A file found by its path must also show no difference to memory:
// two builds with one ID exist (a fixed --build-id, a patched copy). Without
// an ID on the live side the bytes decide, and where memory cannot be read
// either, dev and inode on a file system where these are one file's own.
func (p *Process) verify(id identity, m Mapping, o offer) (verdict, error) {
	by, err := compareIDs(id, o)
	if err != nil {
		return verdict{}, err
	}
	samples := samplesPerID
	if by == "" {
		samples = samplesPerContent
	}
	same, diff, err := p.compareBytes(m, o.src, samples)
	switch {
	case err != nil:
		return p.unreadable(by, m, o, err)
	case diff == nil:
		if by == "" {
			by = VerifiedContent
		}
		return verdict{by: by}, nil
	case by != "" && o.rung.byHandle():
		return verdict{by: by, modified: true}, nil
	case by == "" && same > 0 && o.rung == SourceMapFiles && p.ownsInodes(m) && o.isInode(m):
		// The mapped inode itself, with its text patched in memory.
		return verdict{by: VerifiedDevInode, modified: true}, nil
	}
	diff.Source = o.rung
	return verdict{}, diff
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

// How many pages are compared with memory: a look for differences where an ID
// proves the file, and more where the bytes are all there is.
const (
	samplesPerID      = 2
	samplesPerContent = 16
	sampleSize        = 4096 // in bytes
)

// errNothingComparable: no sampled page could be read on both sides.
var errNothingComparable = errors.New("no page of the mapping can be read both in memory and in the file")

// compareBytes compares up to n pages of m, spread evenly from its first to
// its last, between memory and the file. It returns how many were equal and
// the first difference, or an error where nothing could be compared. A page
// that only one side can read is passed over.
func (p *Process) compareBytes(m Mapping, src elffile.Source, n int) (same int, diff *MismatchError, err error) {
	pages := int((min(m.End-m.Start, fileBytes(m, src)) + sampleSize - 1) / sampleSize)
	if pages <= 0 {
		return 0, nil, errNothingComparable
	}
	n = min(n, pages)
	var mem [sampleSize]byte
	for i := range n {
		page := uint64(0)
		if n > 1 {
			page = uint64(i) * uint64(pages-1) / uint64(n-1)
		}
		off := m.Offset + page*sampleSize
		file, err := src.View(int64(off), int64(min(sampleSize, uint64(src.Size())-off)))
		if err != nil {
			continue
		}
		got, err := p.os.ReadMemory(mem[:len(file)], m.Start+page*sampleSize)
		if errors.Is(err, proc.ErrMemoryDenied) || errors.Is(err, proc.ErrGone) {
			return 0, nil, p.osError(err)
		}
		if got != len(file) {
			continue
		}
		equal, err := equalBytes(mem[:got], file)
		switch {
		case err != nil:
		case equal:
			same++
		case diff == nil:
			diff = &MismatchError{What: whatContent, Off: off}
		}
	}
	if same == 0 && diff == nil {
		return 0, nil, errNothingComparable
	}
	return same, diff, nil
}

// equalBytes compares with a view that may fault.
func equalBytes(mem, file []byte) (equal bool, err error) {
	err = elffile.Guard("content", func() error {
		equal = bytes.Equal(mem, file)
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

// identifies reports whether notes hold an identity at all.
func identifies(n buildid.Notes) bool { return n.GNU != "" || n.Go != "" }
