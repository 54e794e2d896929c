package symtab

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"
)

// sym is a symbol for table.
type sym struct {
	name        string
	value, size uint64
	info        byte
	shndx       uint16
}

const (
	globalFunc = byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_FUNC)
	localFunc  = byte(elf.STB_LOCAL)<<4 | byte(elf.STT_FUNC)
	weakFunc   = byte(elf.STB_WEAK)<<4 | byte(elf.STT_FUNC)
	globalMark = byte(elf.STB_GLOBAL)<<4 | byte(elf.STT_NOTYPE)
)

// text is a file of two sections: .text at 0x1000 and .data behind it.
var text = []elf.SectionHeader{
	{},
	{Name: ".text", Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Addr: 0x1000, Size: 0x1000},
	{Name: ".data", Flags: elf.SHF_ALLOC | elf.SHF_WRITE, Addr: 0x2000, Size: 0x1000},
}

// table encodes syms.
func table(is64 bool, order binary.AppendByteOrder, syms ...sym) Input {
	in := Input{Is64: is64, Order: order.(binary.ByteOrder), Strings: []byte{0}, Sections: text}
	for _, s := range syms {
		name := uint32(len(in.Strings))
		in.Strings = append(append(in.Strings, s.name...), 0)
		in.Data = order.AppendUint32(in.Data, name)
		if is64 {
			in.Data = append(in.Data, s.info, 0)
			in.Data = order.AppendUint16(in.Data, s.shndx)
			in.Data = order.AppendUint64(order.AppendUint64(in.Data, s.value), s.size)
			continue
		}
		in.Data = order.AppendUint32(order.AppendUint32(in.Data, uint32(s.value)), uint32(s.size))
		in.Data = append(in.Data, s.info, 0)
		in.Data = order.AppendUint16(in.Data, s.shndx)
	}
	return in
}

// lookup asks both ways and fails where they differ.
func lookup(t *testing.T, in Input, vaddr uint64) string {
	t.Helper()
	tab, err := New(in)
	if err != nil {
		t.Fatal(err)
	}
	scanned, ok := tab.Lookup(vaddr)
	tab.indexed()
	found, okIndex := tab.Lookup(vaddr)
	if scanned != found || ok != okIndex {
		t.Errorf("%#x: %+v %v by walking, %+v %v by index", vaddr, scanned, ok, found, okIndex)
	}
	return found.Name
}

func TestLookupRules(t *testing.T) {
	tests := []struct {
		rule  string
		vaddr uint64
		want  string
		syms  []sym
	}{
		{"half open", 0x1010, "b", []sym{{"a", 0x1000, 0x10, globalFunc, 1}, {"b", 0x1010, 0x10, globalFunc, 1}}},
		{"gap", 0x1010, "", []sym{{"a", 0x1000, 0x10, globalFunc, 1}, {"b", 0x1011, 0x10, globalFunc, 1}}},
		{"innermost", 0x1004, "in", []sym{{"out", 0x1000, 0x10, globalFunc, 1}, {"in", 0x1004, 4, localFunc, 1}}},
		{"behind the innermost", 0x1008, "out", []sym{{"out", 0x1000, 0x10, globalFunc, 1}, {"in", 0x1004, 4, localFunc, 1}}},
		{"overlap, smaller", 0x1008, "b", []sym{{"a", 0x1000, 0x10, globalFunc, 1}, {"b", 0x1008, 0xc, globalFunc, 1}}},
		{"overlap, later", 0x1008, "b", []sym{{"a", 0x1000, 0x10, globalFunc, 1}, {"b", 0x1004, 0x10, globalFunc, 1}}},
		{"global before weak before local", 0x1000, "zzz", []sym{{"a", 0x1000, 1, localFunc, 1}, {"b", 0x1000, 1, weakFunc, 1}, {"zzz", 0x1000, 1, globalFunc, 1}}},
		{"weak before local", 0x1000, "bbb", []sym{{"a", 0x1000, 1, localFunc, 1}, {"bbb", 0x1000, 1, weakFunc, 1}}},
		{"shortest", 0x1000, "zz", []sym{{"aaa", 0x1000, 1, globalFunc, 1}, {"zz", 0x1000, 1, globalFunc, 1}}},
		{"by bytes", 0x1000, "aa", []sym{{"ab", 0x1000, 1, globalFunc, 1}, {"aa", 0x1000, 1, globalFunc, 1}}},
		{"size before label", 0x1004, "out", []sym{{"out", 0x1000, 0x10, localFunc, 1}, {"label", 0x1004, 0, globalMark, 1}}},
		{"size 1 before label", 0x1004, "one", []sym{{"label", 0x1004, 0, globalFunc, 1}, {"one", 0x1004, 1, localFunc, 1}}},
		{"label", 0x1004, "label", []sym{{"label", 0x1004, 0, globalMark, 1}}},
		{"behind a label", 0x1005, "", []sym{{"label", 0x1004, 0, globalMark, 1}}},
		{"label at the section's end", 0x2000, "", []sym{{"etext", 0x2000, 0, globalMark, 1}}},
		{"clipped", 0x2000, "", []sym{{"a", 0x1000, 0x2000, globalFunc, 1}}},
		{"clipped to its end", 0x1fff, "a", []sym{{"a", 0x1000, math.MaxUint64, globalFunc, 1}}},
		{"outside of its section", 0x2000, "", []sym{{"a", 0x2000, 0x10, globalFunc, 1}}},
		{"not executable", 0x2000, "", []sym{{"a", 0x2000, 0x10, globalFunc, 2}}},
		{"object", 0x1000, "", []sym{{"a", 0x1000, 0x10, byte(elf.STT_OBJECT), 1}}},
		{"section, file, TLS, common", 0x1000, "", []sym{{"a", 0x1000, 8, byte(elf.STT_SECTION), 1}, {"b", 0x1000, 8, byte(elf.STT_FILE), 1},
			{"c", 0x1000, 8, byte(elf.STT_TLS), 1}, {"d", 0x1000, 8, byte(elf.STT_COMMON), 1}}},
		{"undefined, absolute, common", 0x1000, "", []sym{{"a", 0x1000, 8, globalFunc, 0}, {"b", 0x1000, 8, globalFunc, uint16(elf.SHN_ABS)},
			{"c", 0x1000, 8, globalFunc, uint16(elf.SHN_COMMON)}, {"d", 0x1000, 8, globalFunc, uint16(elf.SHN_XINDEX)}}},
		{"no such section", 0x1000, "", []sym{{"a", 0x1000, 8, globalFunc, 3}}},
		{"no name", 0x1000, "", []sym{{"", 0x1000, 8, globalFunc, 1}}},
		{"alias with a name", 0x1000, "a", []sym{{"", 0x1000, 8, globalFunc, 1}, {"a", 0x1000, 8, localFunc, 1}}},
		{"version", 0x1000, "a", []sym{{"a@@V_1", 0x1000, 8, globalFunc, 1}}},
	}
	for _, tt := range tests {
		for _, is64 := range []bool{true, false} {
			for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
				syms := append([]sym{{}}, tt.syms...)
				if got := lookup(t, table(is64, order, syms...), tt.vaddr); got != tt.want {
					t.Errorf("%s (64 %v, %v): %q, want %q", tt.rule, is64, order, got, tt.want)
				}
			}
		}
	}
}

func TestLookupWithoutSections(t *testing.T) {
	in := table(true, binary.LittleEndian,
		sym{"f", 0x1000, 0x10, globalFunc, 1}, sym{"mark", 0x2000, 0x10, globalMark, 1},
		sym{"sizeless", 0x3000, 0, globalFunc, 1}, sym{"last", math.MaxUint64 - 8, 0x100, globalFunc, 1},
		sym{"very last", math.MaxUint64, 0, globalFunc, 1})
	in.Sections = nil
	for vaddr, want := range map[uint64]string{
		0x1000: "f", 0x100f: "f", 0x1010: "", 0x2000: "", 0x3000: "sizeless", 0x3001: "",
		math.MaxUint64 - 1: "last", math.MaxUint64: "", 0: "", 0xf7: "",
	} {
		if got := lookup(t, in, vaddr); got != want {
			t.Errorf("%#x: %q, want %q", vaddr, got, want)
		}
	}
	in.Bias = 0x800
	for vaddr, want := range map[uint64]string{0x800: "f", 0x80f: "f", 0x1000: "", 0x2800: "sizeless"} {
		if got := lookup(t, in, vaddr); got != want {
			t.Errorf("bias: %#x: %q, want %q", vaddr, got, want)
		}
	}
}

func TestLookupMachines(t *testing.T) {
	mark := func(name string) sym { return sym{name, 0x1000, 0, byte(elf.STT_NOTYPE), 1} }
	tests := []struct {
		machine elf.Machine
		name    string
		want    string
	}{
		{elf.EM_ARM, "$a", ""}, {elf.EM_ARM, "$t.1", ""}, {elf.EM_ARM, "$d", ""},
		{elf.EM_AARCH64, "$x", ""}, {elf.EM_AARCH64, "$d.23", ""}, {elf.EM_AARCH64, "$xyz", "$xyz"},
		{elf.EM_RISCV, "$x", ""}, {elf.EM_RISCV, "$xrv64i2p1_m2p0", ""}, {elf.EM_RISCV, "$d", ""}, {elf.EM_RISCV, ".L0 ", ""},
		{elf.EM_X86_64, "$a", "$a"}, {elf.EM_X86_64, ".L12", ""},
	}
	for _, tt := range tests {
		in := table(true, binary.LittleEndian, mark(tt.name))
		in.Machine = tt.machine
		if got := lookup(t, in, 0x1000); got != tt.want {
			t.Errorf("%v %s: %q, want %q", tt.machine, tt.name, got, tt.want)
		}
	}
	in := table(false, binary.LittleEndian, sym{"thumb", 0x1101, 4, globalFunc, 1})
	in.Machine = elf.EM_ARM
	for vaddr, want := range map[uint64]string{0x10ff: "", 0x1100: "thumb", 0x1103: "thumb", 0x1104: ""} {
		if got := lookup(t, in, vaddr); got != want {
			t.Errorf("%#x: %q, want %q", vaddr, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	good := table(true, binary.LittleEndian, sym{"a", 0x1000, 1, globalFunc, 1})
	odd, noOrder := good, good
	odd.Data = odd.Data[:23]
	noOrder.Order = nil
	for _, in := range []Input{odd, noOrder} {
		if _, err := New(in); !errors.Is(err, ErrMalformed) {
			t.Errorf("error %v", err)
		}
	}
	if tab, err := New(Input{Order: binary.LittleEndian}); err != nil {
		t.Error(err)
	} else if s, ok := tab.Lookup(0); ok {
		t.Errorf("an empty table answers %+v", s)
	}
}

// TestLookupUnterminated: names that run out of the string table, start
// behind it or are too long give no answer.
func TestLookupUnterminated(t *testing.T) {
	in := table(true, binary.LittleEndian, sym{"abcdef", 0x1000, 8, globalFunc, 1})
	in.Strings = in.Strings[:4]
	if got := lookup(t, in, 0x1000); got != "" {
		t.Errorf("unterminated: %q", got)
	}
	in.Strings = nil
	if got := lookup(t, in, 0x1000); got != "" {
		t.Errorf("no strings: %q", got)
	}
	for n, want := range map[int]bool{maxName: true, maxName + 1: false} {
		in := table(true, binary.LittleEndian, sym{strings.Repeat("x", n), 0x1000, 8, globalFunc, 1})
		if got := lookup(t, in, 0x1000); (got != "") != want {
			t.Errorf("name of %d bytes: answered %v", n, got != "")
		}
	}
}

// TestHostileTables: tables made to cost quadratic time. The limit is far
// above what they cost and far below what they could.
func TestHostileTables(t *testing.T) {
	const n = 100_000
	long := strings.Repeat("x", maxName-16)
	shapes := map[string]func(i int) sym{
		"aliases":              func(i int) sym { return sym{"", 0x1000, 8, globalFunc, 1} },
		"nested":               func(i int) sym { return sym{"", 0x1000 + uint64(i), 2*n - 2*uint64(i), globalFunc, 1} },
		"staircase":            func(i int) sym { return sym{"", 0x1000 + uint64(i), n, globalFunc, 1} },
		"all from one address": func(i int) sym { return sym{"", 0x1000, uint64(i) + 1, globalFunc, 1} },
		"labels":               func(i int) sym { return sym{"", 0x1000 + uint64(i), 0, globalMark, 1} },
	}
	for what, shape := range shapes {
		syms := make([]sym, n)
		for i := range syms {
			syms[i] = shape(i)
		}
		in := table(true, binary.LittleEndian, syms...)
		in.Strings = append([]byte(long), 0)
		for i := range n { // the same long name at 8 places
			binary.LittleEndian.PutUint32(in.Data[i*size64:], uint32(i%8))
		}
		in.Sections = []elf.SectionHeader{{}, {Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Addr: 0x1000, Size: 1 << 30}}
		tab, err := New(in)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for i := range uint64(1000) {
			tab.Lookup(0x1000 + i*97)
		}
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("%s: %v", what, d)
		}
		if ix := tab.index.Load(); len(ix.starts) > 2*n+1 {
			t.Errorf("%s: %d ranges", what, len(ix.starts))
		}
	}
}

// TestLookupConcurrently: several goroutines meet while the index is built.
func TestLookupConcurrently(t *testing.T) {
	var syms []sym
	for i := range 2000 {
		syms = append(syms, sym{fmt.Sprintf("f%d", i), 0x1000 + uint64(i)*2, 2, globalFunc, 1})
	}
	tab, err := New(table(true, binary.LittleEndian, syms...))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 2000 {
				if got, ok := tab.Lookup(0x1001 + uint64(i)*2); !ok || got.Name != fmt.Sprintf("f%d", i) {
					t.Errorf("%d: %+v %v", i, got, ok)
					return
				}
			}
		})
	}
	wg.Wait()
}

// FuzzLookup compares the walk with the index for any table, and checks what
// every answer promises.
func FuzzLookup(f *testing.F) {
	in := table(true, binary.LittleEndian, sym{"a@@V", 0x1000, 0x10, globalFunc, 1}, sym{"b", 0x1004, 4, weakFunc, 1}, sym{"$x", 0x1008, 0, globalMark, 1})
	f.Add(in.Data, in.Strings, true, false, uint16(elf.EM_AARCH64), uint64(0x1004), uint64(0), true)
	in = table(false, binary.BigEndian, sym{"a", 0x1001, 0x10, localFunc, 1}, sym{"b", 0x1ff0, 0xffffffff, globalFunc, 1})
	f.Add(in.Data, in.Strings, false, true, uint16(elf.EM_ARM), uint64(0x1ff8), uint64(0x10), false)
	f.Fuzz(func(t *testing.T, data, names []byte, is64, big bool, machine uint16, vaddr, bias uint64, sections bool) {
		in := Input{Data: data, Strings: names, Is64: is64, Order: binary.LittleEndian, Machine: elf.Machine(machine), Bias: bias}
		if big {
			in.Order = binary.BigEndian
		}
		if sections {
			in.Sections = append(text[:2:2], elf.SectionHeader{Name: ".init", Flags: elf.SHF_ALLOC | elf.SHF_EXECINSTR, Addr: vaddr, Size: bias})
		}
		tab, err := New(in)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		asked := []uint64{vaddr, vaddr + 1, 0x1000, 0x1004, 0, math.MaxUint64}
		n := 0
		for sym := range tab.Symbols() {
			if n++; n > 20 {
				break
			}
			asked = append(asked, sym.Vaddr, sym.Vaddr+sym.Size, sym.Vaddr+sym.Size-1)
		}
		ix := tab.indexed()
		for _, a := range asked {
			want, wantOK := tab.scan(a)
			got, ok := tab.find(ix, a)
			if got != want || ok != wantOK {
				t.Fatalf("%#x: %+v %v by walking, %+v %v by index", a, want, wantOK, got, ok)
			}
			s, ok := tab.Lookup(a)
			if ok && (s.Name == "" || a < s.Vaddr || a != s.Vaddr && a-s.Vaddr >= s.Size) {
				t.Fatalf("%#x is %+v", a, s)
			}
		}
	})
}
