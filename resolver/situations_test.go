package resolver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/symfetch/symfetch/fixtures"
	"github.com/symfetch/symfetch/resolver"
)

// TestSituations asks for every truth of every situation. A wrong name fails
// the test whatever else is wanted.
func TestSituations(t *testing.T) {
	for _, s := range fixtures.All() {
		t.Run(s.Name, func(t *testing.T) {
			target := fixtures.Run(t, s)
			for _, target := range target.All() {
				if target.Caller != nil {
					t.Log("asked by another user: see cmd/symfetch")
					continue
				}
				askTarget(t, target)
			}
		})
	}
}

func askTarget(t *testing.T, target *fixtures.Target) {
	t.Helper()
	r := resolver.New(&resolver.Options{Timeout: 2 * time.Second})
	defer r.Close()
	p, err := r.Process(t.Context(), target.PID)
	if err != nil {
		if target.Want != fixtures.Reasoned {
			t.Fatal(err)
		}
		checkReason(t, target.Reason, err)
		return
	}
	defer p.Close()
	for e, err := range p.Objects(t.Context()) {
		if err != nil {
			if target.Want != fixtures.Reasoned {
				t.Errorf("objects: %v", err)
			}
			break
		}
		e.Close()
	}
	if target.Step != nil {
		if err := target.Step(); err != nil {
			t.Fatal(err)
		}
	}
	addrs := make([]uint64, len(target.Truths))
	for i, truth := range target.Truths {
		addrs[i] = truth.Addr
	}
	for res := range p.Symbolize(t.Context(), addrs) {
		judge(t, target, target.Truths[res.Index], res)
	}
}

// judge compares one answer with the truth.
func judge(t *testing.T, target *fixtures.Target, truth fixtures.Truth, res resolver.Result) {
	t.Helper()
	want, reason := target.Want, target.Reason
	if truth.Want != "" {
		want, reason = truth.Want, truth.Reason
	}
	if res.Err != nil {
		if want == fixtures.Named {
			t.Errorf("%#x: want %s, got no answer: %v", truth.Addr, truth.Function, res.Err)
			return
		}
		checkReason(t, reason, res.Err)
		return
	}
	if len(res.Frames) == 0 {
		t.Errorf("%#x: neither an answer nor a reason", truth.Addr)
		return
	}
	f := res.Frames[0]
	names := make([]string, len(res.Frames))
	for i, f := range res.Frames {
		names[i] = f.Function
	}
	if f.Function == "" && want == fixtures.Named {
		t.Errorf("%#x: want %s, got a line only: %s:%d", truth.Addr, truth.Function, f.File, f.Line)
	} else if truth.Judge(names) == fixtures.Wrong {
		t.Errorf("%#x: WRONG: want %q, got %q (%s, %s, %s)", truth.Addr, truth.Function, f.Function, res.Entry.Path, res.Entry.Source, res.Entry.Verified)
	}
	if f.File != "" && truth.Line != 0 && f.Line != truth.Line {
		t.Errorf("%#x: WRONG: %s: want %s:%d, got %s:%d", truth.Addr, truth.Function, truth.File, truth.Line, f.File, f.Line)
	}
	for _, f := range res.Frames {
		for _, decoy := range target.Decoy {
			if strings.Contains(f.Function, decoy) {
				t.Errorf("%#x: WRONG: named by the decoy: %q", truth.Addr, f.Function)
			}
		}
	}
	if target.Object != "" && truth.Object != target.Object {
		return
	}
	checkWord(t, "state", target.State, string(res.Entry.State), res.Entry)
	checkWord(t, "source", target.Source, string(res.Entry.Source), res.Entry)
	checkWord(t, "verified", target.Verified, string(res.Entry.Verified), res.Entry)
}

func checkWord(t *testing.T, what, want, got string, e *resolver.Entry) {
	t.Helper()
	if want != "" && got != want {
		t.Errorf("%s of %q: want %s, got %s; tried: %v", what, e.Path, want, got, e.Attempts())
	}
}

func checkReason(t *testing.T, want string, err error) {
	t.Helper()
	got := string(resolver.ReasonOf(err))
	if got == "" {
		t.Errorf("an error without a reason: %v", err)
	}
	if want != "" && got != want {
		t.Errorf("want reason %q, got %q: %v", want, got, err)
	}
}
