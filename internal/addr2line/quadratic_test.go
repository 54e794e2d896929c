package addr2line

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/symfetch/symfetch/internal/frame"
)

// hostile are objects of about a megabyte, made by hand, that would keep a
// reader busy for ever, or have it allocate all there is, if it believed them.
var hostile = []struct {
	name string
	make func(f *dwarfFiles)
}{
	{"units share a huge abbreviation table", func(f *dwarfFiles) {
		// The root's abbreviation is the last.
		var abbrevs asm
		for code := uint64(2); code < uint64(n(60000)); code++ {
			abbrevs.abbrev(code, tagVariable, 0, attrName, formString)
		}
		abbrevs.abbrev(1, tagCompileUnit, 0, rootAttrs...).u8(0)
		f.main[secAbbrev] = abbrevs.b
		f.main[secInfo] = repeatUnits(n(20000), new(asm).root().b)
	}},
	{"units without their abbreviation", func(f *dwarfFiles) {
		var abbrevs asm
		for code := uint64(2); code < uint64(n(60000)); code++ {
			abbrevs.abbrev(code, tagVariable, 0, attrName, formString)
		}
		f.main[secAbbrev] = abbrevs.u8(0).b
		f.main[secInfo] = repeatUnits(n(20000), new(asm).root().b)
	}},
	{"units within a table, each at its own offset", func(f *dwarfFiles) {
		var abbrevs, info asm
		abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
		f.main[secAbbrev] = abbrevs.times(n(60000), abbrevs.b...).u8(0).b
		for i := range n(20000) {
			info.unit4(uint32(i*len(rootAbbrev())), new(asm).root().u8(0).b)
		}
		f.main[secInfo] = info.b
	}},
	{"root of countless attributes", func(f *dwarfFiles) {
		var abbrevs asm
		abbrevs.uleb(1, tagCompileUnit).u8(0).times(n(300000), attrDeclLine, formFlagPresent).uleb(rootAttrs...).u8(0, 0, 0)
		f.main[secAbbrev] = abbrevs.b
		f.main[secInfo] = repeatUnits(n(20000), new(asm).root().b)
	}},
	{"functions of attributes without bytes", func(f *dwarfFiles) {
		var abbrevs, dies asm
		abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
		abbrevs.uleb(2, tagSubprogram).u8(0).times(n(200000), attrLowPC, formFlagPresent, attrDeclLine, formFlagPresent).u8(0, 0, 0)
		f.main[secAbbrev] = abbrevs.b
		f.main[secInfo] = new(asm).unit4(0, dies.root().times(n(500000), 2).b).b
	}},
	{"functions that share an origin of countless attributes", func(f *dwarfFiles) {
		var abbrevs, dies asm
		abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
		abbrevs.uleb(2, tagSubprogram).u8(0).times(n(300000), attrEntryPC, formFlagPresent).u8(0, 0)
		abbrevs.abbrev(3, tagSubprogram, 0, attrLowPC, formAddr, attrHighPC, formData1, attrAbstractOrigin, formRef4)
		f.main[secAbbrev] = abbrevs.u8(0).b
		dies.root()
		origin := uint32(11 + len(dies.b))
		dies.u8(2)
		for i := range uint64(n(40000)) {
			dies.u8(3).u64(codeLo + i).u8(1).u32(origin)
		}
		f.main[secInfo] = new(asm).unit4(0, dies.b).b
	}},
	{"functions with one long name", func(f *dwarfFiles) {
		var abbrevs, dies asm
		abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
		abbrevs.abbrev(2, tagSubprogram, 0, attrLowPC, formAddr, attrHighPC, formData1, attrLinkageName, formStrp)
		f.main[secAbbrev] = abbrevs.u8(0).b
		dies.root()
		for i := range uint32(n(40000)) {
			dies.u8(2).u64(codeLo + uint64(i)).u8(1).u32(i)
		}
		f.main[secInfo] = new(asm).unit4(0, dies.b).b
		f.main[secStr] = new(asm).str(strings.Repeat("x", maxString-1)).b
	}},
	{"functions that all cover everything", func(f *dwarfFiles) {
		var abbrevs, dies asm
		abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
		abbrevs.abbrev(2, tagSubprogram, 0, attrLowPC, formAddr, attrHighPC, formData4)
		f.main[secAbbrev] = abbrevs.u8(0).b
		dies.root()
		for i := range uint32(n(80000)) {
			dies.u8(2).u64(codeLo).u32(codeSize - i%4096)
		}
		f.main[secInfo] = new(asm).unit4(0, dies.b).b
	}},
	{"calls inlined into each other", func(f *dwarfFiles) {
		var abbrevs, dies asm
		abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
		abbrevs.abbrev(2, tagSubprogram, 1, attrLowPC, formAddr, attrHighPC, formData4)
		abbrevs.abbrev(3, tagInlinedSubroutine, 1, attrLowPC, formAddr, attrHighPC, formData4)
		f.main[secAbbrev] = abbrevs.u8(0).b
		dies.root().u8(2).u64(codeLo).u32(codeSize)
		for range n(80000) {
			dies.u8(3).u64(codeLo).u32(codeSize)
		}
		f.main[secInfo] = new(asm).unit4(0, dies.b).b
	}},
	{"calls side by side, as deep as allowed", func(f *dwarfFiles) {
		var abbrevs, dies asm
		abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
		abbrevs.abbrev(2, tagSubprogram, 1, attrLowPC, formAddr, attrHighPC, formData4)
		abbrevs.abbrev(3, tagInlinedSubroutine, 1, attrLowPC, formAddr, attrHighPC, formData4)
		f.main[secAbbrev] = abbrevs.u8(0).b
		dies.root().u8(2).u64(codeLo).u32(codeSize)
		for range 80 {
			for range maxInlined - 1 {
				dies.u8(3).u64(codeLo).u32(codeSize)
			}
			dies.times(maxInlined-1, 0)
		}
		f.main[secInfo] = new(asm).unit4(0, dies.b).b
	}},
	{"DIEs nested without end", func(f *dwarfFiles) {
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 1, rootAttrs...).abbrev(2, tagSubprogram, 1).u8(0).b
		f.main[secInfo] = new(asm).unit4(0, new(asm).root().times(n(1<<20), 2).b).b
	}},
	{"origins in a circle", func(f *dwarfFiles) {
		var abbrevs, dies asm
		abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
		abbrevs.abbrev(2, tagSubprogram, 0, attrLowPC, formAddr, attrHighPC, formData4, attrAbstractOrigin, formRef4, attrSpecification, formRef4)
		f.main[secAbbrev] = abbrevs.u8(0).b
		dies.root()
		self := uint32(11 + len(dies.b))
		dies.u8(2).u64(codeLo).u32(codeSize).u32(self).u32(self)
		f.main[secInfo] = new(asm).unit4(0, dies.b).b
	}},
	{"a chain of origins", func(f *dwarfFiles) {
		var abbrevs, dies asm
		abbrevs.abbrev(1, tagCompileUnit, 1, rootAttrs...)
		abbrevs.abbrev(2, tagSubprogram, 0, attrLowPC, formAddr, attrHighPC, formData4, attrAbstractOrigin, formRef4)
		f.main[secAbbrev] = abbrevs.u8(0).b
		dies.root()
		for range n(40000) {
			next := uint32(11+len(dies.b)) + 17
			dies.u8(2).u64(codeLo).u32(codeSize).u32(next)
		}
		f.main[secInfo] = new(asm).unit4(0, dies.b).b
	}},
	{"units that import each other", func(f *dwarfFiles) {
		const tagImportedUnit, attrImport = 0x3d, 0x18
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 1, rootAttrs...).abbrev(2, tagImportedUnit, 0, attrImport, formRefAddr).u8(0).b
		size := len(new(asm).unit4(0, new(asm).root().u8(2).u32(0).u8(0).b).b)
		var info asm
		for i := range n(20000) {
			info.unit4(0, new(asm).root().u8(2).u32(uint32((i+1)%n(20000)*size+11)).u8(0).b)
		}
		f.main[secInfo] = info.b
	}},
	{"DIEs that share a range list of .debug_ranges", func(f *dwarfFiles) {
		var list asm
		for i := range uint64(n(30000)) {
			list.u64(i * 2).u64(i*2 + 1)
		}
		f.main[secRanges] = list.u64(0).u64(0).b
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 1, rootAttrs...).abbrev(2, tagSubprogram, 0, attrRanges, formSecOffset).u8(0).b
		f.main[secInfo] = new(asm).unit4(0, new(asm).root().times(n(100000), 2, 0, 0, 0, 0).b).b
	}},
	{"DIEs that share a range list of .debug_rnglists", func(f *dwarfFiles) {
		var list asm
		for range n(100000) {
			list.u8(rleOffsetPair, 1, 3)
		}
		f.main[secRnglists] = list.u8(rleEndOfList).b
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 1, rootAttrs...).abbrev(2, tagSubprogram, 0, attrRanges, formSecOffset).u8(0).b
		f.main[secInfo] = new(asm).unit5(unitCompile, 0, new(asm).root().times(n(100000), 2, 0, 0, 0, 0).b).b
	}},
	{"units that share a range list", func(f *dwarfFiles) {
		var list asm
		for i := range uint64(n(100000)) {
			list.u8(rleOffsetPair).uleb(i*2, i*2+1)
		}
		f.main[secRnglists] = list.u8(rleEndOfList).b
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 0, attrRanges, formSecOffset, attrLowPC, formAddr).u8(0).b
		f.main[secInfo] = repeatUnits5(n(20000), new(asm).u8(1).u32(0).u64(codeLo).b)
	}},
	{"units that share a range list without an end", func(f *dwarfFiles) {
		f.main[secRnglists] = new(asm).times(n(300000), rleOffsetPair, 1, 3).b
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 0, attrRanges, formSecOffset, attrLowPC, formAddr).u8(0).b
		f.main[secInfo] = repeatUnits5(n(20000), new(asm).u8(1).u32(0).u64(codeLo).b)
	}},
	{"units that share a line table and have no ranges", func(f *dwarfFiles) {
		// Each row is a sequence of its own.
		var p asm
		p.u8(0, 9, lneSetAddress).u64(codeLo)
		for range n(60000) {
			p.u8(lnsCopy, lnsFixedAdvancePC, 1, 0, 0, 1, lneEndSequence, 0, 9, lneSetAddress).u64(codeLo)
		}
		f.main[secLine] = line4(p.b)
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 0, attrStmtList, formSecOffset).u8(0).b
		f.main[secInfo] = repeatUnits(n(20000), new(asm).u8(1).u32(0).b)
	}},
	{"units that share a huge header of a line table", func(f *dwarfFiles) {
		var h asm
		h.u8(1, 1, 1, 0xfb, 14, 13).u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1).times(n(200000), 'a', 0).u8(0).times(n(100000), 'b', 0, 0, 0, 0).u8(0)
		f.main[secLine] = lineTableOf(4, h.b, nil)
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 0, attrStmtList, formSecOffset).u8(0).b
		f.main[secInfo] = repeatUnits(n(20000), new(asm).u8(1).u32(0).b)
	}},
	{"line table of 2^32 files", func(f *dwarfFiles) {
		rooted(f)
		var h asm
		h.u8(1, 1, 1, 0xfb, 14, 13).u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1)
		h.u8(1).uleb(lnctPath, formString).uleb(0).u8(1).uleb(lnctPath, formString).uleb(1 << 32).str("a.c")
		f.main[secLine] = lineTableOf(5, h.b, new(asm).times(n(100000), 0x20).b)
	}},
	{"line table of files without bytes", func(f *dwarfFiles) {
		rooted(f)
		var h asm
		h.u8(1, 1, 1, 0xfb, 14, 13).u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1)
		h.u8(1).uleb(lnctDirectoryIndex, formFlagPresent).uleb(1 << 40)
		f.main[secLine] = lineTableOf(5, h.b, nil)
	}},
	{"line table of files with countless fields", func(f *dwarfFiles) {
		rooted(f)
		var h asm
		h.u8(1, 1, 1, 0xfb, 14, 13).u8(0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1)
		h.u8(0).uleb(0).u8(255).times(254, 0x7f, formFlagPresent).uleb(lnctPath, formString).uleb(uint64(n(1<<20))).times(n(1<<20), 0)
		f.main[secLine] = lineTableOf(5, h.b, nil)
	}},
	{"line program that goes to and fro", func(f *dwarfFiles) {
		rooted(f)
		var p asm
		for range n(50000) {
			p.u8(0, 9, lneSetAddress).u64(codeLo).u8(lnsCopy, 0, 9, lneSetAddress).u64(codeLo + codeSize - 1).u8(lnsCopy)
		}
		f.main[secLine] = line4(p.u8(0, 1, lneEndSequence).b)
	}},
	{"sequences that all cover everything", func(f *dwarfFiles) {
		rooted(f)
		var p asm
		for range n(50000) {
			p.u8(0, 9, lneSetAddress).u64(codeLo).u8(lnsCopy, 0, 9, lneSetAddress).u64(codeLo+codeSize-1).u8(0, 1, lneEndSequence)
		}
		f.main[secLine] = line4(p.b)
	}},
	{"line program of enormous advances", func(f *dwarfFiles) {
		rooted(f)
		var p asm
		p.u8(0, 9, lneSetAddress).u64(codeLo)
		for range n(80000) {
			p.u8(lnsAdvancePC).uleb(1<<64 - 1).u8(lnsAdvanceLine).uleb(1<<64 - 1).u8(lnsCopy)
		}
		f.main[secLine] = line4(p.u8(0, 1, lneEndSequence).b)
	}},
	{"line program that defines files", func(f *dwarfFiles) {
		rooted(f)
		f.main[secLine] = line4(new(asm).times(n(200000), 0, 6, lneDefineFile, 'a', 0, 0, 0, 0).b)
	}},
	{"LEB128 without an end", func(f *dwarfFiles) {
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 1, attrLowPC, formAddr, attrHighPC, formUdata).u8(0).b
		f.main[secInfo] = new(asm).unit4(0, new(asm).u8(1).u64(codeLo).times(n(1<<20), 0x80).b).b
	}},
	{"LEB128 without an end in an attribute that nobody reads", func(f *dwarfFiles) {
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 1, rootAttrs...).abbrev(2, tagVariable, 0, attrName, formUdata).u8(0).b
		f.main[secInfo] = new(asm).unit4(0, new(asm).root().u8(2).times(n(1<<20), 0x80).b).b
	}},
	{"indirect forms in a chain", func(f *dwarfFiles) {
		f.main[secAbbrev] = new(asm).abbrev(1, tagCompileUnit, 1, rootAttrs...).abbrev(2, tagSubprogram, 0, attrLowPC, formIndirect).u8(0).b
		f.main[secInfo] = new(asm).unit4(0, new(asm).root().u8(2).times(n(1<<20), formIndirect).b).b
	}},
	{"units that overlap", func(f *dwarfFiles) {
		f.main[secAbbrev] = rootAbbrev()
		f.main[secInfo] = repeatUnits(n(30000), new(asm).root().u8(0).b)
	}},
	{"address ranges that overlap", func(f *dwarfFiles) {
		rooted(f)
		var set asm
		set.u16(2).u32(0).u8(8, 0).u32(0)
		for i := range uint64(n(60000)) {
			set.u64(codeLo + i%2).u64(codeSize - i%2)
		}
		f.main[secAranges] = new(asm).u32(uint32(len(set.b))).u8(set.b...).b
	}},
	{"split units that name themselves", func(f *dwarfFiles) {
		var abbrevs asm
		abbrevs.abbrev(1, tagSkeletonUnit, 1, attrLowPC, formAddr, attrHighPC, formData4, attrDwoName, formString).u8(0)
		f.main[secAbbrev] = abbrevs.b
		var info asm
		for id := range uint64(n(20000)) {
			die := new(asm).u8(1).u64(codeLo).u32(codeSize).str("a.dwo")
			info.u32(uint32(16+len(die.b))).u16(5).u8(unitSkeleton, 8).u32(0).u64(id % 5000).u8(die.b...)
		}
		f.main[secInfo] = info.b
		f.split = f.main
	}},
	{"split units not in their file", func(f *dwarfFiles) {
		f.main[secAbbrev] = new(asm).abbrev(1, tagSkeletonUnit, 1, attrLowPC, formAddr, attrHighPC, formData4, attrDwoName, formString).u8(0).b
		var main, split asm
		for id := range uint64(n(20000)) {
			die := new(asm).u8(1).u64(codeLo + id).u32(1).str("a.dwo")
			main.u32(uint32(16+len(die.b))).u16(5).u8(unitSkeleton, 8).u32(0).u64(id + 1e6).u8(die.b...)
			split.u32(uint32(16+len(die.b))).u16(5).u8(unitSplitCompile, 8).u32(0).u64(id).u8(die.b...)
		}
		f.main[secInfo] = main.b
		f.split = f.main
		f.split[secInfo] = split.b
	}},
	{"package index without a free slot", func(f *dwarfFiles) {
		f.main[secAbbrev] = new(asm).abbrev(1, tagSkeletonUnit, 1, attrLowPC, formAddr, attrHighPC, formData4, attrDwoName, formString).u8(0).b
		var main, index asm
		for id := range uint64(n(20000)) {
			die := new(asm).u8(1).u64(codeLo + id).u32(1).str("a.dwo")
			main.u32(uint32(16+len(die.b))).u16(5).u8(unitSkeleton, 8).u32(0).u64(id + 1e6).u8(die.b...)
		}
		f.main[secInfo] = main.b
		const slots = 1 << 17
		index.u32(5).u32(1).u32(1).u32(slots).times(slots*8, 0).times(slots, 1, 0, 0, 0).u32(sectInfo).u32(0).u32(0)
		f.split = f.main
		f.split[secCUIndex] = index.b
	}},
}

// TestHostile asks objects that are made to take long.
func TestHostile(t *testing.T) {
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			f := &dwarfFiles{codeStart: codeLo}
			h.make(f)
			many := make([]uint64, n(20000))
			for i := range many {
				many[i] = codeLo + uint64(i)*3
			}
			in := f.input()
			limited(t, f, "batch", func() { New(in).Symbolize(many, func(int, []frame.Frame, error) {}) })
			d := New(in)
			for i := range maxStreamed + 2 {
				limited(t, f, "lookup", func() { d.AppendFrames(nil, codeLo+uint64(i)) })
			}
		})
	}
}

// limited runs one call, and fails if it takes too long or too much memory.
func limited(t *testing.T, f *dwarfFiles, what string, call func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	call()
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	n := after.TotalAlloc - before.TotalAlloc
	t.Logf("%s: %v, %d kB of %d kB", what, took.Round(time.Millisecond), n>>10, f.size()>>10)
	if took > maxTime {
		t.Errorf("%s took %v", what, took)
	}
	if n > 16<<20+100*uint64(f.size()) {
		t.Errorf("%s allocated %d bytes for sections of %d", what, n, f.size())
	}
}
