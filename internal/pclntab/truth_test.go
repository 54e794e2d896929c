package pclntab_test

import (
	"bufio"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/pclntab"
)

// truth is what a program says of itself: runs of pcs with the same frames,
// by ascending vaddr, without gaps.
type truth struct {
	quantum uint64
	runs    []truthRun
	end     uint64
}

type truthRun struct {
	vaddr  uint64
	frames []truthFrame
	// edge: the last byte of a function that ends without padding, which
	// CallersFrames cannot be asked for; the innermost frame only.
	edge bool
}

type truthFrame struct {
	name, file string
	line       int
}

// unknown says that the runtime knows no line: padding, or foreign code.
func (r truthRun) unknown() bool { return r.frames[0].file == "?" && r.frames[0].line == 0 }

// tellTruth runs the program.
func (b built) tellTruth(t testing.TB) truth {
	t.Helper()
	quantum := quantumOf(b.arch)
	name, args := b.command(t)
	if b.host == "dlopen" || b.host == "plugin" {
		args = append(args, b.path)
	}
	env := append(os.Environ(), "TRUTH_STEP="+strconv.Itoa(quantum), "GODEBUG=")
	out := run(t, ".", env, name, args...)
	tr, err := parseTruth([]byte(out), b.path, uint64(quantum))
	if err != nil {
		t.Fatalf("%v: %v", b.fixture, err)
	}
	return tr
}

// emulators run the programs of other machines.
var emulators = map[string]string{
	"386": "qemu-i386", "amd64": "qemu-x86_64", "arm": "qemu-arm", "arm64": "qemu-aarch64",
	"ppc64le": "qemu-ppc64le", "riscv64": "qemu-riscv64", "s390x": "qemu-s390x",
}

func (b built) command(t testing.TB) (name string, args []string) {
	t.Helper()
	if b.arch == runtime.GOARCH || b.arch == "386" && runtime.GOARCH == "amd64" {
		return b.run, nil
	}
	qemu, err := exec.LookPath(emulators[b.arch])
	if err != nil {
		t.Fatalf("%v: programs of %s need qemu-user to run: %v", b.fixture, b.arch, err)
	}
	return qemu, []string{b.run}
}

func quantumOf(arch string) int {
	switch arch {
	case "amd64", "386":
		return 1
	case "s390x":
		return 2
	}
	return 4
}

// parseTruth reads the output of the fixture's package truth and turns
// addresses into vaddrs: by the lowest mapping of the object's file.
func parseTruth(out []byte, object string, quantum uint64) (truth, error) {
	p := truthParser{tr: truth{quantum: quantum}, strs: map[string]string{}}
	sc := bufio.NewScanner(bytes.NewReader(out))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if err := p.line(sc.Text(), object); err != nil {
			return truth{}, fmt.Errorf("%q: %w", sc.Text(), err)
		}
	}
	if p.tr.end == 0 || p.base == 0 {
		return truth{}, errors.New("the truth has no end or no mapping of the object")
	}
	first, err := firstPage(object)
	if err != nil {
		return truth{}, err
	}
	bias := p.base - first
	for i := range p.tr.runs {
		p.tr.runs[i].vaddr -= bias
	}
	p.tr.end -= bias
	return p.tr, sc.Err()
}

// firstPage is the vaddr at which the file's first mapping begins.
func firstPage(object string) (uint64, error) {
	f, err := elf.Open(object)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			return p.Vaddr &^ 0xfff, nil
		}
	}
	return 0, errors.New("no segment")
}

type truthParser struct {
	tr   truth
	strs map[string]string
	base uint64
}

func (p *truthParser) line(s, object string) error {
	kind, rest, _ := strings.Cut(s, " ")
	switch kind {
	case "m":
		if addr, _, ok := strings.Cut(rest, "-"); ok && strings.HasSuffix(rest, object) && p.base == 0 {
			v, err := strconv.ParseUint(addr, 16, 64)
			p.base = v
			return err
		}
	case "s":
		id, text, _ := strings.Cut(rest, " ")
		p.strs[id] = text
	case "x":
		v, err := strconv.ParseUint(rest, 16, 64)
		p.tr.end = v
		return err
	case "p", "e":
		return p.run(strings.Fields(rest), kind == "e")
	}
	return nil
}

func (p *truthParser) run(f []string, edge bool) error {
	v, err := strconv.ParseUint(f[0], 16, 64)
	if err != nil {
		return err
	}
	r := truthRun{vaddr: v, edge: edge}
	for f = f[1:]; len(f) >= 3; f = f[3:] {
		line, err := strconv.Atoi(f[2])
		if err != nil {
			return err
		}
		r.frames = append(r.frames, truthFrame{p.strs[f[0]], p.strs[f[1]], line})
	}
	if len(r.frames) == 0 {
		return errors.New("no frames")
	}
	p.tr.runs = append(p.tr.runs, r)
	return nil
}

// all calls check for every pc of the truth with what is true there.
func (tr truth) all(check func(vaddr uint64, r truthRun) bool) {
	for i, r := range tr.runs {
		end := tr.end
		if i+1 < len(tr.runs) {
			end = tr.runs[i+1].vaddr
		}
		for v := r.vaddr; v < end; v += tr.quantum * raceStride {
			if !check(v, r) {
				return
			}
		}
	}
}

// compare holds the table against the truth, for every pc.
func compare(t testing.TB, tab *pclntab.Table, tr truth, rel release) {
	t.Helper()
	c := newComparer(tab, rel)
	tr.all(func(vaddr uint64, r truthRun) bool {
		if err := c.at(vaddr, r); err != nil {
			t.Errorf("%#x: %v", vaddr, err)
			c.failed++
		}
		return c.failed < 10
	})
	// The truth was told in steps of an instruction's least size.
	if lo, hi := tab.Bounds(); lo != tr.runs[0].vaddr || hi > tr.end || hi+tr.quantum <= tr.end {
		t.Errorf("bounds %#x to %#x, want %#x to %#x", lo, hi, tr.runs[0].vaddr, tr.end)
	}
	// Padding between functions is a matter of byte-sized instructions.
	if min(c.known, c.inlined) == 0 || tr.quantum == 1 && c.unknown == 0 {
		t.Errorf("the truth is poor: %d pcs in functions, %d in inlined calls, %d unknown", c.known, c.inlined, c.unknown)
	}
	c.outside(t)
}

type comparer struct {
	tab    *pclntab.Table
	rel    release
	first  string // the name at offset 0, which the runtime takes for none
	frames []frame.Frame
	ids    []uint8

	known, inlined, unknown, failed int
}

func newComparer(tab *pclntab.Table, rel release) comparer {
	c := comparer{tab: tab, rel: rel}
	if f, err := tab.Func(0); err == nil {
		c.first = f.Name
	}
	return c
}

func (c *comparer) at(vaddr uint64, r truthRun) error {
	got, err := c.tab.AppendFrames(c.frames[:0], vaddr)
	c.frames = got
	if r.unknown() {
		c.unknown++
		return c.unanswered(r, got, err)
	}
	if err != nil {
		return fmt.Errorf("%w, want %v", err, r.frames)
	}
	c.known++
	if len(got) > 1 {
		c.inlined++
	}
	if err := shape(got); err != nil {
		return err
	}
	mine := c.normal(got, vaddr)
	if r.edge {
		mine = mine[:1]
	}
	if !slices.EqualFunc(mine, r.frames, c.equal) {
		return fmt.Errorf("got %v, want %v", mine, r.frames)
	}
	return nil
}

// unanswered checks the answer where the runtime knows no line: none, unless
// it is the entry of a function without a line table.
func (c *comparer) unanswered(r truthRun, got []frame.Frame, err error) error {
	if errors.Is(err, pclntab.ErrNoSymbol) {
		return nil
	}
	if err == nil && len(got) == 1 && got[0].Offset == 0 && got[0].File == "" &&
		c.equal(truthFrame{normalName(got[0].Function, c.rel), "?", 0}, r.frames[0]) {
		return nil
	}
	return fmt.Errorf("got %+v, %v; the runtime knows no line there", got, err)
}

func (c *comparer) equal(mine, want truthFrame) bool {
	if want.name == "" && mine.name == normalName(c.first, c.rel) {
		mine.name = ""
	}
	return mine == want
}

// shape checks what must hold of any answer.
func shape(got []frame.Frame) error {
	for i, f := range got {
		last := i == len(got)-1
		if f.Inlined == last || f.HasOffset != last || f.Function == "" || f.Engine != frame.EnginePclntab || f.LinkageName != f.Function {
			return fmt.Errorf("frame %d of %d: %+v", i, len(got), f)
		}
	}
	return nil
}

// normal does to our frames what CallersFrames does: abridge type arguments,
// leave out wrappers.
func (c *comparer) normal(got []frame.Frame, vaddr uint64) []truthFrame {
	c.ids = c.tab.FuncIDs(c.ids[:0], vaddr)
	var out []truthFrame
	for i, f := range got {
		if len(got) > 1 && c.ids[i] == c.rel.wrapper && (i < len(got)-1 || c.rel.dropsOuter) {
			continue
		}
		out = append(out, truthFrame{normalName(f.Function, c.rel), f.File, f.Line})
	}
	return out
}

func normalName(name string, rel release) string {
	i, j := strings.IndexByte(name, '['), strings.LastIndexByte(name, ']')
	if !rel.shapes || i < 0 || j <= i {
		return name
	}
	return name[:i] + "[...]" + name[j+1:]
}

// outside asks for what surrounds the text.
func (c *comparer) outside(t testing.TB) {
	lo, hi := c.tab.Bounds()
	for _, v := range []uint64{0, 1, lo - 1, hi, hi + 1, 1<<32 - 1, 1<<63 + lo, ^uint64(0)} {
		if got, err := c.tab.AppendFrames(nil, v); err != pclntab.ErrNoSymbol || got != nil {
			t.Errorf("%#x: %v, %v outside the text", v, got, err)
		}
	}
}
