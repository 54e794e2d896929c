package elffile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
)

// mappedCopy is a mapped copy of a file that the test may truncate.
func mappedCopy(t *testing.T, path string) (s Source, file string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	s = openSource(t, file)
	if _, err := s.View(0, 1); err != nil {
		t.Fatal(err)
	}
	if s.(*fileSource).state != mapDone {
		need(t, "a temporary directory that can be mapped", false)
	}
	return s, file
}

// TestTruncatedUnderMapping reads a file that is truncated after it was mapped:
// an error, not the end of the program.
func TestTruncatedUnderMapping(t *testing.T) {
	s, path := mappedCopy(t, compile(t, "object.c -shared -fPIC"))
	f, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.ReadVaddr(f.Progs()[0].Vaddr, int(f.Progs()[0].Filesz))
	if err != nil {
		t.Fatal(err)
	}
	sym, err := f.Symtab()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	copied := make([]byte, len(text))
	for what, fn := range map[string]func() error{
		"a byte":  func() error { sink += int(text[0]); return nil },
		"a copy":  func() error { copy(copied, text); return nil },
		"a sum":   func() error { sum(sym.Data); return nil },
		"a loop":  func() error { sum(sym.Strings); return nil },
		"nested":  func() error { return Guard("inner", func() error { sink += int(text[100]); return nil }) },
		"a word":  func() error { sink += int(sym.Order.Uint64(sym.Data)); return nil },
		"strings": func() error { text := string(sym.Strings); kept = &text; return nil },
	} {
		err := Guard(what, fn)
		fault, ok := errors.AsType[*FaultError](err)
		if !ok || fault.Addr == 0 || fault.What != what && what != "nested" {
			t.Errorf("%s: %v", what, err)
		}
	}
	// What does not read mapped bytes fails in its ordinary way.
	if _, err := f.Sections(); err == nil {
		if _, _, err := f.SectionData(".comment"); err != nil {
			t.Errorf("a view of the truncated file cannot be made: %v", err)
		}
	}
	fresh, err := Parse(openSource(t, path))
	if !errors.Is(err, ErrNotELF) {
		t.Errorf("the truncated file: %v, %v", fresh, err)
	}
}

var (
	sink int
	kept *string
)

func sum(b []byte) {
	for _, c := range b {
		sink += int(c)
	}
}

// TestGuard: only faults become errors, and the goroutine's setting is restored.
func TestGuard(t *testing.T) {
	want := errors.New("own error")
	if err := Guard("x", func() error { return want }); err != want {
		t.Errorf("error of fn: %v", err)
	}
	for name, fn := range map[string]func() error{
		"a value":     func() error { panic("mine") },
		"nil pointer": func() error { var p *int; *p = 1; return nil },
		"index":       func() error { var b []byte; sink += int(b[sink&1]); return nil },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("panic of %s was swallowed", name)
				}
				if debug.SetPanicOnFault(false) {
					t.Errorf("panic of %s: the setting was not restored", name)
				}
			}()
			err := Guard("x", fn)
			t.Errorf("%s: no panic, %v", name, err)
		}()
	}
	debug.SetPanicOnFault(true)
	_ = Guard("x", func() error { return nil })
	if !debug.SetPanicOnFault(false) {
		t.Error("the setting was not restored to true")
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		_ = Guard("x", func() error { runtime.Goexit(); return nil })
		t.Error("Goexit returned")
	}()
	<-done
}

// TestTruncatedWhileInflating: compressed sections and tables are read without
// the mapping, so a truncated file is an ordinary error.
func TestTruncatedWhileInflating(t *testing.T) {
	needTools(t, "gcc")
	s, path := mappedCopy(t, compile(t, "child.c object.c -g3 -gz=zlib -ldl"))
	f, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Sections(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.SectionData(".debug_macro"); err == nil {
		t.Error("no error")
	}
}
