package proc

import (
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// List returns the numbers of the processes that the proc file system at
// procRoot ("" for /proc) shows, ascending. They can be gone or reused by the
// time they are returned.
func List(procRoot string) ([]int, error) {
	if procRoot == "" {
		procRoot = DefaultRoot
	}
	root, err := openRoot(procRoot)
	if err != nil {
		return nil, err
	}
	defer unix.Close(root)
	fd, err := openAt(root, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, asPathError("open", procRoot, err)
	}
	dir := os.NewFile(uintptr(fd), procRoot)
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}
