package main

import (
	"os"
	"path/filepath"
	"sync"
)

// tempFiles are the files that are being written, so that an interrupted run
// leaves none of them behind.
type tempFiles struct {
	mu    sync.Mutex
	names map[string]bool
}

// tempName is under which name a file of dir is written until it is complete.
// It is always the same, so that what a killed run left is written over.
func tempName(name string) string {
	return filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".part")
}

// create makes the file that will become name, with perm less the umask.
func (t *tempFiles) create(name string, perm os.FileMode) (*os.File, error) {
	// Under the lock: no file may exist that removeAll does not know.
	t.mu.Lock()
	defer t.mu.Unlock()
	temp := tempName(name)
	if err := os.Remove(temp); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return nil, err
	}
	t.add(temp)
	return f, nil
}

// link makes what will become name a further link to the file old.
func (t *tempFiles) link(old, name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	temp := tempName(name)
	if err := os.Remove(temp); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Link(old, temp); err != nil {
		return err
	}
	t.add(temp)
	return nil
}

func (t *tempFiles) add(temp string) {
	if t.names == nil {
		t.names = make(map[string]bool)
	}
	t.names[temp] = true
}

// commit gives the file for name its name.
func (t *tempFiles) commit(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := os.Rename(tempName(name), name); err != nil {
		return err
	}
	delete(t.names, tempName(name))
	return nil
}

// discard removes the file for name unless it was committed.
func (t *tempFiles) discard(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if temp := tempName(name); t.names[temp] {
		os.Remove(temp)
		delete(t.names, temp)
	}
}

// removeAll removes what is half-written. It keeps the lock: nothing is
// written any more.
func (t *tempFiles) removeAll() {
	t.mu.Lock()
	for temp := range t.names {
		os.Remove(temp)
	}
}
