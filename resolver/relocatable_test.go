package resolver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/symfetch/symfetch/resolver"
)

// relocatableSource is a program of functions with inlined calls.
const relocatableSource = `
static inline __attribute__((always_inline)) int twice(int n) { return n * 2; }
static inline __attribute__((always_inline)) int four(int n) {
	return twice(n) + twice(n + 1);
}
int first(int *p) { return p[0] + four(*p) * 3; }
int second(int *p) { return first(p) + four(p[1]) / 5; }
`

// compile makes a .o file of relocatableSource.
func compile(t *testing.T, compiler string, flags ...string) (file string) {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "four.c")
	if err := os.WriteFile(src, []byte(relocatableSource), 0o644); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "four.o")
	cmd := exec.Command(compiler, append(flags, "-O1", "-c", "-o", file, src)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return file
}

// TestRelocatable compares the answers from .o files, whose debug information
// is not linked yet, with those of llvm-symbolizer, at every address: of all
// machines whose relocations are known.
func TestRelocatable(t *testing.T) {
	for _, target := range []string{
		"x86_64-linux-gnu", "i386-linux-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf", "powerpc64le-linux-gnu",
		"s390x-linux-gnu", "riscv64-linux-gnu", "riscv32-linux-gnu",
	} {
		for _, version := range []string{"-gdwarf-4", "-gdwarf-5"} {
			t.Run(target+version, func(t *testing.T) {
				file := compile(t, "clang", "--target="+target, version)
				compareRelocatable(t, file)
			})
		}
	}
}

type llvmAnswer struct {
	Symbol []struct {
		FunctionName, FileName string
		Line, Column           int
	}
}

func compareRelocatable(t *testing.T, file string) {
	r := resolver.New(nil)
	defer r.Close()
	o, err := r.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	const size = 0x200 // of the code, at most
	var in bytes.Buffer
	for v := range uint64(size) {
		fmt.Fprintf(&in, "%#x\n", v)
	}
	cmd := exec.Command("llvm-symbolizer", "--output-style=JSON", "-e", file)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	inlined := 0
	for v := range uint64(size) {
		var want llvmAnswer
		if err := json.Unmarshal(lines[v], &want); err != nil {
			t.Fatal(err)
		}
		off, err := o.SectionVaddr("", v)
		if err != nil {
			t.Fatal(err)
		}
		frames, _ := o.Frames(off)
		var got llvmAnswer
		for _, f := range frames {
			got.Symbol = append(got.Symbol, struct {
				FunctionName, FileName string
				Line, Column           int
			}{f.Function, f.File, f.Line, f.Column})
		}
		if len(want.Symbol) == 1 && want.Symbol[0].FileName == "" {
			want.Symbol = nil // a symbol's name, or nothing
			if len(frames) > 0 && frames[0].File == "" {
				got.Symbol = nil
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%#x: got %v, want %v", v, got, want)
		}
		inlined += max(0, len(want.Symbol)-1)
	}
	if inlined < 20 {
		t.Errorf("only %d inlined calls in %d addresses", inlined, size)
	}
}

// TestScattered: where several sections of code begin at 0, an offset in more
// than one of them names nothing by itself.
func TestScattered(t *testing.T) {
	file := compile(t, "gcc", "-g", "-ffunction-sections")
	r := resolver.New(nil)
	defer r.Close()
	o, err := r.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if v, err := o.SectionVaddr("", 0); resolver.ReasonOf(err) != resolver.ReasonNoSymbol {
		t.Errorf("offset 0 of no section is vaddr %#x, %v", v, err)
	}
	for _, name := range []string{"first", "second"} {
		vaddr, err := o.SectionVaddr(".text."+name, 0)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		frames, err := o.Frames(vaddr)
		if err != nil || frames[len(frames)-1].Function != name {
			t.Errorf("offset 0 of %s: %v, %v", name, frames, err)
		}
	}
}
