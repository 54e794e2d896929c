package main

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/symfetch/symfetch/fixtures"
)

// startMapper starts a process that maps the files, and returns its number.
func startMapper(t *testing.T, files ...string) int {
	t.Helper()
	path, err := exec.LookPath("mapper")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, files...)
	cmd.Stderr = os.Stderr
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
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "READY\n" {
		t.Fatalf("mapper: %q, %v", line, err)
	}
	return cmd.Process.Pid
}

// needMapFiles skips a test that must open map_files.
func needMapFiles(t *testing.T) {
	t.Helper()
	if !canMapFiles() {
		fixtures.Skip(t, &fixtures.UnmetError{Need: fixtures.NeedRoot, Err: errors.New("map_files is for CAP_CHECKPOINT_RESTORE")})
	}
}

// bigFile makes a file of n bytes, none of them in a hole.
func bigFile(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "big")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for range n / len(chunk) {
		if _, err := f.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// rangeOf returns the name in map_files of the mapping of a file.
func rangeOf(t *testing.T, pid int, path string) string {
	t.Helper()
	dir := "/proc/" + strconv.Itoa(pid) + "/map_files/"
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if link, err := os.Readlink(dir + e.Name()); err == nil && link == path {
			return e.Name()
		}
	}
	t.Fatalf("%s is not mapped by %d", path, pid)
	return ""
}

// TestInterruptCopy interrupts fetch in the middle of a large file: no part of
// it stays behind, and what is there is whole.
func TestInterruptCopy(t *testing.T) {
	needMapFiles(t)
	const size = 512 << 20
	big := bigFile(t, size)
	pid := startMapper(t, big)
	name := rangeOf(t, pid, big)
	dir := t.TempDir()
	cmd := symfetch(t, "fetch", strconv.Itoa(pid), "--as-mapped", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	part := tempName(filepath.Join(dir, name))
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(part); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the copy does not begin")
		}
	}
	cmd.Process.Signal(syscall.SIGINT)
	endsWithin(t, cmd, time.Second, exitInterrupted)
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range left {
		if strings.HasPrefix(e.Name(), ".") || e.Name() == name {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

// TestProgress shows a bar for a large file on a terminal, and none elsewhere;
// it is gone at the end.
func TestProgress(t *testing.T) {
	needMapFiles(t)
	big := bigFile(t, 256<<20)
	pid := startMapper(t, big)
	name := rangeOf(t, pid, big)
	dir := t.TempDir()
	cmd := symfetch(t, "fetch", strconv.Itoa(pid), "--as-mapped", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, nil
	cmd.Env = append(os.Environ(), "TERM=xterm")
	shown, err := onTerminal(100, cmd)
	if err != nil {
		t.Fatalf("%v: %s", err, shown)
	}
	if !strings.Contains(shown, name+" ") || !strings.Contains(shown, "MiB / 256.0 MiB") || !strings.Contains(shown, "%") {
		t.Errorf("no bar for %s on the terminal: %q", name, shown)
	}
	if !strings.Contains(out.String(), filepath.Join(dir, name)) {
		t.Errorf("no line for %s: %s", name, out.String())
	}

	var stderr bytes.Buffer
	cmd = symfetch(t, "fetch", strconv.Itoa(pid), "--as-mapped", dir)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("without a terminal: %v, %q", err, stderr.String())
	}
}

// TestSparse copies a file that is larger than the disk, holes as holes.
func TestSparse(t *testing.T) {
	needMapFiles(t)
	path := filepath.Join(t.TempDir(), "sparse")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 1 << 40
	for _, off := range []int64{0, 5 << 30, size - 3} {
		if _, err := f.WriteAt([]byte("end"), off); err != nil {
			t.Fatal(err)
		}
	}
	pid := startMapper(t, path)
	dir := t.TempDir()
	if out, err := symfetch(t, "fetch", strconv.Itoa(pid), "--as-mapped", dir).Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := os.Open(filepath.Join(dir, rangeOf(t, pid, path)))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	info, err := got.Stat()
	if err != nil || info.Size() != size {
		t.Errorf("size %d, %v; want %d", info.Size(), err, size)
	}
	if blocks := info.Sys().(*syscall.Stat_t).Blocks; blocks > 1000 {
		t.Errorf("the copy takes %d blocks", blocks)
	}
	for _, off := range []int64{0, 5 << 30, size - 3} {
		var b [3]byte
		if _, err := got.ReadAt(b[:], off); err != nil || string(b[:]) != "end" {
			t.Errorf("at %#x: %q, %v", off, b, err)
		}
	}
}
