package resolver

import (
	"errors"
	"os"

	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/kernel"
)

// isKernel reports whether addr lies in the half of the address space that is
// the kernel's on 64-bit machines.
func isKernel(addr uint64) bool { return addr>>63 != 0 }

// nameKernel answers the addresses of the kernel's half that no mapping covers,
// such as those of a stack that a profiler took in a system call. What the
// kernel does not name, or hides, is not mapped as far as anybody can tell.
func (p *Process) nameKernel(results []Result) {
	for i := range results {
		r := &results[i]
		if !isKernel(r.Addr) || !errors.Is(r.Err, ErrUnmapped) {
			continue
		}
		t, err := p.r.kernel()
		if errors.Is(err, kernel.ErrHidden) {
			p.mu.Lock()
			p.hints["CAP_SYSLOG"] = Hint{"CAP_SYSLOG", "addresses of the kernel have no names (the setting kernel.kptr_restrict=0 would do, too)"}
			p.mu.Unlock()
		}
		if err != nil {
			p.r.log.Debug("no kernel symbols", "err", err)
			continue
		}
		s, ok := t.Lookup(r.Addr)
		if !ok {
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
	return kernel.Read(f)
}
