package addr2line

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// rewritten are programs whose DWARF is laid out otherwise than that of the
// same program as it comes from the compiler: what is split off, packed, or
// shared must not change an answer. llvm-symbolizer is no help here: up to
// version 14 at least it loses inlined calls of split units whose skeleton has
// a DW_AT_low_pc, and it does not read supplementary files.
var rewritten = []struct {
	name string
	// plain and other make the two objects.
	plain, other string
}{
	{"gcc-split-4", "gcc -gdwarf-4 -O2" + calls, "gcc -gdwarf-4 -gsplit-dwarf -O2" + calls},
	{"gcc-split-5", "gcc -gdwarf-5 -O2" + calls, "gcc -gdwarf-5 -gsplit-dwarf -O2" + calls},
	{"gcc-split-5-O0", "gcc -gdwarf-5 -O0" + calls, "gcc -gdwarf-5 -gsplit-dwarf -O0" + calls},
	{"gcc-split-32", "gcc -m32 -gdwarf-5 -O2" + calls, "gcc -m32 -gdwarf-5 -gsplit-dwarf -O2" + calls},
	{"gcc-split-5-dwarf64", "gcc -gdwarf-5 -O2" + calls, "gcc -gdwarf-5 -gdwarf64 -gsplit-dwarf -O2" + calls},
	{"g++-split-4-types", "g++ -gdwarf-4 -O2" + shapes, "g++ -gdwarf-4 -gsplit-dwarf -fdebug-types-section -O2" + shapes},
	{"g++-split-5-types", "g++ -gdwarf-5 -O2" + shapes, "g++ -gdwarf-5 -gsplit-dwarf -fdebug-types-section -O2" + shapes},
	{"clang-split-4", "clang -gdwarf-4 -O2" + calls, "clang -gdwarf-4 -gsplit-dwarf -O2" + calls},
	{"clang-split-5", "clang -gdwarf-5 -O2" + calls, "clang -gdwarf-5 -gsplit-dwarf -O2" + calls},
	{"clang-split-4-inlining", "clang -gdwarf-4 -O2" + calls, "clang -gdwarf-4 -gsplit-dwarf -fsplit-dwarf-inlining -O2" + calls},
	{"clang-split-5-sections", "clang -gdwarf-5 -ffunction-sections -O2" + calls, "clang -gdwarf-5 -gsplit-dwarf -ffunction-sections -O2" + calls},
	{"clang++-split-5-types", "clang++ -gdwarf-5 -O2" + shapes, "clang++ -gdwarf-5 -gsplit-dwarf -fdebug-types-section -O2" + shapes},
	{"clang-dwp-5", "clang -gdwarf-5 -O2" + calls, "clang -gdwarf-5 -gsplit-dwarf -O2" + calls + llvmDwp},
	{"clang-dwp-4", "clang -gdwarf-4 -O2" + calls, "clang -gdwarf-4 -gsplit-dwarf -O2" + calls + llvmDwp},
	{"clang++-dwp-5-types", "clang++ -gdwarf-5 -O2" + shapes, "clang++ -gdwarf-5 -gsplit-dwarf -fdebug-types-section -O2" + shapes + llvmDwp},
	{"gcc-dwp-4", "gcc -gdwarf-4 -O2" + calls, "gcc -gdwarf-4 -gsplit-dwarf -O2" + calls + gnuDwp},
	{"g++-dwp-4-types", "g++ -gdwarf-4 -O2" + shapes, "g++ -gdwarf-4 -gsplit-dwarf -fdebug-types-section -O2" + shapes + gnuDwp},
	{"dwz-gcc-4", "gcc -gdwarf-4 -O2" + calls, "gcc -gdwarf-4 -O2" + calls + dwz},
	{"dwz-gcc-5", "gcc -gdwarf-5 -O2" + calls, "gcc -gdwarf-5 -O2" + calls + dwz},
	{"dwz-g++-4", "g++ -gdwarf-4 -O2" + shapes, "g++ -gdwarf-4 -O2" + shapes + dwz},
	{"dwz-g++-5", "g++ -gdwarf-5 -O1" + shapes, "g++ -gdwarf-5 -O1" + shapes + dwz},
	{"dwz-alt-gcc-4", "gcc -gdwarf-4 -O2" + calls, "gcc -gdwarf-4 -O2" + calls + dwzAlt},
	{"dwz-alt-gcc-5", "gcc -gdwarf-5 -O2" + calls, "gcc -gdwarf-5 -O2" + calls + dwzAlt},
	{"dwz-alt-g++-4", "g++ -gdwarf-4 -O2" + shapes, "g++ -gdwarf-4 -O2" + shapes + dwzAlt},
	{"dwz-alt-g++-5", "g++ -gdwarf-5 -O2" + shapes, "g++ -gdwarf-5 -O2" + shapes + dwzAlt},
	{"dwz-sup-gcc-5", "gcc -gdwarf-5 -O2" + calls, "gcc -gdwarf-5 -O2" + calls + " && cp object twin && dwz --dwarf-5 -L none -m common -M common object twin"},
	{"linked-gc", "gcc -gdwarf-4 -O2 -ffunction-sections -Wl,--gc-sections -static-pie" + calls, "gcc -gdwarf-5 -O2 -ffunction-sections -Wl,--gc-sections -static-pie" + calls},
}

const (
	shapes  = " -o object $src/shapes.cc"
	llvmDwp = " && llvm-dwp -e object -o object.dwp && rm -f *.dwo"
	gnuDwp  = " && dwp -e object -o object.dwp && rm -f *.dwo"
	dwz     = " && dwz object"
	dwzAlt  = " && cp object twin && dwz -m common -M common object twin"
)

// TestRewritten compares the answers from rewritten DWARF with those from the
// compiler's.
func TestRewritten(t *testing.T) {
	for _, f := range rewritten {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			plain, other := build(t, fixture{f.name, f.plain}), build(t, fixture{f.name, f.other})
			if common := filepath.Join(filepath.Dir(other.path), "common"); exists(common) {
				other.alt = func() (*Input, error) {
					in := openObject(t, common).input()
					return &in, nil
				}
			}
			if !slices.Equal(plain.text, other.text) {
				t.Fatalf("the programs differ: code at %#x and %#x", plain.text, other.text)
			}
			vaddrs := plain.vaddrs(uint64(len(plain.vaddrs(1))/maxAddresses + 1))
			got, want := answersOf(t, other, vaddrs), answersOf(t, plain, vaddrs)
			bad, inlined := 0, 0
			for i, v := range vaddrs {
				g, w := got[i], want[i]
				if !slices.Equal(g.frames, w.frames) || fmt.Sprint(g.err) != fmt.Sprint(w.err) {
					if bad++; bad < 10 {
						t.Errorf("%#x: %v\n got %s\nwant %s", v, g.err, format(g.frames), format(w.frames))
					}
				}
				inlined += max(0, len(w.frames)-1)
			}
			t.Logf("%d addresses, %d inlined calls; %d differ", len(vaddrs), inlined, bad)
		})
	}
}
