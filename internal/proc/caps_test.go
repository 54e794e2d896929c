package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Users of tests, neither of whom owns anything.
const (
	nobody = 65534
	other  = 65533
)

// as runs a child as a user with ambient capabilities.
func as(uid uint32, caps ...Cap) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	for _, c := range caps {
		attr.AmbientCaps = append(attr.AmbientCaps, uintptr(c))
	}
	return attr
}

// insideAs is inside as a user with capabilities.
func insideAs(t *testing.T, uid uint32, caps ...Cap) bool {
	t.Helper()
	return inside(t, as(uid, caps...))
}

// targetEnv tells a test that runs inside whom it inspects.
const targetEnv = "PROC_TEST_TARGET"

func targetPID(t *testing.T) int {
	t.Helper()
	pid, err := strconv.Atoi(os.Getenv(targetEnv))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// probe tells what its caller may: a letter for each access that is granted.
// m maps, l links, f map_files, r memory by either way.
func probe(pid int) string {
	p, err := Open("", pid)
	if err != nil {
		return permission(err)
	}
	defer p.Close()
	granted := ""
	ms, err := p.Mappings()
	if err != nil || len(ms) == 0 {
		return permission(err)
	}
	granted += "m"
	if _, err := p.ExeLink(); err == nil {
		granted += "l"
	} else {
		granted += permission(err)
	}
	if f, err := p.OpenMapping(ms[0]); err == nil {
		f.Close()
		granted += "f"
	} else {
		granted += permission(err)
	}
	var b [4]byte
	if _, err := p.ReadMemory(b[:], ms[0].Start); err == nil && string(b[:]) == "\x7fELF" {
		granted += "r"
	} else {
		granted += permission(err)
	}
	return granted
}

// permission is "-" for a denial, which must be one by errors.Is.
func permission(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "-"
	}
	return fmt.Sprintf("(%v)", err)
}

// The credential matrix: what the kernel grants, and that Missing names what
// would have granted the rest. Newer kernels grant maps to CAP_PERFMON alone.
func TestCredentialMatrix(t *testing.T) {
	needRoot(t)
	for name, test := range map[string]struct {
		uid   uint32
		caps  []Cap
		dump  bool
		want  string
		files []Cap // missing for map_files
	}{
		"same user":                             {nobody, nil, true, "ml-r", []Cap{CapCheckpointRestore}},
		"same user, CKPT":                       {nobody, []Cap{CapCheckpointRestore}, true, "mlfr", nil},
		"same user, PTRACE":                     {nobody, []Cap{CapSysPtrace}, true, "ml-r", []Cap{CapCheckpointRestore}},
		"other user":                            {other, nil, true, "-", []Cap{CapSysPtrace, CapDACReadSearch, CapCheckpointRestore}},
		"other user, PTRACE":                    {other, []Cap{CapSysPtrace}, true, "ml-r", []Cap{CapDACReadSearch, CapCheckpointRestore}},
		"other user, PTRACE CKPT":               {other, []Cap{CapSysPtrace, CapCheckpointRestore}, true, "ml-r", []Cap{CapDACReadSearch}},
		"other user, PTRACE CKPT DAC":           {other, []Cap{CapSysPtrace, CapCheckpointRestore, CapDACReadSearch}, true, "mlfr", nil},
		"other user, PTRACE ADMIN DAC":          {other, []Cap{CapSysPtrace, CapSysAdmin, CapDACReadSearch}, true, "mlfr", nil},
		"other user, PTRACE DAC":                {other, []Cap{CapSysPtrace, CapDACReadSearch}, true, "ml-r", []Cap{CapCheckpointRestore}},
		"other user, PERFMON":                   {other, []Cap{CapPerfmon}, true, "m---", []Cap{CapSysPtrace, CapDACReadSearch, CapCheckpointRestore}},
		"not dumpable, same user":               {nobody, nil, false, "-", []Cap{CapSysPtrace, CapDACReadSearch, CapCheckpointRestore}},
		"not dumpable, same user, CKPT":         {nobody, []Cap{CapCheckpointRestore}, false, "-", []Cap{CapSysPtrace, CapDACReadSearch}},
		"not dumpable, same user, PTRACE":       {nobody, []Cap{CapSysPtrace}, false, "ml-r", []Cap{CapDACReadSearch, CapCheckpointRestore}},
		"root without CKPT and ADMIN (ambient)": {0, nil, true, "mlfr", nil},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			if os.Getenv(innerEnv) == "" {
				a := startAgent(t, "", as(nobody))
				if !test.dump {
					a.do("undumpable")
				}
				t.Setenv(targetEnv, itoa(a.pid()))
			}
			if !insideAs(t, test.uid, test.caps...) {
				return
			}
			pid := targetPID(t)
			own, err := OwnCredentials()
			if err != nil || !own.InitialUserNS || own.EUID != test.uid {
				t.Fatalf("%+v, %v", own, err)
			}
			for _, c := range test.caps {
				if !own.Has(c) {
					t.Errorf("%v is not there", c)
				}
			}
			if got := probe(pid); got != test.want {
				t.Errorf("granted %q, want %q", got, test.want)
			}
			var st unix.Stat_t
			if err := unix.Stat("/proc/"+itoa(pid)+"/maps", &st); err != nil {
				t.Fatal(err)
			}
			if got := own.Missing(AccessMapFiles, st.Uid == own.EUID); !slices.Equal(got, test.files) {
				t.Errorf("missing %v, want %v", got, test.files)
			}
			if p, err := Open("", pid); err == nil {
				defer p.Close()
				if got, err := p.Missing(AccessMapFiles); err != nil || !slices.Equal(got, test.files) {
					t.Errorf("missing %v, %v; want %v", got, err, test.files)
				}
			}
		})
	}
}

// Capabilities of a user namespace are good for nothing outside it.
func TestCredentialsUserNS(t *testing.T) {
	if !inside(t, &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}) {
		return
	}
	own, err := OwnCredentials()
	if err != nil || own.InitialUserNS || own.EUID != 0 || own.Effective&(1<<CapSysAdmin) == 0 || own.Has(CapSysAdmin) {
		t.Fatalf("%+v, %v", own, err)
	}
	a := startAgent(t, "", nil)
	if got := probe(a.pid()); got != "ml-r" {
		t.Errorf("granted %q", got)
	}
	if missing, err := a.open().Missing(AccessMapFiles); err != nil || !slices.Equal(missing, []Cap{CapCheckpointRestore}) {
		t.Errorf("missing %v, %v", missing, err)
	}
}

func TestMissing(t *testing.T) {
	none := Credentials{InitialUserNS: true}
	all := Credentials{InitialUserNS: true, Effective: ^uint64(0)}
	for _, a := range []Access{AccessMaps, AccessLinks, AccessMemory, AccessMapFiles} {
		if got := all.Missing(a, false); got != nil {
			t.Errorf("root misses %v for %d", got, a)
		}
		if got := none.Missing(a, false); len(got) == 0 || got[0] != CapSysPtrace {
			t.Errorf("nobody misses %v for %d", got, a)
		}
	}
	for c, want := range map[Cap]string{
		CapSysPtrace: "CAP_SYS_PTRACE", CapSysAdmin: "CAP_SYS_ADMIN", CapDACReadSearch: "CAP_DAC_READ_SEARCH",
		CapPerfmon: "CAP_PERFMON", CapCheckpointRestore: "CAP_CHECKPOINT_RESTORE", 3: "capability 3",
	} {
		if c.String() != want {
			t.Errorf("%d is %q, want %q", c, c, want)
		}
	}
	if own, err := OwnCredentials(); err != nil || own.PtraceScope < -1 || own.PtraceScope > 3 {
		t.Errorf("%+v, %v", own, err)
	}
}
