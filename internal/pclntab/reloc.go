package pclntab

import (
	"debug/elf"
	"encoding/binary"
	"iter"
)

// relocs are the relative relocations of a position independent file whose
// linker left the relocated words empty: with RELA the addend is the value,
// and lld writes it nowhere else. (REL and RELR keep it in place.)
type relocs struct {
	data     []byte
	order    binary.ByteOrder
	ptrSize  int
	relative uint32
}

// relativeType returns the R_*_RELATIVE of a machine that uses RELA.
func relativeType(m elf.Machine) (typ uint32, ok bool) {
	switch m {
	case elf.EM_X86_64:
		return uint32(elf.R_X86_64_RELATIVE), true
	case elf.EM_AARCH64:
		return uint32(elf.R_AARCH64_RELATIVE), true
	case elf.EM_PPC64:
		return uint32(elf.R_PPC64_RELATIVE), true
	case elf.EM_S390:
		return uint32(elf.R_390_RELATIVE), true
	case elf.EM_RISCV:
		return uint32(elf.R_RISCV_RELATIVE), true
	case elf.EM_LOONGARCH:
		return uint32(elf.R_LARCH_RELATIVE), true
	}
	return 0, false
}

// Limits on dynamic sections.
const (
	maxDynamic = 1 << 12 // entries
	maxRela    = 1 << 28 // bytes
)

// findRelocs returns the file's RELA table by PT_DYNAMIC; nil if there is
// none, or if img is a memory image, whose words are relocated already.
func findRelocs(img Image) *relocs {
	typ, ok := relativeType(img.Machine())
	if !ok || img.Bias() != 0 {
		return nil
	}
	r := &relocs{order: img.ByteOrder(), ptrSize: img.PtrSize(), relative: typ}
	vaddr, size, ent := dynamicRela(img)
	if vaddr == 0 || size > maxRela || ent != uint64(r.entSize()) {
		return nil
	}
	data, err := img.ReadVaddr(vaddr, int(size))
	if err != nil {
		return nil
	}
	r.data = data
	return r
}

// dynamicRela reads DT_RELA, DT_RELASZ and DT_RELAENT.
func dynamicRela(img Image) (vaddr, size, ent uint64) {
	for _, p := range img.Progs() {
		if p.Type != elf.PT_DYNAMIC {
			continue
		}
		w := img.PtrSize()
		n := min(p.Filesz/uint64(2*w), maxDynamic)
		b, err := img.ReadVaddr(p.Vaddr, int(n)*2*w)
		if err != nil {
			return 0, 0, 0
		}
		for ; len(b) >= 2*w; b = b[2*w:] {
			v := word(b[w:], img.ByteOrder(), w)
			switch elf.DynTag(word(b, img.ByteOrder(), w)) {
			case elf.DT_NULL:
				return vaddr, size, ent
			case elf.DT_RELA:
				vaddr = v
			case elf.DT_RELASZ:
				size = v
			case elf.DT_RELAENT:
				ent = v
			}
		}
	}
	return vaddr, size, ent
}

func (r *relocs) entSize() int { return 3 * r.ptrSize }

// all yields the relative relocations: where, and the value.
func (r *relocs) all() iter.Seq2[uint64, uint64] {
	return func(yield func(uint64, uint64) bool) {
		w := r.ptrSize
		for b := r.data; len(b) >= 3*w; b = b[3*w:] {
			info := word(b[w:], r.order, w)
			typ := uint32(info)
			if w == 4 {
				typ = uint32(info & 0xff)
			}
			if typ == r.relative && !yield(word(b, r.order, w), word(b[2*w:], r.order, w)) {
				return
			}
		}
	}
}

// pointersTo yields the places that are relocated to point to vaddr.
func (r *relocs) pointersTo(vaddr uint64) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for at, value := range r.all() {
			if value == vaddr && !yield(at) {
				return
			}
		}
	}
}

// apply relocates the words at vaddr.
func (r *relocs) apply(vaddr uint64, words []uint64) {
	size := uint64(len(words) * r.ptrSize)
	for at, value := range r.all() {
		if d := at - vaddr; d < size && d%uint64(r.ptrSize) == 0 {
			words[d/uint64(r.ptrSize)] = value
		}
	}
}
