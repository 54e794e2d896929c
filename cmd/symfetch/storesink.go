package main

import (
	"context"
	"io"
	"path/filepath"

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
	key, err := keyOf(o)
	if err != nil {
		return "", false, err
	}
	return s.store.Put(ctx, store.Object{
		Key: key, Kind: store.Executable, ID: o.BuildID(), Name: filepath.Base(e.Path),
		Source: o, Size: o.Size(), Advance: advance,
	})
}

// keyOf prefers the GNU build ID, by which other tools ask.
func keyOf(o *resolver.Object) (store.Key, error) {
	switch {
	case o.BuildID() != "":
		return store.KeyOf(o.BuildID()), nil
	case o.GoBuildID() != "":
		return store.GoKey(o.GoBuildID()), nil
	}
	return store.ContentKey(io.NewSectionReader(o, 0, o.Size()))
}
