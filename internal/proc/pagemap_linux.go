package proc

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Bits of a pagemap entry (Documentation/admin-guide/mm/pagemap.rst).
const (
	pagemapShared  = 1 << 61 // a page of the file, or shared anonymous memory
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
	fd, err := p.pagemap.of(p)
	if err != nil {
		return nil, err
	}
	own, ended, err := privatePages(fd, m, limit)
	if ended || err != nil {
		if err = p.settle(err); err != nil {
			return nil, asPathError("read", p.path("pagemap"), err)
		}
	}
	return own, nil
}

// pagemapFile is the pagemap of the pinned address space, opened when it is
// first asked for: like maps and mem it is bound to that from then on.
type pagemapFile struct {
	mu   sync.Mutex
	fd   int // -1 before it was opened
	err  error
	done bool
}

func (f *pagemapFile) of(p *Process) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done {
		return f.fd, f.err
	}
	fd := -1
	err := p.withTask(func(dir int) (err error) {
		fd, err = openAt(dir, "pagemap", unix.O_RDONLY|unix.O_NOFOLLOW)
		return err
	})
	// The directory is the task's: what was opened is of the pinned address
	// space only if that lives.
	if err = p.settleFD(fd, err); err != nil {
		fd = -1
	}
	f.done, f.fd, f.err = true, fd, asPathError("open", p.path("pagemap"), err)
	return f.fd, f.err
}

// privatePages reads the pagemap fd; ended where the address space did.
func privatePages(fd int, m Mapping, limit int) (own []uint64, ended bool, err error) {
	page := uint64(os.Getpagesize())
	pages := min(m.Size()/page, maxPagemap)
	const entry = 8 // bytes
	var buf [512 * entry]byte
	for first := uint64(0); first < pages; {
		want := min(pages-first, uint64(len(buf)/entry))
		n, err := pread(fd, buf[:want*entry], int64((m.Start/page+first)*entry))
		if err != nil {
			return nil, false, err
		}
		if n < entry {
			return own, true, nil
		}
		for i := range n / entry {
			e := binary.NativeEndian.Uint64(buf[i*entry:])
			if e&pagemapShared != 0 || e&(pagemapPresent|pagemapSwapped) == 0 {
				continue
			}
			if len(own) == limit {
				return own, false, fmt.Errorf("%w: more than %d private pages", ErrTooLarge, limit)
			}
			own = append(own, m.Start+(first+uint64(i))*page)
		}
		first += uint64(n / entry)
	}
	return own, false, nil
}
