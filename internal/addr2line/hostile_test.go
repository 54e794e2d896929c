package addr2line

import (
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/symfetch/symfetch/internal/frame"
)

// dwarfFile is the sections of one file, by sectionID.
type dwarfFile [numSections][]byte

// dwarfFiles is an object's DWARF in memory, to be tampered with.
type dwarfFiles struct {
	main, split, alt dwarfFile
	big              bool
	codeStart        uint64
	vaddrs           []uint64 // to ask for
}

// size is that of all sections, in bytes.
func (f *dwarfFiles) size() (n int) {
	for _, file := range []*dwarfFile{&f.main, &f.split, &f.alt} {
		for _, s := range file {
			n += len(s)
		}
	}
	return n
}

func (f *dwarfFiles) input() Input {
	split, alt := f.fileInput(&f.split, true), f.fileInput(&f.alt, false)
	in := f.fileInput(&f.main, false)
	if f.split[secInfo] != nil {
		in.Split = func(Skeleton) (*Input, error) { return &split, nil }
	}
	if f.alt[secInfo] != nil {
		in.Supplementary = func() (*Input, error) { return &alt, nil }
	}
	return in
}

func (f *dwarfFiles) fileInput(file *dwarfFile, dwo bool) Input {
	byName := make(map[string][]byte)
	for i, s := range file {
		name := sectionID(i).String()
		if dwo && sectionID(i).inDWO() {
			name += ".dwo"
		}
		byName[name] = s
	}
	return Input{BigEndian: f.big, CodeStart: f.codeStart, Section: func(name string) ([]byte, error) { return byName[name], nil }}
}

// read takes the sections of an object.
func (file *dwarfFile) read(t testing.TB, o *object, dwo bool) {
	for i := range file {
		name := sectionID(i).String()
		if dwo && sectionID(i).inDWO() {
			name += ".dwo"
		}
		data, err := o.section(name)
		if err != nil {
			t.Fatal(err)
		}
		file[i] = data
	}
}

// seeds are the small objects of testdata/seeds (make.sh made them), by name.
func seeds(t testing.TB) map[string]*dwarfFiles {
	t.Helper()
	paths, err := filepath.Glob("testdata/seeds/*")
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]*dwarfFiles)
	for _, p := range paths {
		switch filepath.Ext(p) {
		case ".c", ".cc", ".sh", ".split", ".alt":
			continue
		}
		o := openObject(t, p)
		f := &dwarfFiles{big: o.input().BigEndian, codeStart: o.input().CodeStart, vaddrs: o.vaddrs(4)}
		f.main.read(t, o, false)
		if exists(p + ".split") {
			f.split.read(t, openObject(t, p+".split"), true)
		}
		if exists(p + ".alt") {
			f.alt.read(t, openObject(t, p+".alt"), false)
		}
		out[o.name] = f
	}
	return out
}

// What one tampered object may take. Its time is far above what is seen, as
// tests share the machine.
const (
	maxTime = 2 * time.Second
	// maxAlloc bytes and maxAllocFactor times the size of the sections may be
	// allocated by the fifty or so calls of survive.
	maxAlloc       = 16 << 20
	maxAllocFactor = 2000
)

// survive asks for vaddrs in every way, and fails where that takes too long or
// too much memory, or where two ways that see no error give different answers.
//
// With malformed DWARF, the first lookups of a unit are no part of the latter:
// they jump over the children of functions that do not cover the vaddr, so that
// of two contradictory things that DWARF says they may see but one.
func (f *dwarfFiles) survive(t testing.TB) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()

	in := f.input()
	all := batchAnswers(New(in), f.vaddrs)
	// A unit asked for two addresses is not jumped through.
	single := make([]answerOf, len(f.vaddrs))
	d := New(in)
	for i, v := range f.vaddrs {
		single[i] = batchAnswers(d, []uint64{v, v})[0]
	}
	never := in
	never.MaxMemory = 1
	d = New(never)
	for _, v := range f.vaddrs {
		d.AppendFrames(nil, v)
	}
	d = New(in)
	tables := make([]answerOf, len(f.vaddrs))
	for range maxStreamed + 2 {
		for i, v := range f.vaddrs {
			frames, err := d.AppendFrames(nil, v)
			tables[i] = answerOf{frames, err}
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if took > maxTime {
		t.Errorf("took %v", took)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > maxAlloc+maxAllocFactor*uint64(f.size()) {
		t.Errorf("allocated %d bytes for sections of %d", n, f.size())
	}
	for i, v := range f.vaddrs {
		agree(t, v, "batch", all[i], "pair", single[i])
		if d.allTables() {
			agree(t, v, "batch", all[i], "tables", tables[i])
		}
	}
}

// allTables reports whether all units that were asked have tables.
func (d *Data) allTables() bool {
	for _, s := range d.slots {
		if s.table.Load() == nil {
			return false
		}
	}
	return true
}

func agree(t testing.TB, vaddr uint64, wayA string, a answerOf, wayB string, b answerOf) {
	t.Helper()
	sound := func(err error) bool { return err == nil || err == ErrNoSymbol }
	if sound(a.err) && sound(b.err) && !slices.Equal(a.frames, b.frames) {
		t.Errorf("%#x: %s %s\n%s %s", vaddr, wayA, format(a.frames), wayB, format(b.frames))
	}
	for _, fr := range slices.Concat(a.frames, b.frames) {
		if fr.Engine != frame.EngineDWARF || fr.Line < 0 || fr.Column < 0 || fr.StartLine < 0 {
			t.Errorf("%#x: %+v", vaddr, fr)
		}
	}
}

// TestSeeds checks that the seeds are read: mutations of what has no answers
// show nothing.
func TestSeeds(t *testing.T) {
	all := seeds(t)
	if len(all) < 15 {
		t.Fatalf("%d seeds", len(all))
	}
	for name, f := range all {
		t.Run(name, func(t *testing.T) {
			f.survive(t)
			inlined := 0
			for i, a := range batchAnswers(New(f.input()), f.vaddrs) {
				if a.err != nil && a.err != ErrNoSymbol || len(a.frames) > 0 && a.frames[0].Line == 0 {
					t.Errorf("%#x: %s", f.vaddrs[i], fmt.Sprint(a.err, format(a.frames)))
				}
				inlined += max(0, len(a.frames)-1)
			}
			if inlined == 0 {
				t.Error("no inlined call")
			}
		})
	}
}
