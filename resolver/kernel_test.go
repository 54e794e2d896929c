package resolver_test

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/symfetch/symfetch/resolver"
)

// TestKernel names vfs_read, or says that the kernel hides where it is.
func TestKernel(t *testing.T) {
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	addr := uint64(0)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) == 3 && fields[2] == "vfs_read" {
			addr, _ = strconv.ParseUint(fields[0], 16, 64)
			break
		}
	}
	hidden := addr == 0
	if hidden {
		addr = 0xffffffff81000000
	}
	r := resolver.New(nil)
	defer r.Close()
	p, err := r.Process(t.Context(), os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for res := range p.Symbolize(t.Context(), []uint64{addr + 1, 1 << 63}) {
		switch {
		case hidden || res.Index == 1:
			if resolver.ReasonOf(res.Err) != resolver.ReasonUnmapped {
				t.Errorf("%#x: %+v, %v", res.Addr, res.Frames, res.Err)
			}
		case res.Err != nil:
			t.Error(res.Err)
		case res.Frames[0].Function != "vfs_read" || res.Frames[0].Offset != 1 || res.Entry.Source != resolver.SourceKernel:
			t.Errorf("%#x: %+v of %+v", res.Addr, res.Frames, res.Entry)
		}
	}
	if hidden && !slices.ContainsFunc(p.Hints(), func(h resolver.Hint) bool { return h.Missing == "CAP_SYSLOG" }) {
		t.Error("no hint says what would help")
	}
}
