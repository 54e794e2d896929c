package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/symfetch/symfetch/resolver"
)

// rangeCopier writes the file behind each mapping of one process to a
// directory, as /proc/PID/map_files lists them.
type rangeCopier struct {
	*app
	p   *resolver.Process
	dir string
	// copied are the files that were written, so that what is mapped several
	// times takes its space once.
	copied map[fileID]string
}

// fileID tells whether two open files are one.
type fileID struct{ dev, ino uint64 }

// idOf returns the file's identity; ok is false where the system gives none.
func idOf(info os.FileInfo) (id fileID, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, false
	}
	return fileID{st.Dev, st.Ino}, true
}

// copyAll copies all ranges. It fails only where the process or the directory
// does.
func (c *rangeCopier) copyAll(ctx context.Context) error {
	ms, err := c.p.Mappings()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.dir, 0o777); err != nil {
		return err
	}
	for _, m := range ms {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !m.HasFile() {
			continue
		}
		r, err := c.copy(ctx, m)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		c.report(r)
	}
	return nil
}

// copy writes one range's file. It fails only where the process does.
func (c *rangeCopier) copy(ctx context.Context, m resolver.Mapping) (fetched, error) {
	e, err := c.p.Entry(ctx, m)
	if err != nil {
		return fetched{}, err
	}
	defer e.Close()
	r := fetched{kind: kindRange, pid: c.p.PID(), mapping: m, path: e.Path, entry: e, state: e.State}
	src, err := c.open(ctx, &r)
	if err == nil {
		defer src.Close()
		r.file = filepath.Join(c.dir, fmt.Sprintf("%x-%x", m.Start, m.End))
		r.size, err = c.write(ctx, src, r.file)
	}
	r.settle(actionStored, err)
	return r, nil
}

// open returns the file behind a range: that of a proved object, as the name
// in map_files may lead to another file (overlayfs), or, for what is no ELF
// object, the one that map_files has, of which nothing is proved.
func (c *rangeCopier) open(ctx context.Context, r *fetched) (*os.File, error) {
	switch e := r.entry; {
	case isNoObject(e.Err):
		r.state = ""
		r.source, r.verified = resolver.SourceMapFiles, resolver.VerifiedNone
		return c.p.OpenRange(ctx, r.mapping)
	case e.Err != nil:
		return nil, e.Err
	case isMemory(e):
		return nil, errMemoryImage
	default:
		r.source, r.verified = e.Source, e.Verified
		return e.Object.File()
	}
}

// isNoObject reports whether a file is mapped that is no ELF object.
func isNoObject(err error) bool {
	return err != nil && resolver.ReasonOf(err) == resolver.ReasonNotELF
}

// write copies src to name, or links name to the copy that there is already.
func (c *rangeCopier) write(ctx context.Context, src *os.File, name string) (size int64, err error) {
	info, err := src.Stat()
	if err != nil {
		return 0, err
	}
	id, known := idOf(info)
	defer c.temps.discard(name)
	if old, ok := c.copied[id]; ok && known && c.temps.link(old, name) == nil {
		return info.Size(), c.temps.commit(name)
	}
	dst, err := c.temps.create(name, info.Mode().Perm()|0o600)
	if err != nil {
		return 0, err
	}
	advance, done := c.progress(ctx, filepath.Base(name), info.Size())
	err = copyFile(ctx, dst, src, info.Size(), advance)
	done()
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return 0, err
	}
	if err := c.temps.commit(name); err != nil {
		return 0, err
	}
	if known {
		c.copied[id] = name
	}
	return info.Size(), nil
}
