package elffile

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// linking is one way to link a program or library.
type linking struct {
	name string
	args string // gcc's
	tool string // what else is needed
}

// linkers are the ways to lay out segments that are tried for programs and
// libraries alike.
var linkers = []linking{
	{name: "bfd", args: "-fuse-ld=bfd", tool: "ld.bfd"},
	{name: "bfd noseparate-code", args: "-fuse-ld=bfd -Wl,-z,noseparate-code", tool: "ld.bfd"},
	{name: "bfd separate-code", args: "-fuse-ld=bfd -Wl,-z,separate-code", tool: "ld.bfd"},
	{name: "bfd max-page-size=2M", args: "-fuse-ld=bfd -Wl,-z,max-page-size=0x200000", tool: "ld.bfd"},
	{name: "bfd max-page-size=2M noseparate-code", args: "-fuse-ld=bfd -Wl,-z,max-page-size=0x200000 -Wl,-z,noseparate-code", tool: "ld.bfd"},
	{name: "bfd max-page-size=64K", args: "-fuse-ld=bfd -Wl,-z,max-page-size=0x10000", tool: "ld.bfd"},
	{name: "bfd full relro", args: "-fuse-ld=bfd -Wl,-z,relro,-z,now", tool: "ld.bfd"},
	{name: "bfd norelro", args: "-fuse-ld=bfd -Wl,-z,norelro", tool: "ld.bfd"},
	{name: "bfd -Ttext-segment", args: "-fuse-ld=bfd -Wl,-Ttext-segment=0x10000000", tool: "ld.bfd"},
	{name: "bfd execstack", args: "-fuse-ld=bfd -Wl,-z,execstack", tool: "ld.bfd"},
	{name: "bfd execstack noseparate-code", args: "-fuse-ld=bfd -Wl,-z,execstack -Wl,-z,noseparate-code", tool: "ld.bfd"},
	{name: "lld", args: "-fuse-ld=lld", tool: "ld.lld"},
	{name: "lld separate-code", args: "-fuse-ld=lld -Wl,-z,separate-code", tool: "ld.lld"},
	{name: "lld separate-loadable-segments", args: "-fuse-ld=lld -Wl,-z,separate-loadable-segments", tool: "ld.lld"},
	{name: "lld max-page-size=2M", args: "-fuse-ld=lld -Wl,-z,max-page-size=0x200000", tool: "ld.lld"},
	{name: "lld one segment less", args: "-fuse-ld=lld -Wl,--no-rosegment", tool: "ld.lld"},
	{name: "gold", args: "-fuse-ld=gold", tool: "ld.gold"},
	{name: "gold rosegment", args: "-fuse-ld=gold -Wl,--rosegment", tool: "ld.gold"},
	{name: "mold", args: "-fuse-ld=mold", tool: "mold"},
	{name: "mold noseparate-code", args: "-fuse-ld=mold -Wl,-z,noseparate-code", tool: "mold"},
	{name: "mold separate-loadable-segments", args: "-fuse-ld=mold -Wl,-z,separate-loadable-segments", tool: "mold"},
}

// kinds are the kinds of programs.
var kinds = []linking{
	{name: "pie", args: "-pie -fPIE"},
	{name: "no-pie", args: "-no-pie"},
	{name: "static", args: "-static -DSTATIC"},
	{name: "static-pie", args: "-static-pie -DSTATIC"},
	{name: "m32 pie", args: "-m32 -pie -fPIE"},
	{name: "m32 no-pie", args: "-m32 -no-pie"},
	{name: "m32 static", args: "-m32 -static -DSTATIC"},
}

// tally counts what the pages of many processes showed.
type tally struct {
	pages, holes, ambiguous, byFlags int
}

// TestVaddrOfProcesses compares Vaddr with where the kernel and the dynamic
// loader really put every page of every object of programs and libraries of all
// linkers at hand.
func TestVaddrOfProcesses(t *testing.T) {
	var sum tally
	for _, k := range kinds {
		for _, l := range linkers {
			if k.name == "static-pie" && (strings.HasPrefix(l.name, "gold") || strings.Contains(l.name, "-Ttext")) {
				continue // gold has no static-pie, glibc's start-up no base but 0
			}
			t.Run(k.name+"/"+l.name, func(t *testing.T) {
				needTools(t, l.tool)
				exe := compile(t, strings.Join([]string{"child.c object.c", k.args, l.args}, " "))
				p := start(t, exe)
				p.check(t, exe, &sum)
			})
		}
	}
	sum.require(t, 1000)
}

// TestVaddrOfLibraries does the same for libraries, small and large, in one
// process for each machine.
func TestVaddrOfLibraries(t *testing.T) {
	var sum tally
	for _, m := range []string{"", "-m32 "} {
		exe := compile(t, "child.c "+m+"-ldl")
		var libs []string
		for _, l := range linkers {
			needTools(t, l.tool)
			for _, src := range []string{"object.c", "tiny.c"} {
				lib := compile(t, src+" -shared -fPIC "+m+l.args)
				if l.name != "bfd execstack" { // glibc may refuse these
					libs = append(libs, lib)
				}
			}
		}
		p := start(t, exe, libs...)
		for _, lib := range libs {
			t.Run(m+lib[strings.LastIndexByte(lib, '/')+1:], func(t *testing.T) { p.check(t, lib, &sum) })
		}
	}
	sum.require(t, 1000)
	if sum.ambiguous == 0 {
		t.Error("no library is so small that two of its mappings are alike")
	}
}

// require fails if the programs did not show what they were built for.
func (s *tally) require(t *testing.T, pages int) {
	t.Helper()
	t.Logf("%d pages; %d decided by permissions, %d ambiguous, %d in holes", s.pages, s.byFlags, s.ambiguous, s.holes)
	if s.pages < pages || s.byFlags < 10 {
		t.Errorf("too few pages to prove anything: %+v", *s)
	}
}

// check compares Vaddr with the truth on every file-backed page of the object.
func (p *process) check(t *testing.T, path string, sum *tally) {
	t.Helper()
	bias, ok := p.bias[path]
	if !ok {
		t.Fatalf("%s is not loaded: %v", path, p.bias)
	}
	f := open(t, path)
	truth, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer truth.Close()
	seen := 0
	for _, r := range p.rows {
		if r.path != path {
			continue
		}
		seen++
		for addr := r.start; addr < r.end; addr += uint64(os.Getpagesize()) {
			for _, in := range []uint64{0, 0x7f3, 0xfff} {
				checkByte(t, f, truth, r, addr+in, bias, sum)
			}
		}
	}
	if seen < 2 {
		t.Errorf("%s has %d mappings", path, seen)
	}
}

// checkByte compares Vaddr with the truth for one addr.
func checkByte(t *testing.T, f *File, truth *elf.File, r row, addr, bias uint64, sum *tally) {
	t.Helper()
	m := r.mapped()
	off, want := addr-r.start+r.off, addr-bias
	if truth.Class == elf.ELFCLASS32 {
		want = uint64(uint32(want))
	}
	sum.pages++
	inSegment, sharing := owners(truth, want, off)
	got, err := f.Vaddr(off, m)
	switch {
	case !inSegment:
		sum.holes++
		if err == nil {
			t.Errorf("addr %#x (%s off %#x) is in no segment, but has vaddr %#x", addr, r.perms, off, got)
		}
		return
	case err == nil && got != want:
		t.Errorf("addr %#x (%s off %#x): vaddr %#x, want %#x", addr, r.perms, off, got, want)
	case err == nil && sharing > 1:
		sum.byFlags++
	case errors.Is(err, ErrAmbiguous) && sharing > 1 && !m.Exec:
		sum.ambiguous++
	case err != nil:
		t.Errorf("addr %#x (%s off %#x): %v (%d segments share the page)", addr, r.perms, off, err, sharing)
	}
	m.HasBias, m.Start, m.Bias = true, r.start, bias
	if got, err := f.Vaddr(off, m); err != nil || got != want {
		t.Errorf("with bias: addr %#x (%s off %#x): vaddr %#x, %v, want %#x", addr, r.perms, off, got, err, want)
	}
	if got, err := f.Vaddr(off, Mapped{Offset: m.Offset, Read: m.Read, Write: m.Write, Exec: m.Exec}); err == nil && got != want {
		t.Errorf("without size: addr %#x (%s off %#x): vaddr %#x, want %#x", addr, r.perms, off, got, want)
	}
}

// owners tells whether vaddr is in a segment's pages, and how many segments
// have other vaddrs for the page of off.
func owners(f *elf.File, vaddr, off uint64) (in bool, sharing int) {
	page := uint64(os.Getpagesize())
	var deltas []uint64
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		if vaddr >= p.Vaddr&-page && vaddr < (p.Vaddr+p.Filesz+page-1)&-page {
			in = true
		}
		if off >= p.Off&-page && off < (p.Off+p.Filesz+page-1)&-page && !slices.Contains(deltas, p.Vaddr-p.Off) {
			deltas = append(deltas, p.Vaddr-p.Off)
		}
	}
	return in, len(deltas)
}

// TestVaddrOfGo takes the truth from the kernel's AT_ENTRY, as Go programs know
// no dl_iterate_phdr.
func TestVaddrOfGo(t *testing.T) {
	var sum tally
	for _, args := range []string{"", "-buildmode=pie", "-ldflags=-s", "-ldflags=-R=0x10000", "GOARCH=386"} {
		t.Run(args, func(t *testing.T) {
			exe := goBuild(t, args)
			p := start(t, exe)
			f := open(t, exe)
			p.bias[exe] = auxv(t, p.pid, f.PtrSize(), 9) - f.Entry() // AT_ENTRY
			p.check(t, exe, &sum)
		})
	}
	t.Logf("%+v", sum)
}

// auxv returns one entry of a process's auxiliary vector.
func auxv(t testing.TB, pid, word int, tag uint64) uint64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/auxv", pid))
	if err != nil {
		t.Fatal(err)
	}
	get := func(i int) uint64 {
		if word == 4 {
			return uint64(binary.NativeEndian.Uint32(b[i:]))
		}
		return binary.NativeEndian.Uint64(b[i:])
	}
	for i := 0; i+2*word <= len(b); i += 2 * word {
		if get(i) == tag {
			return get(i + word)
		}
	}
	t.Fatalf("no auxv entry %d", tag)
	return 0
}

// TestVaddrOfHoles loads objects as musl does: the first segment's mapping
// stays in the holes.
func TestVaddrOfHoles(t *testing.T) {
	var sum tally
	for _, l := range linkers {
		t.Run(l.name, func(t *testing.T) {
			needTools(t, l.tool)
			lib := compile(t, "object.c -shared -fPIC "+l.args)
			p := start(t, compile(t, "loader.c"), lib, "0")
			p.check(t, lib, &sum)
		})
	}
	t.Logf("%+v", sum)
	if sum.holes == 0 {
		t.Error("no object has a hole")
	}
}
