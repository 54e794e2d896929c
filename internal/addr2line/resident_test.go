package addr2line

import (
	"fmt"
	"strings"
	"testing"
)

// TestResidentMemory checks that names count as memory of the tables.
func TestResidentMemory(t *testing.T) {
	const functions, size, limit = 100, 40 << 10, 1 << 20
	f := &dwarfFiles{codeStart: codeLo}
	var abbrevs, dies asm
	abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
	abbrevs.abbrev(2, tagSubprogram, 0, attrLowPC, formAddr, attrHighPC, formData1, attrName, formString)
	dies.root()
	name := func(i int) string { return fmt.Sprintf("%0*d", size, i) }
	for i := range functions {
		dies.u8(2).u64(codeLo + uint64(i)*16).u8(16).str(name(i))
	}
	f.main[secAbbrev] = abbrevs.u8(0).b
	f.main[secInfo] = new(asm).unit4(0, dies.u8(0).b).b
	in := f.input()
	in.MaxMemory = limit
	d := New(in)
	most := int64(0)
	for i := range 5 * functions {
		frames, err := d.AppendFrames(nil, codeLo+uint64(i%functions)*16)
		if err != nil || len(frames) != 1 || !strings.HasSuffix(frames[0].Function, name(i % functions)[size-5:]) {
			t.Fatalf("function %d: %v", i, err)
		}
		sum := int64(0)
		for _, table := range d.resident.tables {
			sum += table.size
		}
		if d.resident.bytes != sum || sum > limit {
			t.Fatalf("%d bytes of tables, of which %d are known, exceed %d", sum, d.resident.bytes, limit)
		}
		most = max(most, sum)
	}
	if most < limit/2 {
		t.Errorf("tables took %d bytes at most", most)
	}
}
