package proc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// words writes pairs as the kernel does.
func words(order binary.AppendByteOrder, size int, pairs ...uint64) (b []byte) {
	for _, w := range pairs {
		if size == 4 {
			b = order.AppendUint32(b, uint32(w))
		} else {
			b = order.AppendUint64(b, w)
		}
	}
	return b
}

func TestParseAuxv(t *testing.T) {
	want := Auxv{{AuxSysinfoEHDR, 0xf7fc0000}, {AuxPhdr, 0x400040}, {AuxBase, 0}, {AuxEntry, 0x401000}}
	pairs := []uint64{AuxSysinfoEHDR, 0xf7fc0000, AuxPhdr, 0x400040, AuxBase, 0, AuxEntry, 0x401000, 0, 0}
	for _, order := range []interface {
		binary.ByteOrder
		binary.AppendByteOrder
	}{binary.LittleEndian, binary.BigEndian} {
		for _, size := range []int{4, 8} {
			got, err := parseAuxv(append(words(order, size, pairs...), 1, 2, 3), order)
			if err != nil {
				t.Errorf("%v, %d bytes: %v", order, size, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%v, %d bytes: (-want +got)\n%s", order, size, diff)
			}
		}
	}
	if _, err := parseAuxv([]byte("not a vector, not at all........"), binary.LittleEndian); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v, want ErrMalformed", err)
	}
	if v, ok := want.Get(AuxBase); v != 0 || !ok {
		t.Errorf("AT_BASE = %v, %v", v, ok)
	}
	if _, ok := want.Get(AuxPhnum); ok {
		t.Errorf("AT_PHNUM is there")
	}
}

// The vector leads to the program headers and to the vDSO in memory.
func TestAuxv(t *testing.T) {
	p := startAgent(t, "", nil).open()
	auxv, err := p.Auxv()
	if err != nil {
		t.Fatal(err)
	}
	phdr, ok := auxv.Get(AuxPhdr)
	if !ok {
		t.Fatalf("no AT_PHDR in %v", auxv)
	}
	if size, _ := auxv.Get(AuxPageSize); size != uint64(os.Getpagesize()) {
		t.Errorf("AT_PAGESZ = %d", size)
	}
	m, err := p.Query(phdr, WantName)
	if err != nil || !strings.Contains(m.Name, "proc.test") {
		t.Errorf("AT_PHDR is in %v, %v", m, err)
	}
	ehdr, ok := auxv.Get(AuxSysinfoEHDR)
	if !ok {
		t.Fatalf("no AT_SYSINFO_EHDR in %v", auxv)
	}
	var magic [4]byte
	if _, err := p.ReadMemory(magic[:], ehdr); err != nil || string(magic[:]) != "\x7fELF" {
		t.Errorf("at AT_SYSINFO_EHDR: %q, %v", magic, err)
	}
	if m, err := p.Query(ehdr, WantName); err != nil || m.Name != "[vdso]" || m.HasFile() {
		t.Errorf("AT_SYSINFO_EHDR is in %v, %v", m, err)
	}
}

// A 32-bit program on a 64-bit kernel.
func TestAuxv32(t *testing.T) {
	need(t, "amd64", runtime.GOARCH == "amd64")
	dir := openDir(t)
	source := filepath.Join(dir, "main.go")
	program := strings.Replace(goProgram, "BODY", "println(\"ready\"); os.Stdin.Read(make([]byte, 1))", 1)
	if err := os.WriteFile(source, []byte(program), 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "p32"), source)
	build.Env = append(os.Environ(), "GOARCH=386", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(filepath.Join(dir, "p32"))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	ready, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); cmd.Wait() }()
	if _, err := ready.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	p := mustOpen(t, "", cmd.Process.Pid)
	auxv, err := p.Auxv()
	if err != nil {
		t.Fatal(err)
	}
	phdr, _ := auxv.Get(AuxPhdr)
	var head [4]byte
	if _, err := p.ReadMemory(head[:], phdr&^0xfff); err != nil || string(head[:]) != "\x7fELF" {
		t.Errorf("%v: at the page of AT_PHDR: %q, %v", auxv, head, err)
	}
}

const goProgram = `package main

import "os"

func main() { BODY }

var _ = os.Args
`

func FuzzParseAuxv(f *testing.F) {
	own, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add(words(binary.NativeEndian, 4, AuxPhdr, 0x8048034, AuxEntry, 1, 0, 0))
	f.Add(bytes.Repeat([]byte{1, 0, 0, 0}, 100))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseAuxv(b, binary.NativeEndian)
		if err != nil {
			return
		}
		if len(a) > len(b)/8 {
			t.Fatalf("%d pairs from %d bytes", len(a), len(b))
		}
		for _, pair := range a {
			if pair.Tag == 0 || pair.Tag > maxAuxTag {
				t.Fatalf("tag %#x", pair.Tag)
			}
		}
	})
}
