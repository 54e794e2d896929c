package pclntab_test

import (
	"bufio"
	"debug/elf"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	_ "unsafe" // for linkname

	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/pclntab"
)

//go:linkname expandInline runtime/pprof.runtime_expandFinalInlineFrame
func expandInline(stk []uintptr) []uintptr

// TestSelf compares the test program itself, file and memory image, with its
// own runtime, at every pc: more code than the fixture has, and by paths that
// were not trimmed.
func TestSelf(t *testing.T) {
	file := openELF(t, "/proc/self/exe")
	tab := open(t, file)
	image := open(t, memoryOf(t, os.Getpid(), "/proc/self/exe"))
	bias := uint64(reflect.ValueOf(openELF).Pointer()) - entryOf(t, tab, "openELF")
	c := newComparer(tab, nativeRelease())
	lo, hi := tab.Bounds()
	var mem []frame.Frame
	for v := lo; v < hi && c.failed < 10; v += uint64(quantumOf(runtime.GOARCH)) * raceStride {
		r, ok := ownTruth(uintptr(v + bias))
		if !ok {
			continue
		}
		err := c.at(v, r)
		mem, _ = image.AppendFrames(mem[:0], v)
		if err == nil && !reflect.DeepEqual(mem, c.frames) && len(mem)+len(c.frames) > 0 {
			err = fmt.Errorf("%+v in memory, %+v in the file", mem, c.frames)
		}
		if err != nil {
			c.failed++
			t.Errorf("%#x: %v", v, err)
		}
	}
	if min(c.known, c.inlined, c.unknown) == 0 {
		t.Errorf("%d known, %d inlined, %d unknown", c.known, c.inlined, c.unknown)
	}
}

func entryOf(t testing.TB, tab *pclntab.Table, suffix string) uint64 {
	t.Helper()
	for f := range tab.Functions() {
		if strings.HasSuffix(f.Name, "."+suffix) {
			return f.Entry
		}
	}
	t.Fatalf("no function %s", suffix)
	return 0
}

// ownTruth asks this program's runtime. It has no answer for the last byte of
// a function that the next one follows at once.
func ownTruth(pc uintptr) (truthRun, bool) {
	f, next := runtime.FuncForPC(pc), runtime.FuncForPC(pc+1)
	if f == nil || next == nil || f.Entry() != next.Entry() {
		return truthRun{}, false
	}
	var r truthRun
	it := runtime.CallersFrames(expandInline([]uintptr{pc + 1}))
	for more := true; more; {
		var fr runtime.Frame
		if fr, more = it.Next(); fr.PC != 0 {
			r.frames = append(r.frames, truthFrame{fr.Function, fr.File, fr.Line})
		}
	}
	return r, len(r.frames) > 0
}

// memImage is a program in a process's memory: without section headers, its
// pointers relocated.
type memImage struct {
	*elfImage
	mem  *os.File
	bias uint64
}

func memoryOf(t testing.TB, pid int, path string) *memImage {
	t.Helper()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mem.Close() })
	img := openELF(t, path)
	img.noSections = true
	first, err := firstPage(path)
	if err != nil {
		t.Fatal(err)
	}
	return &memImage{img, mem, firstMapping(t, pid) - first}
}

// firstMapping is where the program's file is mapped first.
func firstMapping(t testing.TB, pid int) uint64 {
	t.Helper()
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		t.Fatal(err)
	}
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	for sc := bufio.NewScanner(maps); sc.Scan(); {
		if strings.HasSuffix(sc.Text(), exe) {
			addr, _, _ := strings.Cut(sc.Text(), "-")
			v, err := strconv.ParseUint(addr, 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("%s is not mapped", exe)
	return 0
}

func (m *memImage) Bias() uint64 { return m.bias }

func (m *memImage) ReadVaddr(vaddr uint64, n int) ([]byte, error) {
	for _, p := range m.f.Progs {
		if p.Type == elf.PT_LOAD && vaddr >= p.Vaddr && vaddr-p.Vaddr < p.Memsz && uint64(n) <= p.Memsz-(vaddr-p.Vaddr) {
			b := make([]byte, n)
			_, err := m.mem.ReadAt(b, int64(vaddr+m.bias))
			return b, err
		}
	}
	return nil, fmt.Errorf("vaddr %#x+%#x is in no segment", vaddr, n)
}
