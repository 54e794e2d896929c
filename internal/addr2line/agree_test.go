package addr2line

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/symfetch/symfetch/internal/frame"
)

// llvmFrame is a frame as llvm-symbolizer's JSON has it.
type llvmFrame struct {
	FunctionName string
	FileName     string
	Line, Column int
	StartLine    int
}

// llvm asks llvm-symbolizer for the frames of vaddrs, without symbol tables.
func llvm(t testing.TB, o *object, vaddrs []uint64) [][]llvmFrame {
	t.Helper()
	var in bytes.Buffer
	for _, v := range vaddrs {
		fmt.Fprintf(&in, "%#x\n", v)
	}
	cmd := exec.Command("llvm-symbolizer", "--output-style=JSON", "--no-demangle", "-i", "-e", withoutSymbols(t, o))
	cmd.Stdin = &in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("llvm-symbolizer: %v\n%s", err, &stderr)
	}
	var all [][]llvmFrame
	sc := bufio.NewScanner(bytes.NewReader(out))
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		if len(sc.Bytes()) == 0 {
			continue
		}
		var r struct{ Symbol []llvmFrame }
		line := bytes.TrimSuffix(bytes.TrimPrefix(sc.Bytes(), []byte("[")), []byte("]"))
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("llvm-symbolizer: %v: %s", err, line)
		}
		all = append(all, r.Symbol)
	}
	if len(all) != len(vaddrs) {
		t.Fatalf("llvm-symbolizer: %d answers to %d addresses\n%s", len(all), len(vaddrs), &stderr)
	}
	return all
}

// frames turns llvm-symbolizer's answer into ours. An answer without a name and
// a line is none.
func fromLLVM(frames []llvmFrame) (out []frame.Frame) {
	for _, f := range frames {
		if f.FunctionName != "" || f.FileName != "" || f.Line != 0 {
			out = append(out, frame.Frame{LinkageName: f.FunctionName, File: f.FileName, Line: f.Line, Column: f.Column, StartLine: f.StartLine})
		}
	}
	return out
}

// format writes frames as failures show them.
func format(frames []frame.Frame) string {
	var b strings.Builder
	for _, f := range frames {
		fmt.Fprintf(&b, "\n\t%q %s:%d:%d, declared at %d", f.LinkageName, f.File, f.Line, f.Column, f.StartLine)
	}
	return b.String()
}

// same compares our answer with llvm-symbolizer's. Before LLVM 16, it put a
// relative DW_AT_comp_dir before directory 0 of DWARF 5, which is that
// directory itself.
func same(got, want []frame.Frame) bool {
	return slices.EqualFunc(got, want, func(g, w frame.Frame) bool {
		extra := max(0, len(w.File)-len(g.File))
		return cmp.Or(g.LinkageName, g.Function) == w.LinkageName && g.Line == w.Line && g.Column == w.Column && g.StartLine == w.StartLine &&
			w.File[extra:] == g.File && strings.HasPrefix(g.File, w.File[:extra])
	})
}

// answerOf is what an address was answered.
type answerOf struct {
	frames []frame.Frame
	err    error
}

// batchAnswers are the answers of Symbolize.
func batchAnswers(d *Data, vaddrs []uint64) []answerOf {
	out := make([]answerOf, len(vaddrs))
	d.Symbolize(vaddrs, func(i int, frames []frame.Frame, err error) {
		out[i] = answerOf{slices.Clone(frames), err}
	})
	return out
}

// random returns n addresses of the object's code, sorted.
func (o *object) random(n int, seed uint64) []uint64 {
	r := rand.New(rand.NewPCG(seed, 1))
	total := uint64(0)
	for _, t := range o.text {
		total += t[1] - t[0]
	}
	out := make([]uint64, n)
	for i := range out {
		v := r.Uint64N(total)
		for _, t := range o.text {
			if v < t[1]-t[0] {
				out[i] = t[0] + v
				break
			}
			v -= t[1] - t[0]
		}
	}
	slices.Sort(out)
	return out
}

// answersOf returns the answers of every way to ask: in a batch, from tables,
// and for few of the addresses by reading through the unit. It fails where they
// differ.
func answersOf(t testing.TB, o *object, vaddrs []uint64) []answerOf {
	t.Helper()
	batch := batchAnswers(New(o.input()), vaddrs)
	d := New(o.input())
	var dst []frame.Frame
	check := func(way string, i int, err error) {
		want := batch[i]
		if !slices.Equal(dst, want.frames) || fmt.Sprint(err) != fmt.Sprint(want.err) {
			t.Errorf("%#x: %s: %v%s\nbatch: %v%s", vaddrs[i], way, err, format(dst), want.err, format(want.frames))
		}
	}
	for i, v := range vaddrs {
		var err error
		dst, err = d.AppendFrames(dst[:0], v)
		check("tables", i, err)
	}
	again := New(o.input())
	for range maxStreamed + 2 {
		for i, a := range batchAnswers(again, vaddrs) {
			dst = a.frames
			check("again", i, a.err)
		}
	}
	never := o.input()
	never.MaxMemory = 1
	d = New(never)
	for i := 0; i < len(vaddrs); i += max(1, len(vaddrs)*slowdown/500) {
		var err error
		dst, err = d.AppendFrames(dst[:0], vaddrs[i])
		check("streaming", i, err)
	}
	return batch
}

// TestFile compares random addresses of a larger program, and of the file that
// ADDR2LINE_FILE names in addition, with llvm-symbolizer.
func TestFile(t *testing.T) {
	o := build(t, fixture{"gofmt", "go build -o object cmd/gofmt"})
	compare(t, o, o.random(50000/slowdown, 1))
	if path := os.Getenv("ADDR2LINE_FILE"); path != "" {
		o := openObject(t, path)
		o.split = splitOf(t, o)
		compare(t, o, o.random(50000, 1))
	}
}
