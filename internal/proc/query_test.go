package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Both ways give the same mappings, as a list and one by one, and they are
// the kernel's.
func TestMappingsAgree(t *testing.T) {
	a := startAgent(t, "", nil)
	file := tempFile(t, "mapped", 4)
	a.addr("mmap %q 4096 8192 3 2", file)
	a.addr("mmap %q 0 4096 1 1", file)
	a.addr("stripes %q 4", file)
	a.addr("memfd name 4096")
	a.addr("anon 4096 7 2")
	p := a.open()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", a.pid()))
	if err != nil {
		t.Fatal(err)
	}
	want, err := parseMaps(text)
	if err != nil || strings.Count(string(text), "\n") != len(want) {
		t.Fatalf("%d mappings, %v in\n%s", len(want), err, text)
	}
	bothWays(t, p, func(t *testing.T) {
		got, err := p.Mappings()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("list (-want +got)\n%s", diff)
		}
		for i, m := range want {
			for _, addr := range []uint64{m.Start, m.Start + m.Size()/2, m.End - 1} {
				if got, err := p.Query(addr, WantName); err != nil || got != m {
					t.Errorf("addr %#x: %v, %v; want %v", addr, got, err, m)
				}
			}
			next, err := p.QueryNext(m.End, WantName)
			switch {
			case i+1 < len(want) && want[i+1].Name != "[vsyscall]":
				if err != nil || next != want[i+1] {
					t.Errorf("next of %#x: %v, %v; want %v", m.End, next, err, want[i+1])
				}
			case !errors.Is(err, ErrUnmapped):
				t.Errorf("next of %#x: %v, %v", m.End, next, err)
			}
		}
	})
}

func TestQueryUnmapped(t *testing.T) {
	a := startAgent(t, "", nil)
	addr := a.addr("anon 12288 3 2")
	a.do("munmap %x 4096", addr+4096)
	p := a.open()
	bothWays(t, p, func(t *testing.T) {
		for _, addr := range []uint64{0, 1, addr + 4096, addr + 8191, 1<<47 + 5, 1 << 63, 1<<64 - 1} {
			if m, err := p.Query(addr, WantName); !errors.Is(err, ErrUnmapped) {
				t.Errorf("%#x: %v, %v", addr, m, err)
			} else if want := fmt.Sprintf("process %d: addr %#x: not mapped", a.pid(), addr); err.Error() != want {
				t.Errorf("error %q, want %q", err, want)
			}
		}
		if m, err := p.QueryNext(addr+4096, 0); err != nil || m.Start != addr+8192 {
			t.Errorf("next: %v, %v", m, err)
		}
		if m, err := p.QueryNext(0, 0); err != nil || m != firstUnnamed(t, p) {
			t.Errorf("first: %v, %v", m, err)
		}
	})
}

// firstUnnamed is the first mapping as a query that wants no name gives it.
func firstUnnamed(t *testing.T, p *Process) Mapping {
	m := firstMapping(t, p)
	if !p.textOnly.Load() {
		m.Name = ""
	}
	return m
}

// One query costs one system call, however many mappings there are: the text
// is not touched.
func TestQueryReadsNoText(t *testing.T) {
	a := startAgent(t, "", nil)
	file := tempFile(t, "many", 10000)
	addr := a.addr("stripes %q 10000", file)
	p := a.open()
	last := addr + 9999*4096
	m, err := p.Query(last, WantName|WantBuildID)
	if err != nil || m.Start != last || m.Offset != 9999*4096 || m.Name != file {
		t.Fatalf("%v, %v", m, err)
	}
	if f, err := p.QueryNext(addr-1, 0); err != nil || f.Start > addr {
		t.Errorf("%v, %v", f, err)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if p.readBuf != nil {
		t.Errorf("maps was read")
	}
	ms, err := p.Mappings()
	if err != nil || len(ms) < 10000 || p.readBuf == nil {
		t.Errorf("%d mappings, %v", len(ms), err)
	}
}

// The kernel's build ID is the one that readelf finds in the file.
func TestQueryBuildID(t *testing.T) {
	readelf, err := exec.LookPath("readelf")
	need(t, "readelf", err == nil)
	const id = "0123456789abcdef0123456789abcdef01234567"
	program := buildC(t, "#include <unistd.h>\nint main(void) { write(1, \"x\", 1); pause(); }", "-Wl,--build-id=0x"+id)
	out, err := exec.Command(readelf, "-n", program).Output()
	if err != nil || !strings.Contains(string(out), "Build ID: "+id) {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	p := mustOpen(t, "", cmd.Process.Pid)
	ms, err := p.Mappings()
	if err != nil {
		t.Fatal(err)
	}
	of := 0
	for _, m := range ms {
		q, err := p.Query(m.Start, WantBuildID)
		if m.Name == "[vsyscall]" {
			continue // by text
		}
		if err != nil || q.Name != "" {
			t.Errorf("%v: %v, %v", m, q, err)
		}
		if m.Name == program {
			of++
			if got := fmt.Sprintf("%x", q.BuildID); got != id {
				t.Errorf("%v: build ID %q, want %q", m, got, id)
			}
		}
		if !m.HasFile() && m.Name != "[vdso]" && q.BuildID != "" {
			t.Errorf("%v: build ID %x", m, q.BuildID)
		}
	}
	if of < 3 {
		t.Errorf("%d mappings of %s in %v", of, program, ms)
	}
	p.UseText(true)
	if q, err := p.Query(ms[0].Start, WantBuildID|WantName); err != nil || q != ms[0] {
		t.Errorf("by text: %v, %v", q, err)
	}
}

// The page of legacy system calls is no mapping of the process and is found
// all the same, if there is one.
func TestQueryGate(t *testing.T) {
	p := startAgent(t, "", nil).open()
	ms, err := p.Mappings()
	if err != nil {
		t.Fatal(err)
	}
	gate := ms[len(ms)-1]
	need(t, "vsyscall", runtime.GOARCH != "amd64" || gate.Name == "[vsyscall]")
	const addr = 0xffffffffff600000
	bothWays(t, p, func(t *testing.T) {
		m, err := p.Query(addr+0x10, WantName)
		if runtime.GOARCH == "amd64" && (err != nil || m != gate) || runtime.GOARCH != "amd64" && !errors.Is(err, ErrUnmapped) {
			t.Errorf("%v, %v; want %v", m, err, gate)
		}
		if _, err := p.Query(addr+0x1000, WantName); !errors.Is(err, ErrUnmapped) {
			t.Errorf("behind it: %v", err)
		}
	})
}

// Where a filter of system calls stands before PROCMAP_QUERY, the text serves.
func TestQueryWithoutIoctl(t *testing.T) {
	p := startAgent(t, "", nil).open()
	want := firstMapping(t, p)
	// A descriptor without PROCMAP_QUERY: any other file's answer is ENOTTY.
	null, err := os.Open(tempFile(t, "no maps", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var b queryBuf
	if err := b.run(int(null.Fd()), 0, 0, 0); err != errNoIoctl {
		t.Fatalf("got %v, want errNoIoctl", err)
	}
	p.textOnly.Store(true)
	for _, noMem := range []bool{false, true} {
		if noMem {
			closeFD(p.memFD)
			p.memFD = -1
		}
		if m, err := p.Query(want.Start, WantName); err != nil || m != want {
			t.Errorf("%v, %v; want %v", m, err, want)
		}
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
}

func TestQueryBufMalformed(t *testing.T) {
	for _, b := range []*queryBuf{
		{q: procmapQuery{vmaStart: 2, vmaEnd: 2}},
		{q: procmapQuery{vmaStart: 2, vmaEnd: 1}},
		{q: procmapQuery{vmaEnd: 1, vmaNameSize: 4097}},
		{q: procmapQuery{vmaEnd: 1, buildIDSize: 65}},
	} {
		if m, err := b.mapping(func(b []byte) string { return string(b) }); !errors.Is(err, ErrMalformed) {
			t.Errorf("%+v: %v, %v", b.q, m, err)
		}
	}
}
