package proc

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Securebits, include/uapi/linux/securebits.h: user 0 gets no capabilities by
// exec, and that cannot be changed back.
const secbitNoRoot, secbitNoRootLocked = 1 << 0, 1 << 1

// WithoutCapabilities runs f, which starts a process, on a thread that gave up
// its capabilities, so that the process holds none and can get none. That of
// root keeps CAP_DAC_OVERRIDE, as root writes to a user's directories (sudo);
// a root without CAP_SETPCAP cannot hinder exec from giving back what it has.
//
// It returns f's error, or why capabilities could not be given up; f has not
// been run then.
func WithoutCapabilities(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with this goroutine
		err := dropCapabilities()
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// dropCapabilities is for the calling thread only.
func dropCapabilities() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	own, err := OwnCredentials()
	if err != nil {
		return err
	}
	var keep uint32
	if os.Geteuid() == 0 && own.Effective&(1<<unix.CAP_SETPCAP) != 0 {
		if err := unix.Prctl(unix.PR_SET_SECUREBITS, secbitNoRoot|secbitNoRootLocked, 0, 0, 0); err != nil {
			return fmt.Errorf("set securebits: %w", err)
		}
		keep = uint32(own.Effective) & (1 << unix.CAP_DAC_OVERRIDE)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: keep, Permitted: keep, Inheritable: keep}}
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("capset: %w", err)
	}
	if keep == 0 {
		return nil // ambient ones are gone with the others
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_DAC_OVERRIDE, 0, 0); err != nil {
		return fmt.Errorf("keep CAP_DAC_OVERRIDE: %w", err)
	}
	return nil
}
