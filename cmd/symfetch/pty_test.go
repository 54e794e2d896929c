package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"
)

// openTerminal returns both ends of a pseudo-terminal of the given width.
func openTerminal(columns int) (ours, theirs *os.File, err error) {
	if ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	var unlock int32
	var number uint32
	size := [4]uint16{24, uint16(columns)}
	for _, call := range []struct {
		request uintptr
		arg     unsafe.Pointer
	}{
		{syscall.TIOCSPTLCK, unsafe.Pointer(&unlock)},
		{syscall.TIOCGPTN, unsafe.Pointer(&number)},
		{syscall.TIOCSWINSZ, unsafe.Pointer(&size)},
	} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, ours.Fd(), call.request, uintptr(call.arg)); errno != 0 {
			ours.Close()
			return nil, nil, errno
		}
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		ours.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// onTerminal runs cmd with what it leaves open of stdout and stderr on a
// terminal, and returns what that shows.
func onTerminal(columns int, cmd *exec.Cmd) (shown string, err error) {
	ours, theirs, err := openTerminal(columns)
	if err != nil {
		return "", err
	}
	defer ours.Close()
	if cmd.Stdout == nil {
		cmd.Stdout = theirs
	}
	if cmd.Stderr == nil {
		cmd.Stderr = theirs
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	theirs.Close()
	out, err := io.ReadAll(ours)
	if errors.Is(err, syscall.EIO) { // the other end was closed
		err = nil
	}
	return string(out), errors.Join(err, cmd.Wait())
}

// ttyCmd is `tty COLUMNS program args...`: exec with stdout on a terminal, and
// what that shows as stdout.
func ttyCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: tty COLUMNS program args...")
	}
	columns, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = []string{"TERM=" + ts.Getenv("TERM"), "NO_COLOR=" + ts.Getenv("NO_COLOR"), "HOME=" + ts.Getenv("HOME"), "PATH=" + ts.Getenv("PATH")}
	cmd.Stderr = ts.Stderr()
	shown, err := onTerminal(columns, cmd)
	fmt.Fprint(ts.Stdout(), shown)
	if (err != nil) != neg {
		ts.Fatalf("%v", err)
	}
}
