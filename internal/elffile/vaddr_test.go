package elffile

import (
	"debug/elf"
	"errors"
	"testing"
)

// perms sets m's permissions from what maps prints.
func perms(m Mapped, s string) Mapped {
	m.Read, m.Write, m.Exec = s[0] == 'r', s[1] == 'w', s[2] == 'x'
	return m
}

const rwx = elf.PF_R | elf.PF_W | elf.PF_X

// TestVaddrPermissions asks for one page that text and data share, and one that
// only text has, through mappings of all permissions.
func TestVaddrPermissions(t *testing.T) {
	f := &File{progs: []elf.ProgHeader{
		{Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_X, Off: 0, Vaddr: 0x400000, Filesz: 0x1800, Memsz: 0x1800},
		{Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_W, Off: 0x1800, Vaddr: 0x602800, Filesz: 0x400, Memsz: 0x9000},
		{Type: elf.PT_GNU_RELRO, Flags: elf.PF_R, Off: 0x1800, Vaddr: 0x602800, Filesz: 0x400, Memsz: 0x800},
	}}
	for _, c := range []struct {
		off    uint64
		offset uint64
		size   uint64
		perms  string
		want   uint64 // 0: no vaddr
		err    error
	}{
		{0x1900, 0, 0x2000, "r-x", 0x401900, nil},              // as loaded
		{0x1900, 0x1000, 0x1000, "r-x", 0x401900, nil},         // a split mapping
		{0x1900, 0x1000, 0x1000, "rw-", 0x602900, nil},         // data
		{0x1900, 0x1000, 0x1000, "r--", 0x602900, nil},         // RELRO
		{0x1900, 0x1000, 0x1000, "---", 0, ErrNoVaddr},         // a hole, or protected
		{0x1900, 0x1000, 0x1000, "--x", 0, ErrNoVaddr},         // neither
		{0x1900, 0x1000, 0x1000, "rwx", 0, ErrAmbiguous},       // either, patched
		{0x100, 0, 0x2000, "rwx", 0x400100, nil},               // text, patched
		{0x100, 0, 0x1000, "r--", 0, ErrNoVaddr},               // mapped as data
		{0x1900, 0, 0x4000, "r-x", 0, ErrNoVaddr},              // reaches into the hole
		{0x1900, 0x1000, 0x2000, "rw-", 0, ErrNoVaddr},         // longer than the segment
		{0x2000, 0x2000, 0x1000, "rw-", 0, ErrNoVaddr},         // memsz, but not filesz
		{0x1900, 0x2000, 0x1000, "r-x", 0, ErrNoVaddr},         // before the mapping
		{0x3000, 0x2000, 0x1000, "r-x", 0, ErrNoVaddr},         // behind the mapping
		{0x1900, 0x1000, ^uint64(0xfff), "r-x", 0, ErrNoVaddr}, // overflows
		{0x1900, 0x1001, 0x1000, "r-x", 0, ErrNoVaddr},         // no page
		{0x1900, 0, 0, "r-x", 0x401900, nil},                   // unknown length
		{0x1900, 0, 0, "r--", 0x602900, nil},                   // likewise, RELRO
	} {
		m := perms(Mapped{Offset: c.offset, Size: c.size, PageSize: 4096}, c.perms)
		got, err := f.Vaddr(c.off, m)
		if got != c.want || !errors.Is(err, c.err) || c.err == nil && err != nil {
			t.Errorf("off %#x, %s %#x+%#x: %#x, %v; want %#x, %v", c.off, c.perms, c.offset, c.size, got, err, c.want, c.err)
		}
	}
	// The bias decides what permissions cannot.
	m := perms(Mapped{Offset: 0x1000, Size: 0x1000, PageSize: 4096, HasBias: true, Start: 0x7f0000602000, Bias: 0x7f0000000000}, "rwx")
	if v, err := f.Vaddr(0x1900, m); v != 0x602900 || err != nil {
		t.Errorf("data by bias: %#x, %v", v, err)
	}
	m.Start = 0x7f0000401000
	if v, err := f.Vaddr(0x1900, m); v != 0x401900 || err != nil {
		t.Errorf("text by bias: %#x, %v", v, err)
	}
	m.Start = 0x7f0000501000
	if v, err := f.Vaddr(0x1900, m); !errors.Is(err, ErrNoVaddr) {
		t.Errorf("other load: %#x, %v", v, err)
	}
}

// TestVaddrPageSize: a mapping made by a kernel of larger pages holds more of
// its neighbours.
func TestVaddrPageSize(t *testing.T) {
	f := &File{progs: []elf.ProgHeader{
		{Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_X, Off: 0, Vaddr: 0, Filesz: 0x11000, Memsz: 0x11000},
		{Type: elf.PT_LOAD, Flags: elf.PF_R | elf.PF_W, Off: 0x1f000, Vaddr: 0x3f000, Filesz: 0x1000, Memsz: 0x1000},
	}}
	m := perms(Mapped{Offset: 0x10000, Size: 0x10000, PageSize: 64 << 10}, "rw-")
	if v, err := f.Vaddr(0x10123, m); v != 0x30123 || err != nil {
		t.Errorf("64 KiB: %#x, %v", v, err)
	}
	m.PageSize = 4 << 10
	if v, err := f.Vaddr(0x10123, m); !errors.Is(err, ErrNoVaddr) {
		t.Errorf("4 KiB: %#x, %v", v, err)
	}
	for _, page := range []uint64{1, 0x800, 0x3000, 4 << 20} {
		m.PageSize = page
		if v, err := f.Vaddr(0x10123, m); !errors.Is(err, ErrNoVaddr) {
			t.Errorf("page of %#x: %#x, %v", page, v, err)
		}
	}
	// A segment that no kernel of this page size can map is no candidate.
	f.progs[0].Vaddr = 0x1000
	m = perms(Mapped{Size: 0x20000, PageSize: 64 << 10}, "r-x")
	if v, err := f.Vaddr(0x123, m); !errors.Is(err, ErrNoVaddr) {
		t.Errorf("not congruent: %#x, %v", v, err)
	}
}

// FuzzVaddr asks hostile program headers for anything: a vaddr lies within the
// pages of a PT_LOAD segment that has off in its file pages.
func FuzzVaddr(f *testing.F) {
	f.Add(uint64(0), uint64(0x400000), uint64(0x1800), uint64(0x1800), byte(5), uint64(0x1800), uint64(0x602800), uint64(0x400), uint64(0x9000), byte(6), uint64(0x1900), uint64(0x1000), uint64(0x1000), byte(4))
	f.Add(^uint64(0)-4095, ^uint64(0)-4095, uint64(100), uint64(100), byte(5), uint64(0), uint64(0), uint64(1), uint64(1), byte(4), ^uint64(0)-4000, ^uint64(0)-4095, uint64(0), byte(5))
	f.Fuzz(func(t *testing.T, o1, v1, f1, m1 uint64, fl1 byte, o2, v2, f2, m2 uint64, fl2 byte, off, offset, size uint64, p byte) {
		progs := []elf.ProgHeader{
			{Type: elf.PT_LOAD, Flags: elf.ProgFlag(fl1) & rwx, Off: o1, Vaddr: v1, Filesz: f1, Memsz: m1},
			{Type: elf.PT_LOAD, Flags: elf.ProgFlag(fl2) & rwx, Off: o2, Vaddr: v2, Filesz: f2, Memsz: m2},
			{Type: elf.PT_GNU_RELRO, Off: o2, Vaddr: v2, Filesz: f1, Memsz: m1},
		}
		if checkProgs(progs, 0) != nil {
			return
		}
		m := Mapped{Offset: offset, Size: size, PageSize: 4096, Read: p&4 != 0, Write: p&2 != 0, Exec: p&1 != 0}
		v, err := (&File{progs: progs}).Vaddr(off, m)
		if err != nil {
			if v != 0 {
				t.Errorf("vaddr %#x with %v", v, err)
			}
			return
		}
		for _, s := range progs[:2] {
			if rounded(s.Vaddr, s.Filesz, 4096).has(v) && rounded(s.Off, s.Filesz, 4096).has(off) && v-s.Vaddr == off-s.Off {
				return
			}
		}
		t.Errorf("vaddr %#x of off %#x is in no segment", v, off)
	})
}
