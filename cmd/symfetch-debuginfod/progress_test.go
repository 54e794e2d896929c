package main

import (
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serveBig serves the program with n bytes behind it, in a second or so.
func serveBig(t *testing.T, n int) string {
	b := append(append([]byte{}, programBytes(t)...), make([]byte, n)...)
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		part := len(b)/8 + 1
		for rest := b; len(rest) > 0; rest = rest[min(part, len(rest)):] {
			w.Write(rest[:min(part, len(rest))])
			http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
		}
	})
}

// TestProgressOnTerminal: a bar for what takes its time, or for everything if
// that is asked for; standard output has the path alone.
func TestProgressOnTerminal(t *testing.T) {
	script, err := exec.LookPath("script")
	if err != nil {
		t.Fatal(err) // it is part of every Debian
	}
	for _, test := range []struct {
		size  int
		asked string
		bar   bool
	}{{progressMin, "", true}, {1 << 20, "", false}, {1 << 20, "1", true}} {
		cmd := command(t, serveBig(t, test.size), "get", testID)
		cmd.Args = []string{script, "-qec", "stty cols 200 rows 24; " + cmd.Path + " get " + testID, "/dev/null"}
		cmd.Path = script
		cmd.Env = append(cmd.Env, "DEBUGINFOD_PROGRESS="+test.asked, "TERM=xterm")
		code, shown, errs := runs(t, cmd)
		if code != 0 || !strings.Contains(shown, cacheOf(cmd)) || strings.Contains(shown, " MiB / ") != test.bar {
			t.Errorf("%+v: %d, %q, %q", test, code, shown, errs)
		}
	}
}

// TestProgressElsewhere: lines, if they are asked for.
func TestProgressElsewhere(t *testing.T) {
	for _, asked := range []string{"", "1"} {
		cmd := command(t, serveBig(t, 1<<20), "get", testID)
		cmd.Env = append(cmd.Env, "DEBUGINFOD_PROGRESS="+asked)
		code, out, errs := runs(t, cmd)
		if code != 0 || strings.Count(out, "\n") != 1 || strings.Contains(errs, " bytes\n") != (asked != "") {
			t.Errorf("asked %q: %d, %q, %q", asked, code, out, errs)
		}
	}
}
