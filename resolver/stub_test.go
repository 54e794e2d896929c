package resolver_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/symfetch/symfetch/resolver"
)

// TestStub: a call of a library's function goes through a stub, which no
// symbol covers.
func TestStub(t *testing.T) {
	dir := t.TempDir()
	prog := filepath.Join(dir, "prog")
	src := prog + ".c"
	if err := os.WriteFile(src, []byte("#include <stdio.h>\nint main(void) { return puts(\"x\"); }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-O1", "-s", "-Wl,-z,lazy", "-o", prog, src).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command("objdump", "-d", prog).Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^([0-9a-f]+) <puts@plt>:`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("objdump shows no stub:\n%s", out)
	}
	vaddr, _ := strconv.ParseUint(string(m[1]), 16, 64)
	r := resolver.New(nil)
	defer r.Close()
	o, err := r.Open(t.Context(), prog)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	frames, err := o.Frames(vaddr + 2)
	if err != nil || len(frames) != 1 || frames[0].Function != "puts@plt" || frames[0].Offset != 2 || frames[0].Engine.String() != "plt" {
		t.Errorf("%#x: %+v, %v", vaddr+2, frames, err)
	}
}
