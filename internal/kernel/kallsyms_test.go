package kernel

import (
	"errors"
	"os"
	"strings"
	"testing"
)

const table = `ffffffff81000000 T _stext
ffffffff81000000 T startup_64
ffffffff81000100 t local_one
ffffffff81000100 T global_one
ffffffff81000140 D data_item
ffffffff81000200 t last
ffffffff81000300 T _etext
ffffffff81000400 R rodata
ffffffff82000000 T far_away
0000000000000000 A fixed
ffffffffc0000000 t mod_first	[ext5]
ffffffffc0000020 t mod_last	[ext5]
ffffffffc0800000 t bpf_prog_4711_x	[bpf]
ffffffffc0800040 t bpf_end	[bpf]
not a line
zz T bad
`

func TestLookup(t *testing.T) {
	k, err := Read(strings.NewReader(table))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[uint64]Symbol{
		0xffffffff80ffffff: {},
		0xffffffff81000000: {0xffffffff81000000, "startup_64", ""},
		0xffffffff8100010f: {0xffffffff81000100, "global_one", ""},
		0xffffffff81000140: {}, // data
		0xffffffff81000250: {0xffffffff81000200, "last", ""},
		0xffffffff81000300: {}, // behind the code
		0xffffffff81000450: {},
		0xffffffff82000010: {0xffffffff82000000, "far_away", ""},
		0xffffffff8200ffff: {0xffffffff82000000, "far_away", ""},
		0xffffffff82010000: {}, // nothing says how long it is
		0xffffffffc0000010: {0xffffffffc0000000, "mod_first", "ext5"},
		0xffffffffc0000030: {0xffffffffc0000020, "mod_last", "ext5"},
		0xffffffffc0700000: {},
		0xffffffffc0800001: {0xffffffffc0800000, "bpf_prog_4711_x", "bpf"},
		0xffffffffc0800041: {}, // the last symbol ends nowhere
		0xffffffffffffffff: {},
	} {
		if got, ok := k.Lookup(addr); got != want || ok != (want.Name != "") {
			t.Errorf("%#x: %+v, %v, want %+v", addr, got, ok, want)
		}
	}
}

func TestHidden(t *testing.T) {
	if _, err := Read(strings.NewReader("0000000000000000 T one\n0000000000000000 T two\n")); !errors.Is(err, ErrHidden) {
		t.Error(err)
	}
}

// TestRunning: every function of the running kernel is found at its own
// address, under one of the names that the kernel has for it.
func TestRunning(t *testing.T) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	k, err := Read(f)
	if errors.Is(err, ErrHidden) {
		t.Log("hidden from this user")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, r := range k.rows {
		if !r.function {
			continue
		}
		if s, ok := k.Lookup(r.addr); ok {
			found++
			if s.Addr != r.addr {
				t.Fatalf("%s at %#x: %+v", k.name(r), r.addr, s)
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d functions of %d symbols", found, k.Len())
	}
}

func FuzzRead(f *testing.F) {
	f.Add(table)
	f.Add("ffffffff81000000 T x\t[m]\n")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := Read(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, r := range k.rows {
			k.Lookup(r.addr)
			k.Lookup(r.addr + 1)
		}
	})
}
