package main

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/resolver"
	"github.com/symfetch/symfetch/store"
)

// storeSink puts objects into the store.
type storeSink struct{ store *store.Store }

func openSink(dir string) (*storeSink, error) {
	s, err := store.Open(dir)
	if err != nil {
		return nil, err
	}
	return &storeSink{s}, nil
}

// put stores e's object under its own identity, which was verified.
func (s *storeSink) put(ctx context.Context, e *resolver.Entry, advance func(int64)) (file string, present bool, err error) {
	o := e.Object
	source := watchedReader{ctx, o}
	key, err := keyOf(o, source)
	if err != nil {
		return "", false, err
	}
	return s.store.Put(ctx, store.Object{
		Key: key, Kind: store.Executable, ID: o.BuildID(), Name: filepath.Base(e.Path),
		Source: source, Size: o.Size(), Advance: advance,
	})
}

// keyOf prefers the GNU build ID, by which other tools ask.
func keyOf(o *resolver.Object, source io.ReaderAt) (store.Key, error) {
	switch {
	case o.BuildID() != "":
		return store.KeyOf(o.BuildID()), nil
	case o.GoBuildID() != "":
		return store.GoKey(o.GoBuildID()), nil
	}
	return store.ContentKey(io.NewSectionReader(source, 0, o.Size()))
}

// storeFetcher lets the resolver ask the store.
type storeFetcher struct{ store *store.Store }

// Fetch implements resolver.Fetcher.
func (f storeFetcher) Fetch(ctx context.Context, id buildid.ID, kind resolver.Kind) (*os.File, error) {
	if kind == resolver.KindDebugInfo {
		return f.store.Fetch(ctx, id, store.DebugInfo)
	}
	return f.store.Fetch(ctx, id, store.Executable)
}

// fetcher returns the store that the flags and the environment name, nil where
// there is none yet: to ask it must not make it.
func (a *app) fetcher() resolver.Fetcher {
	dir, err := a.storeDir("")
	if err != nil {
		return nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil
	}
	s, err := store.Open(dir)
	if err != nil {
		return nil
	}
	return storeFetcher{s}
}
