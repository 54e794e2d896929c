package symtab

import (
	"debug/elf"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// row is a symbol as readelf prints it.
type row struct {
	value, size uint64
	typ, bind   string
	section     int // 0 for none
	name        string
}

// rowLine matches a symbol: value, size, type, bind, section, name. Names can
// contain blanks (Go's), and after the visibility can come st_other.
var rowLine = regexp.MustCompile(`^ *\d+: ([0-9a-f]+) +(\S+) (<OS specific>: \d+|\S+) +(\S+) +\S+ +(?:\[.*\] +)?(\S+) (.*)$`)

// readelf lists the code symbols of o: functions, and in executable sections
// what has no type.
func readelf(t *testing.T, o object, in Input) []row {
	flag := "--syms"
	if o.dynamic {
		flag = "--dyn-syms"
	}
	var rows []row
	table := "'.symtab'"
	if o.dynamic {
		table = "'.dynsym'"
	}
	inside := false
	for line := range strings.Lines(run(t, "", "readelf", "-W", flag, o.path)) {
		if strings.HasPrefix(line, "Symbol table") {
			inside = strings.Contains(line, table)
		}
		f := rowLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if !inside || f == nil {
			continue
		}
		r := row{typ: f[3], bind: f[4], name: f[6]}
		r.value, _ = strconv.ParseUint(f[1], 16, 64)
		r.size, _ = strconv.ParseUint(f[2], 0, 64)
		r.section, _ = strconv.Atoi(f[5])
		if r.typ == "<OS specific>: 10" { // lld does not say that the file uses GNU's types
			r.typ = "IFUNC"
		}
		if r.typ != "FUNC" && r.typ != "IFUNC" && r.typ != "NOTYPE" || r.section == 0 || r.section >= len(in.Sections) {
			continue
		}
		if at := strings.Index(r.name, "@"); at > 0 && !strings.ContainsAny(r.name[at:], "\"{ }") || o.dynamic && at > 0 {
			r.name = r.name[:at]
		}
		if s := in.Sections[r.section]; s.Flags&elf.SHF_EXECINSTR == 0 {
			continue
		}
		if in.Machine == elf.EM_ARM && r.typ == "FUNC" {
			r.value &^= 1
		}
		rows = append(rows, r)
	}
	return rows
}

// covers reports whether r has a size and covers vaddr, within its section.
func (r row) covers(vaddr uint64, in Input) bool {
	s := in.Sections[r.section]
	return vaddr >= r.value && vaddr-r.value < r.size && vaddr < s.Addr+s.Size
}

// check compares an answer with the rows.
func check(t *testing.T, in Input, rows []row, vaddr uint64, got Symbol, ok bool) error {
	t.Helper()
	var covering, exact []row
	for _, r := range rows {
		switch {
		case r.covers(vaddr, in):
			covering = append(covering, r)
		case r.size == 0 && r.value == vaddr && !strings.HasPrefix(r.name, "$") && !strings.HasPrefix(r.name, ".L"):
			exact = append(exact, r)
		}
	}
	if len(covering) == 0 && ok && got.Size > 0 { // _init and _fini
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == got.Name && r.value == got.Vaddr })
		if i < 0 || rows[i].size != 0 {
			return fmt.Errorf("%#x is %+v, readelf has nothing", vaddr, got)
		}
		if name := in.Sections[rows[i].section].Name; name != ".init" && name != ".fini" {
			return fmt.Errorf("%#x is %+v, which has no size and is in %s", vaddr, got, name)
		}
		return nil
	}
	if len(covering) == 0 {
		covering = exact
	}
	if len(covering) == 0 {
		if ok {
			return fmt.Errorf("%#x is %+v, readelf has nothing", vaddr, got)
		}
		return nil
	}
	if !ok {
		return fmt.Errorf("%#x has no answer, readelf has %+v", vaddr, covering)
	}
	least := slices.MinFunc(covering, func(a, b row) int { return int(min(a.size, 1<<40)) - int(min(b.size, 1<<40)) })
	for _, r := range covering {
		if r.name == got.Name && r.value == got.Vaddr && (r.size == got.Size || r.size > got.Size && r.size == least.size) {
			if r.size > least.size {
				return fmt.Errorf("%#x is %+v, but %+v is smaller", vaddr, got, least)
			}
			return nil
		}
	}
	return fmt.Errorf("%#x is %+v, readelf has %+v", vaddr, got, covering)
}

// TestLookupAsReadelf asks for the edges and the middle of every symbol of
// real objects, with and without the index.
func TestLookupAsReadelf(t *testing.T) {
	for _, o := range objects(t) {
		t.Run(o.name, func(t *testing.T) {
			in := input(t, o)
			rows := readelf(t, o, in)
			if len(rows) == 0 {
				t.Fatal("no symbols: the test tests nothing")
			}
			var addrs []uint64
			for _, r := range rows {
				addrs = append(addrs, r.value-1, r.value, r.value+1, r.value+r.size/2, r.value+r.size-1, r.value+r.size, r.value+r.size+1)
			}
			const most = 4000 // the comparison walks all rows for each
			rng := rand.New(rand.NewPCG(1, 2))
			rng.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
			addrs = addrs[:min(len(addrs), most)]
			table := open(t, o)
			answered := 0
			for _, vaddr := range addrs {
				got, ok := table.Lookup(vaddr)
				if ok {
					answered++
				}
				if err := check(t, in, rows, vaddr, got, ok); err != nil {
					t.Error(err)
				}
			}
			if answered == 0 || len(addrs) > scans && table.index.Load() == nil {
				t.Errorf("%d of %d addresses answered, index %v", answered, len(addrs), table.index.Load() != nil)
			}
			for _, vaddr := range addrs[:min(len(addrs), 300)] {
				want, wantOK := table.Lookup(vaddr)
				if got, ok := mustScan(table, vaddr); got != want || ok != wantOK {
					t.Errorf("%#x: %+v %v without index, %+v %v with it", vaddr, got, ok, want, wantOK)
				}
			}
			t.Logf("%d symbols, %d addresses, %d answered", len(rows), len(addrs), answered)
		})
	}
}

func mustScan(t *Table, vaddr uint64) (Symbol, bool) {
	s, ok := t.scan(vaddr)
	if !ok {
		return Symbol{}, false
	}
	return t.symbol(s)
}

// TestLookupKinds names every rule in the program that was written for them.
func TestLookupKinds(t *testing.T) {
	o := object{path: build(t, "gcc")}
	in := input(t, o)
	at := map[string]row{}
	for _, r := range readelf(t, o, in) {
		at[r.name] = r
	}
	tests := []struct {
		symbol string
		delta  int64
		want   string // "" for no answer
	}{
		{"main", 0, "main"},
		{"main", 3, "main"},
		{"static_function", 1, "static_function"},
		{"the_function", 2, "the_function"}, // global, and shorter than an_other_global
		{"indirect_function", 0, "choose"},  // the code is the resolver's
		{"in_other_section", 1, "in_other_section"},
		{"sizeless_label", 0, "sizeless_label"},
		{"sizeless_label", 1, ""},
		{"sizeless_function", 0, "sizeless_function"},
		{"sizeless_function", 1, ""},
		{"outer", 1, "outer"},
		{"inner", 0, "inner"},
		{"inner", 1, "inner"},
		{"label_in_outer", 0, "outer"},
		{"label_in_outer", 1, "outer"},
		{"notype_with_size", 1, "notype_with_size"},
		{"notype_with_size", 2, ""},
		{"reaches_out", 1, "reaches_out"},
		{"_init", 0, "_init"},
		{"_init", 5, "_init"},
		{"_fini", 5, "_fini"},
		{"_start", 1, "_start"},
	}
	for _, tt := range tests {
		r, ok := at[tt.symbol]
		if !ok {
			t.Errorf("the program has no %s", tt.symbol)
			continue
		}
		vaddr := r.value + uint64(tt.delta)
		for _, indexed := range []bool{false, true} {
			table := open(t, o)
			if indexed {
				table.indexed()
			}
			got, ok := table.Lookup(vaddr)
			if got.Name != tt.want || ok != (tt.want != "") {
				t.Errorf("%s%+d (%#x, index %v) is %+v %v, want %q", tt.symbol, tt.delta, vaddr, indexed, got, ok, tt.want)
			}
		}
	}
	// A size that is too big ends with the section.
	text := in.Sections[at["reaches_out"].section]
	table := open(t, o)
	for _, vaddr := range []uint64{text.Addr + text.Size, at["reaches_out"].value + 0x100000 - 1} {
		if got, ok := table.Lookup(vaddr); ok && got.Name == "reaches_out" {
			t.Errorf("%#x, behind the section, is %+v", vaddr, got)
		}
	}
	if got, _ := table.Lookup(at["reaches_out"].value); got.Vaddr+got.Size != text.Addr+text.Size {
		t.Errorf("%+v does not end with .text at %#x", got, text.Addr+text.Size)
	}
}

// TestLookupMarks: ARM's marks between code and data name nothing, and Thumb
// functions start at an even address.
func TestLookupMarks(t *testing.T) {
	for _, name := range []string{"arm", "aarch64"} { // clang 14 makes none for RISC-V
		o := object{path: build(t, name)}
		in := input(t, o)
		marks := 0
		for _, r := range readelf(t, o, in) {
			if strings.HasPrefix(r.name, "$") {
				marks++
			}
		}
		if marks == 0 {
			t.Errorf("%s: the assembler made no marks: the test tests nothing", name)
		}
		for sym := range open(t, o).Symbols() {
			if strings.HasPrefix(sym.Name, "$") {
				t.Errorf("%s: %+v", name, sym)
			}
			if sym.Vaddr&1 != 0 {
				t.Errorf("%s: %+v is odd", name, sym)
			}
		}
	}
}

// TestSymbolVersions: the linker appends versions to names in .symtab, and
// nothing must be cut from names that merely contain "@".
func TestSymbolVersions(t *testing.T) {
	tests := []struct{ name, want string }{
		{"memcpy@@GLIBC_2.14", "memcpy"},
		{"memcpy@GLIBC_2.2.5", "memcpy"},
		{"_ZSt4cout@@GLIBCXX_3.4", "_ZSt4cout"},
		{"memcpy", "memcpy"},
		{"@@GLIBC_2.14", "@@GLIBC_2.14"},
		{"foo@", "foo@"},
		{"foo@@", "foo@@"},
		{`type:.eq.struct { A int "json:\"a@b\"" }`, `type:.eq.struct { A int "json:\"a@b\"" }`},
		{"a@b@c", "a@b@c"},
	}
	for _, tt := range tests {
		if got := string(cutVersion([]byte(tt.name))); got != tt.want {
			t.Errorf("%q became %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestLookupAsElfutils compares with eu-addr2line -S: for what a symbol with
// a size covers, both must name symbols that cover it.
func TestLookupAsElfutils(t *testing.T) {
	for _, o := range objects(t) {
		if strings.HasSuffix(o.name, ".debug") || strings.Contains(o.name, "relocatable") {
			continue // eu-addr2line wants the object; of a relocatable one it asks for sections
		}
		t.Run(o.name, func(t *testing.T) {
			in := input(t, o)
			table := open(t, o)
			var stdin strings.Builder
			var ours []Symbol
			n := 0
			for sym := range table.Symbols() {
				if n++; sym.Size == 0 || n > 4000 {
					continue
				}
				vaddr := sym.Vaddr + sym.Size/2
				got, ok := table.Lookup(vaddr)
				if !ok {
					t.Errorf("%#x of %+v has no answer", vaddr, sym)
				}
				ours = append(ours, got)
				fmt.Fprintf(&stdin, "%#x\n", vaddr)
			}
			lines := strings.Split(run(t, stdin.String(), "eu-addr2line", "-S", "--debuginfo-path=/nonexistent", "-e", o.path), "\n")
			at := map[string][]row{}
			for _, r := range readelf(t, o, in) {
				at[r.name] = append(at[r.name], r)
			}
			differ := 0
			for i, got := range ours {
				if 2*i >= len(lines) {
					t.Fatalf("eu-addr2line answered %d of %d", len(lines)/2, len(ours))
				}
				name := lines[2*i]
				if plus := strings.LastIndex(name, "+0x"); plus > 0 {
					name = name[:plus]
				}
				same := slices.ContainsFunc(at[name], func(r row) bool { return r.value == got.Vaddr })
				if !same && name != "reaches_out" { // which claims a megabyte
					differ++
					t.Logf("%+v, eu-addr2line has %s", got, lines[2*i])
				}
			}
			if differ*100 > len(ours) {
				t.Errorf("%d of %d answers differ", differ, len(ours))
			}
		})
	}
}
