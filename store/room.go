package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"
)

const (
	tempName = ".tmp"
	lockName = "lock"
	// rooms is the number of writers that can be at work at a time; which of
	// them a key belongs to depends on the key, so that two writers of one
	// object meet.
	rooms = 64
	// retry is how often a writer looks whether the one before has left.
	retry = 20 * time.Millisecond
)

// room is a directory below .tmp whose lock its writer holds. Nobody else
// writes there, so that what lies there when he enters was interrupted.
type room struct {
	store *Store
	dir   string
	lock  *flock.Flock
}

func (s *Store) room(n uint32) *room {
	dir := filepath.Join(s.dir, tempName, strconv.FormatUint(uint64(n), 16))
	return &room{s, dir, flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))}
}

// enter waits for the room of key. The lock goes with the process that holds
// it, however that ends.
func (s *Store) enter(ctx context.Context, key Key) (*room, error) {
	r := s.room(hash(key) % rooms)
	if err := os.MkdirAll(r.dir, topMode); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	if _, err := r.lock.TryLockContext(ctx, retry); err != nil {
		return nil, fmt.Errorf("store: wait for another writer: %w", err)
	}
	if err := r.clear(); err != nil {
		r.leave()
		return nil, fmt.Errorf("store: %w", err)
	}
	return r, nil
}

func (r *room) leave() { r.lock.Close() }

// clear removes what an interrupted writer left.
func (r *room) clear() error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockName {
			continue
		}
		if err := os.Remove(filepath.Join(r.dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// sweep clears every room in which nobody is. What fails is tried again by
// whoever enters it.
func (s *Store) sweep() {
	entries, err := os.ReadDir(filepath.Join(s.dir, tempName))
	if err != nil {
		return
	}
	for _, e := range entries {
		n, err := strconv.ParseUint(e.Name(), 16, 32)
		if err != nil || n >= rooms {
			continue
		}
		r := s.room(uint32(n))
		if held, err := r.lock.TryLock(); err == nil && held {
			_ = r.clear()
			r.leave()
		}
	}
}

// hash is FNV-1a: all writers must agree on it.
func hash(key Key) uint32 {
	h := uint32(2166136261)
	for _, c := range []byte(key) {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}
