package proc

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Bits of a pagemap entry (Documentation/admin-guide/mm/pagemap.rst).
const (
	pagemapFile    = 1 << 61 // a page of the file, or shared anonymous memory
	pagemapSwapped = 1 << 62
	pagemapPresent = 1 << 63
)

// maxPagemap bounds the pages of one PrivatePages call: 4 GiB of 4 KiB pages.
const maxPagemap = 1 << 20

// PrivatePages returns the addrs, at most limit, of the pages in m that are the
// process's own copies: written to since they were mapped, by a breakpoint or
// a relocation. Every other page that is in memory is the mapped file's own.
//
// Errors: fs.ErrPermission where pagemap may not be read, ErrGone.
func (p *Process) PrivatePages(m Mapping, limit int) ([]uint64, error) {
	if err := p.refs.acquire(); err != nil {
		return nil, err
	}
	defer p.refs.release()
	var own []uint64
	err := p.withTask(func(dir int) (err error) {
		own, err = privatePages(dir, m, limit)
		return err
	})
	if err = p.settle(err); err != nil {
		return nil, asPathError("read", p.path("pagemap"), err)
	}
	return own, nil
}

func privatePages(dir int, m Mapping, limit int) ([]uint64, error) {
	fd, err := openAt(dir, "pagemap", unix.O_RDONLY|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	page := uint64(os.Getpagesize())
	pages := min(m.Size()/page, maxPagemap)
	const entry = 8 // bytes
	var buf [512 * entry]byte
	var own []uint64
	for first := uint64(0); first < pages; {
		want := min(pages-first, uint64(len(buf)/entry))
		n, err := pread(fd, buf[:want*entry], int64((m.Start/page+first)*entry))
		if err != nil {
			return nil, err
		}
		if n < entry {
			return own, nil // the address space ended meanwhile
		}
		for i := range n / entry {
			e := binary.NativeEndian.Uint64(buf[i*entry:])
			if e&pagemapFile != 0 || e&(pagemapPresent|pagemapSwapped) == 0 {
				continue
			}
			if len(own) == limit {
				return own, fmt.Errorf("%w: more than %d private pages", ErrTooLarge, limit)
			}
			own = append(own, m.Start+(first+uint64(i))*page)
		}
		first += uint64(n / entry)
	}
	return own, nil
}
