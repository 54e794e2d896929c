package resolver

import (
	"errors"
	"fmt"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/proc"
)

// identity is what the kernel and the target's memory say of a mapped file,
// independent of any path: the measure of every source.
type identity struct {
	// gnu comes from the kernel (PROCMAP_QUERY) or from the notes in memory.
	gnu buildid.ID
	// goID is the Go build ID from memory, asked for only where gnu is empty:
	// internally linked Go programs show the kernel no GNU build ID.
	goID string
	// header is the mapping that starts with the ELF header, and image the ELF
	// as it lies in memory; nil where it was not needed or not found.
	image *elffile.File
	// imageErr says why there is no image, once it was asked for.
	imageErr error
}

// maxWalk bounds the mappings that are walked back from a text mapping to the
// one with the ELF header, in mappings. A text split by mprotect has many.
const maxWalk = 1 << 16

// identify asks for the live identity of the file behind m. It returns m as
// the kernel names it now, and fails only when the process or the mapping is
// gone.
func (p *Process) identify(m Mapping) (Mapping, identity, error) {
	var id identity
	q, err := p.os.Query(m.Start, proc.WantName|proc.WantBuildID)
	if err != nil {
		return m, id, p.osError(err)
	}
	if !sameFile(q, m) {
		return m, id, fmt.Errorf("mapping at %#x changed while it was looked at: %w", m.Start, ErrUnmapped)
	}
	if q.BuildID != "" {
		id.gnu = buildid.ID(q.BuildID)
		return q, id, nil
	}
	id.image, id.imageErr = p.image(q)
	if id.image == nil {
		return q, id, nil
	}
	notes, err := id.image.Notes()
	if err != nil {
		id.imageErr = err
		return q, id, nil
	}
	id.gnu, id.goID = notes.GNU, notes.Go
	return q, id, nil
}

// image parses the ELF object that holds m from the target's memory.
func (p *Process) image(m Mapping) (*elffile.File, error) {
	head, err := p.headerMapping(m)
	if err != nil {
		return nil, err
	}
	return elffile.Image(p.os.ReadMemory, head.Start)
}

var errNoHeader = errors.New("no mapping of the file starts with an ELF header in memory")

// headerMapping finds the mapping with the ELF header of the object that m
// belongs to: it walks down through adjacent mappings of the same file. It
// stops at a change of the file, or it would take the header of whatever was
// loaded below (a library truncated to nothing would become its neighbour).
func (p *Process) headerMapping(m Mapping) (Mapping, error) {
	cur := m
	for range maxWalk {
		if ok, err := p.hasMagic(cur.Start); err != nil {
			return Mapping{}, err
		} else if ok {
			return cur, nil
		}
		if cur.Offset == 0 || cur.Start == 0 {
			break
		}
		prev, err := p.os.Query(cur.Start-1, 0)
		if errors.Is(err, proc.ErrUnmapped) {
			return p.headerBelow(cur)
		}
		if err != nil {
			return Mapping{}, p.osError(err)
		}
		if !sameFile(prev, m) || prev.Offset > cur.Offset {
			break
		}
		cur = prev
	}
	return Mapping{}, errNoHeader
}

// headerBelow looks beyond a hole in the address space, which the kernel
// leaves between the segments of a program with large alignment. Only the
// listing of all mappings tells what lies below a hole.
func (p *Process) headerBelow(m Mapping) (Mapping, error) {
	all, err := p.os.Mappings()
	if err != nil {
		return Mapping{}, p.osError(err)
	}
	var best Mapping
	for _, c := range all {
		if c.Start >= m.Start {
			break
		}
		if sameFile(c, m) && c.Offset == 0 {
			best = c
		}
	}
	if best.End == 0 {
		return Mapping{}, errNoHeader
	}
	if ok, err := p.hasMagic(best.Start); err != nil || !ok {
		return Mapping{}, errors.Join(errNoHeader, err)
	}
	return best, nil
}

// hasMagic reports whether the memory at addr starts as an ELF file does. A
// page that cannot be read has none; memory that may not be read is an error.
func (p *Process) hasMagic(addr uint64) (bool, error) {
	var magic [4]byte
	n, err := p.os.ReadMemory(magic[:], addr)
	if errors.Is(err, proc.ErrMemoryDenied) || errors.Is(err, proc.ErrGone) {
		return false, p.osError(err)
	}
	return n == len(magic) && string(magic[:]) == elfMagic, nil
}

const elfMagic = "\x7fELF"

// sameFile reports whether two mappings are of the same inode, as far as the
// kernel's numbers tell.
func sameFile(a, b Mapping) bool {
	return a.Inode == b.Inode && a.DevMajor == b.DevMajor && a.DevMinor == b.DevMinor
}

// osError turns an error of internal/proc into this package's words.
func (p *Process) osError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, proc.ErrGone), errors.Is(err, proc.ErrNoProcess):
		return fmt.Errorf("%w: %w", ErrProcessGone, err)
	case errors.Is(err, proc.ErrUnmapped):
		return fmt.Errorf("%w: %w", ErrUnmapped, err)
	}
	return err
}
