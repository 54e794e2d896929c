package proc

import (
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxPieces bounds into how many pieces a mapping may have been split that
// are tried for its file.
const maxPieces = 16

// OpenMapping opens the file behind m for reading through map_files, which
// reaches deleted files and files of other namespaces too. What it opens is
// not always what is mapped (a file of an overlay's lower layer that was
// written to since): the caller compares.
//
// A mapping that was split or merged meanwhile is found again if it still
// shows the same file at the same addresses. Errors: ErrNoFile, ErrChanged,
// *NotRegularError (devices are not touched), ErrGone, or one wrapping
// fs.ErrPermission: map_files needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN in
// the initial user namespace. It can wait for the file's file system.
func (p *Process) OpenMapping(m Mapping) (*os.File, error) {
	if err := p.refs.acquire(); err != nil {
		return nil, err
	}
	defer p.refs.release()
	f, err := p.openMapping(m)
	if err != nil {
		return nil, p.errorf("mapping at %#x: %w", m.Start, err)
	}
	return f, nil
}

func (p *Process) openMapping(m Mapping) (*os.File, error) {
	if !p.hasMemory() {
		return nil, ErrUnmapped
	}
	fd, err := p.openMapFile(m)
	// The directory is the task's, not the address space's: what was opened
	// counts only if the pinned one lived until now.
	if err := p.settleFD(fd, err); err != nil {
		return nil, err
	}
	return reopen(fd, p.root, m.Name)
}

// openMapFile opens m's map_files entry, or that of a piece of m, O_PATH.
func (p *Process) openMapFile(m Mapping) (int, error) {
	if !m.HasFile() {
		return -1, ErrNoFile
	}
	fd, err := p.openEntry(m)
	if !gone(err) {
		return fd, err
	}
	addr := m.Start
	for range maxPieces {
		piece, err := p.query(addr, true, 0)
		if errors.Is(err, ErrUnmapped) || err == nil && piece.Start >= m.End {
			break
		}
		if err != nil {
			return -1, err
		}
		if piece.sameFile(m) {
			if fd, err := p.openEntry(piece); !gone(err) {
				return fd, err
			}
		}
		addr = piece.End
	}
	return -1, ErrChanged
}

// openEntry opens the map_files entry of exactly m, O_PATH.
func (p *Process) openEntry(m Mapping) (fd int, err error) {
	err = p.withTask(func(dir int) (err error) {
		fd, err = openAt(dir, entryName(m), unix.O_PATH)
		return err
	})
	return fd, asPathError("open", p.path(entryName(m)), err)
}

// entryName is the name of m's entry: hexadecimal without leading zeros.
func entryName(m Mapping) string {
	b := make([]byte, 0, len("map_files/")+2*16+1)
	b = append(b, "map_files/"...)
	b = strconv.AppendUint(b, m.Start, 16)
	b = append(b, '-')
	return string(strconv.AppendUint(b, m.End, 16))
}

// MappingLink returns the text of m's map_files link: the raw name of the
// file, at most PATH_MAX long. It needs no capability beyond those for the
// process itself.
func (p *Process) MappingLink(m Mapping) (string, error) {
	if err := p.refs.acquire(); err != nil {
		return "", err
	}
	defer p.refs.release()
	return p.mappingLink(m)
}

func (p *Process) mappingLink(m Mapping) (link string, err error) {
	name := entryName(m)
	err = p.withTask(func(dir int) (err error) {
		link, err = readLink(dir, name)
		return err
	})
	if err = p.settle(err); err != nil {
		return "", asPathError("readlink", p.path(name), err)
	}
	return link, nil
}
