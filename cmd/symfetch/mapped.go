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
	if open, err := c.source(ctx, &r); err != nil {
		r.settle(actionFailed, err)
	} else {
		r.file = filepath.Join(c.dir, fmt.Sprintf("%x-%x", m.Start, m.End))
		r.size, err = c.write(ctx, open, r.file)
		r.settle(actionStored, err)
	}
	return r, nil
}

// source returns what opens the file behind a range: that of a proved object,
// as the name in map_files may lead to another file (overlayfs), or, for what
// is no ELF object, the one that map_files has, of which nothing is proved.
func (c *rangeCopier) source(ctx context.Context, r *fetched) (open func() (*os.File, error), err error) {
	switch e := r.entry; {
	case isNoObject(e.Err):
		r.state = ""
		r.source, r.verified = resolver.SourceMapFiles, resolver.VerifiedNone
		m := r.mapping
		return func() (*os.File, error) { return c.p.OpenRange(ctx, m) }, nil
	case e.Err != nil:
		return nil, e.Err
	case isMemory(e):
		return nil, errMemoryImage
	default:
		r.source, r.verified = e.Source, e.Verified
		return e.Object.File, nil
	}
}

// isNoObject reports whether a file is mapped that is no ELF object.
func isNoObject(err error) bool {
	return err != nil && resolver.ReasonOf(err) == resolver.ReasonNotELF
}

// write copies the file that open gives to name, or links name to the copy
// that there is already.
func (c *rangeCopier) write(ctx context.Context, open func() (*os.File, error), name string) (size int64, err error) {
	type opened struct {
		*os.File
		os.FileInfo
	}
	src, err := watched(ctx, func(func()) (opened, error) {
		f, err := open()
		if err != nil {
			return opened{}, err
		}
		info, err := f.Stat()
		return opened{f, info}, err
	})
	if err != nil {
		return 0, err
	}
	defer src.Close()
	size = src.FileInfo.Size()
	id, known := idOf(src.FileInfo)
	defer c.temps.discard(name)
	if old, ok := c.copied[id]; ok && known && c.temps.link(old, name) == nil {
		return size, c.temps.commit(name)
	}
	dst, err := c.temps.create(name, src.FileInfo.Mode().Perm()|0o600)
	if err != nil {
		return 0, err
	}
	defer dst.Close()
	advance, done := c.progress(ctx, filepath.Base(name), size)
	_, err = watched(ctx, func(alive func()) (struct{}, error) {
		return struct{}{}, copyFile(ctx, dst, src.File, size, func(n int64) { alive(); advance(n) })
	})
	done()
	if err == nil {
		err = dst.Close()
	}
	if err == nil {
		err = c.temps.commit(name)
	}
	if err == nil && known {
		c.copied[id] = name
	}
	return size, err
}
