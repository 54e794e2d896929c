package buildid_test

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/symfetch/symfetch/buildid"
)

func TestIdentifiesGo(t *testing.T) {
	const h = "AbCdEfGhIjKlMnOpQr-_"
	for text, want := range map[string]bool{
		"": false, "redacted": false, "a/b": false, "/": false, h: false, h + "/": false,
		h + "/" + h: true, h + "/" + h + "/" + h + "/" + h: true, h + "/" + h + "x": false,
	} {
		if got := buildid.IdentifiesGo(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// goNotes links a small program with flags and returns what its note sections
// hold, read by debug/elf.
func goNotes(t *testing.T, flags string) buildid.Notes {
	t.Helper()
	dir := t.TempDir()
	src, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "out")
	if err := os.WriteFile(src, []byte("package main\nfunc main() {}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags="+flags, "-o", out, src)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, msg)
	}
	f, err := elf.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var n buildid.Notes
	for _, s := range f.Sections {
		if s.Type != elf.SHT_NOTE {
			continue
		}
		data, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		n.Merge(buildid.FromNotes(data, binary.LittleEndian, s.Addralign))
	}
	return n
}

// TestUnique checks that IDs which whole families of programs share are never
// taken as proof, with what the linker at hand really writes.
func TestUnique(t *testing.T) {
	n := goNotes(t, "-B gobuildid")
	if gnu, text := n.Unique(); gnu == "" || text == "" || gnu != n.GNU || text != n.Go {
		t.Errorf("ordinary program: %+v gives %s, %q", n, gnu, text)
	}
	n = goNotes(t, "-B gobuildid -buildid=redacted")
	if n.Go != "redacted" || len(n.GNU) != 20 {
		t.Fatalf("notes %+v", n)
	}
	if gnu, text := n.Unique(); gnu != "" || text != "" {
		t.Errorf("redacted: %s, %q are taken as unique", gnu, text)
	}
	n = goNotes(t, "-buildid=redacted -B 0x0123456789abcdef0123")
	if gnu, text := n.Unique(); gnu.String() != "0123456789abcdef0123" || text != "" {
		t.Errorf("own GNU build ID: %+v gives %s, %q", n, gnu, text)
	}
	// What go1.22 and go1.23 derived from "redacted": the hash inverted.
	old, err := buildid.Parse("4976e6500ffe27c99db6bfc5dabb045d27ccf7b0")
	if err != nil {
		t.Fatal(err)
	}
	if gnu, _ := (buildid.Notes{GNU: old, Go: "redacted"}).Unique(); gnu != "" {
		t.Errorf("inverted hash is taken as unique")
	}
	if gnu, _ := (buildid.Notes{GNU: "1234567"}).Unique(); gnu != "" {
		t.Errorf("7 bytes are taken as unique")
	}
	if gnu, _ := (buildid.Notes{GNU: "12345678"}).Unique(); gnu == "" {
		t.Errorf("8 bytes are not taken as unique")
	}
}
