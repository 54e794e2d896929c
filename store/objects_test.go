package store_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/store"
)

// testID is the build ID of the programs that build makes.
const testID = buildid.ID("\x12\x34\x56\x78\x9a\xbc\xde\xf0\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc")

// builds are files made of one program, which says "sleep" and waits.
type builds struct {
	// full has symbols and debug information, stripped and debug are what
	// strip makes of it. goOnly has only a Go build ID, nothing has none.
	full, stripped, debug, goOnly, nothing string
	dir                                    string
}

var built = sync.OnceValues(func() (*builds, error) {
	dir, err := os.MkdirTemp("", "store-test-")
	if err != nil {
		return nil, err
	}
	b := &builds{dir: dir}
	for _, step := range []struct {
		out  *string
		name string
		args []string // OUT stands for the file to make, FULL for the first one
	}{
		{&b.full, "full", []string{"gcc", "-g", "-O1", "-fno-inline", "-Wl,--build-id=0x" + testID.String(), "-o", "OUT", "testdata/program.c"}},
		{&b.stripped, "stripped", []string{"strip", "-s", "-o", "OUT", "FULL"}},
		{&b.debug, "debug", []string{"objcopy", "--only-keep-debug", "FULL", "OUT"}},
		{&b.goOnly, "goonly", []string{"go", "build", "-ldflags=-B none", "-o", "OUT", "testdata/program.go"}},
		{&b.nothing, "nothing", []string{"gcc", "-Wl,--build-id=none", "-o", "OUT", "testdata/program.c"}},
	} {
		*step.out = filepath.Join(dir, step.name)
		for i, a := range step.args {
			switch a {
			case "OUT":
				step.args[i] = *step.out
			case "FULL":
				step.args[i] = b.full
			}
		}
		cmd := exec.Command(step.args[0], step.args[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, &buildError{step.args, out, err}
		}
	}
	return b, nil
})

type buildError struct {
	args []string
	out  []byte
	err  error
}

func (e *buildError) Error() string {
	return strings.Join(e.args, " ") + ": " + e.err.Error() + "\n" + string(e.out)
}

// programs returns the builds; the files are shared and must not be changed.
func programs(t *testing.T) *builds {
	t.Helper()
	b, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// object is bytes as an object of the programs' build ID.
func object(b []byte, kind store.Kind) store.Object {
	return store.Object{
		Key: store.KeyOf(testID), ID: testID, Kind: kind, Name: "prog",
		Source: bytes.NewReader(b), Size: int64(len(b)),
	}
}

func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(filepath.Join(t.TempDir(), "store"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *store.Store, o store.Object) (string, bool) {
	t.Helper()
	path, present, err := s.Put(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return path, present
}

// files lists all that is in the store, by path below it, without what is
// the writers' own.
func files(t *testing.T, s *store.Store) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(s.Dir(), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if rel, _ := filepath.Rel(s.Dir(), path); !d.IsDir() && d.Name() != "lock" {
			names = append(names, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
