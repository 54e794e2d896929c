package addr2line

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// fixture is a program that the tests build. Its object is "object" in a
// directory of its own.
type fixture struct {
	name string
	// steps are the commands, run by a shell in the object's directory; $src is
	// testdata.
	steps string
}

// build runs the fixture's commands and returns the object.
func build(t testing.TB, f fixture) *object {
	t.Helper()
	dir := t.TempDir()
	src, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	// Tools have been seen to spin for ever on what others made.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-euc", f.steps)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "src="+src, "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", f.steps, err, out)
	}
	o := openObject(t, filepath.Join(dir, "object"))
	o.name = f.name
	o.split = splitOf(t, o)
	return o
}

// splitOf is the Split of an object: it opens the package beside it, else the
// files that its units name.
func splitOf(t testing.TB, o *object) func(Skeleton) (*Input, error) {
	pkg := o.path + ".dwp"
	if exists(pkg) {
		in := openObject(t, pkg).input()
		return func(Skeleton) (*Input, error) { return &in, nil }
	}
	return func(s Skeleton) (*Input, error) {
		path := s.Name
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.CompDir, path)
		}
		if !exists(path) {
			return nil, os.ErrNotExist
		}
		in := openObject(t, path).input()
		return &in, nil
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
