package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestOpenErrors(t *testing.T) {
	for _, pid := range []int{0, -1, 1 << 30} {
		_, err := Open("", pid)
		if !errors.Is(err, ErrNoProcess) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("pid %d: %v", pid, err)
		}
	}
	if _, err := Open("/tmp", os.Getpid()); !errors.Is(err, ErrNotProc) {
		t.Errorf("/tmp as proc root: %v", err)
	}
	if _, err := Open("/nonexistent", os.Getpid()); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoProcess) {
		t.Errorf("/nonexistent as proc root: %v", err)
	}
	if _, err := List("/tmp"); !errors.Is(err, ErrNotProc) {
		t.Errorf("list of /tmp: %v", err)
	}
}

func TestOpen(t *testing.T) {
	a := startAgent(t, "", nil)
	a.do("comm %q", "x) R 1\n(y")
	p := a.open()
	if p.PID() != a.pid() || p.Comm() != "x) R 1\n(y" || p.Zombie() || p.KernelThread() || p.LeaderDead() {
		t.Errorf("pid %d, comm %q, %v %v %v", p.PID(), p.Comm(), p.Zombie(), p.KernelThread(), p.LeaderDead())
	}
	if got := p.NSPIDs(); len(got) == 0 || got[0] != a.pid() {
		t.Errorf("NSPIDs %v, pid %d", got, a.pid())
	}
	if uids, err := p.UIDs(); err != nil || uids[1] != uint32(os.Geteuid()) {
		t.Errorf("UIDs %v, %v", uids, err)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if pids, err := List(""); err != nil || !slices.Contains(pids, a.pid()) || !slices.IsSorted(pids) {
		t.Errorf("List: %v, %v", pids, err)
	}
}

// wantGone expects ErrGone of everything that asks for the process.
func wantGone(t *testing.T, p *Process, m Mapping) {
	t.Helper()
	var buf [1]byte
	for name, f := range map[string]func() error{
		"Check":       p.Check,
		"Mappings":    func() error { _, err := p.Mappings(); return err },
		"Query":       func() error { _, err := p.Query(m.Start, WantName|WantBuildID); return err },
		"QueryNext":   func() error { _, err := p.QueryNext(0, 0); return err },
		"ReadMemory":  func() error { _, err := p.ReadMemory(buf[:], m.Start); return err },
		"OpenMapping": func() error { f, err := p.OpenMapping(m); f.Close(); return err },
		"OpenExe":     func() error { f, err := p.OpenExe(); f.Close(); return err },
		"OpenInRoot":  func() error { f, err := p.OpenInRoot("/proc/self/exe"); f.Close(); return err },
		"StatInRoot":  func() error { _, err := p.StatInRoot("/"); return err },
		"ExeLink":     func() error { _, err := p.ExeLink(); return err },
		"RootLink":    func() error { _, err := p.RootLink(); return err },
		"MappingLink": func() error { _, err := p.MappingLink(m); return err },
		"Mounts":      func() error { _, err := p.Mounts(); return err },
		"LowerFiles":  func() error { _, err := p.LowerFiles("/x"); return err },
		"SameMountNS": func() error { _, err := p.SameMountNamespace(); return err },
	} {
		for _, text := range []bool{false, true} {
			p.UseText(text)
			if err := f(); !errors.Is(err, ErrGone) {
				t.Errorf("%s (text: %v): %v, want ErrGone", name, text, err)
			}
		}
		p.UseText(false)
	}
}

// firstMapping returns a mapping of the process's program.
func firstMapping(t testing.TB, p *Process) Mapping {
	t.Helper()
	ms, err := p.Mappings()
	if err != nil || len(ms) == 0 || !ms[0].HasFile() {
		t.Fatalf("mappings %v, %v", ms, err)
	}
	return ms[0]
}

func TestGoneAfterExit(t *testing.T) {
	a := startAgent(t, "", nil)
	p := a.open()
	m := firstMapping(t, p)
	f, err := p.OpenMapping(m)
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		t.Fatal(err)
	}
	a.cmd.Process.Kill()
	if err := unix.Waitid(unix.P_PID, a.pid(), nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	wantGone(t, p, m) // before it is reaped
	a.kill()
	wantGone(t, p, m)
	if f != nil {
		if len(contents(t, f)) == 0 {
			t.Error("the open file is empty")
		}
		f.Close()
	}
}

// The program after execve is another process as far as addresses go, though
// it may look the same in every way.
func TestGoneAfterExec(t *testing.T) {
	for _, path := range []string{"", "/bin/cat"} {
		a := startAgent(t, "", nil)
		p := a.open()
		m := firstMapping(t, p)
		if path == "" {
			a.do("exec")
			a.expect("ready")
		} else {
			a.do("exec %s", path)
			waitExe(t, a.pid(), path)
		}
		wantGone(t, p, m)
		fresh := a.open()
		if err := fresh.Check(); err != nil {
			t.Errorf("opened anew: %v", err)
		}
	}
}

// waitExe waits until a process runs a program.
func waitExe(t *testing.T, pid int, path string) {
	t.Helper()
	want, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		got, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		return got == want
	})
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	for range 1000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("waited in vain")
}

// waitState waits until a task's main thread is in a state.
func waitState(t *testing.T, pid int, state byte) {
	t.Helper()
	waitFor(t, func() bool {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseStat(text)
		return err == nil && s.state == state
	})
}

// A child of vfork borrows its parent's address space, which lives on when the
// child becomes another program.
func TestGoneAfterVforkExec(t *testing.T) {
	program := buildC(t, `
#include <stdio.h>
#include <unistd.h>
int main(void) {
	char c;
	pid_t pid = vfork();
	if (pid == 0) {
		char text[32];
		int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
		write(1, text, n);
		read(0, &c, 1);
		execl("/bin/cat", "cat", (char *)0);
		_exit(1);
	}
	pause();
}`)
	cmd := exec.Command(program)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); in.Close(); cmd.Wait() }()
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	p := mustOpen(t, "", pid)
	if err := p.Check(); err != nil {
		t.Errorf("before execve: %v", err)
	}
	if _, err := in.Write([]byte{'x'}); err != nil {
		t.Fatal(err)
	}
	waitExe(t, pid, "/bin/cat")
	if _, err := p.Query(firstMapping(t, p).Start, 0); err != nil {
		t.Errorf("the address space of the parent is gone: %v", err)
	}
	if err := p.Check(); !errors.Is(err, ErrGone) {
		t.Errorf("after execve: %v", err)
	}
	if err := p.Alive(); err != nil {
		t.Errorf("the borrowed address space: %v", err)
	}
}

// buildC builds a C program.
func buildC(t testing.TB, source string, flags ...string) string {
	t.Helper()
	cc, err := exec.LookPath("gcc")
	need(t, "gcc", err == nil)
	dir := openDir(t)
	path := filepath.Join(dir, "main.c")
	if err := os.WriteFile(path, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "program")
	args := append([]string{"-O1", "-w", "-o", program, path}, flags...)
	if out, err := exec.Command(cc, args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %v: %v\n%s", args, err, out)
	}
	return program
}

// The number of a process that ended is given to another one, in a PID
// namespace of our own where nobody else takes numbers.
func TestPIDReuse(t *testing.T) {
	needRoot(t)
	if !inside(t, &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}) {
		return
	}
	privateProc(t)
	a := startAgent(t, "", nil)
	p, pid := a.open(), a.pid()
	m := firstMapping(t, p)
	a.kill()
	for range 100 {
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0); err != nil {
			t.Fatal(err)
		}
		other := startAgent(t, "", nil)
		if other.pid() == pid {
			wantGone(t, p, m)
			if err := other.open().Check(); err != nil {
				t.Errorf("the new process: %v", err)
			}
			return
		}
		other.kill()
	}
	t.Fatal("the number was not given again")
}

// privateProc mounts a proc file system of our own PID namespace over /proc,
// seen by nobody else.
func privateProc(t *testing.T) {
	t.Helper()
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
}

func TestZombie(t *testing.T) {
	a := startAgent(t, "", nil)
	pid, err := strconv.Atoi(a.do("spawn"))
	if err != nil {
		t.Fatal(err)
	}
	p := mustOpen(t, "", pid)
	if !p.Zombie() || p.KernelThread() || p.Comm() != "true" {
		t.Errorf("zombie %v, kernel thread %v, comm %q", p.Zombie(), p.KernelThread(), p.Comm())
	}
	wantNoMemory(t, p)
	if _, err := p.OpenExe(); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		t.Errorf("program of a zombie: %v", err)
	}
	a.kill() // init, or a subreaper, reaps the zombie now
	waitFor(t, func() bool { return errors.Is(p.Check(), ErrGone) })
	if _, err := p.Mappings(); !errors.Is(err, ErrGone) {
		t.Errorf("mappings of a reaped process: %v", err)
	}
}

func TestKernelThread(t *testing.T) {
	comm, err := os.ReadFile("/proc/2/comm")
	need(t, "kernel threads in sight", err == nil && string(comm) == "kthreadd\n")
	p := mustOpen(t, "", 2)
	if !p.KernelThread() || p.Zombie() || p.Comm() != "kthreadd" {
		t.Errorf("zombie %v, kernel thread %v, comm %q", p.Zombie(), p.KernelThread(), p.Comm())
	}
	wantNoMemory(t, p)
	if err := p.Check(); err != nil {
		t.Errorf("a kernel thread is gone: %v", err)
	}
}

// wantNoMemory expects the answers of a process without an address space.
func wantNoMemory(t *testing.T, p *Process) {
	t.Helper()
	if ms, err := p.Mappings(); len(ms) != 0 || err != nil {
		t.Errorf("mappings %v, %v", ms, err)
	}
	if _, err := p.Query(0x400000, WantName); !errors.Is(err, ErrUnmapped) {
		t.Errorf("query: %v", err)
	}
	if _, err := p.ReadMemory(make([]byte, 1), 0x400000); err == nil {
		t.Error("memory was read")
	}
	if _, err := p.OpenMapping(Mapping{Start: 0x400000, End: 0x401000, Inode: 1}); !errors.Is(err, ErrUnmapped) {
		t.Errorf("map file: %v", err)
	}
	if _, err := p.Auxv(); err == nil {
		t.Error("there is an auxiliary vector")
	}
}

// The main thread ends, others live: before Open, and after it.
func TestLeaderDead(t *testing.T) {
	needRoot(t) // for map_files
	a := startAgent(t, "", nil)
	file := tempFile(t, "mapped", 2)
	addr := a.addr("mmap %q 0 8192 1 2", file)
	before := a.open()
	if _, err := fmt.Fprintln(a.in, "leader-exit"); err != nil {
		t.Fatal(err)
	}
	a.expect("ok ")
	waitState(t, a.pid(), 'Z')
	for name, p := range map[string]*Process{"before": before, "after": a.open()} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, p, func(t *testing.T) {
				m, err := p.Query(addr, WantName)
				if err != nil || m.Name != file {
					t.Fatalf("%v, %v", m, err)
				}
				f, err := p.OpenMapping(m)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if got := contents(t, f); string(got) != string(pageBytes(2, "mapped")) {
					t.Errorf("map file has other bytes")
				}
				exe, err := p.OpenExe()
				if err != nil {
					t.Fatal(err)
				}
				exe.Close()
				if link, err := p.RootLink(); err != nil || link != "/" {
					t.Errorf("root %q, %v", link, err)
				}
				if mounts, err := p.Mounts(); err != nil || len(mounts) == 0 {
					t.Errorf("%d mounts, %v", len(mounts), err)
				}
				buf := make([]byte, 6)
				if _, err := p.ReadMemory(buf, addr); err != nil || string(buf) != "mapped" {
					t.Errorf("memory %q, %v", buf, err)
				}
				if err := p.Check(); err != nil || p.Zombie() || !p.LeaderDead() {
					t.Errorf("check %v, zombie %v, leader dead %v", err, p.Zombie(), p.LeaderDead())
				}
			})
		})
	}
	// Any thread may be the one that serves: it may end, too. An execve by
	// another thread takes the leader's place.
	a.do("thread")
	if err := before.Check(); err != nil {
		t.Error(err)
	}
	m := firstMapping(t, before)
	a.do("exec")
	a.expect("ready")
	wantGone(t, before, m)
}

// A thread's number is taken as the process's.
func TestOpenThread(t *testing.T) {
	a := startAgent(t, "", nil)
	tid, err := strconv.Atoi(a.do("thread"))
	if err != nil {
		t.Fatal(err)
	}
	p := mustOpen(t, "", tid)
	want, err := a.open().Mappings()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Mappings(); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestClose(t *testing.T) {
	a := startAgent(t, "", nil)
	before := openFDs(t)
	p, err := Open("", a.pid())
	if err != nil {
		t.Fatal(err)
	}
	// Many threads use what another one closes: each gets an answer or
	// ErrClosed, never that of a descriptor used again.
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			<-start
			for range 100 {
				m, err := p.QueryNext(0, WantName)
				if err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
				if err == nil && m.Start == 0 {
					t.Error("empty answer")
				}
				if _, err := p.Mappings(); err != nil && !errors.Is(err, ErrClosed) {
					t.Error(err)
				}
			}
		})
	}
	close(start)
	time.Sleep(2 * time.Millisecond)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := p.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
	if err := p.Check(); !errors.Is(err, ErrClosed) {
		t.Errorf("Check after Close: %v", err)
	}
	if after := openFDs(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}
