package buildid

import (
	"encoding/binary"
	"iter"
	"strings"
)

// The notes that hold a build ID: owner and type. The type alone says nothing:
// 3 is also the type of SystemTap's probes, whose owner is "stapsdt".
const (
	gnuOwner       = "GNU\x00"
	gnuBuildIDType = 3 // NT_GNU_BUILD_ID, gABI supplement and elf.h
	goOwner        = "Go\x00\x00"
	goBuildIDType  = 4 // ELF_NOTE_GOBUILDID_TAG of cmd/link
)

const (
	// noteHeaderSize is the size in bytes of a note's header: the sizes of
	// owner and descriptor and the type, 4 bytes each in both ELF classes.
	noteHeaderSize = 12
	// maxNotes bounds the notes that one walk looks at. Programs have 2 to 6;
	// only probes make them many, and those are in sections of their own.
	maxNotes = 1 << 16
	// maxGoID is the length in bytes of the longest Go build ID that is taken
	// (the go command's have 83).
	maxGoID = 1024
)

// Notes are the build IDs found among an object's notes. Where one kind occurs
// twice, the first counts, as it does for the kernel.
type Notes struct {
	// GNU is the GNU build ID, "" if there is none.
	GNU ID
	// Go is the text of the Go build ID, "" if there is none.
	Go string
}

// Note is one ELF note. Its bytes are views of the walked data.
type Note struct {
	// Owner is the owner's name with its terminating zero byte.
	Owner []byte
	// Type has a meaning only together with Owner.
	Type uint32
	// Desc is the descriptor, without padding.
	Desc []byte
	// End is the offset in the walked data of what follows the note, the
	// padding that its segment's alignment asks for included.
	End int
}

// FromNotes walks the notes in data, the bytes of a PT_NOTE segment or a
// SHT_NOTE section, and returns the build IDs among them. It stops at the first
// note that is malformed and keeps what it found before. align is the
// segment's or section's alignment: 8 means that descriptors and notes begin at
// multiples of 8 bytes, anything else that they do at multiples of 4.
//
// mold puts notes of both kinds into one segment that says 8. So where a walk by
// 8 finds no GNU build ID, one by 4 is tried, which is how the kernel walks all
// (lib/buildid.c); owner and type are checked there just the same.
func FromNotes(data []byte, order binary.ByteOrder, align uint64) Notes {
	n := walked(data, order, align)
	if n.GNU == "" && align == 8 {
		n.Merge(walked(data, order, 4))
	}
	return n
}

// walked returns the build IDs of one walk.
func walked(data []byte, order binary.ByteOrder, align uint64) (n Notes) {
	for note := range Walk(data, order, align) {
		n.add(note)
	}
	return n
}

// add takes note's build ID if it has one of a kind that n lacks.
func (n *Notes) add(note Note) {
	switch {
	case n.GNU == "" && note.isGNUBuildID():
		n.GNU = FromBytes(note.Desc)
	case n.Go == "" && note.isGoBuildID():
		n.Go = goText(note.Desc)
	}
}

// Merge fills the kinds that n lacks from m.
func (n *Notes) Merge(m Notes) {
	if n.GNU == "" {
		n.GNU = m.GNU
	}
	if n.Go == "" {
		n.Go = m.Go
	}
}

func (n Note) isGNUBuildID() bool {
	return n.Type == gnuBuildIDType && string(n.Owner) == gnuOwner
}

func (n Note) isGoBuildID() bool {
	return n.Type == goBuildIDType && string(n.Owner) == goOwner
}

// goText returns the text of a Go build ID note, "" where it is not one line
// of printable ASCII, which all that the go command writes are.
func goText(desc []byte) string {
	if len(desc) > maxGoID {
		return ""
	}
	for _, c := range desc {
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return string(desc)
}

// GNUAt returns the GNU build ID whose note begins at data[0], "" if anything
// else does. It is for the note that lies behind a PT_NOTE segment which should
// have covered it: cmd/link up to go1.26 writes the notes .note.go.buildid and
// .note.gnu.build-id one directly after the other, but its PT_NOTE covers only
// the first. What follows without such a note is .interp's path, code or zeros,
// so the whole header and the owner must match, not only be well-formed, and
// no second place is tried.
func GNUAt(data []byte, order binary.ByteOrder) ID {
	note, ok := next(data, 0, order, 4)
	if !ok || !note.isGNUBuildID() {
		return ""
	}
	return FromBytes(note.Desc)
}

// WantBehind tells whether a GNU build ID note may lie directly behind data,
// the whole of a PT_NOTE segment's bytes: where the segment holds a Go build
// ID as its last note, ends with it and its padding, and holds no GNU build ID.
func WantBehind(data []byte, order binary.ByteOrder, align uint64) bool {
	var last Note
	for note := range Walk(data, order, align) {
		if note.isGNUBuildID() {
			return false
		}
		last = note
	}
	return last.isGoBuildID() && last.End == len(data) && len(data)%4 == 0
}

// Walk yields the notes in data in their order, with [FromNotes]'s meaning of
// align. It stops at the first malformed one and after 65,536 notes.
func Walk(data []byte, order binary.ByteOrder, align uint64) iter.Seq[Note] {
	if align != 8 {
		align = 4
	}
	return func(yield func(Note) bool) {
		off := 0
		for range maxNotes {
			note, ok := next(data, off, order, align)
			if !ok || !yield(note) {
				return
			}
			off = note.End
		}
	}
}

// next reads the note at data[off:]. A descriptor's start and a note's end are
// rounded relative to the start of data, which is aligned itself; the last
// note may lack its padding.
func next(data []byte, off int, order binary.ByteOrder, align uint64) (Note, bool) {
	if off >= len(data) || len(data)-off < noteHeaderSize {
		return Note{}, false
	}
	h := data[off:]
	nameSize, descSize := uint64(order.Uint32(h)), uint64(order.Uint32(h[4:]))
	// None of these sums can overflow: each size has 32 bits, off is below
	// the length of data.
	size := uint64(len(data))
	name := uint64(off) + noteHeaderSize
	desc := roundUp(name+nameSize, align)
	end := desc + descSize
	if desc > size || end > size {
		return Note{}, false
	}
	return Note{
		Owner: data[name : name+nameSize],
		Type:  order.Uint32(h[8:]),
		Desc:  data[desc:end],
		End:   int(min(roundUp(end, align), size)),
	}, true
}

// roundUp rounds n up to a multiple of align, a power of two.
func roundUp(n, align uint64) uint64 { return (n + align - 1) &^ (align - 1) }

// goIDParts are the least number of slash-separated parts of a build ID that
// the go command made: an action ID and a content ID.
const goIDParts = 2

// goHashLen is the length of one such part: 120 bits of SHA-256 in base64
// (cmd/go/internal/work/buildid.go).
const goHashLen = 20

// IdentifiesGo tells whether the text of a Go build ID can identify one build:
// whether it has the form that the go command gives it, hashes joined by
// slashes. With -ldflags=-buildid=TEXT anybody can set another, and build
// systems do set one and the same for all programs (Bazel's rules: "redacted").
func IdentifiesGo(text string) bool {
	parts := strings.Split(text, "/")
	if len(parts) < goIDParts {
		return false
	}
	for _, p := range parts {
		if len(p) != goHashLen {
			return false
		}
	}
	return true
}
