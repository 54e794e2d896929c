package resolver_test

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/fixtures"
	"github.com/symfetch/symfetch/resolver"
)

// debugSource is a program that waits, with inlined calls and a static
// function. It is linked statically, so that it runs in any root directory, at
// the addresses of its file.
const debugSource = `
#include <unistd.h>
static inline __attribute__((always_inline)) int twice(int n) { return n * 2; }
static inline __attribute__((always_inline)) int four(int n) {
	return twice(n) + twice(n + 1);
}
static __attribute__((noinline)) int hidden(int *p) { return p[0] + four(*p) * 3; }
__attribute__((noinline)) int shown(int *p) { return hidden(p) + four(p[1]) / 5; }
int main(int argc, char **argv) {
	char c;
	int p[2] = {argc, argc + 1};
	write(1, "ready\n", 6);
	while (read(0, &c, 1) > 0)
		p[0] += shown(p);
	return p[0] & 1;
}
`

// What of the unstripped build must be known again.
const (
	namesOnly = iota + 1 // the functions
	everything
)

// layouts are the ways in which symbols are put elsewhere: commands, run in the
// program's directory, that make of "prog" with all symbols what is installed.
// $ID is its place in a build-ID directory.
var layouts = []struct {
	name   string
	flags  string
	steps  string
	source resolver.Source // "": where it lies, in the target's or our root
	by     resolver.Verification
	want   int
}{
	{"debuglink", "", `objcopy --only-keep-debug prog prog.debug
		objcopy --strip-all --add-gnu-debuglink=prog.debug prog`, "", resolver.VerifiedBuildID, everything},
	{"debuglink-subdir", "", `mkdir .debug; objcopy --only-keep-debug prog .debug/prog.debug
		objcopy --strip-all --add-gnu-debuglink=.debug/prog.debug prog`, "", resolver.VerifiedBuildID, everything},
	{"debuglink-crc", "-Wl,--build-id=none", `objcopy --only-keep-debug prog prog.debug
		objcopy --strip-all --add-gnu-debuglink=prog.debug prog`, "", resolver.VerifiedCRC, everything},
	{"build-id", "", `mkdir -p "$(dirname "$ID")"; objcopy --only-keep-debug prog "$ID"; strip prog`, "", resolver.VerifiedBuildID, everything},
	{"dwz", "", `cp prog twin; dwz -m common.dwz -M common.dwz prog twin; rm twin
		objcopy --only-keep-debug prog prog.debug
		objcopy --strip-all --remove-section=.gnu_debugaltlink --add-gnu-debuglink=prog.debug prog`, "", resolver.VerifiedBuildID, everything},
	{"dwz-own", "", `cp prog twin; dwz -m common.dwz -M common.dwz prog twin; rm twin`, "none", "", everything},
	{"debugdata", "", `objcopy --strip-debug --only-keep-debug prog mini; xz mini
		objcopy --strip-all --add-section .gnu_debugdata=mini.xz prog; rm mini.xz`, resolver.SourceEmbedded, resolver.VerifiedContent, namesOnly},
	{"dwp", "-gdwarf-4 -gsplit-dwarf", `dwp -e prog -o prog.dwp; rm *.dwo`, "none", "", everything},
	{"dwp-5", "clang -gdwarf-5 -gsplit-dwarf", `llvm-dwp -e prog -o prog.dwp; rm *.dwo`, "none", "", everything},
	{"dwo-4", "-gdwarf-4 -gsplit-dwarf", ``, "none", "", everything},
	{"dwo-5", "-gdwarf-5 -gsplit-dwarf", ``, "none", "", everything},
	{"zlib", "", `objcopy --only-keep-debug --compress-debug-sections=zlib prog prog.debug
		objcopy --strip-all --add-gnu-debuglink=prog.debug prog`, "", resolver.VerifiedBuildID, everything},
	{"zlib-gnu", "-gdwarf-4", `objcopy --only-keep-debug --compress-debug-sections=zlib-gnu prog prog.debug
		objcopy --strip-all --add-gnu-debuglink=prog.debug prog`, "", resolver.VerifiedBuildID, everything},
	{"zstd", "", `objcopy --only-keep-debug --compress-debug-sections=zstd prog prog.debug
		objcopy --strip-all --add-gnu-debuglink=prog.debug prog`, "", resolver.VerifiedBuildID, everything},
}

// built is a program in its layout.
type built struct {
	dir string // installed; the program is prog in it
	all string // the program with all its symbols
}

func buildDebug(t *testing.T, flags, steps string) built {
	t.Helper()
	top := t.TempDir()
	b := built{dir: filepath.Join(top, "app"), all: filepath.Join(top, "all")}
	compiler := "gcc"
	if rest, ok := strings.CutPrefix(flags, "clang "); ok {
		compiler, flags = "clang", rest
	}
	// The reference is built of one piece, but for what puts it elsewhere.
	script := fmt.Sprintf(`
		mkdir app build; cd build; cp ../prog.c .
		%[1]s -g %[3]s -O1 -static -o all prog.c; mv all ..; rm -f *
		cp ../prog.c .
		%[1]s -g %[2]s -O1 -static -o prog prog.c; rm prog.c
		id=$(readelf -n prog | awk '/Build ID/ { print $3 }')
		ID="usr/lib/debug/.build-id/$(echo $id | cut -c1-2)/$(echo $id | cut -c3-).debug"
		%[4]s
		cd ..; cp -r build/. app; rm -r build`, compiler, flags, strings.ReplaceAll(flags, "-gsplit-dwarf", ""), steps)
	if err := os.WriteFile(filepath.Join(top, "prog.c"), []byte(debugSource), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-euc", script)
	cmd.Dir = top
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return b
}

// start runs a program until the test ends.
func start(t *testing.T, cmd *exec.Cmd) (pid int) {
	t.Helper()
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
	t.Cleanup(func() {
		in.Close()
		cmd.Wait()
	})
	ready := make([]byte, 6)
	if _, err := io.ReadFull(out, ready); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// ownCode returns the addresses of the program's own functions.
func ownCode(t *testing.T, file string) (addrs []uint64) {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range symbols {
		switch s.Name {
		case "hidden", "shown", "main":
			for v := s.Value; v < s.Value+s.Size; v++ {
				addrs = append(addrs, v)
			}
		}
	}
	if len(addrs) < 50 {
		t.Fatalf("only %d addresses", len(addrs))
	}
	return addrs
}

// text writes frames as they are compared: without the engine, which is
// another one where only names are known.
func text(frames []resolver.Frame, want int) string {
	var b bytes.Buffer
	if want == namesOnly {
		frames = frames[max(0, len(frames)-1):]
	}
	for _, f := range frames {
		fmt.Fprintf(&b, "%s+%#x", f.Function, f.Offset)
		if want == everything {
			fmt.Fprintf(&b, " %s:%d:%d", filepath.Base(f.File), f.Line, f.Column)
		}
		b.WriteString("; ")
	}
	return b.String()
}

// TestDebugFiles: whatever way symbols are put elsewhere, the answers are those
// of the unstripped build, on the host, inside another root directory, and
// after the program was deleted.
func TestDebugFiles(t *testing.T) {
	env := fixtures.NewTestEnv(t)
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			b := buildDebug(t, l.flags, l.steps)
			for _, place := range []string{"host", "container", "deleted"} {
				t.Run(place, func(t *testing.T) {
					if err := env.Has(fixtures.NeedRoot); err != nil && place != "host" {
						fixtures.Skip(t, err) // chroot; and map_files of a deleted program
					}
					source := resolver.SourceHost
					if place == "container" {
						source = resolver.SourceTarget
					}
					if l.source != "" {
						source = l.source
					}
					p := b.run(t, place)
					checkDebug(t, p, b.all, resolver.DebugFile{Source: source, Verified: l.by}, l.want)
				})
			}
		})
	}
}

// run starts the program in one of the places, the last of which is its end.
func (b built) run(t *testing.T, place string) *resolver.Process {
	t.Helper()
	prog := filepath.Join(b.dir, "prog")
	options := &resolver.Options{DebugDirs: []string{filepath.Join(b.dir, "usr/lib/debug")}}
	cmd := exec.Command(prog)
	if place == "container" {
		cmd = exec.Command("/prog")
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: b.dir}
		cmd.Dir = "/"
		options = nil
	}
	pid := start(t, cmd)
	if place == "deleted" {
		if err := os.Remove(prog); err != nil {
			t.Fatal(err)
		}
	}
	r := resolver.New(options)
	t.Cleanup(func() { r.Close() })
	p, err := r.Process(t.Context(), pid)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// checkDebug compares the answers of a process with those of the unstripped
// build of its program.
func checkDebug(t *testing.T, p *resolver.Process, all string, from resolver.DebugFile, want int) {
	t.Helper()
	r := resolver.New(nil)
	defer r.Close()
	reference, err := r.Open(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	defer reference.Close()
	addrs := ownCode(t, all)
	inlined, bad := 0, 0
	for res := range p.Symbolize(t.Context(), addrs) {
		frames, err := reference.Frames(res.Addr)
		if err != nil {
			t.Fatal(err)
		}
		inlined += len(frames) - 1
		if res.Index == 0 && res.Entry != nil && res.Entry.Object != nil {
			d, ok := res.Entry.Object.Debug()
			if ok != (from.Source != "none") || ok && (d.Source != from.Source || d.Verified != from.Verified) {
				t.Errorf("debug file %+v, want %+v; tried %v", d, from, res.Entry.Object.DebugAttempts())
			}
		}
		if res.Err != nil || text(res.Frames, want) != text(frames, want) {
			if bad++; bad < 5 {
				t.Errorf("%#x: %v\n got %s\nwant %s", res.Addr, res.Err, text(res.Frames, want), text(frames, want))
			}
		}
	}
	if inlined < 5 {
		t.Errorf("only %d inlined calls", inlined)
	}
}

// TestWrongDebugFiles: a debug file of another build is refused wherever it
// lies, also where its checksum is the one in the debug link, and both build
// IDs are told.
func TestWrongDebugFiles(t *testing.T) {
	other := strings.NewReplacer("hidden", "wrong_a", "shown", "wrong_b").Replace(debugSource)
	for _, place := range []string{"$ID", "prog.debug", ".debug/prog.debug", "usr/lib/debug$PWD/prog.debug"} {
		t.Run(strings.ReplaceAll(place, "/", "-"), func(t *testing.T) {
			b := buildDebug(t, "", "cp prog prog.orig")
			if err := os.WriteFile(filepath.Join(b.dir, "other.c"), []byte(other), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sh", "-euc", `
				id=$(readelf -n prog | awk '/Build ID/ { print $3 }')
				ID="usr/lib/debug/.build-id/$(echo $id | cut -c1-2)/$(echo $id | cut -c3-).debug"
				gcc -g -O1 -static -o other other.c
				mkdir wrong
				objcopy --only-keep-debug other wrong/prog.debug
				objcopy --strip-all --add-gnu-debuglink=wrong/prog.debug prog
				mkdir -p "$(dirname "`+place+`")"
				mv wrong/prog.debug "`+place+`"`)
			cmd.Dir = b.dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			r := resolver.New(&resolver.Options{DebugDirs: []string{filepath.Join(b.dir, "usr/lib/debug")}})
			defer r.Close()
			o, err := r.Open(t.Context(), filepath.Join(b.dir, "prog"))
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			for _, v := range ownCode(t, b.all) {
				if frames, err := o.Frames(v); err == nil {
					t.Errorf("%#x: named %s", v, text(frames, everything))
				}
			}
			if d, ok := o.Debug(); ok {
				t.Errorf("debug file %+v", d)
			}
			var refused *resolver.MismatchError
			for _, a := range o.DebugAttempts() {
				if errors.As(a.Err, &refused) && refused.Want == o.BuildID().String() && refused.Got != "" && refused.Got != refused.Want {
					return
				}
			}
			t.Errorf("no attempt tells both build IDs: %v", o.DebugAttempts())
		})
	}
}

// TestMissingSupplementary: without dwz's file what it would tell is missing,
// and nothing else.
func TestMissingSupplementary(t *testing.T) {
	b := buildDebug(t, "", `cp prog twin; dwz -m common.dwz -M common.dwz prog twin; rm twin`)
	if err := os.Remove(filepath.Join(b.dir, "common.dwz")); err != nil {
		t.Fatal(err)
	}
	r := resolver.New(nil)
	defer r.Close()
	open := func(path string) *resolver.Object {
		o, err := r.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { o.Close() })
		return o
	}
	o, reference := open(filepath.Join(b.dir, "prog")), open(b.all)
	unnamed := 0
	for _, v := range ownCode(t, b.all) {
		want, err := reference.Frames(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.Frames(v)
		if err != nil {
			t.Errorf("%#x: %v", v, err)
			continue
		}
		for i := range min(len(got), len(want)) {
			// Counted from the outermost call, which is always there.
			g, w := got[len(got)-1-i], want[len(want)-1-i]
			if g.Function == "" {
				unnamed++
			} else if g.Function != w.Function {
				t.Errorf("%#x: %s is called %s", v, w.Function, g.Function)
			}
		}
		if last := got[len(got)-1]; last.Function != want[len(want)-1].Function {
			t.Errorf("%#x: the function is %q, want %q", v, last.Function, want[len(want)-1].Function)
		}
	}
	t.Logf("%d calls have no name", unnamed)
}

// shelf is a Fetcher of one file, which counts what it is asked for.
type shelf struct {
	path  string
	asked atomic.Int32
}

func (s *shelf) Fetch(_ context.Context, _ buildid.ID, kind resolver.Kind) (*os.File, error) {
	s.asked.Add(1)
	if kind != resolver.KindDebugInfo {
		return nil, os.ErrNotExist
	}
	return os.Open(s.path)
}

// TestNetwork: what no place has is fetched, once, and only when an address is
// asked for; a wrong file is refused.
func TestNetwork(t *testing.T) {
	b := buildDebug(t, "", `objcopy --only-keep-debug prog ../debug; strip prog`)
	other := buildDebug(t, "-DOTHER", ``)
	pid := start(t, exec.Command(filepath.Join(b.dir, "prog")))
	for _, test := range []struct {
		file  string
		right bool
	}{{filepath.Join(filepath.Dir(b.dir), "debug"), true}, {filepath.Join(other.dir, "prog"), false}} {
		s := &shelf{path: test.file}
		r := resolver.New(&resolver.Options{Network: s})
		p, err := r.Process(t.Context(), pid)
		if err != nil {
			t.Fatal(err)
		}
		for e := range p.Objects(t.Context()) {
			e.Close()
		}
		if n := s.asked.Load(); n > 0 {
			t.Errorf("the table asked the network %d times", n)
		}
		if test.right {
			checkDebug(t, p, b.all, resolver.DebugFile{Source: resolver.SourceDebuginfod, Verified: resolver.VerifiedBuildID}, everything)
		} else if frames, err := p.Frames(t.Context(), ownCode(t, b.all)[0]); err == nil {
			t.Errorf("named %s by another build's file", text(frames, everything))
		}
		if n := s.asked.Load(); n != 1 {
			t.Errorf("the network was asked %d times", n)
		}
		p.Close()
		r.Close()
	}
}
