package elffile

import (
	"debug/elf"
	"errors"
	"math/rand/v2"
	"testing"
)

// model is a made-up layout of segments and what a loader makes of it.
type model struct {
	page  uint64
	progs []elf.ProgHeader
	bias  uint64
	rows  []modelRow
}

// modelRow is one mapping; vaddr is that of its first byte, in holes too.
type modelRow struct {
	m    Mapped
	hole bool
}

// newModel makes a layout that a linker could write and loads it as one of the
// loaders does.
func newModel(r *rand.Rand) *model {
	m := &model{page: []uint64{4 << 10, 16 << 10, 64 << 10, 2 << 20}[r.IntN(4)]}
	flags := []elf.ProgFlag{elf.PF_R, elf.PF_R | elf.PF_X, elf.PF_R, elf.PF_R | elf.PF_W, elf.PF_R | elf.PF_W | elf.PF_X, elf.PF_X}
	vaddr := uint64(r.IntN(3)) * 16 * m.page
	var off uint64
	for range 1 + r.IntN(5) {
		p := elf.ProgHeader{Type: elf.PT_LOAD, Flags: flags[r.IntN(len(flags))], Off: off, Align: m.page}
		p.Vaddr = vaddr&^(m.page-1) + off%m.page
		p.Filesz = 1 + r.Uint64N(3*m.page)
		p.Memsz = p.Filesz
		if p.Flags&elf.PF_W != 0 {
			p.Memsz += r.Uint64N(2 * m.page)
		}
		m.progs = append(m.progs, p)
		off = p.Off + p.Filesz
		if r.IntN(2) == 0 { // -z separate-code: no shared page of the file
			off = (off + m.page - 1) &^ (m.page - 1)
		}
		vaddr = (p.Vaddr + p.Memsz + m.page - 1) &^ (m.page - 1)
		if r.IntN(3) == 0 {
			vaddr += m.page * uint64(r.IntN(6))
		}
		if r.IntN(3) == 0 && vaddr < off { // offsets and vaddrs alike
			vaddr = off &^ (m.page - 1)
		}
	}
	m.bias = uint64(1+r.IntN(1000)) << 22
	m.load(r)
	return m
}

// load maps the segments.
func (m *model) load(r *rand.Rand) {
	style := r.IntN(3) // 0: kernel, 1: glibc, 2: musl
	first := m.progs[0]
	for i, p := range m.progs {
		own := rounded(p.Vaddr, p.Filesz, m.page)
		if i > 0 && style > 0 {
			prev := rounded(m.progs[i-1].Vaddr, m.progs[i-1].Memsz, m.page)
			if prev.end < own.start {
				fl := first.Flags
				if style == 1 {
					fl = 0
				}
				m.add(prev.end, own.start, first.Off-first.Vaddr, fl, true)
			}
		}
		delta := p.Off - p.Vaddr
		if p.Flags&elf.PF_W != 0 && r.IntN(2) == 0 {
			size := r.Uint64N(p.Memsz + 1)
			m.progs = append(m.progs, elf.ProgHeader{Type: elf.PT_GNU_RELRO, Flags: elf.PF_R, Off: p.Off, Vaddr: p.Vaddr, Filesz: min(size, p.Filesz), Memsz: size})
			if end := min((p.Vaddr+size)&^(m.page-1), own.end); end > own.start {
				m.add(own.start, end, delta, p.Flags&^elf.PF_W, false)
				own.start = end
			}
		}
		if own.start < own.end {
			m.add(own.start, own.end, delta, p.Flags, false)
		}
	}
	if r.IntN(2) == 0 {
		m.merge()
	}
}

// add maps the vaddrs from start to end; delta is offset - vaddr.
func (m *model) add(start, end, delta uint64, fl elf.ProgFlag, hole bool) {
	m.rows = append(m.rows, modelRow{Mapped{
		Offset: start + delta, Size: end - start, Start: start + m.bias, PageSize: m.page,
		Read: fl&elf.PF_R != 0, Write: fl&elf.PF_W != 0, Exec: fl&elf.PF_X != 0,
	}, hole})
}

// merge joins mappings that continue each other, as the kernel does.
func (m *model) merge() {
	var out []modelRow
	for _, r := range m.rows {
		if n := len(out); n > 0 {
			l := &out[n-1].m
			if l.Start+l.Size == r.m.Start && l.Offset+l.Size == r.m.Offset && l.flags() == r.m.flags() {
				l.Size += r.m.Size
				continue
			}
		}
		out = append(out, r)
	}
	m.rows = out
}

// truth returns the vaddr of addr, false in holes.
func (m *model) truth(addr uint64) (vaddr uint64, ok bool) {
	vaddr = addr - m.bias
	for _, p := range m.progs {
		if p.Type == elf.PT_LOAD && rounded(p.Vaddr, p.Filesz, m.page).has(vaddr) {
			return vaddr, true
		}
	}
	return 0, false
}

// modelCount counts answers.
type modelCount struct{ answered, ambiguous, holes int }

// check asks for every page and fails on any wrong answer.
func (m *model) check(t *testing.T, n *modelCount) {
	f := &File{progs: m.progs}
	for _, r := range m.rows {
		for in := uint64(0); in < r.m.Size; in += m.page {
			off, addr := r.m.Offset+in+m.page/3, r.m.Start+in+m.page/3
			want, mapped := m.truth(addr)
			got, err := f.Vaddr(off, r.m)
			switch {
			case err == nil && (!mapped || got != want):
				t.Fatalf("page %#x, off %#x of %+v: vaddr %#x, want %#x, %v\n%+v\n%+v", m.page, off, r, got, want, mapped, m.progs, m.rows)
			case err == nil:
				n.answered++
			case mapped && errors.Is(err, ErrAmbiguous):
				n.ambiguous++
			case mapped:
				t.Fatalf("page %#x, off %#x of %+v: %v, want %#x\n%+v\n%+v", m.page, off, r, err, want, m.progs, m.rows)
			default:
				n.holes++
			}
			known := r.m
			known.HasBias, known.Bias = true, m.bias
			if got, err := f.Vaddr(off, known); mapped != (err == nil) || mapped && got != want {
				t.Fatalf("with bias: off %#x of %+v: vaddr %#x, %v, want %#x, %v\n%+v", off, r, got, err, want, mapped, m.progs)
			}
			unsized := r.m
			unsized.Size = 0
			if got, err := f.Vaddr(off, unsized); err == nil && (!mapped || got != want) {
				t.Fatalf("without size: off %#x of %+v: vaddr %#x, want %#x, %v\n%+v", off, r, got, want, mapped, m.progs)
			}
		}
	}
}

// TestVaddrOfModels loads thousands of made-up layouts with all page sizes in
// the manners of the kernel, glibc and musl: no answer may be wrong.
func TestVaddrOfModels(t *testing.T) {
	var n modelCount
	for seed := range uint64(20000) {
		newModel(rand.New(rand.NewPCG(seed, 1))).check(t, &n)
	}
	t.Logf("%+v", n)
	if n.answered < 10*n.ambiguous || n.holes == 0 || n.ambiguous == 0 {
		t.Errorf("too few answers: %+v", n)
	}
}

// FuzzVaddrModel is TestVaddrOfModels without an end.
func FuzzVaddrModel(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		var n modelCount
		newModel(rand.New(rand.NewPCG(a, b))).check(t, &n)
	})
}
