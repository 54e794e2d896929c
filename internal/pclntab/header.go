package pclntab

import (
	"encoding/binary"
	"fmt"
)

// The magic numbers of runtime.pcHeader. go1.26 kept go1.20's.
const (
	magic12  = 0xfffffffb // go1.2 to go1.15
	magic116 = 0xfffffffa // go1.16, go1.17
	magic118 = 0xfffffff0 // go1.18, go1.19
	magic120 = 0xfffffff1 // go1.20 and later
)

// layout is what differs between releases. Offsets and sizes are in bytes,
// but for the moduledata's, which count pointer-sized words.
type layout struct {
	version string
	// _func: its fixed part, and whether it tells the start line.
	funcSize     int
	hasStartLine bool
	// inlinedCall.
	inlSize, inlName, inlParent int
	inlStartLine                int // 0 = not told
	// moduledata words.
	gofunc, sectmap int
}

var (
	layout118 = layout{
		version:  "go1.18+",
		funcSize: 40,
		inlSize:  20, inlName: 12, inlParent: 16,
		gofunc: 38, sectmap: 39,
	}
	layout120 = layout{
		version:  "go1.20+",
		funcSize: 44, hasStartLine: true,
		inlSize: 16, inlName: 4, inlParent: 8, inlStartLine: 12,
		gofunc: 40, sectmap: 41,
	}
	// go1.26 appended the inline trees to the pclntab itself, whose end the
	// moduledata tells in a word of its own, and stopped to fill
	// pcHeader.textStart.
	layout126 = layout{
		version:  "go1.26+",
		funcSize: 44, hasStartLine: true,
		inlSize: 16, inlName: 4, inlParent: 8, inlStartLine: 12,
		gofunc: 40, sectmap: 42,
	}
)

// header is runtime.pcHeader.
type header struct {
	vaddr     uint64 // of the header itself
	magic     uint32
	minLC     uint32
	nfunc     uint64
	textStart uint64 // 0 since go1.26
	// Offsets from the header, ascending.
	names, cutab, files, pctab, funcs uint64
}

// headerSize is the size of runtime.pcHeader.
func headerSize(ptrSize int) int { return 8 + 8*ptrSize }

// isHeaderStart is the cheap test for the first eight bytes of a header.
func isHeaderStart(b []byte, order binary.ByteOrder, ptrSize int) bool {
	switch order.Uint32(b) {
	case magic12, magic116, magic118, magic120:
	default:
		return false
	}
	lc := b[6]
	return b[4] == 0 && b[5] == 0 && (lc == 1 || lc == 2 || lc == 4) && int(b[7]) == ptrSize
}

// parseHeader reads and checks the header at the start of data.
func parseHeader(data []byte, img Image) (header, error) {
	order, ptrSize := img.ByteOrder(), img.PtrSize()
	if len(data) < headerSize(ptrSize) {
		return header{}, corrupt("%d bytes are no header", len(data))
	}
	h := header{magic: order.Uint32(data), minLC: uint32(data[6])}
	switch h.magic {
	case magic118, magic120:
	case magic12, magic116:
		return h, fmt.Errorf("%w: magic %#x, older than go1.18", ErrVersion, h.magic)
	default:
		return h, fmt.Errorf("%w: magic %#x", ErrVersion, h.magic)
	}
	if !isHeaderStart(data, order, ptrSize) {
		return h, corrupt("header % x", data[:8])
	}
	w := func(i int) uint64 { return word(data[8+i*ptrSize:], order, ptrSize) }
	h.nfunc, h.textStart = w(0), w(2)
	h.names, h.cutab, h.files, h.pctab, h.funcs = w(3), w(4), w(5), w(6), w(7)
	return h, h.check(ptrSize)
}

// check holds the header against what the linker always writes: the tables in
// this order, one behind the other.
func (h *header) check(ptrSize int) error {
	switch {
	case h.nfunc == 0 || h.nfunc > maxFuncs:
		return corrupt("%d functions", h.nfunc)
	case h.names < uint64(headerSize(ptrSize)) || h.cutab <= h.names || h.files < h.cutab ||
		h.pctab < h.files || h.funcs <= h.pctab || h.funcs > maxTable:
		return corrupt("tables at %#x %#x %#x %#x %#x", h.names, h.cutab, h.files, h.pctab, h.funcs)
	}
	return nil
}

// Limits on what a header may claim.
const (
	// maxFuncs functions; the largest programs known have some 10^6.
	maxFuncs = 1 << 26
	// maxTable bytes of a whole pclntab.
	maxTable = 1 << 31
)

// word reads a pointer-sized number.
func word(b []byte, order binary.ByteOrder, ptrSize int) uint64 {
	if ptrSize == 4 {
		return uint64(order.Uint32(b))
	}
	return order.Uint64(b)
}
