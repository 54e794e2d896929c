package addr2line

import (
	"debug/elf"
	"strings"
	"testing"
)

// TestKeptCopy: of a function that two units have, the linker keeps the first
// copy, and may let the debug information of both claim it. The first unit's
// lines are right.
func TestKeptCopy(t *testing.T) {
	for _, linker := range []string{"bfd", "gold", "lld"} {
		for _, flags := range []string{"-gdwarf-4", "-gdwarf-5", "-gdwarf-5 -ffunction-sections", "-gdwarf-5 -falign-functions=1"} {
			t.Run(linker+flags, func(t *testing.T) {
				o := build(t, fixture{linker, "g++ -O2 -fuse-ld=" + linker + " " + flags + " -o object $src/kept1.cc $src/kept2.cc"})
				symbols, err := o.elf.Symbols()
				if err != nil {
					t.Fatal(err)
				}
				asked := 0
				for _, s := range symbols {
					if elf.ST_TYPE(s.Info) != elf.STT_FUNC || !strings.Contains(s.Name, "shared") {
						continue
					}
					var vaddrs []uint64
					for v := s.Value; v < s.Value+s.Size; v++ {
						vaddrs = append(vaddrs, v)
					}
					for i, a := range answersOf(t, o, vaddrs) {
						asked++
						if a.err != nil || len(a.frames) != 1 || a.frames[0].Line < 4 || a.frames[0].Line > 6 {
							t.Errorf("%#x: %v%s", vaddrs[i], a.err, format(a.frames))
						}
					}
				}
				if asked == 0 {
					t.Error("no function is called shared")
				}
			})
		}
	}
}
