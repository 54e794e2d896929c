package proc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Names come as they are, by either way; where the text of maps is ambiguous,
// the kernel is asked.
func TestNames(t *testing.T) {
	dir := openDir(t)
	a := startAgent(t, "", nil)
	addrs := map[string]uint64{}
	for _, name := range []string{
		"plain", "two  spaces ", "new\nline", `back\slash`, `literal\012escape`, "both\n" + `\012`, "tab\tbell\a",
		"not utf8 \xff\xfe\x80", "really (deleted)", "[heap]", "-", strings.Repeat("long", 63),
	} {
		path := filepath.Join(dir, name)
		writePages(t, path, 1, name)
		addrs[path] = a.addr("mmap %q 0 4096 1 2", path)
	}
	gone := filepath.Join(dir, "gone")
	writePages(t, gone, 1, "gone")
	addrs[gone+" (deleted)"] = a.addr("mmap %q 0 4096 1 2", gone)
	twice := filepath.Join(dir, "twice (deleted)")
	writePages(t, twice, 1, "twice")
	addrs[twice+" (deleted)"] = a.addr("mmap %q 0 4096 1 2", twice)
	lines := filepath.Join(dir, "gone\nlines")
	writePages(t, lines, 1, "lines")
	addrs[lines+" (deleted)"] = a.addr("mmap %q 0 4096 1 2", lines)
	for _, path := range []string{gone, twice, lines} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	p := a.open()
	bothWays(t, p, func(t *testing.T) {
		ms, err := p.Mappings()
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, m := range ms {
			if addrs[m.Name] == m.Start {
				found++
			}
		}
		if found != len(addrs) {
			t.Errorf("%d of %d names in the list", found, len(addrs))
		}
		for want, addr := range addrs {
			m, err := p.Query(addr, WantName)
			if err != nil || m.Name != want {
				t.Errorf("%q: got %q, %v", want, m.Name, err)
			}
			if link, err := p.MappingLink(m); err != nil || link != want {
				t.Errorf("link of %q: %q, %v", want, link, err)
			}
		}
	})
}

// A path longer than PATH_MAX can be made step by step. It has no name here,
// whatever way it is asked for, and its mapping is found all the same.
func TestNameTooLong(t *testing.T) {
	a := startAgent(t, "", nil)
	dir := openDir(t)
	depth := strings.Repeat("d", 200)
	a.do("chdir %q", dir)
	t.Cleanup(func() { removeDeep(t, dir) })
	for range 25 {
		a.do("mkdir %s", depth)
		a.do("chdir %s", depth)
	}
	cwd, err := os.Open("/proc/" + itoa(a.pid()) + "/cwd")
	if err != nil {
		t.Fatal(err)
	}
	defer cwd.Close()
	fd, err := unix.Openat(int(cwd.Fd()), "file", unix.O_CREAT|unix.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, pageBytes(1, "deep")); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
	addr := a.addr("mmap file 0 4096 1 2")
	p := a.open()
	bothWays(t, p, func(t *testing.T) {
		m, err := p.Query(addr, WantName|WantBuildID)
		if err != nil || m.Name != "" || !m.HasFile() || !m.Contains(addr) {
			t.Errorf("%v, %v", m, err)
		}
		if _, err := p.MappingLink(m); !errors.Is(err, unix.ENAMETOOLONG) {
			t.Errorf("link: %v", err)
		}
		ms, err := p.Mappings()
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range ms {
			if got.Start == m.Start && got != m {
				t.Errorf("in the list: %v, want %v", got, m)
			}
		}
		if os.Geteuid() != 0 {
			return
		}
		f, err := p.OpenMapping(m)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got := contents(t, f); string(got) != string(pageBytes(1, "deep")) {
			t.Error("other bytes")
		}
	})
}

// removeDeep removes a tree that is too deep for paths.
func removeDeep(t *testing.T, dir string) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := removeIn(root); err != nil {
		t.Error(err)
	}
}

func removeIn(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	names, err := d.Readdirnames(-1)
	d.Close()
	for _, name := range names {
		if sub, err := root.OpenRoot(name); err == nil {
			err = removeIn(sub)
			sub.Close()
			if err != nil {
				return err
			}
		}
		if err := root.Remove(name); err != nil {
			return err
		}
	}
	return err
}
