package elffile

import (
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// rewrite copies an ELF and lets edit change the copy's bytes.
func rewrite(t testing.TB, path, key string, edit func(b []byte) []byte) *File {
	t.Helper()
	return open(t, once(t, key+" "+path, func(out string) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(out, edit(b), 0o777); err != nil {
			t.Fatal(err)
		}
	}))
}

// withoutNoteSegments turns every PT_NOTE into PT_NULL.
func withoutNoteSegments(t testing.TB, path string) *File {
	t.Helper()
	h := open(t, path)
	return rewrite(t, path, "no PT_NOTE", func(b []byte) []byte {
		for i, p := range h.Progs() {
			if p.Type == elf.PT_NOTE {
				h.ByteOrder().PutUint32(b[h.hdr.phoff+uint64(i)*uint64(h.hdr.phentsize):], uint32(elf.PT_NULL))
			}
		}
		return b
	})
}

// TestNotesEverywhere takes each of the three places of a build ID away.
func TestNotesEverywhere(t *testing.T) {
	c := compile(t, "object.c -shared -fPIC")
	want, err := open(t, c).Notes()
	if err != nil || len(want.GNU) != 20 {
		t.Fatalf("%+v, %v", want, err)
	}
	if n, err := withoutNoteSegments(t, c).Notes(); err != nil || n != want {
		t.Errorf("by section: %+v, %v", n, err)
	}
	if n, err := open(t, withoutSections(t, c)).Notes(); err != nil || n != want {
		t.Errorf("by segment: %+v, %v", n, err)
	}
	for _, args := range []string{"", "-buildmode=pie", "GOARCH=s390x", "GOARCH=386", "GOARCH=mips", "GOARCH=arm64", "GOARCH=ppc64", "-ldflags=-I=/a/odd/interpreter -buildmode=pie"} {
		exe := goBuild(t, args)
		want := sectionIDs(t, exe)
		if len(want[0]) != 40 || want[1] == "" {
			t.Fatalf("%s: notes %q", args, want)
		}
		for what, f := range map[string]*File{
			"as it is": open(t, exe), "by section": withoutNoteSegments(t, exe), "by segment": open(t, withoutSections(t, exe)),
		} {
			if n, err := f.Notes(); err != nil || n.GNU.String() != want[0] || n.Go != want[1] {
				t.Errorf("%s, %s: %+v, %v, want %q", args, what, n, err, want)
			}
		}
	}
}

// sectionIDs are a Go program's build IDs by its sections, GNU and Go, read
// without this package.
func sectionIDs(t testing.TB, path string) (ids [2]string) {
	t.Helper()
	needTools(t, "readelf")
	if _, rest, ok := strings.Cut(run(t, nil, "readelf", "-nW", path), "Build ID: "); ok {
		ids[0], _, _ = strings.Cut(rest, "\n")
	}
	ids[1] = strings.TrimSpace(run(t, nil, "go", "tool", "buildid", path))
	return ids
}

// TestNotesBehindNothing: where the linker wrote no GNU build ID, what lies
// behind PT_NOTE must not be taken for one: an interpreter's path, or code.
func TestNotesBehindNothing(t *testing.T) {
	for _, args := range []string{"-ldflags=-B=none", "-ldflags=-B=none -buildmode=pie", "-ldflags=-B=none GOARCH=s390x"} {
		exe := goBuild(t, args)
		for _, path := range []string{exe, withoutSections(t, exe)} {
			if n, err := open(t, path).Notes(); err != nil || n.GNU != "" || n.Go == "" {
				t.Errorf("%s: %+v, %v", args, n, err)
			}
		}
	}
	for _, id := range []string{"0x01", "0xc0ffee", "0x000102030405060708090a0b0c0d0e0f"} {
		exe := goBuild(t, "-ldflags=-B="+id)
		for _, path := range []string{exe, withoutSections(t, exe)} {
			if n, err := open(t, path).Notes(); err != nil || "0x"+n.GNU.String() != id || n.Go == "" {
				t.Errorf("-B %s: %+v, %v", id, n, err)
			}
		}
	}
}

// TestNotesBehindIsLoaded: the note behind PT_NOTE counts only where the same
// segment loads it, or file and memory image would not have the same identity.
func TestNotesBehindIsLoaded(t *testing.T) {
	exe := withoutSections(t, goBuild(t, ""))
	h := open(t, exe)
	want, err := h.Notes()
	if err != nil || want.GNU == "" {
		t.Fatalf("%+v, %v", want, err)
	}
	var note elf.ProgHeader
	for _, p := range h.Progs() {
		if p.Type == elf.PT_NOTE {
			note = p
		}
	}
	end := note.Off + note.Filesz
	edit := func(key string, fn func(b []byte, text int)) string {
		f := rewrite(t, exe, key, func(b []byte) []byte {
			for i, p := range h.Progs() {
				if p.Type == elf.PT_LOAD && p.Off == 0 {
					fn(b, int(h.hdr.phoff)+i*phdrSize64)
				}
			}
			return b
		})
		n, err := f.Notes()
		if err != nil || n.Go != want.Go {
			t.Errorf("%s: %+v, %v", key, n, err)
		}
		return n.GNU.String()
	}
	le := binary.LittleEndian
	if id := edit("segment ends in the note", func(b []byte, text int) { le.PutUint64(b[text+32:], end+35) }); id != "" {
		t.Errorf("not wholly loaded: %s", id)
	}
	if id := edit("segment ends behind the note", func(b []byte, text int) { le.PutUint64(b[text+32:], end+36) }); id != want.GNU.String() {
		t.Errorf("just loaded: %s", id)
	}
	if id := edit("other vaddr", func(b []byte, text int) { le.PutUint64(b[text+16:], 0x10000) }); id != "" {
		t.Errorf("loaded elsewhere: %s", id)
	}
	if id := edit("zeros between", func(b []byte, text int) {
		copy(b[end+4:end+40], b[end:end+36])
		clear(b[end : end+4])
	}); id != "" {
		t.Errorf("behind padding: %s", id)
	}
}

// TestNotesAgainstBinutils compares the IDs of all linkers' output, with probes
// of SystemTap's owner and notes of both alignments among them.
func TestNotesAgainstBinutils(t *testing.T) {
	needTools(t, "readelf")
	for _, l := range linkers {
		needTools(t, l.tool)
		for _, id := range []string{"sha1", "md5", "0xabcdef0123456789", "none"} {
			path := compile(t, "object.c notes.c -shared -fPIC "+l.args+" -Wl,--build-id="+id)
			want := ""
			if _, rest, ok := strings.Cut(run(t, nil, "readelf", "-nW", path), "Build ID: "); ok {
				want, _, _ = strings.Cut(rest, "\n")
			}
			if (want == "") != (id == "none") {
				t.Fatalf("%s, %s: readelf finds %q", l.name, id, want)
			}
			// gold puts notes of both alignments into one segment, in which
			// nobody can walk past the first: without sections there is none.
			n, err := open(t, path).Notes()
			if err != nil || n.GNU.String() != want {
				t.Errorf("%s, %s: %s, %v, want %s", l.name, id, n.GNU, err, want)
			}
			n, err = open(t, withoutSections(t, path)).Notes()
			if err != nil || n.GNU.String() != want && (n.GNU != "" || !strings.HasPrefix(l.name, "gold")) {
				t.Errorf("%s, %s, no sections: %s, %v, want %s", l.name, id, n.GNU, err, want)
			}
		}
	}
}

// TestNotesOfDebugFile: a separate debug file keeps its build ID.
func TestNotesOfDebugFile(t *testing.T) {
	exe := compile(t, "object.c -shared -fPIC -g")
	want, err := open(t, exe).Notes()
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range []string{"objcopy --only-keep-debug IN OUT", "eu-strip -f OUT -o OUT.rest IN", "llvm-objcopy --only-keep-debug IN OUT"} {
		words := strings.Fields(cmd)
		if _, err := exec.LookPath(words[0]); err != nil {
			need(t, words[0], false)
		}
		out := once(t, cmd, func(out string) {
			for i, w := range words {
				words[i] = strings.NewReplacer("IN", exe, "OUT", out).Replace(w)
			}
			run(t, nil, words[0], words[1:]...)
		})
		f := open(t, out)
		if n, err := f.Notes(); err != nil || n != want {
			t.Errorf("%s: %+v, %v, want %+v", cmd, n, err, want)
		}
		if _, _, err := f.SectionData(".debug_info"); err != nil {
			t.Errorf("%s: .debug_info: %v", cmd, err)
		}
	}
}
