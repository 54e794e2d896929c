package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// textOf returns an address in the text of a process's first program mapping
// and the end of that mapping.
func textOf(t *testing.T, pid int) (start, end uint64) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(string(maps)) {
		if strings.Contains(row, " r-xp ") {
			if _, err := fmt.Sscanf(row, "%x-%x", &start, &end); err != nil {
				t.Fatal(err)
			}
			return start, end
		}
	}
	t.Fatalf("no text in the maps of %d:\n%s", pid, maps)
	return 0, 0
}

// TestStreamAnswersAtOnce asks one address at a time over a pipe and waits for
// the answer before it asks the next: nothing may be held back while the input
// would block, a malformed line no less than an address.
func TestStreamAnswersAtOnce(t *testing.T) {
	pid := sleeper(t)
	start, _ := textOf(t, pid)
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			cmd := symfetch(t, strconv.Itoa(pid), "-", "--json="+strconv.FormatBool(format == "json"))
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
			for i, line := range []string{fmt.Sprintf("%x", start), "nonsense", "0x10", ""} {
				if _, err := io.WriteString(in, line+"\n"); err != nil {
					t.Fatal(err)
				}
				got := make(chan string, 1)
				go func() { got <- readAnswer(answers, format) }()
				select {
				case a := <-got:
					if !strings.Contains(a, line) {
						t.Errorf("answer %d to %q: %q", i, line, a)
					}
				case <-time.After(10 * time.Second):
					t.Fatalf("no answer to line %d (%q) while the input blocks", i, line)
				}
			}
			in.Close()
			if err := cmd.Wait(); exitStatus(err) != exitPartly {
				t.Errorf("exit status %d, want %d", exitStatus(err), exitPartly)
			}
		})
	}
}

// readAnswer reads a block up to its empty line, or a line of JSON.
func readAnswer(r *bufio.Reader, format string) string {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		b.WriteString(line)
		if err != nil || format == "json" || line == "\n" {
			return b.String()
		}
	}
}

func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return -1
}

// TestStreamOrder mixes addresses, malformed and over-long lines, blanks and
// line ends of other systems: one block for every line, in order, the last
// line without an end too.
func TestStreamOrder(t *testing.T) {
	pid := sleeper(t)
	long := strings.Repeat("a", 3*inputBuffer)
	lines := []string{"10", "zz", "", "0x20", long, "30\r", " \t40 ", strings.Repeat("f", 17), "0x", "-1", "50 60", "70"}
	wants := []string{
		"0x10: ", "zz: ", `"": `, "0x20: ", strings.Repeat("a", maxEcho) + "...: ", "0x30: ", "0x40: ",
		strings.Repeat("f", 17) + ": ", "0x: ", "-1: ", "50 60: ", "0x70: ",
	}
	cmd := symfetch(t, strconv.Itoa(pid), "-")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	out, err := cmd.Output()
	if exitStatus(err) != exitPartly {
		t.Errorf("exit status %d, want %d", exitStatus(err), exitPartly)
	}
	blocks := strings.Split(strings.TrimSuffix(string(out), "\n\n"), "\n\n")
	if len(blocks) != len(wants) {
		t.Fatalf("%d blocks, want %d:\n%s", len(blocks), len(wants), out)
	}
	for i, want := range wants {
		if !strings.HasPrefix(blocks[i], want) || !strings.Contains(blocks[i], ": ?? (not ") {
			t.Errorf("block %d is %q, want it to start with %q", i, blocks[i], want)
		}
	}
}

// TestStreamMillion asks a million addresses, one malformed line among every
// thousand, and compares the peak of resident memory with that of a run of
// twenty thousand.
func TestStreamMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("a million lines take seconds")
	}
	pid := sleeper(t)
	start, end := textOf(t, pid)
	few, fewTime := streamPeak(t, pid, start, end, 200_000)
	many, manyTime := streamPeak(t, pid, start, end, 1_000_000)
	t.Logf("VmHWM: %d kB after 200,000 lines (%v), %d kB after 1,000,000 (%v)", few, fewTime, many, manyTime)
	const slack = 16 << 10 // in kB: the collector's pace, and what the race detector adds
	if many > few+slack {
		t.Errorf("peak memory grew from %d kB to %d kB with the input", few, many)
	}
}

// streamPeak streams n lines, checks that each has its block, and returns the
// peak of resident memory in kB.
func streamPeak(t *testing.T, pid int, start, end uint64, n int) (peak int, took time.Duration) {
	t.Helper()
	began := time.Now()
	cmd := symfetch(t, strconv.Itoa(pid), "-")
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
	blocks := make(chan int, 1)
	go func() {
		count := 0
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			if len(scanner.Bytes()) == 0 {
				count++
			}
		}
		blocks <- count
	}()
	w := bufio.NewWriter(in)
	span := end - start
	for i := range n {
		if i%1000 == 999 {
			fmt.Fprintf(w, "line %d\n", i)
			continue
		}
		fmt.Fprintf(w, "%#x\n", start+uint64(i)*2654435761%span)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	// Asked while it waits for more: all lines are answered by then or soon.
	time.Sleep(200 * time.Millisecond)
	peak = highWater(t, cmd.Process.Pid)
	in.Close()
	if got := <-blocks; got != n {
		t.Errorf("%d blocks for %d lines", got, n)
	}
	if err := cmd.Wait(); exitStatus(err) != exitPartly {
		t.Errorf("exit status %d, want %d", exitStatus(err), exitPartly)
	}
	return peak, time.Since(began)
}

// highWater is the peak of a process's resident memory in kB.
func highWater(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		var kB int
		if n, _ := fmt.Sscanf(string(line), "VmHWM: %d kB", &kB); n == 1 {
			return kB
		}
	}
	t.Fatalf("no VmHWM in %s", status)
	return 0
}

// TestStreamGone ends the process in the middle of a stream: what was answered
// stays, the rest says why, and the status is that of an ended process.
func TestStreamGone(t *testing.T) {
	nap := exec.Command("/bin/sleep", "1000")
	nap.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := nap.Start(); err != nil {
		t.Fatal(err)
	}
	if err := awaitSleep(nap.Process.Pid); err != nil {
		t.Fatal(err)
	}
	start, _ := textOf(t, nap.Process.Pid)
	cmd := symfetch(t, strconv.Itoa(nap.Process.Pid), "-")
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(out)
	fmt.Fprintf(in, "%x\n", start)
	if a := readAnswer(answers, "text"); strings.Contains(a, "ended") {
		t.Errorf("while the process lives: %q", a)
	}
	nap.Process.Kill()
	nap.Wait()
	fmt.Fprintf(in, "%x\n", start)
	if a := readAnswer(answers, "text"); !strings.Contains(a, "?? (the process ended)") {
		t.Errorf("after its end: %q", a)
	}
	in.Close()
	if err := cmd.Wait(); exitStatus(err) != exitGone {
		t.Errorf("exit status %d, want %d", exitStatus(err), exitGone)
	}
}
