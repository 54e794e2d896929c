package proc

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// wantFile expects an open file's bytes, and that it is open as it should be.
func wantFile(t *testing.T, f *os.File, err error, want []byte) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err != nil || flags&(unix.O_ACCMODE|unix.O_PATH|unix.O_NONBLOCK) != unix.O_RDONLY {
		t.Errorf("flags %#x, %v", flags, err)
	}
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags != unix.FD_CLOEXEC {
		t.Errorf("descriptor flags %#x, %v", flags, err)
	}
	if got := contents(t, f); !bytes.Equal(got, want) {
		t.Errorf("file %q holds %.40q..., want %.40q...", f.Name(), got, want)
	}
}

func TestOpenMapping(t *testing.T) {
	needRoot(t)
	a := startAgent(t, "", nil)
	dir := openDir(t)
	file := func(name string) string {
		path := filepath.Join(dir, name)
		writePages(t, path, 2, name)
		return path
	}
	addrs := map[string]uint64{}
	for _, name := range []string{"kept", "removed", "replaced", "new\nline"} {
		addrs[name] = a.addr("mmap %q 0 8192 1 2", file(name))
	}
	addrs["memfd"] = a.addr("memfd memfd 8192")
	os.Remove(filepath.Join(dir, "removed"))
	os.Rename(filepath.Join(dir, "replaced"), filepath.Join(dir, "away"))
	writePages(t, filepath.Join(dir, "replaced"), 2, "the other")
	p := a.open()
	before := openFDs(t)
	bothWays(t, p, func(t *testing.T) {
		for name, addr := range addrs {
			m, err := p.Query(addr, WantName)
			if err != nil {
				t.Fatal(err)
			}
			want := pageBytes(2, name)
			if name == "memfd" {
				want = append([]byte(name), make([]byte, 8192-len(name))...)
			}
			f, err := p.OpenMapping(m)
			wantFile(t, f, err, want)
		}
	})
	if after := openFDs(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// A mapping is found again after it was split, cut at either end or merged,
// and not if something else has taken its place.
func TestOpenMappingChanged(t *testing.T) {
	needRoot(t)
	const page = 4096
	for name, test := range map[string]struct {
		change func(a *agent, addr uint64, file, other string)
		want   error
	}{
		"split":      {func(a *agent, addr uint64, _, _ string) { a.do("mprotect %x %d 5", addr+page, page) }, nil},
		"head cut":   {func(a *agent, addr uint64, _, _ string) { a.do("munmap %x %d", addr, page) }, nil},
		"tail cut":   {func(a *agent, addr uint64, _, _ string) { a.do("munmap %x %d", addr+3*page, page) }, nil},
		"head other": {func(a *agent, addr uint64, _, other string) { a.do("remap %x %q 0 %d", addr, other, page) }, nil},
		"unmapped":   {func(a *agent, addr uint64, _, _ string) { a.do("munmap %x %d", addr, 4*page) }, ErrChanged},
		"other file": {func(a *agent, addr uint64, _, other string) { a.do("remap %x %q 0 %d", addr, other, 5*page) }, ErrChanged},
		"shifted": {func(a *agent, addr uint64, file, _ string) {
			a.do("remap %x %q %d %d", addr, file, page, 3*page)
			a.do("munmap %x %d", addr+3*page, page)
		}, ErrChanged},
	} {
		t.Run(name, func(t *testing.T) {
			a := startAgent(t, "", nil)
			file, other := tempFile(t, "mapped", 4), tempFile(t, "other", 5)
			hole := a.addr("anon %d 0 2", 6*page)
			a.do("munmap %x %d", hole, 6*page)
			addr := a.addr("mmap %q 0 %d 1 2", file, 4*page)
			p := a.open()
			m, err := p.Query(addr, WantName)
			if err != nil || m.Size() != 4*page {
				t.Fatalf("%v, %v", m, err)
			}
			test.change(a, addr, file, other)
			bothWays(t, p, func(t *testing.T) {
				f, err := p.OpenMapping(m)
				if test.want == nil {
					wantFile(t, f, err, pageBytes(4, "mapped"))
				} else if !errors.Is(err, test.want) {
					t.Errorf("%v, %v; want %v", f, err, test.want)
				}
			})
		})
	}
}

// A mapping that grew: the piece that was described is inside a larger one.
func TestOpenMappingMerged(t *testing.T) {
	needRoot(t)
	a := startAgent(t, "", nil)
	addr := a.addr("stripes %q 3", tempFile(t, "mapped", 3))
	p := a.open()
	m, err := p.Query(addr+4096, WantName)
	if err != nil || m.Size() != 4096 {
		t.Fatalf("%v, %v", m, err)
	}
	a.do("mprotect %x 4096 1", addr+4096)
	if whole, err := p.Query(addr+4096, 0); err != nil || whole.Size() != 3*4096 {
		t.Fatalf("not merged: %v, %v", whole, err)
	}
	f, err := p.OpenMapping(m)
	wantFile(t, f, err, pageBytes(3, "mapped"))
}

// Nothing but regular files is opened. The devices' own counters would tell:
// what is not opened cannot be read.
func TestOpenMappingSpecial(t *testing.T) {
	needRoot(t)
	a := startAgent(t, "", nil)
	addrs := map[string]uint64{
		"/dev/zero":           a.addr("mmap /dev/zero 0 4096 1 2"),
		"anonymous":           a.addr("anon 4096 3 2"),
		"/dev/zero (deleted)": a.addr("anon 4096 3 1"),
		"/SYSV00000000":       a.addr("shm 4096"),
	}
	if ring, err := a.try("uring"); err != nil {
		t.Run("io_uring", func(t *testing.T) { need(t, "uring", false) })
	} else if addrs["anon_inode:[io_uring]"], err = strconv.ParseUint(ring, 16, 64); err != nil {
		t.Fatal(err)
	}
	p := a.open()
	bothWays(t, p, func(t *testing.T) {
		for name, addr := range addrs {
			m, err := p.Query(addr, WantName)
			if err != nil {
				t.Fatal(err)
			}
			f, err := p.OpenMapping(m)
			switch name {
			case "anonymous":
				if !errors.Is(err, ErrNoFile) || m.HasFile() {
					t.Errorf("%v: %v, %v", m, f, err)
				}
			case "/dev/zero (deleted)", "/SYSV00000000":
				// Shared memory: files of the kernel's own, which are regular.
				if !strings.HasPrefix(m.Name, name) {
					t.Errorf("%v is named %q", name, m.Name)
				}
				wantFile(t, f, err, make([]byte, 4096))
			default:
				var special *NotRegularError
				if m.Name != name || !errors.As(err, &special) || special.Path != m.Name {
					t.Errorf("%v: %v, %v", m, f, err)
				}
			}
		}
	})
}

// A file that somebody holds a lease on cannot keep us waiting.
func TestOpenLeased(t *testing.T) {
	path := tempFile(t, "leased", 1)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	if g, err := OpenRegular(path); !errors.Is(err, unix.EWOULDBLOCK) {
		t.Errorf("%v, %v", g, err)
	}
}

// Truncated under its mapping: the file is what it is now.
func TestOpenMappingTruncated(t *testing.T) {
	needRoot(t)
	a := startAgent(t, "", nil)
	path := tempFile(t, "short", 2)
	addr := a.addr("mmap %q 0 8192 1 2", path)
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	p := a.open()
	m, err := p.Query(addr, WantName|WantBuildID)
	if err != nil || m.BuildID != "" {
		t.Fatalf("%v, %v", m, err)
	}
	f, err := p.OpenMapping(m)
	wantFile(t, f, err, nil)
	if n, err := p.ReadMemory(make([]byte, 4), addr); n != 0 || !errors.Is(err, ErrUnreadable) {
		t.Errorf("memory: %d, %v", n, err)
	}
}

func TestOpenRegular(t *testing.T) {
	dir := openDir(t)
	path := tempFile(t, "regular", 1)
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	os.Symlink(path, link)
	os.Symlink("loop", filepath.Join(dir, "loop"))
	for _, p := range []string{path, link} {
		f, err := OpenRegular(p)
		wantFile(t, f, err, pageBytes(1, "regular"))
	}
	for _, p := range []string{fifo, dir, "/dev/null", "/dev/zero", "/proc/self/fd"} {
		f, err := OpenRegular(p)
		var special *NotRegularError
		if !errors.As(err, &special) || special.Path != p || special.Mode&unix.S_IFMT == unix.S_IFREG {
			t.Errorf("%s: %v, %v", p, f, err)
		}
	}
	for p, want := range map[string]error{
		"":                          fs.ErrNotExist,
		filepath.Join(dir, "none"):  fs.ErrNotExist,
		path + "/x":                 syscall.ENOTDIR,
		filepath.Join(dir, "loop"):  syscall.ELOOP,
		"nul\x00byte":               syscall.EINVAL,
		strings.Repeat("/x", 10000): syscall.ENAMETOOLONG,
	} {
		if f, err := OpenRegular(p); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, %v; want %v", p, f, err, want)
		}
	}
}

func TestFileStat(t *testing.T) {
	path := tempFile(t, "file", 3)
	f, err := OpenRegular(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := StatFile(f)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	st := info.Sys().(*syscall.Stat_t)
	if got.Ino != st.Ino || got.Size != 3*4096 || !got.Mtime.Equal(info.ModTime()) || got.Nlink != 1 || !got.Regular() ||
		unix.Mkdev(got.DevMajor, got.DevMinor) != st.Dev {
		t.Errorf("%+v, want %+v", got, st)
	}
	if byPath, err := StatPath(path); err != nil || byPath != got || !byPath.SameFile(got) {
		t.Errorf("%+v, %v", byPath, err)
	}
	if err := os.Truncate(path, 5); err != nil {
		t.Fatal(err)
	}
	if changed, err := StatFile(f); err != nil || changed.SameFile(got) {
		t.Errorf("%+v, %v", changed, err)
	}
	if zero, err := StatPath("/dev/zero"); err != nil || zero.Regular() {
		t.Errorf("%+v, %v", zero, err)
	}
	if _, err := StatPath("/nonexistent"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	inRoot, err := startAgent(t, "", nil).open().StatInRoot(path)
	if err != nil || inRoot.Size != 5 {
		t.Errorf("%+v, %v", inRoot, err)
	}
}
