package proc

import (
	"encoding/binary"
	"fmt"
)

// Tags of the auxiliary vector, include/uapi/linux/auxvec.h.
const (
	AuxPhdr        = 3  // AT_PHDR: addr of the program's program headers
	AuxPhent       = 4  // AT_PHENT: bytes of one
	AuxPhnum       = 5  // AT_PHNUM: their number
	AuxPageSize    = 6  // AT_PAGESZ
	AuxBase        = 7  // AT_BASE: addr of the dynamic loader, 0 without one
	AuxEntry       = 9  // AT_ENTRY: addr of the program's entry
	AuxSysinfoEHDR = 33 // AT_SYSINFO_EHDR: addr of the vDSO's ELF header
)

// Auxv is the auxiliary vector that the kernel gave a program at its start.
// The process can change it: its values are hints.
type Auxv []AuxPair

// AuxPair is one entry.
type AuxPair struct{ Tag, Value uint64 }

// Get returns the value of tag.
func (a Auxv) Get(tag uint64) (uint64, bool) {
	for _, pair := range a {
		if pair.Tag == tag {
			return pair.Value, true
		}
	}
	return 0, false
}

// maxAuxTag bounds what is taken for a tag (the largest today is 51).
const maxAuxTag = 0xffff

// parseAuxv parses the bytes of /proc/PID/auxv: pairs of words up to AT_NULL.
// A 32-bit program's words are 32 bits wide also on a 64-bit kernel. Which of
// both it is shows in the tags: taken for 64-bit words, the tags of a 32-bit
// vector have its values in their upper halves.
func parseAuxv(b []byte, order binary.ByteOrder) (Auxv, error) {
	if a, ok := auxvPairs(b, 8, order.Uint64); ok {
		return a, nil
	}
	a, ok := auxvPairs(b, 4, func(b []byte) uint64 { return uint64(order.Uint32(b)) })
	if !ok {
		return nil, fmt.Errorf("%w auxv of %d bytes", ErrMalformed, len(b))
	}
	return a, nil
}

// auxvPairs reads pairs of words of size bytes each.
func auxvPairs(b []byte, size int, word func([]byte) uint64) (Auxv, bool) {
	var a Auxv
	for ; len(b) >= 2*size; b = b[2*size:] {
		pair := AuxPair{word(b), word(b[size:])}
		if pair.Tag == 0 {
			return a, true
		}
		if pair.Tag > maxAuxTag {
			return nil, false
		}
		a = append(a, pair)
	}
	return a, len(b) == 0
}
