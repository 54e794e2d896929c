package elffile

import (
	"debug/elf"
	"fmt"
)

// maxDynSymbols bounds the number of dynamic symbols: four million, ten times
// as many as the largest shared libraries have.
const maxDynSymbols = 4 << 20

// countSymbols returns the number of dynamic symbols. PT_DYNAMIC does not hold
// it, but each hash table implies it.
func (f *File) countSymbols(d *dynamic) (n uint64, err error) {
	switch {
	case d.hash != 0:
		n, err = f.countHash(d.hash)
	case d.gnuHash != 0:
		n, err = f.countGNUHash(d.gnuHash)
	case d.mipsCount != 0:
		n = d.mipsCount
	default:
		return 0, fmt.Errorf("DT_HASH or DT_GNU_HASH: %w", ErrNoSection)
	}
	if err == nil && n > maxDynSymbols {
		err = fmt.Errorf("%d dynamic symbols: %w", n, ErrTooLarge)
	}
	return n, err
}

// countHash reads nchain, which is the number of symbols (gABI, "Hash Table").
// Entries have 4 bytes except on Alpha and 64-bit S/390.
func (f *File) countHash(vaddr uint64) (uint64, error) {
	const emAlphaOld = 0x9026
	size := uint64(4)
	if m := f.Machine(); f.hdr.is64() && (m == elf.EM_S390 || m == elf.EM_ALPHA || m == emAlphaOld) {
		size = 8
	}
	b, err := f.readCopy(vaddr, 2*size)
	if err != nil {
		return 0, fmt.Errorf("DT_HASH: %w", err)
	}
	if size == 8 {
		return f.order.Uint64(b[8:]), nil
	}
	return uint64(f.order.Uint32(b[4:])), nil
}

// countGNUHash finds the last symbol in a DT_GNU_HASH table: the greatest index
// that a bucket begins with, and from there to the end of its chain. The table
// is: nbuckets, the index of the first hashed symbol, the number of filter
// words, a shift; filter words of pointer size; buckets; one hash value for
// each hashed symbol, whose lowest bit marks the end of a chain.
func (f *File) countGNUHash(vaddr uint64) (uint64, error) {
	head, err := f.readCopy(vaddr, 16)
	if err != nil {
		return 0, fmt.Errorf("DT_GNU_HASH: %w", err)
	}
	nbuckets, first := uint64(f.order.Uint32(head)), uint64(f.order.Uint32(head[4:]))
	buckets := vaddr + 16 + uint64(f.order.Uint32(head[8:]))*uint64(f.PtrSize())
	if nbuckets > maxDynSymbols {
		return 0, fmt.Errorf("DT_GNU_HASH of %d buckets: %w", nbuckets, ErrTooLarge)
	}
	var last uint64
	err = f.eachWord(buckets, nbuckets, func(w uint32) bool {
		last = max(last, uint64(w))
		return true
	})
	if err != nil {
		return 0, fmt.Errorf("DT_GNU_HASH: %w", err)
	}
	if last < first {
		return first, nil // nothing is hashed: only undefined symbols
	}
	chain := buckets + 4*nbuckets + 4*(last-first)
	end := false
	err = f.eachWord(chain, maxDynSymbols, func(w uint32) bool {
		last++
		end = w&1 != 0
		return !end
	})
	if err == nil && !end {
		err = fmt.Errorf("chain without an end: %w", ErrTooLarge)
	}
	if err != nil {
		return 0, fmt.Errorf("DT_GNU_HASH: %w", err)
	}
	return last, nil
}

// eachWord calls fn with each of the n 32-bit words at vaddr until it returns
// false. Running out of the segment is an error.
func (f *File) eachWord(vaddr, n uint64, fn func(uint32) bool) error {
	const chunk = 1024 // words
	for n > 0 {
		p := f.load(vaddr)
		if p == nil {
			return fmt.Errorf("vaddr %#x: %w", vaddr, ErrNotLoaded)
		}
		words := min(n, chunk, (p.Filesz-(vaddr-p.Vaddr))/4)
		if words == 0 {
			return fmt.Errorf("vaddr %#x: %w", vaddr, ErrNotLoaded)
		}
		b, err := f.readCopy(vaddr, 4*words)
		if err != nil {
			return err
		}
		for i := range words {
			if !fn(f.order.Uint32(b[4*i:])) {
				return nil
			}
		}
		vaddr += 4 * words
		n -= words
	}
	return nil
}
