package addr2line

import (
	"slices"
	"testing"

	"github.com/symfetch/symfetch/internal/frame"
)

// overlapping is an object with many small units that have no functions, within
// a large one that has.
func overlapping(units int) *dwarfFiles {
	f := &dwarfFiles{codeStart: codeLo}
	var abbrevs, info, dies asm
	abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
	abbrevs.abbrev(2, tagSubprogram, 0, attrLowPC, formAddr, attrHighPC, formData1, attrName, formString)
	f.main[secAbbrev] = abbrevs.u8(0).b
	dies.root()
	for i := range units {
		lo := codeLo + uint64(i)*16
		info.unit4(0, new(asm).u8(1).u64(lo).u32(16).u32(0).u8(0).b)
		dies.u8(2).u64(lo).u8(16).str(string(rune('a' + i%26)))
	}
	f.main[secInfo] = info.unit4(0, dies.u8(0).b).b
	for i := range units * 16 {
		f.vaddrs = append(f.vaddrs, codeLo+uint64(i))
	}
	return f
}

// TestBatchRounds asks a unit for addresses that several others could not
// answer, which come back in any order.
func TestBatchRounds(t *testing.T) {
	f := overlapping(500)
	for range 10 {
		got := batchAnswers(New(f.input()), f.vaddrs)
		for i, v := range f.vaddrs {
			want := []frame.Frame{{Engine: frame.EngineDWARF, Offset: uint64(i % 16), HasOffset: true}}
			want[0].Function = string(rune('a' + i/16%26))
			if got[i].err != nil || !slices.Equal(got[i].frames, want) {
				t.Fatalf("%#x: %v%s\nwant%s", v, got[i].err, format(got[i].frames), format(want))
			}
		}
	}
}
