package addr2line

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// The sections that FuzzData tampers with, of each file.
var (
	mainSections  = []sectionID{secInfo, secAbbrev, secLine, secStr, secLineStr, secRanges, secRnglists, secAddr, secStrOffsets, secAranges}
	splitSections = []sectionID{secInfo, secAbbrev, secLine, secStr, secStrOffsets, secRnglists, secCUIndex}
	altSections   = []sectionID{secInfo, secAbbrev, secStr}
)

// FuzzData asks tampered objects, for addresses of the seed of that number: its
// sections are fuzzed, and not where its code is.
func FuzzData(f *testing.F) {
	all := seeds(f)
	names := slices.Sorted(maps.Keys(all))
	for i, name := range names {
		s := all[name]
		m, d, a := &s.main, &s.split, &s.alt
		f.Add(uint8(i),
			m[secInfo], m[secAbbrev], m[secLine], m[secStr], m[secLineStr], m[secRanges], m[secRnglists], m[secAddr], m[secStrOffsets], m[secAranges],
			d[secInfo], d[secAbbrev], d[secLine], d[secStr], d[secStrOffsets], d[secRnglists], d[secCUIndex],
			a[secInfo], a[secAbbrev], a[secStr])
	}
	f.Fuzz(func(t *testing.T, seed uint8,
		info, abbrev, line, str, lineStr, ranges, rnglists, addr, strOffsets, aranges,
		dwoInfo, dwoAbbrev, dwoLine, dwoStr, dwoStrOffsets, dwoRnglists, cuIndex,
		altInfo, altAbbrev, altStr []byte) {
		of := all[names[int(seed)%len(names)]]
		s := &dwarfFiles{big: of.big, codeStart: of.codeStart, vaddrs: of.vaddrs[:min(len(of.vaddrs), 10)]}
		s.main.set(mainSections, info, abbrev, line, str, lineStr, ranges, rnglists, addr, strOffsets, aranges)
		s.split.set(splitSections, dwoInfo, dwoAbbrev, dwoLine, dwoStr, dwoStrOffsets, dwoRnglists, cuIndex)
		s.alt.set(altSections, altInfo, altAbbrev, altStr)
		s.survive(t)
	})
}

func (file *dwarfFile) set(ids []sectionID, data ...[]byte) {
	for i, id := range ids {
		if len(data[i]) > 0 {
			file[id] = data[i]
		}
	}
}

// TestMutations asks objects in which bytes were changed, sections were cut
// off, and lengths, offsets and counts were inflated. The changes are the same
// in each run.
func TestMutations(t *testing.T) {
	rounds := 200 / slowdown
	if testing.Short() {
		rounds = 10
	}
	for name, s := range seeds(t) {
		h := fnv.New64a()
		h.Write([]byte(name))
		r := rand.New(rand.NewPCG(h.Sum64(), 2))
		s.vaddrs = slices.DeleteFunc(slices.Clone(s.vaddrs), func(v uint64) bool { return v/4%2 == 0 })
		for i := range rounds {
			m := *s
			what := m.mutate(r)
			m.survive(t)
			if t.Failed() {
				t.Fatalf("%s, mutation %d: %+v", name, i, what)
			}
		}
	}
}

// mutate changes some places of some sections.
func (f *dwarfFiles) mutate(r *rand.Rand) (what []mutation) {
	for range 1 + r.IntN(4) {
		file := []*dwarfFile{&f.main, &f.main, &f.split, &f.alt}[r.IntN(4)]
		id := sectionID(r.IntN(int(numSections)))
		data := file[id]
		if len(data) == 0 {
			// .debug_info and .debug_abbrev, which all have, count most.
			file, id = &f.main, sectionID(r.IntN(2))
			data = file[id]
		}
		m := mutation{id, r.IntN(len(data)), r.IntN(8), r.Uint64()}
		file[id] = m.apply(slices.Clone(data), f.big)
		what = append(what, m)
	}
	return what
}

// mutation is one change of a section.
type mutation struct {
	section sectionID
	off     int
	kind    int
	value   uint64
}

func (m mutation) apply(b []byte, big bool) []byte {
	rest := b[m.off:]
	var order binary.ByteOrder = binary.LittleEndian
	if big {
		order = binary.BigEndian
	}
	interesting := []uint64{0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xfffffff0, 0xffffffff, 1<<63 - 1, 1<<64 - 1, uint64(len(b)), uint64(len(b) - m.off)}
	pick := interesting[m.value%uint64(len(interesting))]
	switch m.kind {
	case 0:
		rest[0] = byte(m.value)
	case 1:
		rest[0] ^= 1 << (m.value % 8)
	case 2:
		return b[:m.off]
	case 3:
		if len(rest) >= 4 {
			order.PutUint32(rest, uint32(pick))
		}
	case 4:
		if len(rest) >= 8 {
			order.PutUint64(rest, pick)
		}
	case 5: // a LEB128 that does not end soon
		for i := range rest[:min(len(rest), int(m.value%20))] {
			rest[i] |= 0x80
		}
	case 6: // a part twice
		n := min(len(rest), int(m.value%64))
		return slices.Concat(b[:m.off], rest[:n], rest)
	case 7: // a part less
		return slices.Concat(b[:m.off], rest[min(len(rest), int(m.value%8)):])
	}
	return b
}
