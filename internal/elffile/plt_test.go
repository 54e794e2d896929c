package elffile

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const stubsSource = `
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) {
	void (*volatile f)(void *) = free;
	f(strdup(argv[0]));
	printf("%d %s\n", abs(argc), getenv("HOME"));
	return atoi(argv[0]) + puts("x") + (int)strlen(strerror(argc));
}
`

// objdumpStub is how objdump names a stub: "0000000000001030 <puts@plt>:".
var objdumpStub = regexp.MustCompile(`(?m)^([0-9a-f]+) <(\w+)@plt>:`)

// TestStubs compares the stubs with what objdump calls them.
func TestStubs(t *testing.T) {
	for _, test := range []struct{ name, build, objdump string }{
		{"x86-64", "gcc -O1 -o prog prog.c", "objdump"},
		{"x86-64 lazy", "gcc -O1 -Wl,-z,lazy -no-pie -o prog prog.c", "objdump"},
		{"x86-64 with ibt", "gcc -O1 -fcf-protection -Wl,-z,lazy -Wl,-z,ibtplt -o prog prog.c", "objdump"},
		{"x86-64 lld", "gcc -O1 -fuse-ld=lld -o prog prog.c", "llvm-objdump"},
		{"i386", "gcc -m32 -O1 -no-pie -o prog prog.c", "objdump"},
		{"i386 pie", "gcc -m32 -O1 -pie -fPIE -o prog prog.c", "objdump"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "prog.c"), []byte(stubsSource), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sh", "-euc", test.build)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			prog := filepath.Join(dir, "prog")
			out, err := exec.Command(test.objdump, "-d", prog).Output()
			if err != nil {
				t.Fatal(err)
			}
			want := map[uint64]string{}
			for _, m := range objdumpStub.FindAllStringSubmatch(string(out), -1) {
				addr, _ := strconv.ParseUint(m[1], 16, 64)
				want[addr] = m[2]
			}
			compareStubs(t, prog, want)
		})
	}
}

func compareStubs(t *testing.T, prog string, want map[uint64]string) {
	t.Helper()
	f, err := os.Open(prog)
	if err != nil {
		t.Fatal(err)
	}
	src, err := OpenSource(f)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	e, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	stubs, err := e.Stubs()
	if err != nil {
		t.Fatal(err)
	}
	got := map[uint64]string{}
	for _, s := range stubs {
		got[s.Vaddr] = s.Name
	}
	found := 0
	for vaddr, name := range want {
		// objdump names the first part of a stub in two parts, too.
		if got[vaddr] == name {
			found++
		} else if got[vaddr] != "" || !hasName(got, name) {
			t.Errorf("%#x: %q, want %q", vaddr, got[vaddr], name)
		}
	}
	if found < 5 {
		t.Errorf("only %d of %d stubs: %v, want %v", found, len(want), got, want)
	}
}

func hasName(stubs map[uint64]string, name string) bool {
	for _, n := range stubs {
		if n == name {
			return true
		}
	}
	return false
}

// TestStubsARM64 reads the stubs that lld made of an AArch64 library.
func TestStubsARM64(t *testing.T) {
	dir := t.TempDir()
	src := "int one(int); int two(int);\nint call(int n) { return one(n) + two(n) + one(two(n)); }\n"
	if err := os.WriteFile(filepath.Join(dir, "lib.c"), []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, flags := range []string{"", "-Wl,-z,force-bti -mbranch-protection=standard"} {
		cmd := exec.Command("sh", "-euc", "clang --target=aarch64-linux-gnu -O1 -fPIC -nostdlib -shared -fuse-ld=lld "+flags+" -o lib.so lib.c")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		f, err := os.Open(filepath.Join(dir, "lib.so"))
		if err != nil {
			t.Fatal(err)
		}
		source, err := OpenSource(f)
		if err != nil {
			t.Fatal(err)
		}
		e, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		stubs, err := e.Stubs()
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("llvm-objdump", "-d", "-j", ".plt", filepath.Join(dir, "lib.so")).Output()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range stubs {
			names = append(names, s.Name)
			if !strings.Contains(string(out), strings.TrimLeft(strconv.FormatUint(s.Vaddr, 16), "0")+":") {
				t.Errorf("no instruction at %#x in\n%s", s.Vaddr, out)
			}
		}
		if got := strings.Join(names, " "); got != "one two" && got != "two one" {
			t.Errorf("stubs %q in\n%s", got, out)
		}
		source.Close()
	}
}
