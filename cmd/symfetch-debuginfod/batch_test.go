package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serveSlowly sends the first half of b, says so, and the rest never.
func serveSlowly(t *testing.T, b []byte, sent chan bool) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:len(b)/2])
		http.NewResponseController(w).Flush()
		select {
		case sent <- true:
		default:
		}
		<-r.Context().Done()
	})
}

// dialogue is a batch that is talked to.
type dialogue struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func talk(t *testing.T, cmd *exec.Cmd) *dialogue {
	t.Helper()
	d := &dialogue{cmd: cmd}
	var err error
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.out = bufio.NewScanner(out)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.in.Close()
		d.cmd.Process.Kill()
		d.cmd.Wait()
	})
	return d
}

func (d *dialogue) line() string {
	d.out.Scan()
	return d.out.Text()
}

// TestBatch: every line has its answer, in order, as soon as it is known.
func TestBatch(t *testing.T) {
	d := talk(t, command(t, good(t), "get", "-"))
	dir := filepath.Join(cacheOf(d.cmd), testID) + "/"
	questions := []struct{ question, answer string }{
		{testID + " executable", "ok " + dir + "executable"},
		{"  " + testID + "\tdebuginfo ", "ok " + dir + "debuginfo"},
		{testID + " section .text", "ok " + dir + "section-.text"},
		{"abcd executable", "error executable of build ID abcd: "},
		{testID, "error not of the form BUILDID KIND"},
		{"", "error not of the form BUILDID KIND"},
		{"zz executable", `error build ID "zz" is not hexadecimal`},
		{testID + " source", "error "},
		{testID + " executable", "ok " + dir + "executable"},
	}
	for range 2 {
		for _, q := range questions {
			fmt.Fprintln(d.in, q.question)
			if got := d.line(); !strings.HasPrefix(got, q.answer) {
				t.Errorf("%q: %q, want %q", q.question, got, q.answer)
			}
		}
	}
	var all strings.Builder
	for _, q := range questions {
		all.WriteString(q.question + "\n")
	}
	go io.WriteString(d.in, all.String())
	for _, q := range questions {
		if got := d.line(); !strings.HasPrefix(got, q.answer) {
			t.Errorf("at once: %q: %q, want %q", q.question, got, q.answer)
		}
	}
	d.in.Close()
	if d.out.Scan() {
		t.Errorf("one line more: %q", d.out.Text())
	}
	if err := d.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestBatchOfMany: more questions than are worked on at once.
func TestBatchOfMany(t *testing.T) {
	cmd := command(t, good(t), "get", "-")
	const n = 500
	cmd.Stdin = strings.NewReader(strings.Repeat(testID+" executable\nabcd executable\n", n))
	code, out, errs := runs(t, cmd)
	if code != 0 || strings.Count(out, "ok ") != n || strings.Count(out, "\n") != 2*n || errs != "" {
		t.Errorf("%d, %d lines, %q", code, strings.Count(out, "\n"), errs)
	}
}

// TestBatchLongLine: what is no question does not eat memory.
func TestBatchLongLine(t *testing.T) {
	cmd := command(t, "", "get", "-")
	cmd.Stdin = strings.NewReader(strings.Repeat("x", 1<<20))
	if code, out, errs := runs(t, cmd); code != 1 || out != "" || !strings.Contains(errs, "standard input") {
		t.Errorf("%d, %q, %q", code, out, errs)
	}
}

// TestDeadOnce: a dead server costs the time limit of a second once in a batch.
func TestDeadOnce(t *testing.T) {
	var asked atomic.Int32
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-r.Context().Done()
	})
	cmd := command(t, url, "get", "-")
	var questions strings.Builder
	for i := range 60 {
		fmt.Fprintf(&questions, "ab%02x debuginfo\n", i)
	}
	cmd.Stdin = strings.NewReader(questions.String())
	began := time.Now()
	code, out, _ := runs(t, cmd)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it takes %v", took)
	}
	if code != 0 || strings.Count(out, "error ") != 60 || asked.Load() > atOnce {
		t.Errorf("%d, asked %d times: %s", code, asked.Load(), out)
	}
}

// TestAttended: it tells that bytes come in, and ends with its input.
func TestAttended(t *testing.T) {
	b := append(append([]byte{}, programBytes(t)...), make([]byte, 3<<20)...)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for rest := b; len(rest) > 0; rest = rest[min(200<<10, len(rest)):] {
			w.Write(rest[:min(200<<10, len(rest))])
			http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	})
	d := talk(t, command(t, url, "get", "-", "--attended"))
	fmt.Fprintln(d.in, testID, "executable")
	alive := 0
	line := d.line()
	for ; strings.HasPrefix(line, "alive "); line = d.line() {
		alive++
	}
	if alive == 0 || !strings.HasPrefix(line, "ok ") {
		t.Errorf("%d signs of life, then %q", alive, line)
	}

	cmd := command(t, silent(t), "get", "-", "--attended")
	cmd.Env = append(cmd.Env, "DEBUGINFOD_TIMEOUT=100")
	d = talk(t, cmd)
	fmt.Fprintln(d.in, testID, "executable")
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	d.in.Close()
	if err := d.cmd.Wait(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("ended %v after its input", took)
	}
}
