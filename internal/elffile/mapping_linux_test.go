package elffile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMappableType: the list knows what is local and nothing else.
func TestMappableType(t *testing.T) {
	for name, c := range map[string]struct {
		magic uint32
		want  bool
	}{
		"ext4": {unix.EXT4_SUPER_MAGIC, true}, "xfs": {unix.XFS_SUPER_MAGIC, true}, "btrfs": {unix.BTRFS_SUPER_MAGIC, true},
		"tmpfs": {unix.TMPFS_MAGIC, true}, "squashfs": {unix.SQUASHFS_MAGIC, true}, "erofs": {unix.EROFS_SUPER_MAGIC_V1, true},
		"f2fs": {unix.F2FS_SUPER_MAGIC, true}, "ramfs": {unix.RAMFS_MAGIC, true},
		"nfs": {unix.NFS_SUPER_MAGIC, false}, "cifs": {0xff534d42, false}, "smb2": {0xfe534d42, false}, "9p": {unix.V9FS_MAGIC, false},
		"fuse": {unix.FUSE_SUPER_MAGIC, false}, "overlay": {unix.OVERLAYFS_SUPER_MAGIC, false}, "ecryptfs": {unix.ECRYPTFS_SUPER_MAGIC, false},
		"hugetlbfs": {unix.HUGETLBFS_MAGIC, false}, "proc": {unix.PROC_SUPER_MAGIC, false}, "sysfs": {unix.SYSFS_MAGIC, false},
		"ceph": {unix.CEPH_SUPER_MAGIC, false}, "afs": {unix.AFS_FS_MAGIC, false}, "zfs": {0x2fc12fc1, false}, "unknown": {0x12345678, false}, "none": {0, false},
	} {
		if got := mappableType(c.magic); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// bigContent is more than a file that is read as a whole.
var bigContent = strings.Repeat("bytes of the file ", smallFile/16)

// TestSmallFile reads a file that is one private copy: through a view and by
// offset, beyond its end, and after it was closed.
func TestSmallFile(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("bytes"); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSource(f)
	if err != nil {
		t.Fatal(err)
	}
	if s.(*fileSource).small == nil {
		t.Error("not read as a whole")
	}
	if v, err := s.View(1, 4); string(v) != "ytes" || err != nil {
		t.Errorf("view %q, %v", v, err)
	}
	if v, err := s.View(1, 5); err == nil {
		t.Errorf("view beyond the end: %q", v)
	}
	var b [8]byte
	if n, err := s.ReadAt(b[:], 2); n != 3 || err != io.EOF || string(b[:n]) != "tes" {
		t.Errorf("read %q, %v", b[:n], err)
	}
	if n, err := s.ReadAt(b[:], 5); n != 0 || err != io.EOF {
		t.Errorf("read at the end: %d, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.View(0, 1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("view of a closed source: %v", err)
	}
}

// expectMappable opens a file and checks how its views are made.
func expectMappable(t *testing.T, f *os.File, want bool) {
	t.Helper()
	if got := IsMappable(f); got != want {
		t.Errorf("%s: mappable %v, want %v", f.Name(), got, want)
	}
	s, err := OpenSource(f)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Size() == 0 {
		return
	}
	a, err := s.View(0, 4)
	b := make([]byte, 4)
	if _, rerr := s.ReadAt(b, 0); err != nil || rerr != nil || string(a) != string(b) {
		t.Errorf("%s: %q, %v; %q, %v", f.Name(), a, err, b, rerr)
	}
	if got := s.(*fileSource).state == mapDone; got != want {
		t.Errorf("%s: mapped %v, want %v", f.Name(), got, want)
	}
}

// TestMappableOfFiles tries the file systems that need no mount.
func TestMappableOfFiles(t *testing.T) {
	for name, flags := range map[string]int{"memfd": 0, "huge": unix.MFD_HUGETLB} {
		fd, err := unix.MemfdCreate(name, flags)
		if err != nil && flags != 0 {
			need(t, "hugetlbfs", false)
		}
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), name)
		if flags == 0 {
			if _, err := f.WriteString(bigContent); err != nil {
				t.Fatal(err)
			}
		}
		expectMappable(t, f, flags == 0)
	}
	shm, err := os.CreateTemp("/dev/shm", "elffile-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(shm.Name())
	if _, err := shm.WriteString(bigContent); err != nil {
		t.Fatal(err)
	}
	expectMappable(t, shm, true)
	for _, path := range []string{"/proc/self/maps", "/sys/kernel/mm/transparent_hugepage/enabled"} {
		f, err := os.Open(path)
		if err != nil {
			need(t, path, false)
		}
		if IsMappable(f) {
			t.Errorf("%s is mappable", path)
		}
		f.Close()
	}
	closed, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if IsMappable(closed) {
		t.Error("a closed file is mappable")
	}
}

// TestMappableOfMounts mounts real file systems in a mount namespace of its own
// and reads the same file from each.
func TestMappableOfMounts(t *testing.T) {
	need(t, "root", os.Geteuid() == 0)
	needTools(t, "unshare", "mksquashfs", "mkfs.erofs", "mkfs.btrfs", "mkfs.ext4")
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	if err := os.Mkdir(tree, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "file"), []byte(bigContent), 0o666); err != nil {
		t.Fatal(err)
	}
	script := `set -e
mount --make-rprivate /
cd "$1"
for d in squashfs erofs btrfs ext4 overlay ramfs bind work; do mkdir $d; done
mksquashfs tree squashfs.img -quiet -no-progress >&2
mkfs.erofs erofs.img tree >&2
truncate -s 200M btrfs.img; mkfs.btrfs -q --rootdir tree btrfs.img >&2
truncate -s 20M ext4.img; mkfs.ext4 -q -d tree ext4.img >&2
for d in squashfs erofs btrfs ext4; do mount -o loop,ro $d.img $d; done
mkdir work/upper work/work
mount -t overlay -o lowerdir=tree,upperdir=work/upper,workdir=work/work overlay overlay
mount -t ramfs ramfs ramfs; cp tree/file ramfs
mount --bind overlay bind
echo ready
read line`
	cmd := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", script, "sh", dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); cmd.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		in.Close()
		cmd.Wait()
		need(t, "loop", !strings.Contains(stderr.String(), "loop device"))
		t.Fatalf("%q, %v\n%s", line, err, stderr.String())
	}
	for fs, want := range map[string]bool{"squashfs": true, "erofs": true, "btrfs": true, "ext4": true, "ramfs": true, "overlay": false, "bind": false} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/root%s/%s/file", cmd.Process.Pid, dir, fs))
		if err != nil {
			t.Fatal(err)
		}
		expectMappable(t, f, want)
	}
}
