package pclntab_test

import (
	"debug/elf"
	"strings"
	"testing"

	"github.com/symfetch/symfetch/internal/pclntab"
)

// compareSymbols holds the functions against the symbol table, if there is
// one: each has a symbol at its entry, and ends where the symbol ends. That
// is the second proof that padding belongs to nobody.
func compareSymbols(t *testing.T, tab *pclntab.Table, img *elfImage) {
	t.Helper()
	syms, err := img.f.Symbols()
	if err != nil {
		return
	}
	sizes := map[uint64]map[uint64]bool{}
	names := map[uint64]string{}
	for _, s := range syms {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC && elf.ST_TYPE(s.Info) != elf.STT_NOTYPE {
			continue
		}
		if sizes[s.Value] == nil {
			sizes[s.Value] = map[uint64]bool{}
		}
		sizes[s.Value][s.Size] = true
		names[s.Value] += "|" + s.Name
	}
	n, bad := 0, 0
	for f := range tab.Functions() {
		if f.End == f.Entry {
			continue
		}
		n++
		if !sizes[f.Entry][f.End-f.Entry] && bad < 10 {
			bad++
			t.Errorf("%s at %#x ends at %#x, its symbols %s have sizes %v", f.Name, f.Entry, f.End, names[f.Entry], sizes[f.Entry])
		}
		if strings.HasPrefix(f.Name, "type:") || strings.HasPrefix(f.Name, "type..") {
			continue // the linker abridges their symbols
		}
		base, _, _ := strings.Cut(f.Name, "[")
		base = base[strings.LastIndexByte(base, '/')+1:]
		if !strings.Contains(names[f.Entry], base) && bad < 10 {
			bad++
			t.Errorf("%s at %#x: symbols there are %s", f.Name, f.Entry, names[f.Entry])
		}
	}
	if n == 0 || n < tab.Len()*9/10 {
		t.Errorf("%d of %d functions have an end", n, tab.Len())
	}
}
