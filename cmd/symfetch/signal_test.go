package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/symfetch/symfetch/fixtures"
)

// interruptLimit is what an interrupted run may take to end. It is meant to be
// a second at most; a loaded machine gets more, as the tests look for a hang.
const interruptLimit = 5 * time.Second

// endsWithin waits for cmd and checks that it ends in time, with the status.
func endsWithin(t *testing.T, cmd *exec.Cmd, limit time.Duration, want int) {
	t.Helper()
	began := time.Now()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if got := exitStatus(err); got != want {
			t.Errorf("exit status %d, want %d", got, want)
		}
		if took := time.Since(began); took > limit {
			t.Errorf("ended after %v, want at most %v", took, limit)
		}
	case <-time.After(10 * limit):
		cmd.Process.Kill()
		t.Fatalf("did not end within %v", 10*limit)
	}
}

// TestInterruptAtInput interrupts a stream that waits for its next line. What
// was answered before is there.
func TestInterruptAtInput(t *testing.T) {
	pid := sleeper(t)
	cmd := symfetch(t, strconv.Itoa(pid), "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, "0x10")
	if a := readAnswer(bufio.NewReader(out), "text"); a != "0x10: ?? (not mapped)\n\n" {
		t.Errorf("answer %q", a)
	}
	cmd.Process.Signal(syscall.SIGINT)
	endsWithin(t, cmd, interruptLimit, exitInterrupted)
}

// TestInterruptAtOutput interrupts runs whose output nobody reads: in the
// middle of it, and at its last write.
func TestInterruptAtOutput(t *testing.T) {
	for _, lines := range []int{100_000, 300} {
		t.Run(strconv.Itoa(lines), func(t *testing.T) { interruptAtOutput(t, lines) })
	}
}

func interruptAtOutput(t *testing.T, lines int) {
	pid := sleeper(t)
	cmd := symfetch(t, strconv.Itoa(pid), "-", "--json")
	cmd.Stdin = strings.NewReader(strings.Repeat("0x10\n", lines))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const fSetPipeSize = 1031 // F_SETPIPE_SZ, linux/fcntl.h
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, w.Fd(), fSetPipeSize, 4096); errno != 0 {
		t.Fatal(errno)
	}
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	time.Sleep(300 * time.Millisecond) // the pipe is full long since
	cmd.Process.Signal(syscall.SIGINT)
	endsWithin(t, cmd, interruptLimit, exitInterrupted)
}

// TestInterruptAtStall interrupts runs that wait for a file system which does
// not answer.
func TestInterruptAtStall(t *testing.T) {
	for _, name := range []string{"fuse-stalls", "fuse-stalls-lib", "fuse-stalls-cold-lib"} {
		t.Run(name, func(t *testing.T) { interruptAtStall(t, name) })
	}
}

func interruptAtStall(t *testing.T, situation string) {
	s, ok := fixtures.Find(situation)
	if !ok {
		t.Fatalf("no situation %s", situation)
	}
	target := fixtures.Run(t, s)
	pid := strconv.Itoa(target.PID)
	args := [][]string{{pid}, {"fetch", pid, "-o", t.TempDir()}, {"fetch", pid, "--as-mapped", t.TempDir()}}
	for _, truth := range target.Truths {
		if truth.Want == fixtures.Reasoned {
			args = append(args, []string{pid, fmt.Sprintf("%#x", truth.Addr)})
			break
		}
	}
	for _, args := range args {
		cmd := symfetch(t, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatalf("%q did not wait: %v", args, err)
		}
		endsWithin(t, cmd, interruptLimit, exitInterrupted)
	}
}

// TestTerminated ends by the signal itself, so that the parent sees it.
func TestTerminated(t *testing.T) {
	pid := sleeper(t)
	cmd := symfetch(t, strconv.Itoa(pid), "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	cmd.Process.Signal(syscall.SIGTERM)
	err = cmd.Wait()
	exit, ok := err.(*exec.ExitError)
	if !ok || !exit.Sys().(syscall.WaitStatus).Signaled() || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("ended with %v, want by SIGTERM", err)
	}
}

// TestInterruptIgnored: a shell's background job goes on.
func TestInterruptIgnored(t *testing.T) {
	pid := sleeper(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `trap '' INT; exec symfetch "$0" -`, strconv.Itoa(pid))
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
	answers := bufio.NewReader(out)
	for range 2 {
		fmt.Fprintln(in, "0x10")
		if a := readAnswer(answers, "text"); a != "0x10: ?? (not mapped)\n\n" {
			t.Errorf("answer %q", a)
		}
		cmd.Process.Signal(syscall.SIGINT)
	}
	in.Close()
	endsWithin(t, cmd, interruptLimit, exitPartly)
}
