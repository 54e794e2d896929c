package resolver

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/symfetch/symfetch/internal/proc"
)

// Hints says what would have let the Process do better so far: each missing
// capability or setting once, by name.
func (p *Process) Hints() []Hint {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.hints), func(a, b Hint) int { return cmp.Compare(a.Missing, b.Missing) })
}

// noteHints remembers what an entry's refusals were for the lack of.
func (p *Process) noteHints(e *Entry) {
	for _, a := range e.Attempts() {
		if a.Err != nil {
			p.noteRefusal(a.Source, a.Err)
		}
	}
}

// noteRefusal turns a refusal for lack of permission into hints.
func (p *Process) noteRefusal(s Source, err error) {
	if !errors.Is(err, fs.ErrPermission) {
		return
	}
	access, effect := accessOf(s)
	missing, err := p.os.Missing(access)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range missing {
		p.hints[c.String()] = Hint{Missing: c.String(), Effect: effect}
	}
}

// accessOf is what a source needs, and what its lack costs.
func accessOf(s Source) (proc.Access, string) {
	switch s {
	case SourceMapFiles:
		return proc.AccessMapFiles, "mapped files are opened by their paths, and where these hold another file only the memory image is left, which has no .symtab and no DWARF"
	case SourceMemory:
		return proc.AccessMemory, "mapped files without a build ID cannot be compared with memory, and there is no memory image to fall back on"
	}
	return proc.AccessLinks, "the process's root directory and program file cannot be opened"
}
