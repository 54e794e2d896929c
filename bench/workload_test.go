package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWorkshop: a workload is built once, and a failed build leaves none.
func TestWorkshop(t *testing.T) {
	w := &workshop{filepath.Join(t.TempDir(), "new", "dir")}
	builds := 0
	broken := errors.New("broken")
	load := Workload{Name: "x", Build: func(_ context.Context, _ *workshop, out string) error {
		builds++
		if err := os.WriteFile(out, []byte("half"), 0o644); err != nil || builds == 1 {
			return errors.Join(err, broken)
		}
		return os.WriteFile(out, []byte("whole"), 0o644)
	}}
	if _, err := w.get(t.Context(), load); !errors.Is(err, broken) {
		t.Fatalf("a broken build: %v", err)
	}
	for range 2 {
		path, err := w.get(t.Context(), load)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != "whole" {
			t.Errorf("built %q, %v", text, err)
		}
	}
	if builds != 2 {
		t.Errorf("%d builds, want the broken one and one", builds)
	}
}

// TestWorkloads: names are unique, and twins and the plotted one are there.
func TestWorkloads(t *testing.T) {
	seen := map[string]bool{}
	for _, load := range workloads() {
		if seen[load.Name] || load.Title == "" || load.Build == nil {
			t.Errorf("workload %q is incomplete or double", load.Name)
		}
		seen[load.Name] = true
		if _, err := findWorkload(load.Twin); load.Twin != "" && err != nil {
			t.Error(err)
		}
	}
	if !seen[growthLoad] {
		t.Errorf("no workload %s", growthLoad)
	}
}

func TestInParallel(t *testing.T) {
	dir := t.TempDir()
	var commands []command
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		commands = append(commands, command{dir: dir, env: []string{"TEXT=" + name}, args: []string{"sh", "-c", `echo $TEXT >` + name}})
	}
	if err := inParallel(t.Context(), commands); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 5 {
		t.Errorf("%d files, %v", len(files), err)
	}
	err := inParallel(t.Context(), []command{{args: []string{"sh", "-c", "echo why >&2; exit 1"}}})
	if err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("a failing command: %v", err)
	}
}

func TestSingle(t *testing.T) {
	one, two := []call{{"f", "/a.c", 1}}, []call{{"f", "/a.c", 1}, {"g", "/a.c", 2}}
	s := &suite{addrs: []uint64{1, 2, 3, 4}, truths: truths{2: {one, true, true}, 3: {two, true, false}}}
	if got, err := s.single(); err != nil || !slices.Equal(got, []uint64{3}) {
		t.Errorf("the inlined call is at 3: %v, %v", got, err)
	}
	delete(s.truths, 3)
	if got, err := s.single(); err != nil || !slices.Equal(got, []uint64{2}) {
		t.Errorf("the only truth is at 2: %v, %v", got, err)
	}
	s.truths = truths{4: {one, false, true}}
	if got, err := s.single(); err == nil {
		t.Errorf("no line is agreed on: %v", got)
	}
	s.load.NamesOnly = true
	if got, err := s.single(); err != nil || !slices.Equal(got, []uint64{4}) {
		t.Errorf("a name will do: %v, %v", got, err)
	}
}

func TestAskNames(t *testing.T) {
	for want, q := range map[string]ask{
		"addr2line-libc-1":            {Workload: "libc", N: 1},
		"addr2line-libc-50000-skewed": {Workload: "libc", N: 50_000, Skewed: true},
		"addr2line-growth-1000":       {Workload: "libc", N: 1000, Growth: true},
	} {
		if got := q.name(); got != want {
			t.Errorf("%+v: %s, want %s", q, got, want)
		}
	}
	if got := thousands(1_234_567) + " " + thousands(123) + " " + thousands(1000); got != "1,234,567 123 1,000" {
		t.Errorf("thousands: %s", got)
	}
}
