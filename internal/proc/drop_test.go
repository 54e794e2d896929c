package proc

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestWithoutCapabilities: what is started in it holds nothing, and we still
// hold what we did.
func TestWithoutCapabilities(t *testing.T) {
	before, err := OwnCredentials()
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	err = WithoutCapabilities(func() (err error) {
		out, err = exec.Command("grep", "-E", "^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)", "/proc/self/status").Output()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "0000000000000000"
	if os.Geteuid() == 0 && before.Effective&(1<<8|1<<1) == 1<<8|1<<1 { // CAP_SETPCAP, CAP_DAC_OVERRIDE
		want = "0000000000000002"
	}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		if expect := map[bool]string{true: "1", false: want}[name == "NoNewPrivs"]; value != expect {
			t.Errorf("%s is %s, want %s", name, value, expect)
		}
	}
	if strings.Count(string(out), "\n") != 5 {
		t.Errorf("the process says %q", out)
	}
	for range 50 { // on whatever thread
		after, err := OwnCredentials()
		if err != nil || after != before {
			t.Fatalf("we hold %+v, %v, and held %+v", after, err, before)
		}
	}
	wrong := errors.New("wrong")
	if err := WithoutCapabilities(func() error { return wrong }); err != wrong {
		t.Errorf("error %v", err)
	}
}
