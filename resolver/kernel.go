package resolver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/kernel"
)

// isKernel reports whether addr lies in the half of the address space that is
// the kernel's on 64-bit machines.
func isKernel(addr uint64) bool { return addr>>63 != 0 }

// nameKernel answers the addresses of the kernel's half that no mapping covers,
// such as those of a stack that a profiler took in a system call.
func (p *Process) nameKernel(results []Result) {
	for i := range results {
		r := &results[i]
		if !isKernel(r.Addr) || !errors.Is(r.Err, ErrUnmapped) {
			continue
		}
		t, err := p.r.kernel()
		if err != nil {
			r.Err = fmt.Errorf("address %#x: kernel symbols: %w", r.Addr, err)
			continue
		}
		s, ok := t.Lookup(r.Addr)
		if !ok {
			r.Err = fmt.Errorf("address %#x of the kernel: %w", r.Addr, ErrNoSymbol)
			continue
		}
		name := s.Module
		if name == "" {
			name = "kernel"
		}
		r.Err = nil
		r.Entry = &Entry{Path: "[" + name + "]", Source: SourceKernel, Verified: VerifiedMemory}
		r.Frames = []Frame{{Function: p.r.names.Demangle(s.Name), LinkageName: s.Name, Offset: r.Addr - s.Addr, HasOffset: true, Engine: frame.EngineKallsyms}}
	}
}

// readKernel reads the symbols of the running kernel.
func readKernel(procRoot string) (*kernel.Table, error) {
	if procRoot == "" {
		procRoot = "/proc"
	}
	f, err := os.Open(procRoot + "/kallsyms")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	t, err := kernel.Read(f)
	if errors.Is(err, kernel.ErrHidden) {
		return nil, fmt.Errorf("%w: CAP_SYSLOG or kernel.kptr_restrict=0 would help: %w", err, fs.ErrPermission)
	}
	return t, err
}
