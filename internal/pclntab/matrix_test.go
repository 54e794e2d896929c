package pclntab_test

import (
	"bytes"
	"io"
	"os/exec"
	"runtime"
	"slices"
	"testing"
)

// TestLinkModes compares what external linkers and other build modes make of
// the tables: C code around Go's text, tables merged into .data.rel.ro, and
// pointers that are in the relocations only (lld).
func TestLinkModes(t *testing.T) {
	modes := []fixture{
		{pkg: "exe", mode: "exe", cgo: true, tags: "withcgo"},
		{pkg: "exe", mode: "pie", cgo: true, tags: "withcgo", ldflags: "-s -w"},
		{pkg: "exe", mode: "pie", cgo: true, tags: "withcgo", ldflags: `-s -w "-extldflags=-fuse-ld=lld"`},
		{pkg: "exe", mode: "exe", cgo: true, tags: "internalcgo", ldflags: "-linkmode=internal"},
		{pkg: "lib", mode: "c-shared", cgo: true, host: "dlopen", ldflags: "-s -w"},
		{pkg: "lib", mode: "c-archive", cgo: true, host: "archive"},
		{pkg: "plugin", mode: "plugin", cgo: true, host: "plugin"},
	}
	for _, rel := range releases {
		if !isFew(rel) || testing.Short() && rel.toolchain != "" {
			continue
		}
		for _, f := range modes {
			f.release, f.arch = rel, runtime.GOARCH
			t.Run(f.String(), func(t *testing.T) {
				t.Parallel()
				checkFixture(t, f)
			})
		}
	}
}

// TestRELR compares a file whose relocations are packed. The C library here
// may refuse to run it, so the truth is that of the same program without.
func TestRELR(t *testing.T) {
	var built [2]built
	for i, pack := range []string{"none", "relr"} {
		built[i] = build(t, fixture{
			release: nativeRelease(), arch: runtime.GOARCH, pkg: "exe", mode: "pie", cgo: true, tags: "withcgo",
			ldflags: `-linkmode=external "-extldflags=-fuse-ld=lld -Wl,--pack-dyn-relocs=` + pack + `"`,
		})
	}
	tr := built[0].tellTruth(t)
	packed := openELF(t, built[1].path)
	if packed.f.Section(".relr.dyn") == nil {
		t.Fatal("nothing is packed")
	}
	text, packedText := openELF(t, built[0].path).f.Section(".text").Addr, packed.f.Section(".text").Addr
	for i := range tr.runs {
		tr.runs[i].vaddr += packedText - text
	}
	tr.end += packedText - text
	compare(t, open(t, packed), tr, nativeRelease())
}

// TestArches compares programs of other machines, big endian and 32 bit ones
// among them, that run in an emulator.
func TestArches(t *testing.T) {
	if testing.Short() {
		return
	}
	for _, a := range []struct {
		arch     string
		releases []string
	}{
		{"386", []string{"1.18", "1.22", "1.26"}},
		{"arm64", []string{"1.18", "1.22", "1.26"}},
		{"arm", []string{"1.18", "1.26"}},
		{"s390x", []string{"1.18", "1.20", "1.26"}},
		{"ppc64le", []string{"1.26"}},
		{"riscv64", []string{"1.26"}},
	} {
		if a.arch == runtime.GOARCH {
			continue
		}
		for _, rel := range releases {
			if !slices.Contains(a.releases, rel.name) {
				continue
			}
			f := fixture{release: rel, arch: a.arch, pkg: "exe", mode: "exe", ldflags: ""}
			t.Run(f.String(), func(t *testing.T) {
				t.Parallel()
				checkFixture(t, f)
			})
		}
	}
}

// TestMemory compares the memory of running position independent programs.
func TestMemory(t *testing.T) {
	for _, rel := range releases {
		if !isFew(rel) || testing.Short() && rel.toolchain != "" {
			continue
		}
		for _, mode := range []string{"exe", "pie"} {
			f := fixture{release: rel, arch: runtime.GOARCH, pkg: "exe", mode: mode, ldflags: "-s -w"}
			t.Run(f.String(), func(t *testing.T) {
				b := build(t, f)
				tr := b.tellTruth(t)
				img := memoryOf(t, b.start(t), b.path)
				if mode == "pie" && img.Bias() == 0 {
					t.Error("no load bias")
				}
				compare(t, open(t, img), tr, rel)
			})
		}
	}
}

// start starts the program and leaves it waiting; it returns its PID.
func (b built) start(t *testing.T) int {
	t.Helper()
	cmd := exec.Command(b.run)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	ready := make([]byte, 6)
	if _, err := io.ReadFull(out, ready); err != nil || !bytes.Equal(ready, []byte("ready\n")) {
		t.Fatalf("%q, %v", ready, err)
	}
	return cmd.Process.Pid
}
