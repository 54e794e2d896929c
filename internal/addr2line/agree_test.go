package addr2line

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
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

// format writes frames as the comparison shows them.
func format(frames []frame.Frame) string {
	var b strings.Builder
	for _, f := range frames {
		fmt.Fprintf(&b, "%s %s:%d:%d %d; ", orUnknown(f.LinkageName), orUnknown(f.File), f.Line, f.Column, f.StartLine)
	}
	return b.String()
}

func formatLLVM(frames []llvmFrame) string {
	var b strings.Builder
	for _, f := range frames {
		if f.FunctionName == "" && f.FileName == "" && f.Line == 0 {
			continue
		}
		fmt.Fprintf(&b, "%s %s:%d:%d %d; ", orUnknown(f.FunctionName), orUnknown(f.FileName), f.Line, f.Column, f.StartLine)
	}
	return b.String()
}

func orUnknown(s string) string {
	if s == "" || s == "<invalid>" {
		return "??"
	}
	return s
}

// batchAnswers are the answers of Symbolize, formatted.
func batchAnswers(d *Data, vaddrs []uint64) []string {
	out := make([]string, len(vaddrs))
	d.Symbolize(vaddrs, func(i int, frames []frame.Frame, err error) {
		out[i] = format(frames)
		if err != nil && err != ErrNoSymbol {
			out[i] += " error: " + err.Error()
		}
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

// TestFile compares random addresses of the file that ADDR2LINE_FILE names, or
// of the test's own executable, with llvm-symbolizer.
func TestFile(t *testing.T) {
	path := os.Getenv("ADDR2LINE_FILE")
	if path == "" {
		path, _ = os.Executable()
	}
	o := openObject(t, path)
	n := 50000
	vaddrs := o.random(n, 1)
	d := New(o.input())
	got := batchAnswers(d, vaddrs)
	want := llvm(t, o, vaddrs)
	bad := 0
	for i, v := range vaddrs {
		if w := formatLLVM(want[i]); got[i] != w {
			if bad++; bad <= 20 {
				t.Logf("%#x:\n got %s\nwant %s", v, got[i], w)
			}
		}
	}
	t.Logf("%s: %d of %d agree (%.3f%%), %d procs", path, n-bad, n, 100*float64(n-bad)/float64(n), runtime.GOMAXPROCS(0))
}
