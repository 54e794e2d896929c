package resolver_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/symfetch/symfetch/fixtures"
	"github.com/symfetch/symfetch/resolver"
)

// nodeScript keeps a function hot until its input ends.
const nodeScript = `
function hotFunction(n) { let s = 0; for (let i = 0; i < n; i++) s = (s * 31 + i) % 65537; return s; }
process.stdin.on('end', () => process.exit(0)).resume();
console.log('ready');
setInterval(() => { for (let i = 0; i < 200; i++) hotFunction(20000); }, 5);
`

// startNode runs Node in a mount and a PID namespace of its own, with a /tmp
// that only it sees, and returns its number here.
func startNode(t *testing.T, flag string) (pid int) {
	t.Helper()
	dir := t.TempDir()
	script := filepath.Join(dir, "hot.js")
	if err := os.WriteFile(script, []byte(nodeScript), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-euc",
		`cd "$2"; cp hot.js /dev/shm/$$.js; mount -t tmpfs tmpfs /tmp; cd /tmp; mv /dev/shm/$$.js hot.js
		exec node "$1" hot.js`, "sh", flag, dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	parent := start(t, cmd)
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(children), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestNode names code that a real runtime generated inside a container: by its
// perf map, beside which others lie that are not its own, and by its jitdump.
func TestNode(t *testing.T) {
	if err := fixtures.NewTestEnv(t).Has(fixtures.NeedRoot); err != nil {
		fixtures.Skip(t, err)
	}
	t.Run("perf map", func(t *testing.T) {
		pid := startNode(t, "--perf-basic-prof")
		decoy := fmt.Sprintf("/tmp/perf-%d.map", pid)
		if err := os.WriteFile(decoy, []byte("1000 7fffffffe000 decoy\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(decoy) })
		// In its own namespace the process is number 1.
		addr := waitForCode(t, func() (uint64, bool) { return hotInPerfMap(fmt.Sprintf("/proc/%d/root/tmp/perf-1.map", pid)) })
		checkGenerated(t, pid, addr, resolver.SourcePerfMap, "perfmap")
	})
	t.Run("jitdump", func(t *testing.T) {
		pid := startNode(t, "--perf-prof")
		r := resolver.New(nil)
		defer r.Close()
		p, err := r.Process(t.Context(), pid)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		// The dump is binary: any executable page without a file is asked for.
		addr := waitForCode(t, func() (uint64, bool) { return hotInMemory(t, p) })
		checkGenerated(t, pid, addr, resolver.SourceJITDump, "jitdump")
	})
}

// waitForCode waits until the runtime has compiled the hot function.
func waitForCode(t *testing.T, find func() (uint64, bool)) uint64 {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		if addr, ok := find(); ok {
			return addr
		}
		if time.Now().After(deadline) {
			t.Fatal("the runtime has not told of the hot function")
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// hotInPerfMap returns an address of the hot function's last entry.
func hotInPerfMap(file string) (addr uint64, ok bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		var start, size uint64
		if _, err := fmt.Sscanf(lines.Text(), "%x %x", &start, &size); err == nil && strings.Contains(lines.Text(), "hotFunction") {
			addr, ok = start+size/2, true
		}
	}
	return addr, ok
}

// hotInMemory asks for every 64th address of the process's anonymous code until
// one is called after the hot function.
func hotInMemory(t *testing.T, p *resolver.Process) (uint64, bool) {
	mappings, err := p.Mappings()
	if err != nil {
		t.Fatal(err)
	}
	var addrs []uint64
	for _, m := range mappings {
		if m.HasFile() || m.Name != "" || m.Perms.String()[2] != 'x' {
			continue
		}
		for a := m.Start; a < m.End && len(addrs) < 1<<20; a += 64 {
			addrs = append(addrs, a)
		}
	}
	for r := range p.Symbolize(t.Context(), addrs) {
		if r.Err == nil && strings.Contains(r.Frames[0].Function, "hotFunction") {
			return r.Addr, true
		}
	}
	return 0, false
}

func checkGenerated(t *testing.T, pid int, addr uint64, source resolver.Source, engine string) {
	t.Helper()
	r := resolver.New(nil)
	defer r.Close()
	p, err := r.Process(t.Context(), pid)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for res := range p.Symbolize(t.Context(), []uint64{addr}) {
		if res.Err != nil {
			t.Fatal(res.Err)
		}
		f := res.Frames[0]
		if !strings.Contains(f.Function, "hotFunction") || f.Engine.String() != engine || res.Entry.Source != source {
			t.Errorf("%#x is %q by %s from %s", addr, f.Function, f.Engine, res.Entry.Source)
		}
		if source == resolver.SourcePerfMap && res.Entry.Verified != resolver.VerifiedNone {
			t.Errorf("a perf map is verified by %s", res.Entry.Verified)
		}
		t.Logf("%s+%#x %s:%d, %s, %s", f.Function, f.Offset, f.File, f.Line, res.Entry.Source, res.Entry.Verified)
	}
}
