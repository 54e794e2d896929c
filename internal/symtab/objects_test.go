package symtab

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// object is a real object and the table of it that is tested.
type object struct {
	name, path string
	dynamic    bool
}

// run runs a tool of deps.txt and returns what it prints.
func run(tb testing.TB, stdin, name string, args ...string) string {
	tb.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBUGINFOD_URLS=")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// builds are the programs of testdata by compiler and target.
var builds = []struct {
	name    string
	command []string // OUT and testdata's file follow
}{
	{"gcc", []string{"gcc", "-O1", "-rdynamic", "program.c"}},
	{"gcc-static", []string{"gcc", "-O1", "-static", "-no-pie", "program.c"}},
	{"gcc-m32", []string{"gcc", "-m32", "-O1", "-rdynamic", "program.c"}},
	{"clang-lld", []string{"clang", "-O1", "-fuse-ld=lld", "program.c"}},
	{"arm", []string{"clang", "--target=armv7-linux-gnueabihf", "-nostdlib", "-static", "-fuse-ld=lld", "arm.s"}},
	{"aarch64", []string{"clang", "--target=aarch64-linux-gnu", "-nostdlib", "-static", "-fuse-ld=lld", "marks.s"}},
	{"riscv64", []string{"clang", "--target=riscv64-linux-gnu", "-nostdlib", "-static", "-fuse-ld=lld", "-mno-relax", "marks.s"}},
	{"s390x-relocatable", []string{"clang", "--target=s390x-linux-gnu", "-O1", "-c", "big.c"}},
	{"rust", []string{"rustc", "-O", "program.rs"}},
	{"rust-v0", []string{"rustc", "-O", "-C", "symbol-mangling-version=v0", "program.rs"}},
	{"go", []string{"go", "build", "program.go"}},
}

// build builds the program called name into a directory of the test's.
func build(tb testing.TB, name string) string {
	tb.Helper()
	for _, b := range builds {
		if b.name != name {
			continue
		}
		out := filepath.Join(tb.TempDir(), name)
		last := len(b.command) - 1
		args := append(b.command[1:last:last], "-o", out, filepath.Join("testdata", b.command[last]))
		run(tb, "", b.command[0], args...)
		return out
	}
	tb.Fatalf("no build %q", name)
	return ""
}

// objects returns all builds, what strip leaves of some, and the machine's
// own libraries.
func objects(t *testing.T) []object {
	var all []object
	for _, b := range builds {
		path := build(t, b.name)
		all = append(all, object{name: b.name, path: path})
		switch b.name {
		case "gcc", "gcc-m32", "rust":
			for _, strip := range []string{"-s", "-g", "-x"} {
				if strip == "-s" && b.name == "rust" {
					continue // exports nothing
				}
				out := path + strip
				run(t, "", "strip", strip, "-o", out, path)
				all = append(all, object{name: b.name + strip, path: out, dynamic: strip == "-s"})
			}
			out := path + ".debug"
			run(t, "", "objcopy", "--only-keep-debug", path, out)
			all = append(all, object{name: b.name + ".debug", path: out})
		}
	}
	for _, lib := range []string{"libc.so.6", "libstdc++.so.6", "libm.so.6"} {
		path := strings.TrimSpace(run(t, "", "gcc", "-print-file-name="+lib))
		all = append(all, object{name: lib, path: path, dynamic: true})
	}
	return all
}

// input reads a table by the standard library's ELF reader.
func input(tb testing.TB, o object) Input {
	tb.Helper()
	f, err := elf.Open(o.path)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	typ := elf.SHT_SYMTAB
	if o.dynamic {
		typ = elf.SHT_DYNSYM
	}
	s := f.SectionByType(typ)
	if s == nil {
		tb.Fatalf("%s: no %v", o.path, typ)
	}
	data, err := s.Data()
	if err != nil {
		tb.Fatal(err)
	}
	names, err := f.Sections[s.Link].Data()
	if err != nil {
		tb.Fatal(err)
	}
	in := Input{Data: data, Strings: names, Is64: f.Class == elf.ELFCLASS64, Order: f.ByteOrder, Machine: f.Machine, Dynamic: o.dynamic}
	for _, s := range f.Sections {
		in.Sections = append(in.Sections, s.SectionHeader)
	}
	return in
}

// open returns the table of o.
func open(tb testing.TB, o object) *Table {
	tb.Helper()
	t, err := New(input(tb, o))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}
