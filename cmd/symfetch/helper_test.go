package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// shellHelper starts a shell script as helper.
func shellHelper(t *testing.T, silence time.Duration, script string) *helper {
	t.Helper()
	h, err := startHelper("/bin/sh", []string{"helper", "-c", script}, silence)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.end(errors.New("the test is over"))
		awaitGone(t, h)
	})
	return h
}

// awaitGone waits until the helper's process was waited for.
func awaitGone(t *testing.T, h *helper) {
	t.Helper()
	stat := fmt.Sprintf("/proc/%d/stat", h.process.Pid)
	for range 1000 {
		if _, err := os.Stat(stat); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the helper does not end")
}

// echo answers every line with it.
const echo = `while read -r line; do echo "ok /$line"; done`

// TestHelper: many ask at once, and each gets its own answer.
func TestHelper(t *testing.T) {
	h := shellHelper(t, 10*time.Second, echo)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			question := fmt.Sprint("question ", i)
			if got, err := h.ask(t.Context(), question); err != nil || got != "/"+question {
				t.Errorf("%q: %q, %v", question, got, err)
			}
		})
	}
	wg.Wait()
}

// TestHelperFails: whatever it does, who asks gets an error soon, and the next
// one at once.
func TestHelperFails(t *testing.T) {
	for name, test := range map[string]struct{ script, want string }{
		"silent":          {"exec sleep 1000", "no answer within 300ms"},
		"deaf":            {"exec <&-; exec sleep 1000", ""},
		"ends":            {"read -r line; exit 3", "has ended"},
		"does not start":  {"exec /nonexistent 2>/dev/null", ""},
		"talks":           {"echo hello; exec sleep 1000", ""},
		"speaks too much": {`read -r line; echo ok /x; echo ok /y; exec sleep 1000`, ""},
		"no end of line":  {`read -r line; head -c 100000 /dev/zero; exec sleep 1000`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := shellHelper(t, 300*time.Millisecond, test.script)
			began := time.Now()
			var err error
			for range 2 {
				if _, err = h.ask(t.Context(), "x"); err != nil {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it takes %v", took)
			}
			if _, err := h.ask(t.Context(), "x"); name != "speaks too much" && (err == nil || !strings.Contains(err.Error(), "not asked again")) {
				t.Errorf("asked again: %v", err)
			}
			h.end(errors.New("over"))
			awaitGone(t, h)
		})
	}
}

// TestHelperAlive: as long as it says so it is waited for.
func TestHelperAlive(t *testing.T) {
	h := shellHelper(t, time.Second, `read -r line; for i in 1 2 3 4 5 6; do echo alive $i 6; sleep 0.3; done; echo ok /x; exec sleep 1000`)
	if got, err := h.ask(t.Context(), "x"); err != nil || got != "/x" {
		t.Errorf("%q, %v", got, err)
	}
	time.Sleep(1500 * time.Millisecond) // silence while nobody waits is none
	if err := h.reason(); err != nil {
		t.Error(err)
	}
}

// TestHelperDeadline: who does not wait any longer does not get the next one's
// answer mixed up; a cancelled run ends the helper.
func TestHelperDeadline(t *testing.T) {
	h := shellHelper(t, 10*time.Second, `read -r line; sleep 0.5; echo ok /late; `+echo)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := h.ask(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if got, err := h.ask(t.Context(), "b"); err != nil || got != "/b" {
		t.Errorf("%q, %v", got, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := h.ask(ctx, "c"); !errors.Is(err, context.Canceled) {
		// It may have answered already.
		if err != nil {
			t.Errorf("error %v", err)
		}
		return
	}
	awaitGone(t, h)
}

// TestParseAnswer: two words, nothing else.
func TestParseAnswer(t *testing.T) {
	if got, err := parseAnswer("h", "ok /a b"); err != nil || got != "/a b" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := parseAnswer("h", "error no"); err == nil || err.Error() != "no" {
		t.Errorf("error %v", err)
	}
	for _, line := range []string{"", "okay /x", "OK /x", "/x"} {
		if got, err := parseAnswer("h", line); err == nil {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// TestHelperMissing: what cannot be started is an error.
func TestHelperMissing(t *testing.T) {
	if _, err := startHelper(filepath.Join(t.TempDir(), "x"), []string{"x"}, time.Second); err == nil {
		t.Error("started what is not there")
	}
}
