package elffile

import (
	"debug/elf"
	"errors"
	"fmt"
)

// maxDynamic is the size in bytes of the largest PT_DYNAMIC that is read; real
// ones have less than a page.
const maxDynamic = 1 << 20

// dynamic are the entries of PT_DYNAMIC that lead to the symbols, 0 where an
// entry is missing. The pointers are vaddrs.
type dynamic struct {
	symtab, strtab, hash, gnuHash uint64
	strsz, syment, mipsCount      uint64
}

// dtMIPSSymtabNo is DT_MIPS_SYMTABNO, the number of dynamic symbols: MIPS may
// have neither of the two hash tables.
const dtMIPSSymtabNo = 0x70000011

// readDynamic reads PT_DYNAMIC.
func (f *File) readDynamic() (d dynamic, err error) {
	var p *elf.ProgHeader
	for i := range f.progs {
		if f.progs[i].Type == elf.PT_DYNAMIC {
			p = &f.progs[i]
			break
		}
	}
	if p == nil || p.Filesz == 0 {
		return d, fmt.Errorf("PT_DYNAMIC: %w", ErrNoSection)
	}
	if p.Filesz > maxDynamic {
		return d, fmt.Errorf("PT_DYNAMIC of %d bytes: %w", p.Filesz, ErrTooLarge)
	}
	data, err := f.readCopy(p.Vaddr, p.Filesz)
	if err != nil {
		return d, fmt.Errorf("PT_DYNAMIC: %w", err)
	}
	d.decode(f, data)
	return d, f.unrelocate(&d)
}

// decode takes the entries from PT_DYNAMIC's bytes, up to DT_NULL.
func (d *dynamic) decode(f *File, data []byte) {
	word := f.PtrSize()
	for ; len(data) >= 2*word; data = data[2*word:] {
		tag, val := f.word(data), f.word(data[word:])
		switch elf.DynTag(tag) {
		case elf.DT_NULL:
			return
		case elf.DT_SYMTAB:
			d.symtab = val
		case elf.DT_STRTAB:
			d.strtab = val
		case elf.DT_STRSZ:
			d.strsz = val
		case elf.DT_SYMENT:
			d.syment = val
		case elf.DT_HASH:
			d.hash = val
		case elf.DT_GNU_HASH:
			d.gnuHash = val
		case dtMIPSSymtabNo:
			if f.Machine() == elf.EM_MIPS {
				d.mipsCount = val
			}
		}
	}
}

// word reads a number of the class's pointer size.
func (f *File) word(b []byte) uint64 {
	if f.hdr.is64() {
		return f.order.Uint64(b)
	}
	return uint64(f.order.Uint32(b))
}

// readCopy returns a private copy of the n initialised bytes at vaddr.
func (f *File) readCopy(vaddr, n uint64) ([]byte, error) {
	p := f.load(vaddr)
	if p == nil || n > p.Filesz-(vaddr-p.Vaddr) {
		return nil, fmt.Errorf("%d bytes at vaddr %#x: %w", n, vaddr, ErrNotLoaded)
	}
	return copyOf(f.src, int64(vaddr-p.Vaddr+p.Off), int64(n))
}

// errPointers: the pointers of PT_DYNAMIC lead nowhere, or to two places.
var errPointers = errors.New("pointers of PT_DYNAMIC are neither vaddrs nor addrs of the object")

// unrelocate makes d's pointers vaddrs. In memory glibc's ld.so adds the load
// bias to them in place where the segment is writable; musl's does not, nor
// does anybody to the vDSO's. Which it was shows by where they lead: all must
// lead into the object's bytes, and if they do both ways, the tables there
// decide.
func (f *File) unrelocate(d *dynamic) error {
	bias := f.Bias()
	if bias == 0 {
		return nil
	}
	moved := *d
	for _, p := range []*uint64{&moved.symtab, &moved.strtab, &moved.hash, &moved.gnuHash} {
		if *p != 0 {
			*p -= bias
			if !f.hdr.is64() {
				*p = uint64(uint32(*p))
			}
		}
	}
	asIs, relocated := f.leads(d), f.leads(&moved)
	if asIs && relocated {
		asIs, relocated = f.plausible(d), f.plausible(&moved)
	}
	switch {
	case asIs == relocated:
		return errPointers
	case relocated:
		*d = moved
	}
	return nil
}

// leads tells whether all of d's pointers lead into initialised bytes.
func (f *File) leads(d *dynamic) bool {
	for _, p := range [...]uint64{d.symtab, d.strtab, d.hash, d.gnuHash} {
		if p != 0 && f.load(p) == nil {
			return false
		}
	}
	return true
}

// plausible tells whether there is a symbol table and a string table where d
// leads: both begin with an empty entry (gABI).
func (f *File) plausible(d *dynamic) bool {
	sym, err := f.readCopy(d.symtab, f.symSize())
	if err != nil {
		return false
	}
	for _, b := range sym {
		if b != 0 {
			return false
		}
	}
	str, err := f.readCopy(d.strtab, 1)
	return err == nil && str[0] == 0
}

// dynamicSymbols returns the dynamic symbols as PT_DYNAMIC describes them.
func (f *File) dynamicSymbols() (Symbols, error) {
	d, err := f.readDynamic()
	if err != nil {
		return Symbols{}, err
	}
	if d.symtab == 0 || d.strtab == 0 {
		return Symbols{}, fmt.Errorf("DT_SYMTAB or DT_STRTAB: %w", ErrNoSection)
	}
	if d.syment != 0 && d.syment != f.symSize() {
		return Symbols{}, badFormat("PT_DYNAMIC", 0, "symbols of %d bytes, want %d", d.syment, f.symSize())
	}
	n, err := f.countSymbols(&d)
	if err != nil {
		return Symbols{}, err
	}
	data, err := f.viewVaddr("DT_SYMTAB", d.symtab, n*f.symSize())
	if err != nil {
		return Symbols{}, err
	}
	str, err := f.viewVaddr("DT_STRTAB", d.strtab, d.strsz)
	if err != nil {
		return Symbols{}, err
	}
	return Symbols{Data: data, Strings: str, Is64: f.hdr.is64(), Order: f.order}, nil
}

// viewVaddr is ReadVaddr for sizes that came from the file.
func (f *File) viewVaddr(what string, vaddr, n uint64) ([]byte, error) {
	p := f.load(vaddr)
	if p == nil || n > p.Filesz-(vaddr-p.Vaddr) {
		return nil, badFormat(what, 0, "%d bytes at vaddr %#x are in no segment", n, vaddr)
	}
	return f.src.View(int64(vaddr-p.Vaddr+p.Off), int64(n))
}
