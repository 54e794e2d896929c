package proc

import (
	"bytes"
	"fmt"
	"strconv"
)

// taskStat is the part of /proc/PID/stat that matters here.
type taskStat struct {
	comm      string // raw bytes
	state     byte   // 'R', 'S', 'Z', ...
	flags     uint64 // PF_*, include/linux/sched.h
	threads   uint64
	startTime uint64 // clock ticks since boot
}

// pfKThread is PF_KTHREAD, include/linux/sched.h.
const pfKThread = 0x00200000

// dead reports whether the task ended and waits to be reaped.
func (s taskStat) dead() bool { return s.state == 'Z' || s.state == 'X' || s.state == 'x' }

// kernelThread reports whether the task is the kernel's own.
func (s taskStat) kernelThread() bool { return s.flags&pfKThread != 0 }

// Fields of stat behind the comm, counted from the state: proc(5) numbers
// them from 1 and the state is 3.
const (
	statFlags     = 9 - 3
	statThreads   = 20 - 3
	statStartTime = 22 - 3
)

// parseStat parses the text of a stat file. The comm can hold any byte,
// parentheses and newlines too, so its end is sought from the back.
func parseStat(text []byte) (taskStat, error) {
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return taskStat{}, fmt.Errorf("%w stat: no comm in %.80q", ErrMalformed, text)
	}
	fields := bytes.Fields(text[end+1:])
	if len(fields) <= statStartTime || len(fields[0]) != 1 {
		return taskStat{}, fmt.Errorf("%w stat: %d fields behind the comm", ErrMalformed, len(fields))
	}
	s := taskStat{comm: string(text[open+1 : end]), state: fields[0][0]}
	for i, dst := range map[int]*uint64{statFlags: &s.flags, statThreads: &s.threads, statStartTime: &s.startTime} {
		v, err := strconv.ParseUint(string(fields[i]), 10, 64)
		if err != nil {
			return taskStat{}, fmt.Errorf("%w stat: field %d is %.20q", ErrMalformed, i+3, fields[i])
		}
		*dst = v
	}
	return s, nil
}

// maxNSPIDs bounds the numbers of one process: the kernel nests at most 32
// PID namespaces (MAX_PID_NS_LEVEL).
const maxNSPIDs = 64

// taskStatus is the part of /proc/PID/status that matters here.
type taskStatus struct {
	tgid   int
	nsPIDs []int // outermost first, as seen by the proc mount
	uids   [4]uint32
}

// parseStatus parses the text of a status file. Lines that are not there stay
// zero: kernels without PID namespaces write no NSpid.
func parseStatus(text []byte) (taskStatus, error) {
	var s taskStatus
	for line := range bytes.Lines(text) {
		key, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		var err error
		switch string(key) {
		case "Tgid":
			s.tgid, err = parsePID(bytes.TrimSpace(value))
		case "NSpid":
			s.nsPIDs, err = parseNSPIDs(value)
		case "Uid":
			s.uids, err = parseUIDs(value)
		}
		if err != nil {
			return taskStatus{}, fmt.Errorf("%w status: %s: %w", ErrMalformed, key, err)
		}
	}
	if s.tgid == 0 {
		return taskStatus{}, fmt.Errorf("%w status: no Tgid", ErrMalformed)
	}
	return s, nil
}

func parsePID(text []byte) (int, error) {
	v, err := strconv.ParseInt(string(text), 10, 32)
	if err != nil || v < 0 {
		return 0, fmt.Errorf("number %.20q", text)
	}
	return int(v), nil
}

func parseNSPIDs(value []byte) ([]int, error) {
	fields := bytes.Fields(value)
	if len(fields) > maxNSPIDs {
		return nil, fmt.Errorf("%d numbers", len(fields))
	}
	pids := make([]int, 0, len(fields))
	for _, f := range fields {
		pid, err := parsePID(f)
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

func parseUIDs(value []byte) (uids [4]uint32, err error) {
	fields := bytes.Fields(value)
	if len(fields) != len(uids) {
		return uids, fmt.Errorf("%d numbers", len(fields))
	}
	for i, f := range fields {
		v, err := strconv.ParseUint(string(f), 10, 32)
		if err != nil {
			return uids, fmt.Errorf("number %.20q", f)
		}
		uids[i] = uint32(v)
	}
	return uids, nil
}
