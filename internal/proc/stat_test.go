package proc

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const statTail = " S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 11 0 12345 1 2 3"

func TestParseStat(t *testing.T) {
	for _, comm := range []string{"cat", "a b", "x) R 1 (y", ")", "", "new\nline", "\xff", "(((("} {
		got, err := parseStat([]byte("12 (" + comm + ")" + statTail))
		want := taskStat{comm: comm, state: 'S', flags: 4194560, threads: 11, startTime: 12345}
		if err != nil || got != want {
			t.Errorf("comm %q: got %+v, %v; want %+v", comm, got, err, want)
		}
	}
	for _, text := range []string{"", "12", "12 (a", "12 )(", "12 (a) S 1 2", "12 (a) SS" + statTail[2:], "12 (a) S 1 2 3 0 -1 x" + statTail[22:]} {
		if _, err := parseStat([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseStatus(t *testing.T) {
	text := "Name:\ta\\nb\nUmask:\t0022\nState:\tS\nTgid:\t70\nNgid:\t0\nPid:\t71\nPPid:\t1\nUid:\t0\t1\t65534\t4294967295\nNSpid:\t71\t5\t1\n"
	got, err := parseStatus([]byte(text))
	want := taskStatus{tgid: 70, nsPIDs: []int{71, 5, 1}, uids: [4]uint32{0, 1, 65534, 4294967295}}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(taskStatus{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, text := range []string{"", "Tgid:\t0\n", "Tgid:\t-1\n", "Tgid:\t70x\n", "Tgid:\t7\nUid:\t1\n", "Tgid:\t7\nUid:\t1 2 3 4294967296\n",
		"Tgid:\t7\nNSpid:\t" + strings.Repeat("1\t", maxNSPIDs+1) + "\n", "Tgid:\t7\nNSpid:\t99999999999\n"} {
		if _, err := parseStatus([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Our own files, as this kernel writes them.
func TestParseOwnStatus(t *testing.T) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseStatus(text)
	if err != nil || s.tgid != os.Getpid() || len(s.nsPIDs) == 0 || s.uids[1] != uint32(os.Geteuid()) {
		t.Errorf("got %+v, %v", s, err)
	}
	if s.nsPIDs[len(s.nsPIDs)-1] != os.Getpid() {
		t.Errorf("our own number is %d, NSpid %v", os.Getpid(), s.nsPIDs)
	}
}

func FuzzParseStat(f *testing.F) {
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte("12 (x) R 1 (y)" + statTail))
	f.Add([]byte("12 (a) S 1 2"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseStat(text)
		if err != nil {
			return
		}
		again, err := parseStat([]byte("1 (" + s.comm + ") " + string(s.state) + strings.Repeat(" 0", statFlags-1) +
			" " + strconv.FormatUint(s.flags, 10) + strings.Repeat(" 0", statThreads-statFlags-1) +
			" " + strconv.FormatUint(s.threads, 10) + strings.Repeat(" 0", statStartTime-statThreads-1) +
			" " + strconv.FormatUint(s.startTime, 10)))
		if s.state < 0x80 && (err != nil || again != s) {
			t.Fatalf("%+v reads again as %+v, %v", s, again, err)
		}
	})
}

func FuzzParseStatus(f *testing.F) {
	own, err := os.ReadFile("/proc/self/status")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte("Tgid:\t70\nNSpid:\t71\t5\t1\nUid:\t0\t1\t65534\t4294967295\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseStatus(text)
		if err != nil {
			return
		}
		if s.tgid <= 0 || len(s.nsPIDs) > maxNSPIDs {
			t.Fatalf("accepted %+v", s)
		}
		for _, pid := range s.nsPIDs {
			if pid < 0 {
				t.Fatalf("accepted %+v", s)
			}
		}
	})
}
