package proc

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// byNumber takes p's mem away, as where the kernel denies it and permits
// process_vm_readv.
func byNumber(p *Process) {
	closeFD(p.memFD)
	p.memFD = -1
	p.memErr = ErrMemoryDenied
}

func TestReadMemory(t *testing.T) {
	a := startAgent(t, "", nil)
	hole := a.addr("anon 16384 3 2")
	a.do("munmap %x 4096", hole+8192)
	a.do("poke %x %q", hole+8192-6, "before")
	mem, vm := a.open(), a.open()
	byNumber(vm)
	for name, p := range map[string]*Process{"mem": mem, "process_vm_readv": vm} {
		t.Run(name, func(t *testing.T) {
			buf := make([]byte, 6)
			if n, err := p.ReadMemory(buf, hole+8192-6); n != 6 || err != nil || string(buf) != "before" {
				t.Errorf("%d, %v, %q", n, err, buf)
			}
			long := make([]byte, 3*4096)
			n, err := p.ReadMemory(long, hole+2)
			if n != 8192-2 || !errors.Is(err, ErrUnreadable) || !bytes.HasSuffix(long[:max(n, 0)], []byte("before")) {
				t.Errorf("up to the hole: %d, %v", n, err)
			}
			if err == nil || !strings.Contains(err.Error(), hexOf(hole+8192)) {
				t.Errorf("the error does not name the hole at %#x: %v", hole+8192, err)
			}
			for _, addr := range []uint64{0, 1, hole + 8192, 1 << 47, math.MaxInt64, math.MaxInt64 - 2, 1 << 63, 1<<63 + 1, 0xffffffffff600000, math.MaxUint64, math.MaxUint64 - 2} {
				if n, err := p.ReadMemory(buf, addr); n != 0 || !errors.Is(err, ErrUnreadable) {
					t.Errorf("%#x: %d, %v", addr, n, err)
				}
			}
			if n, err := p.ReadMemory(nil, hole); n != 0 || err != nil {
				t.Errorf("nothing: %d, %v", n, err)
			}
		})
	}
	byNumberAfter := a.open()
	byNumber(byNumberAfter)
	if _, err := byNumberAfter.ReadMemory(make([]byte, 1), hole); err != nil {
		t.Fatal(err)
	}
	a.kill()
	for _, p := range []*Process{vm, byNumberAfter} {
		if n, err := p.ReadMemory(make([]byte, 1), hole); !errors.Is(err, ErrGone) {
			t.Errorf("after exit: %d, %v", n, err)
		}
	}
}

func hexOf(v uint64) string {
	return strings.ToLower(strings.TrimSpace(Mapping{Start: v}.String()[:12]))
}

// Memory of a dead leader's process, by the number of a live thread.
func TestReadMemoryLeaderDead(t *testing.T) {
	a := startAgent(t, "", nil)
	addr := a.addr("mmap %q 0 4096 1 2", tempFile(t, "mapped", 1))
	if _, err := a.in.Write([]byte("leader-exit\n")); err != nil {
		t.Fatal(err)
	}
	a.expect("ok ")
	p := a.open()
	byNumber(p)
	buf := make([]byte, 6)
	if _, err := p.ReadMemory(buf, addr); err != nil || string(buf) != "mapped" {
		t.Errorf("%q, %v", buf, err)
	}
}

// Another user's memory is denied, and says so in a way that callers can
// tell; the maps are denied, too, when the process is opened.
func TestDenied(t *testing.T) {
	needRoot(t)
	if os.Getenv(innerEnv) == "" {
		t.Setenv(targetEnv, itoa(startAgent(t, "", nil).pid()))
	}
	if !insideAs(t, nobody) {
		return
	}
	pid := targetPID(t)
	p, err := Open("", pid)
	if !errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrNoProcess) {
		t.Errorf("%v, %v", p, err)
	}
	own := startAgent(t, "", nil).open()
	if err := own.Check(); err != nil {
		t.Error(err)
	}
	f, err := own.OpenMapping(firstMapping(t, own))
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("map_files: %v, %v", f, err)
	}
	missing, err := own.Missing(AccessMapFiles)
	if err != nil || len(missing) != 1 || missing[0] != CapCheckpointRestore {
		t.Errorf("missing %v, %v", missing, err)
	}
}

// A proc file system of another PID namespace: its numbers are not ours, so
// process_vm_readv would reach another process, if any.
func TestReadMemoryForeignNumbers(t *testing.T) {
	needRoot(t)
	a := startAgent(t, "", &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS})
	dir := openDir(t)
	a.do(`mount proc %q proc 0 ""`, dir)
	procRoot := "/proc/" + itoa(a.pid()) + "/root" + dir
	inner := mustOpen(t, procRoot, 1)
	m := firstMapping(t, inner)
	if own := firstMapping(t, a.open()); own != m {
		t.Fatalf("%v, want %v", m, own)
	}
	if got := inner.NSPIDs(); len(got) != 1 || got[0] != 1 {
		t.Errorf("NSPIDs in the namespace: %v", got)
	}
	if got := a.open().NSPIDs(); len(got) != 2 || got[0] != a.pid() || got[1] != 1 {
		t.Errorf("NSPIDs outside: %v", got)
	}
	magic := make([]byte, 4)
	if _, err := inner.ReadMemory(magic, m.Start); err != nil || string(magic) != "\x7fELF" {
		t.Errorf("by mem: %q, %v", magic, err)
	}
	byNumber(inner)
	if n, err := inner.ReadMemory(magic, m.Start); n != 0 || !errors.Is(err, ErrMemoryDenied) {
		t.Errorf("by number: %d, %v", n, err)
	}
	f, err := inner.OpenMapping(m)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if same, err := inner.SameMountNamespace(); err != nil || same {
		t.Errorf("same mount namespace: %v, %v", same, err)
	}
	if pids, err := List(procRoot); err != nil || len(pids) != 1 || pids[0] != 1 {
		t.Errorf("List: %v, %v", pids, err)
	}
}

// A second proc file system of our own namespace, elsewhere.
func TestOtherProcRoot(t *testing.T) {
	needRoot(t)
	if !inside(t, &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}) {
		return
	}
	dir := openDir(t)
	if err := unix.Mount("proc", dir, "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	defer unix.Unmount(dir, unix.MNT_DETACH)
	a := startAgent(t, "", nil)
	p := mustOpen(t, dir, a.pid())
	byNumber(p)
	m := firstMapping(t, p)
	magic := make([]byte, 4)
	if _, err := p.ReadMemory(magic, m.Start); err != nil || string(magic) != "\x7fELF" {
		t.Errorf("by number: %q, %v", magic, err)
	}
	// Without the usual place files are reopened through this one.
	if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	f, err := p.OpenMapping(m)
	if err != nil {
		t.Error(err)
	} else if got := contents(t, f); string(got[:4]) != "\x7fELF" {
		t.Errorf("%q", got[:4])
	}
	if same, err := p.SameMountNamespace(); err != nil || !same {
		t.Errorf("same mount namespace: %v, %v", same, err)
	}
	if err := unix.Unmount("/proc", unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Fatal(err)
	}
}
