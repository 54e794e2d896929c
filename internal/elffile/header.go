package elffile

import (
	"debug/elf"
	"encoding/binary"
	"math"
)

const (
	// maxProgTable is the size in bytes of the largest program header table
	// that is read: the kernel refuses to execute more (load_elf_phdrs in
	// fs/binfmt_elf.c).
	maxProgTable = 64 << 10
	// ehdrSize32 and ehdrSize64 are the sizes of the ELF header.
	ehdrSize32, ehdrSize64 = 52, 64
	// phdrSize32 and phdrSize64 are the sizes of a program header.
	phdrSize32, phdrSize64 = 32, 56
	// shdrSize32 and shdrSize64 are the sizes of a section header.
	shdrSize32, shdrSize64 = 40, 64
)

// header is the ELF header.
type header struct {
	class     elf.Class
	data      elf.Data
	typ       elf.Type
	machine   elf.Machine
	entry     uint64
	phoff     uint64
	shoff     uint64
	ehsize    uint16
	phentsize uint16
	phnum     uint16
	shentsize uint16
	shnum     uint16
	shstrndx  uint16
}

// order returns the byte order that the header declares.
func (h *header) order() binary.ByteOrder {
	if h.data == elf.ELFDATA2MSB {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (h *header) is64() bool { return h.class == elf.ELFCLASS64 }

// size returns the size of the class's ELF header.
func (h *header) size() int {
	if h.is64() {
		return ehdrSize64
	}
	return ehdrSize32
}

// progSize returns the size of the program header table. The caller has
// checked phentsize.
func (h *header) progSize() int { return int(h.phnum) * int(h.phentsize) }

// decodeHeader reads the ELF header at the start of p.
func decodeHeader(p []byte) (h header, err error) {
	if len(p) < len(elf.ELFMAG) || string(p[:len(elf.ELFMAG)]) != elf.ELFMAG {
		return h, ErrNotELF
	}
	if len(p) < elf.EI_NIDENT {
		return h, badFormat("ELF header", 0, "cut short after %d bytes", len(p))
	}
	h.class, h.data = elf.Class(p[elf.EI_CLASS]), elf.Data(p[elf.EI_DATA])
	if h.class != elf.ELFCLASS32 && h.class != elf.ELFCLASS64 {
		return h, badFormat("ELF header", elf.EI_CLASS, "unknown class %d", h.class)
	}
	if h.data != elf.ELFDATA2LSB && h.data != elf.ELFDATA2MSB {
		return h, badFormat("ELF header", elf.EI_DATA, "unknown byte order %d", h.data)
	}
	if len(p) < h.size() {
		return h, badFormat("ELF header", 0, "cut short after %d bytes", len(p))
	}
	h.decodeRest(p)
	return h, h.check()
}

// decodeRest reads what depends on class and byte order.
func (h *header) decodeRest(p []byte) {
	o := h.order()
	h.typ, h.machine = elf.Type(o.Uint16(p[16:])), elf.Machine(o.Uint16(p[18:]))
	var tail []byte
	if h.is64() {
		h.entry, h.phoff, h.shoff, tail = o.Uint64(p[24:]), o.Uint64(p[32:]), o.Uint64(p[40:]), p[52:]
	} else {
		h.entry, h.phoff, h.shoff, tail = uint64(o.Uint32(p[24:])), uint64(o.Uint32(p[28:])), uint64(o.Uint32(p[32:])), p[40:]
	}
	h.ehsize, h.phentsize, h.phnum = o.Uint16(tail), o.Uint16(tail[2:]), o.Uint16(tail[4:])
	h.shentsize, h.shnum, h.shstrndx = o.Uint16(tail[6:]), o.Uint16(tail[8:]), o.Uint16(tail[10:])
}

// check refuses what no loader would accept.
func (h *header) check() error {
	want := uint16(phdrSize32)
	if h.is64() {
		want = phdrSize64
	}
	if h.phnum == 0 || h.phoff == 0 {
		h.phnum, h.phoff = 0, 0
		return nil
	}
	if h.phentsize != want {
		return badFormat("ELF header", 0, "program headers of %d bytes, want %d", h.phentsize, want)
	}
	if h.progSize() > maxProgTable {
		return badFormat("ELF header", 0, "%d program headers are more than a loader accepts", h.phnum)
	}
	if h.phoff > math.MaxInt64-maxProgTable {
		return badFormat("ELF header", 0, "program headers at offset %#x", h.phoff)
	}
	return nil
}

// decodeProgs reads h.phnum program headers from p, which holds them all.
func (h *header) decodeProgs(p []byte) []elf.ProgHeader {
	o := h.order()
	progs := make([]elf.ProgHeader, h.phnum)
	for i := range progs {
		b := p[i*int(h.phentsize):]
		if h.is64() {
			progs[i] = elf.ProgHeader{
				Type: elf.ProgType(o.Uint32(b)), Flags: elf.ProgFlag(o.Uint32(b[4:])),
				Off: o.Uint64(b[8:]), Vaddr: o.Uint64(b[16:]), Paddr: o.Uint64(b[24:]),
				Filesz: o.Uint64(b[32:]), Memsz: o.Uint64(b[40:]), Align: o.Uint64(b[48:]),
			}
			continue
		}
		progs[i] = elf.ProgHeader{
			Type: elf.ProgType(o.Uint32(b)), Flags: elf.ProgFlag(o.Uint32(b[24:])),
			Off: uint64(o.Uint32(b[4:])), Vaddr: uint64(o.Uint32(b[8:])), Paddr: uint64(o.Uint32(b[12:])),
			Filesz: uint64(o.Uint32(b[16:])), Memsz: uint64(o.Uint32(b[20:])), Align: uint64(o.Uint32(b[28:])),
		}
	}
	return progs
}

// checkProgs refuses segments whose end no integer can hold: everything after
// may then add offset and size without a thought.
func checkProgs(progs []elf.ProgHeader, phoff uint64) error {
	for i := range progs {
		p := &progs[i]
		if p.Off+p.Filesz < p.Off || int64(p.Off+p.Filesz) < 0 {
			return badFormat("program headers", phoff, "segment %d: file range %#x+%#x overflows", i, p.Off, p.Filesz)
		}
		if p.Type == elf.PT_LOAD && (p.Vaddr+p.Memsz < p.Vaddr || p.Vaddr+p.Filesz < p.Vaddr) {
			return badFormat("program headers", phoff, "segment %d: vaddr range %#x+%#x overflows", i, p.Vaddr, p.Memsz)
		}
	}
	return nil
}
