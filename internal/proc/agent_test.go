package proc

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// agentMain reads orders from stdin, one a line, and answers each with "ok
// WORDS" or with the error. It ends with its input.
func agentMain() {
	fmt.Println("ready")
	agentLoop(bufio.NewScanner(os.Stdin))
}

func agentLoop(in *bufio.Scanner) {
	for in.Scan() {
		words, err := splitOrder(in.Text())
		if err != nil || len(words) == 0 {
			fmt.Println("bad order", err)
			continue
		}
		if words[0] == "leader-exit" {
			// The main thread ends; another one goes on. A blocking system call
			// hands the scheduler's slot back before.
			go func() {
				time.Sleep(50 * time.Millisecond)
				fmt.Println("ok ")
				agentLoop(in)
				os.Exit(0)
			}()
			unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
		}
		order, known := agentOrders[words[0]]
		if !known {
			fmt.Println("unknown order", words[0])
			continue
		}
		answer, err := order(words[1:])
		if err != nil {
			fmt.Println("error:", err)
			continue
		}
		fmt.Println("ok", answer)
	}
}

// splitOrder splits words at spaces; quoted ones are Go strings.
func splitOrder(line string) (words []string, err error) {
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		word := line
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, err
			}
			line = line[len(quoted):]
			if word, err = strconv.Unquote(quoted); err != nil {
				return nil, err
			}
		} else {
			word, line, _ = strings.Cut(line, " ")
		}
		words = append(words, word)
	}
	return words, nil
}

// agentOrders are what an agent can be told. Addresses are hexadecimal, sizes
// and flags decimal.
var agentOrders = map[string]func([]string) (string, error){
	"mmap":     agentMmap,
	"anon":     agentAnon,
	"memfd":    agentMemfd,
	"shm":      agentShm,
	"uring":    agentUring,
	"mprotect": agentMprotect,
	"munmap":   agentMunmap,
	"remap":    agentRemap,
	"stripes":  agentStripes,
	"poke":     agentPoke,
	"exec":     agentExec,
	"spawn":    agentSpawn,
	"thread":   agentThread,
	"chroot": func(w []string) (string, error) {
		return "", unix.Chroot(w[0])
	},
	"chdir": func(w []string) (string, error) { return "", unix.Chdir(w[0]) },
	"mount": func(w []string) (string, error) {
		flags, err := strconv.ParseUint(w[3], 0, 64)
		if err != nil {
			return "", err
		}
		return "", unix.Mount(w[0], w[1], w[2], uintptr(flags), w[4])
	},
	"umount": func(w []string) (string, error) { return "", unix.Unmount(w[0], unix.MNT_DETACH) },
	"write": func(w []string) (string, error) {
		f, err := os.OpenFile(w[0], os.O_WRONLY, 0)
		if err != nil {
			return "", err
		}
		defer f.Close()
		_, err = f.WriteString(w[1])
		return "", err
	},
	"mkdir": func(w []string) (string, error) { return "", os.MkdirAll(w[0], 0o755) },
	"comm":  func(w []string) (string, error) { return "", os.WriteFile("/proc/self/comm", []byte(w[0]), 0) },
	"undumpable": func([]string) (string, error) {
		return "", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	},
	"pid": func([]string) (string, error) { return strconv.Itoa(os.Getpid()), nil },
}

// numbers parses words; the first hexa of them are hexadecimal.
func numbers(words []string, hexa int) ([]uintptr, error) {
	values := make([]uintptr, len(words))
	for i, w := range words {
		base := 10
		if i < hexa {
			base = 16
		}
		v, err := strconv.ParseUint(w, base, 64)
		if err != nil {
			return nil, err
		}
		values[i] = uintptr(v)
	}
	return values, nil
}

func rawMmap(addr, size, prot, flags uintptr, fd int, off uintptr) (string, error) {
	got, _, errno := unix.Syscall6(unix.SYS_MMAP, addr, size, prot, flags, uintptr(fd), off)
	if errno != 0 {
		return "", fmt.Errorf("mmap: %w", errno)
	}
	return strconv.FormatUint(uint64(got), 16), nil
}

// agentMmap maps a file: PATH OFF SIZE PROT FLAGS.
func agentMmap(w []string) (string, error) {
	n, err := numbers(w[1:], 0)
	if err != nil {
		return "", err
	}
	flags := unix.O_RDONLY
	if n[2]&unix.PROT_WRITE != 0 && n[3]&unix.MAP_SHARED != 0 {
		flags = unix.O_RDWR
	}
	fd, err := unix.Open(w[0], flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return rawMmap(0, n[1], n[2], n[3], fd, n[0])
}

// agentAnon maps anonymous memory: SIZE PROT FLAGS.
func agentAnon(w []string) (string, error) {
	n, err := numbers(w, 0)
	if err != nil {
		return "", err
	}
	return rawMmap(0, n[0], n[1], n[2]|unix.MAP_ANONYMOUS, -1, 0)
}

// agentMemfd maps a memfd: NAME SIZE.
func agentMemfd(w []string) (string, error) {
	n, err := numbers(w[1:], 0)
	if err != nil {
		return "", err
	}
	fd, err := unix.MemfdCreate(w[0], unix.MFD_CLOEXEC)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, int64(n[0])); err != nil {
		return "", err
	}
	if _, err := unix.Pwrite(fd, []byte(w[0]), 0); err != nil {
		return "", err
	}
	return rawMmap(0, n[0], unix.PROT_READ, unix.MAP_SHARED, fd, 0)
}

// agentShm maps System V shared memory that is removed at once: SIZE.
func agentShm(w []string) (string, error) {
	n, err := numbers(w, 0)
	if err != nil {
		return "", err
	}
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, int(n[0]), 0o600|unix.IPC_CREAT)
	if err != nil {
		return "", err
	}
	b, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return "", err
	}
	_, err = unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	return strconv.FormatUint(uint64(uintptr(unsafe.Pointer(&b[0]))), 16), err
}

// agentUring maps the rings of an io_uring.
func agentUring([]string) (string, error) {
	const ioUringSetup = 425 // the same on every architecture
	var params [120]byte     // struct io_uring_params
	fd, _, errno := unix.Syscall(ioUringSetup, 4, uintptr(unsafe.Pointer(&params[0])), 0)
	if errno != 0 {
		return "", fmt.Errorf("io_uring_setup: %w", errno)
	}
	return rawMmap(0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE, int(fd), 0)
}

func agentMprotect(w []string) (string, error) {
	n, err := numbers(w, 1)
	if err != nil {
		return "", err
	}
	if _, _, errno := unix.Syscall(unix.SYS_MPROTECT, n[0], n[1], n[2]); errno != 0 {
		return "", errno
	}
	return "", nil
}

func agentMunmap(w []string) (string, error) {
	n, err := numbers(w, 1)
	if err != nil {
		return "", err
	}
	if _, _, errno := unix.Syscall(unix.SYS_MUNMAP, n[0], n[1], 0); errno != 0 {
		return "", errno
	}
	return "", nil
}

// agentRemap puts another file over addresses: ADDR PATH OFF SIZE.
func agentRemap(w []string) (string, error) {
	addr, err := numbers(w[:1], 1)
	if err != nil {
		return "", err
	}
	n, err := numbers(w[2:], 0)
	if err != nil {
		return "", err
	}
	fd, err := unix.Open(w[1], unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return rawMmap(addr[0], n[1], unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_FIXED, fd, n[0])
}

// agentStripes maps a file and splits the mapping into one for each page:
// PATH PAGES.
func agentStripes(w []string) (string, error) {
	pages, err := strconv.Atoi(w[1])
	if err != nil {
		return "", err
	}
	size := os.Getpagesize()
	addr, err := agentMmap([]string{w[0], "0", strconv.Itoa(pages * size), "1", "2"})
	if err != nil {
		return "", err
	}
	start, err := strconv.ParseUint(addr, 16, 64)
	if err != nil {
		return "", err
	}
	for i := 1; i < pages; i += 2 {
		page := uintptr(start) + uintptr(i*size)
		if _, _, errno := unix.Syscall(unix.SYS_MPROTECT, page, uintptr(size), unix.PROT_READ|unix.PROT_EXEC); errno != 0 {
			return "", errno
		}
	}
	return addr, nil
}

// agentPoke writes a text into its own memory: ADDR TEXT.
func agentPoke(w []string) (string, error) {
	addr, err := numbers(w[:1], 1)
	if err != nil {
		return "", err
	}
	fd, err := unix.Open("/proc/self/mem", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	_, err = unix.Pwrite(fd, []byte(w[1]), int64(addr[0]))
	return "", err
}

// agentExec becomes another program, an agent unless a path is given. Its
// first word is the new program's.
func agentExec(w []string) (string, error) {
	path := "/proc/thread-self/exe" // the main thread may have ended
	if len(w) > 0 {
		path = w[0]
	}
	fmt.Println("ok ")
	return "", unix.Exec(path, []string{path}, os.Environ())
}

// agentSpawn starts a child that ends at once and is not waited for.
func agentSpawn([]string) (string, error) {
	proc, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
	if err != nil {
		return "", err
	}
	var info unix.Siginfo
	err = unix.Waitid(unix.P_PID, proc.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
	return strconv.Itoa(proc.Pid), err
}

// agentThread starts a thread that does nothing.
func agentThread([]string) (string, error) {
	tid := make(chan int)
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		time.Sleep(time.Hour)
	}()
	return strconv.Itoa(<-tid), nil
}
