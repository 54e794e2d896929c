package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestExecutableDirs: beside this executable first, by the name that it was
// started by and by the file that this leads to, then the absolute directories
// of PATH.
func TestExecutableDirs(t *testing.T) {
	real, links := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(real, "symfetch"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(links, "symfetch")
	if err := os.Symlink(filepath.Join(real, "symfetch"), link); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", "/first:.::relative/dir:/second")
	want := []string{filepath.Dir(self), links, real, "/first", "/second"}
	if got := executableDirs(link); !slices.Equal(got, want) {
		t.Errorf("by %s: %q, want %q", link, got, want)
	}
	want = []string{filepath.Dir(self), "/first", "/second"}
	if got := executableDirs("symfetch"); !slices.Equal(got, want) {
		t.Errorf("by PATH: %q, want %q", got, want)
	}
}

// TestFindExecutable: the one beside symfetch wins over PATH.
func TestFindExecutable(t *testing.T) {
	beside, onPath := t.TempDir(), t.TempDir()
	t.Setenv("PATH", onPath)
	name := "symfetch-x"
	if path, ok := findExecutable(name, beside+"/symfetch"); ok {
		t.Errorf("found %s", path)
	}
	for _, dir := range []string{onPath, beside} {
		want := filepath.Join(dir, name)
		if err := os.WriteFile(want, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		if path, ok := findExecutable(name, beside+"/symfetch"); !ok || path != want {
			t.Errorf("found %q, %v, want %s", path, ok, want)
		}
	}
	if err := os.Chmod(filepath.Join(beside, name), 0o644); err != nil {
		t.Fatal(err)
	}
	if path, _ := findExecutable(name, beside+"/symfetch"); path != filepath.Join(onPath, name) {
		t.Errorf("a file that cannot be executed is not passed over: %q", path)
	}
}
