package proc

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxThreadTries bounds how many threads are looked at for a live one.
const maxThreadTries = 4096

// threadTries bounds how often a thread that ends under us is replaced.
const threadTries = 4

// withTask runs f with the directory of a task that stands for the process:
// the main thread's while that lives, else a live thread's. /proc/TID is not
// listed but can be opened; unlike /proc/PID/task/TID it has map_files.
//
// f's error is returned as it is. That the thread belongs to the pinned
// address space is for the caller to prove, by check after f.
func (p *Process) withTask(f func(dir int) error) error {
	if !p.leaderDead.Load() {
		err := f(p.dirFD)
		if !taskMissing(err) || !p.leaderEnded() {
			return err
		}
		p.leaderDead.Store(true)
	}
	var err error
	for range threadTries {
		var dir int
		if dir, err = p.thread(); err != nil {
			return err
		}
		err = f(dir)
		unix.Close(dir)
		if !taskMissing(err) {
			return err
		}
		p.tid.Store(0)
	}
	return err
}

// taskMissing reports whether err can be due to a task without memory, files
// or namespaces, as one that ended has none.
func taskMissing(err error) bool {
	return gone(err) || err == unix.EINVAL
}

// leaderEnded reports whether the main thread ended and others live.
func (p *Process) leaderEnded() bool {
	s, err := readStat(p.dirFD)
	if err != nil || !s.dead() {
		return false
	}
	_, err = p.pickThread()
	return err == nil
}

func readStat(dir int) (taskStat, error) {
	text, err := readSmall(dir, "stat", maxStat)
	if err != nil {
		return taskStat{}, err
	}
	return parseStat(text)
}

// thread opens the directory of the live thread that served last, or of
// another one.
func (p *Process) thread() (int, error) {
	if tid := int(p.tid.Load()); tid != 0 {
		if dir, err := p.openThread(tid); err == nil {
			return dir, nil
		}
	}
	tid, err := p.pickThread()
	if err != nil {
		return -1, err
	}
	return p.openThread(tid)
}

// openThread opens /proc/TID and makes sure that it is a live thread of the
// process and not another process that got the number.
func (p *Process) openThread(tid int) (int, error) {
	dir, err := openAt(p.rootFD, strconv.Itoa(tid), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return -1, err
	}
	stat, err := readStat(dir)
	if err == nil && !stat.dead() && p.ownThread(tid) {
		return dir, nil
	}
	unix.Close(dir)
	return -1, unix.ESRCH
}

// ownThread reports whether tid is a thread of the process. The directory
// that is asked is bound to the process, so no other one's can be meant; the
// number can have been used again only inside the process.
func (p *Process) ownThread(tid int) bool {
	var st unix.Stat_t
	return unix.Fstatat(p.dirFD, "task/"+strconv.Itoa(tid), &st, 0) == nil
}

// pickThread finds a live thread and remembers it.
func (p *Process) pickThread() (int, error) {
	fd, err := openAt(p.dirFD, "task", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return 0, err
	}
	task := os.NewFile(uintptr(fd), p.path("task"))
	defer task.Close()
	for tried := 0; tried < maxThreadTries; {
		names, err := task.Readdirnames(64)
		for _, name := range names {
			tried++
			tid, _ := strconv.Atoi(name)
			if tid == 0 || tid == p.pid {
				continue
			}
			if dir, err := p.openThread(tid); err == nil {
				unix.Close(dir)
				p.tid.Store(int64(tid))
				return tid, nil
			}
		}
		if err != nil || len(names) == 0 {
			break
		}
	}
	return 0, unix.ESRCH
}
