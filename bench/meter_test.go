package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func testMeter(t *testing.T) *meter {
	t.Helper()
	m, err := newMeter(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMeterKnowsCosts holds the meter against programs whose costs are known
// from below, which no busy machine can make false.
func TestMeterKnowsCosts(t *testing.T) {
	m := testMeter(t)
	for _, test := range []struct {
		name   string
		args   []string
		status int
		wall   time.Duration
		cpu    time.Duration
		peak   int64
	}{
		{name: "sleeps", args: []string{"sleep", "0.2"}, wall: 200 * time.Millisecond},
		{name: "computes", args: []string{"sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"}, cpu: 5 * time.Millisecond},
		{name: "allocates", args: []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"}, peak: 64 << 20},
		{name: "fails", args: []string{"sh", "-c", "exit 7"}, status: 7},
		{name: "is killed", args: []string{"sh", "-c", "kill -TERM $$"}, status: 128 + 15},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, messages, err := m.run(t.Context(), time.Minute, "", m.output(), test.args...)
			if err != nil {
				t.Fatalf("%v: %s", err, messages)
			}
			if s.Status != test.status {
				t.Errorf("status %d, want %d", s.Status, test.status)
			}
			if s.Wall < test.wall || s.CPU < test.cpu || s.Peak < test.peak {
				t.Errorf("%+v is less than %v, %v, %d bytes", s, test.wall, test.cpu, test.peak)
			}
			if s.Peak < 100<<10 {
				t.Errorf("peak memory %d bytes", s.Peak)
			}
		})
	}
}

// TestMeterCountsOnlyTheProgram: the memory of who starts a program must not
// be counted as the program's. This test is itself a large starter.
func TestMeterCountsOnlyTheProgram(t *testing.T) {
	ballast := make([]byte, 64<<20)
	for i := range ballast {
		ballast[i] = 1
	}
	m := testMeter(t)
	nothing, err := buildC(t.Context(), m.dir, "nothing")
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := m.run(t.Context(), time.Minute, "", m.output(), nothing)
	if err != nil {
		t.Fatal(err)
	}
	if s.Peak > 8<<20 {
		t.Errorf("a C program that returns has a peak of %d bytes", s.Peak)
	}
	if ballast[len(ballast)-1] != 1 {
		t.Error("the ballast was not kept")
	}
}

func TestMeterPipes(t *testing.T) {
	m := testMeter(t)
	in := filepath.Join(m.dir, "in")
	if err := os.WriteFile(in, []byte("one\ntwo\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, messages, err := m.run(t.Context(), time.Minute, in, m.output(), "sh", "-c", "echo said >&2; cat")
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(m.output())
	if err != nil {
		t.Fatal(err)
	}
	if string(out) != "one\ntwo\n" || messages != "said\n" {
		t.Errorf("output %q, messages %q", out, messages)
	}
	// A shorter output leaves nothing of the longer one.
	if _, _, err := m.run(t.Context(), time.Minute, "", m.output(), "true"); err != nil {
		t.Fatal(err)
	}
	if out, err := os.ReadFile(m.output()); err != nil || len(out) > 0 {
		t.Errorf("output of true: %q, %v", out, err)
	}
}

func TestMeterErrors(t *testing.T) {
	m := testMeter(t)
	for _, program := range []string{"no-such-program-anywhere", m.dir} {
		if s, messages, err := m.run(t.Context(), time.Minute, "", m.output(), program); err == nil || !strings.Contains(messages, program) {
			t.Errorf("%s cannot be run: %+v, %q", program, s, messages)
		}
	}
	if _, messages, err := m.run(t.Context(), time.Minute, "/no/such/input", m.output(), "true"); err == nil || !strings.Contains(messages, "/no/such/input") {
		t.Errorf("a missing input: %v, %q", err, messages)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := m.run(ctx, time.Minute, "", m.output(), "sleep", "60"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an abandoned run: %v", err)
	}
	if _, _, err := m.run(t.Context(), 100*time.Millisecond, "", m.output(), "sleep", "60"); !errors.Is(err, errTimeout) {
		t.Errorf("a run without an end: %v", err)
	}
}

func TestParseSample(t *testing.T) {
	s, err := parseSample("1234567 100 50 2048 3\n")
	want := Sample{Wall: 1234567, CPU: 150 * time.Microsecond, Peak: 2 << 20, Status: 3}
	if err != nil || s != want {
		t.Errorf("got %+v, %v, want %+v", s, err, want)
	}
	for _, line := range []string{"", "1 2 3 4\n", "a b c d e\n"} {
		if _, err := parseSample(line); err == nil {
			t.Errorf("line %q is accepted", line)
		}
	}
}
