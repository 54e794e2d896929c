package pclntab_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// release is a Go release and what the tests must know of it.
type release struct {
	name      string // "1.21"
	toolchain string // "go1.21.13"; "" = the one that runs the test
	wrapper   uint8  // abi.FuncIDWrapper
	// shapes: CallersFrames abridges type arguments to [...].
	shapes bool
	// dropsOuter: CallersFrames leaves out a physical wrapper.
	dropsOuter bool
}

var releases = []release{
	{"1.18", "go1.18.10", 21, false, false},
	{"1.19", "go1.19.13", 21, false, false},
	{"1.20", "go1.20.14", 21, false, false},
	{"1.21", "go1.21.13", 21, true, true},
	{"1.22", "go1.22.12", 22, true, true},
	{"1.23", "go1.23.12", 22, true, true},
	{"1.24", "go1.24.13", 22, true, true},
	{"1.25", "go1.25.7", 23, true, true},
	{"1.26", "", 23, true, true},
}

// few are the releases that the costlier variants are built with: one of each
// layout, and the ends.
var few = []string{"1.18", "1.20", "1.22", "1.26"}

func nativeRelease() release { return releases[len(releases)-1] }

// fixture is one way of building the program that tells the truth.
type fixture struct {
	release release
	arch    string
	// pkg is below testdata/fixture/cmd; mode a -buildmode.
	pkg, mode string
	cgo       bool
	tags      string
	ldflags   string
	// host is a program that loads the result, built the same way: "" (runs
	// itself), "dlopen", "archive", "plugin".
	host string
}

func (f fixture) String() string {
	return strings.Join([]string{"go" + f.release.name, f.arch, f.pkg, f.mode, f.tags, f.host, f.ldflags}, "_")
}

// built is a fixture on disk.
type built struct {
	fixture
	path string // the object
	run  string // the program to run
}

var buildLocks sync.Map

// build builds f or takes it from the cache.
func build(t testing.TB, f fixture) built {
	t.Helper()
	key := f.key(t)
	mu, _ := buildLocks.LoadOrStore(key, new(sync.Mutex))
	mu.(*sync.Mutex).Lock()
	defer mu.(*sync.Mutex).Unlock()
	dir := filepath.Join(cacheDir(t), key)
	b := built{f, filepath.Join(dir, "object"), filepath.Join(dir, "object")}
	if f.host != "" {
		b.run = filepath.Join(dir, "host")
	}
	if f.host == "archive" {
		b.path = b.run
	}
	if _, err := os.Stat(dir); err == nil {
		return b
	}
	tmp, err := os.MkdirTemp(cacheDir(t), "build")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	f.goBuild(t, filepath.Join(tmp, "object"), f.pkg, f.mode)
	f.buildHost(t, tmp)
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return b
}

func (f fixture) buildHost(t testing.TB, dir string) {
	object, host := filepath.Join(dir, "object"), filepath.Join(dir, "host")
	switch f.host {
	case "dlopen":
		run(t, fixtureDir, nil, "gcc", "-o", host, "cmd/lib/host/dlopen.c", "-ldl")
	case "archive":
		archive := filepath.Join(dir, "libobject.a")
		if err := os.Rename(object, archive); err != nil {
			t.Fatal(err)
		}
		run(t, fixtureDir, nil, "gcc", "-o", host, "cmd/lib/host/archive.c", archive, "-lpthread")
	case "plugin":
		f.goBuild(t, host, "host", "default")
	}
}

const fixtureDir = "testdata/fixture"

func (f fixture) goBuild(t testing.TB, out, pkg, mode string) {
	t.Helper()
	args := []string{"build", "-trimpath", "-o", out, "-buildmode=" + mode}
	if f.tags != "" {
		args = append(args, "-tags="+f.tags)
	}
	if f.ldflags != "" {
		args = append(args, "-ldflags="+f.ldflags)
	}
	run(t, fixtureDir, f.env(t), f.release.goCommand(t), append(args, "./cmd/"+pkg)...)
}

func (f fixture) env(t testing.TB) []string {
	env := append(os.Environ(), "GOOS=linux", "GOARCH="+f.arch, "GOFLAGS=-buildvcs=false", "GOWORK=off", "CGO_ENABLED=0")
	if f.cgo {
		env = append(env, "CGO_ENABLED=1")
	}
	switch {
	case f.release.copied():
		env = append(env, "GOROOT="+f.release.copyRoot(t), "GOTOOLCHAIN=local")
	case f.release.toolchain != "":
		env = append(env, "GOTOOLCHAIN="+f.release.toolchain)
	}
	return env
}

// copied says that the toolchain's own go command cannot build from where the
// module cache holds it.
func (r release) copied() bool { return r.toolchain == "go1.19.13" }

func (r release) goCommand(t testing.TB) string {
	if r.copied() {
		return filepath.Join(r.copyRoot(t), "bin", "go")
	}
	return "go"
}

var copyLock sync.Mutex

// copyRoot links the toolchain's files outside the module cache.
func (r release) copyRoot(t testing.TB) string {
	t.Helper()
	copyLock.Lock()
	defer copyLock.Unlock()
	dst := filepath.Join(cacheDir(t), r.toolchain)
	if _, err := os.Stat(dst); err == nil {
		return dst
	}
	env := append(os.Environ(), "GOTOOLCHAIN="+r.toolchain)
	src := strings.TrimSpace(run(t, ".", env, "go", "env", "GOROOT"))
	tmp, err := os.MkdirTemp(cacheDir(t), "toolchain")
	if err != nil {
		t.Fatal(err)
	}
	if err := copyTree(tmp, src); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, dst); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	return dst
}

func copyTree(dst, src string) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o777)
		}
		if os.Link(path, to) == nil {
			return nil
		}
		return copyFile(to, path)
	})
}

func copyFile(dst, src string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_WRONLY, fi.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

func cacheDir(t testing.TB) string {
	t.Helper()
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "symfetch-fixtures", "pclntab")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

var sourceHash = sync.OnceValues(func() (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(fixtureDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n", path, len(data))
		h.Write(data)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
})

// key names the fixture in the cache: by everything that decides its bytes,
// but for the C compiler.
func (f fixture) key(t testing.TB) string {
	t.Helper()
	source, err := sourceHash()
	if err != nil {
		t.Fatal(err)
	}
	toolchain := f.release.toolchain
	if toolchain == "" {
		toolchain = runtime.Version()
	}
	sum := sha256.Sum256([]byte(source + toolchain + f.String() + runtime.GOARCH))
	return hex.EncodeToString(sum[:12])
}

// run runs a command and returns its output.
func run(t testing.TB, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

func isFew(r release) bool { return slices.Contains(few, r.name) }
