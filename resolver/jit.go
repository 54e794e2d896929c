package resolver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/jit"
	"github.com/symfetch/symfetch/internal/proc"
)

// jitFiles are what a process's runtime tells of the code that it generates.
// They grow while they are read.
type jitFiles struct {
	mu    sync.Mutex
	at    time.Time // when they were last looked for
	perf  *perfMap
	dumps []*jitDump
	err   error // why there is no perf map
}

type perfMap struct {
	*jit.PerfMap
	stat  proc.FileStat
	entry *Entry
}

type jitDump struct {
	*jit.Dump
	stat proc.FileStat
	path string
}

// jitRefresh is how old the files may be when they do not know an address.
const jitRefresh = 100 * time.Millisecond

// nameGenerated answers the addresses of a span that no object covers from the
// runtime's own files. cause is the answer where these do not know either.
func (p *Process) nameGenerated(ctx context.Context, results []Result, order []int, cause error) {
	addrs := make([]uint64, len(order))
	for j, i := range order {
		addrs[j] = results[i].Addr
	}
	answers, err := limited(ctx, p.r.timeout, func() ([]generated, error) { return p.generated(addrs), nil }, nil)
	for j, i := range order {
		r := &results[i]
		switch {
		case err != nil:
			r.Err = fmt.Errorf("address %#x: %w", r.Addr, err)
		case answers[j].entry == nil:
			r.Err = cause
			if answers[j].err != nil {
				r.Err = fmt.Errorf("%w; %w", cause, answers[j].err)
			}
		default:
			r.Entry, r.Frames, r.Err = answers[j].entry, []Frame{answers[j].frame}, nil
		}
	}
}

// generated is the answer for one address of generated code; entry is nil where
// there is none.
type generated struct {
	entry *Entry
	frame Frame
	err   error // a file that could not be believed or read
}

func (p *Process) generated(addrs []uint64) []generated {
	j := &p.jit
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]generated, len(addrs))
	for i, addr := range addrs {
		var ok bool
		if out[i], ok = p.lookUpGenerated(j, addr); ok || time.Since(j.at) < jitRefresh {
			continue
		}
		p.refreshJIT(j)
		out[i], _ = p.lookUpGenerated(j, addr)
	}
	return out
}

// lookUpGenerated asks the jitdump files, whose code can be compared with
// memory, then the perf map.
func (p *Process) lookUpGenerated(j *jitFiles, addr uint64) (g generated, ok bool) {
	for _, d := range j.dumps {
		c, found := d.Lookup(addr)
		if !found {
			continue
		}
		by := VerifiedNone
		if p.holds(c.Addr, c.Bytes) {
			by = VerifiedContent
		}
		return generated{
			entry: &Entry{Path: d.path, Source: SourceJITDump, Verified: by},
			frame: p.generatedFrame(c.Symbol, addr, c.File, c.Line, frame.EngineJITDump),
		}, true
	}
	if j.perf != nil {
		if s, found := j.perf.Lookup(addr); found {
			return generated{entry: j.perf.entry, frame: p.generatedFrame(s, addr, "", 0, frame.EnginePerfMap)}, true
		}
	}
	return generated{err: j.err}, false
}

func (p *Process) generatedFrame(s jit.Symbol, addr uint64, file string, line int, engine frame.Engine) Frame {
	return Frame{
		Function: p.r.names.Demangle(s.Name), LinkageName: s.Name, Offset: addr - s.Addr, HasOffset: true,
		File: file, Line: line, Engine: engine,
	}
}

// maxGenerated is how much of a piece of generated code is compared with
// memory, in bytes.
const maxGenerated = 64 << 10

// holds reports whether memory at addr holds these bytes.
func (p *Process) holds(addr uint64, code []byte) bool {
	code = code[:min(len(code), maxGenerated)]
	mem := make([]byte, len(code))
	_, err := p.os.ReadMemory(mem, addr)
	return err == nil && bytes.Equal(mem, code)
}

// refreshJIT looks for the files anew, and reads what changed.
func (p *Process) refreshJIT(j *jitFiles) {
	j.at = time.Now()
	if err := p.refreshPerfMap(j); err != nil && !errors.Is(err, os.ErrNotExist) {
		j.err = err
	}
	p.refreshDumps(j)
}

// refreshPerfMap reads /tmp/perf-N.map in the process's root directory, where N
// is the number by which the process knows itself. A file of another user's is
// not believed: /tmp is anybody's.
func (p *Process) refreshPerfMap(j *jitFiles) error {
	pids := p.os.NSPIDs()
	if len(pids) == 0 {
		return nil
	}
	name := fmt.Sprintf("/tmp/perf-%d.map", pids[len(pids)-1])
	f, err := p.os.OpenInRoot(name)
	if err != nil {
		return refusal(err)
	}
	defer f.Close()
	stat, err := proc.StatFile(f)
	if err != nil || j.perf != nil && j.perf.stat.SameFile(stat) {
		return err
	}
	uids, err := p.os.UIDs()
	if err != nil {
		return err
	}
	if stat.UID != 0 && !slices.Contains(uids[:], stat.UID) {
		j.perf = nil
		return fmt.Errorf("perf map %s belongs to user %d: %w", name, stat.UID, ErrNotVerified)
	}
	m, err := jit.ReadPerfMap(f, stat.Size)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	j.err = nil
	j.perf = &perfMap{m, stat, &Entry{Path: name, Source: SourcePerfMap, Verified: VerifiedNone}}
	return nil
}

// refreshDumps reads the jitdump files that the process maps: a runtime maps
// its file once, to be found by that.
func (p *Process) refreshDumps(j *jitFiles) {
	all, err := p.os.Mappings()
	if err != nil {
		return
	}
	for _, m := range all {
		name := cutName(m.Name)
		base := path.Base(name)
		if !m.HasFile() || !strings.HasPrefix(base, "jit-") || !strings.HasSuffix(base, ".dump") {
			continue
		}
		if err := p.refreshDump(j, m, name); err != nil {
			p.r.log.Debug("jitdump refused", "pid", p.pid, "path", name, "err", err)
			j.err = err
		}
	}
}

func (p *Process) refreshDump(j *jitFiles, m Mapping, name string) error {
	f, err := p.os.OpenMapping(m)
	if errors.Is(err, os.ErrPermission) {
		if f, err = p.os.OpenInRoot(name); err == nil {
			stat, serr := proc.StatFile(f)
			if serr != nil || stat.Ino != m.Inode {
				f.Close()
				return fmt.Errorf("%s: another file: %w", name, ErrNotVerified)
			}
		}
	}
	if err != nil {
		return refusal(err)
	}
	defer f.Close()
	stat, err := proc.StatFile(f)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(j.dumps, func(d *jitDump) bool { return d.path == name })
	if at >= 0 && j.dumps[at].stat.SameFile(stat) {
		return nil
	}
	d, err := jit.ReadDump(f, stat.Size)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if at < 0 {
		j.dumps = append(j.dumps, nil)
		at = len(j.dumps) - 1
	}
	j.dumps[at] = &jitDump{d, stat, name}
	return nil
}
