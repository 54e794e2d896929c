package proc

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenExe(t *testing.T) {
	dir := openDir(t)
	program := filepath.Join(dir, "agent (deleted)")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	p := startAgent(t, program, nil).open()
	if link, err := p.ExeLink(); err != nil || link != program {
		t.Errorf("exe is %q, %v", link, err)
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("another"), 0o755); err != nil {
		t.Fatal(err)
	}
	if link, err := p.ExeLink(); err != nil || link != program+" (deleted)" {
		t.Errorf("exe is %q, %v", link, err)
	}
	f, err := p.OpenExe()
	wantFile(t, f, err, self)
}

// What the process itself would find, not what is at the path outside.
func TestOpenInRootNamespace(t *testing.T) {
	needRoot(t)
	dir := openDir(t)
	path := filepath.Join(dir, "file")
	writePages(t, path, 1, "outside")
	a := startAgent(t, "", &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS})
	p := a.open()
	if same, err := p.SameMountNamespace(); err != nil || same {
		t.Errorf("same mount namespace: %v, %v", same, err)
	}
	a.do(`mount none %q tmpfs 0 ""`, dir)
	outside := startAgent(t, "", nil).open()
	if same, err := outside.SameMountNamespace(); err != nil || !same {
		t.Errorf("same mount namespace: %v, %v", same, err)
	}
	if _, err := p.OpenInRoot(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("hidden file: %v", err)
	}
	inside := "/proc/" + itoa(a.pid()) + "/root" + path
	writePages(t, inside, 1, "inside")
	f, err := p.OpenInRoot(path)
	wantFile(t, f, err, pageBytes(1, "inside"))
	f, err = outside.OpenInRoot(path)
	wantFile(t, f, err, pageBytes(1, "outside"))
	mounts, err := p.Mounts()
	if err != nil {
		t.Fatal(err)
	}
	last := mounts[len(mounts)-1]
	if last.Point != dir || last.FSType != "tmpfs" || last.Root != "/" || last.Source != "none" {
		t.Errorf("last mount %+v", last)
	}
	in, err := p.StatInRoot(path)
	if err != nil || in.DevMinor != last.DevMinor || in.DevMajor != last.DevMajor {
		t.Errorf("%+v, %v; mount %+v", in, err, last)
	}
}

// No link leads out of the process's root directory.
func TestOpenInRootConfined(t *testing.T) {
	needRoot(t)
	outside := openDir(t)
	root := filepath.Join(outside, "root")
	sub := filepath.Join(root, "sub")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	writePages(t, filepath.Join(outside, "file"), 1, "outside")
	writePages(t, filepath.Join(root, "file"), 1, "inside")
	for name, target := range map[string]string{
		"absolute": "/file", "parents": "../../../../file", "sub/up": "../file", "magic": "/proc/self/root/file",
		"dir": "/sub/..", "null": "/null", "fifo": "/fifo-file",
	} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mknod(filepath.Join(root, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))); err == nil {
		t.Log("the link null was overwritten")
	}
	if err := unix.Mkfifo(filepath.Join(root, "fifo-file"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mknod(filepath.Join(root, "zero"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))); err != nil {
		t.Fatal(err)
	}
	a := startAgent(t, "", nil)
	a.do("chroot %q", root)
	p := a.open()
	if link, err := p.RootLink(); err != nil || link != root {
		t.Errorf("root is %q, %v", link, err)
	}
	for _, path := range []string{"/file", "file", "/absolute", "/parents", "/sub/up", "/../../file", "/dir/file", "//file"} {
		f, err := p.OpenInRoot(path)
		wantFile(t, f, err, pageBytes(1, "inside"))
	}
	for path, want := range map[string]error{
		"/magic": fs.ErrNotExist, filepath.Join(outside, "file"): fs.ErrNotExist, "": fs.ErrNotExist,
		"/null": syscall.ELOOP, "x\x00y": syscall.EINVAL, strings.Repeat("/d", 5000): syscall.ENAMETOOLONG,
	} {
		if f, err := p.OpenInRoot(path); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, %v; want %v", path, f, err, want)
		}
	}
	for _, path := range []string{"/zero", "/fifo", "/fifo-file", "/sub", "/"} {
		var special *NotRegularError
		if f, err := p.OpenInRoot(path); !errors.As(err, &special) {
			t.Errorf("%s: %v, %v", path, f, err)
		}
	}
	if st, err := p.StatInRoot("/fifo"); err != nil || st.Regular() {
		t.Errorf("%+v, %v", st, err)
	}
}

// A proc file system inside the root: its magic links lead out, so they are
// not followed.
func TestOpenInRootMagicLink(t *testing.T) {
	p := startAgent(t, "", nil).open()
	if f, err := p.OpenInRoot("/proc/self/exe"); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("%v, %v", f, err)
	}
	if f, err := p.OpenInRoot("/proc/1/root/etc/passwd"); !errors.Is(err, syscall.ELOOP) && !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%v, %v", f, err)
	}
}

// chroot: the mapping's name is the path from our root.
func TestChrootNames(t *testing.T) {
	needRoot(t)
	root := openDir(t)
	writePages(t, filepath.Join(root, "file"), 1, "inside")
	a := startAgent(t, "", nil)
	a.do("chroot %q", root)
	addr := a.addr("mmap /file 0 4096 1 2")
	p := a.open()
	m, err := p.Query(addr, WantName)
	if err != nil || m.Name != filepath.Join(root, "file") {
		t.Errorf("%v, %v", m, err)
	}
	f, err := p.OpenMapping(m)
	wantFile(t, f, err, pageBytes(1, "inside"))
}

// A lazily unmounted file system: the kernel's name is the path inside it, and
// a file of that name outside is another one.
func TestDetachedMount(t *testing.T) {
	needRoot(t)
	a := startAgent(t, "", &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS})
	dir := openDir(t)
	a.do(`mount none %q tmpfs 0 ""`, dir)
	writePages(t, "/proc/"+itoa(a.pid())+"/root"+dir+"/file", 1, "detached")
	addr := a.addr("mmap %q 0 4096 1 2", filepath.Join(dir, "file"))
	a.do("umount %q", dir)
	p := a.open()
	bothWays(t, p, func(t *testing.T) {
		m, err := p.Query(addr, WantName)
		if err != nil || m.Name != "/file" {
			t.Errorf("%v, %v", m, err)
		}
		f, err := p.OpenMapping(m)
		wantFile(t, f, err, pageBytes(1, "detached"))
	})
}
