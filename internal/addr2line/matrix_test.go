package addr2line

import "testing"

const calls = " -o object $src/calls.c $src/other.c"

// matrix is what llvm-symbolizer is compared on, at every address: compilers,
// versions of DWARF, optimizations, and what else changes the layout.
var matrix = []fixture{
	{"gcc-2-O0", "gcc -gdwarf-2 -gstrict-dwarf -O0" + calls},
	{"gcc-2-O2", "gcc -gdwarf-2 -O2" + calls},
	{"gcc-3-O1", "gcc -gdwarf-3 -gstrict-dwarf -O1" + calls},
	{"gcc-4-O0", "gcc -gdwarf-4 -O0" + calls},
	{"gcc-4-O3", "gcc -gdwarf-4 -O3" + calls},
	{"gcc-5-O0", "gcc -gdwarf-5 -O0" + calls},
	{"gcc-5-O1", "gcc -gdwarf-5 -O1" + calls},
	{"gcc-5-O2", "gcc -gdwarf-5 -O2 -freorder-blocks-and-partition" + calls},
	{"gcc-5-Os", "gcc -gdwarf-5 -Os" + calls},
	{"gcc-4-dwarf64", "gcc -gdwarf-4 -gdwarf64 -O2" + calls},
	{"gcc-5-dwarf64", "gcc -gdwarf-5 -gdwarf64 -O2" + calls},
	{"gcc-5-no-aranges", "gcc -gdwarf-5 -O2" + calls + " && objcopy -R .debug_aranges object"},
	{"gcc-5-zlib", "gcc -gdwarf-5 -O2 -gz" + calls},
	{"gcc-4-zlib-gnu", "gcc -gdwarf-4 -O2 -gz=zlib-gnu" + calls},
	{"gcc-lto", "gcc -gdwarf-5 -O2 -flto" + calls},
	{"gcc-32-4", "gcc -m32 -gdwarf-4 -O2" + calls},
	{"gcc-32-5", "gcc -m32 -gdwarf-5 -O2 -shared" + calls},
	{"gcc-gc-bfd-4", "gcc -gdwarf-4 -O2 -ffunction-sections -Wl,--gc-sections" + calls},
	{"gcc-gc-bfd-5", "gcc -gdwarf-5 -O2 -ffunction-sections -Wl,--gc-sections" + calls},
	{"gcc-gc-lld-4", "gcc -gdwarf-4 -O2 -ffunction-sections -Wl,--gc-sections -fuse-ld=lld" + calls},
	{"gcc-gc-lld-5", "gcc -gdwarf-5 -O2 -ffunction-sections -Wl,--gc-sections -fuse-ld=lld" + calls},
	{"gcc-gc-gold-4", "gcc -gdwarf-4 -O2 -ffunction-sections -Wl,--gc-sections -fuse-ld=gold" + calls},
	{"gcc-nested", "gcc -gdwarf-5 -O2 -o object $src/nested.c"},
	{"gcc-nested-4", "gcc -gdwarf-4 -O0 -o object $src/nested.c"},
	{"clang-2-O0", "clang -gdwarf-2 -O0" + calls},
	{"clang-3-O2", "clang -gdwarf-3 -O2" + calls},
	{"clang-4-O2", "clang -gdwarf-4 -O2" + calls},
	{"clang-4-aranges", "clang -gdwarf-4 -gdwarf-aranges -O1" + calls},
	{"clang-5-O0", "clang -gdwarf-5 -O0" + calls},
	{"clang-5-O2", "clang -gdwarf-5 -O2" + calls},
	{"clang-5-O3", "clang -gdwarf-5 -O3" + calls},
	{"clang-5-dwarf64", "clang -gdwarf-5 -gdwarf64 -O2" + calls},
	{"clang-5-lines", "clang -gdwarf-5 -gline-tables-only -O2" + calls},
	{"clang-5-md5", "clang -gdwarf-5 -gembed-source -O2" + calls},
	{"clang-gc-lld-4", "clang -gdwarf-4 -O2 -ffunction-sections -Wl,--gc-sections -fuse-ld=lld" + calls},
	{"clang-gc-lld-5", "clang -gdwarf-5 -O2 -ffunction-sections -Wl,--gc-sections -fuse-ld=lld" + calls},
	{"clang-32-5", "clang --target=i686-linux-gnu -gdwarf-5 -O2 -fPIC -nostdlib -shared -fuse-ld=lld" + calls},
	{"clang-mips-be-4", "clang --target=mips-linux-gnu -gdwarf-4 -O2 -nostdlib -shared -fuse-ld=lld -fPIC" + calls},
	{"clang-mips-be-5", "clang --target=mips-linux-gnu -gdwarf-5 -O2 -nostdlib -shared -fuse-ld=lld -fPIC" + calls},
	{"clang-ppc64-be-5", "clang --target=powerpc64-linux-gnu -mabi=elfv2 -gdwarf-5 -O2 -nostdlib -shared -fuse-ld=lld -fPIC" + calls},
	{"clang-arm64-4", "clang --target=aarch64-linux-gnu -gdwarf-4 -O2 -nostdlib -shared -fuse-ld=lld -fPIC" + calls},
	{"g++-4-O0", "g++ -gdwarf-4 -O0 -o object $src/shapes.cc"},
	{"g++-4-O2", "g++ -gdwarf-4 -O2 -o object $src/shapes.cc"},
	{"g++-4-types", "g++ -gdwarf-4 -O2 -fdebug-types-section -o object $src/shapes.cc"},
	{"g++-5-O0", "g++ -gdwarf-5 -O0 -o object $src/shapes.cc"},
	{"g++-5-O3", "g++ -gdwarf-5 -O3 -o object $src/shapes.cc"},
	{"g++-5-types", "g++ -gdwarf-5 -O2 -fdebug-types-section -o object $src/shapes.cc"},
	{"clang++-4-O0", "clang++ -gdwarf-4 -O0 -o object $src/shapes.cc"},
	{"clang++-4-types", "clang++ -gdwarf-4 -O2 -fdebug-types-section -o object $src/shapes.cc"},
	{"clang++-5-O2", "clang++ -gdwarf-5 -O2 -o object $src/shapes.cc"},
	{"clang++-5-types", "clang++ -gdwarf-5 -O2 -fdebug-types-section -o object $src/shapes.cc"},
	{"rust-0", "rustc -g -C opt-level=0 -o object $src/shapes.rs"},
	{"rust-3", "rustc -g -C opt-level=3 -o object $src/shapes.rs"},
	{"go", "cd $src && go build -ldflags=-compressdwarf=false -o $OLDPWD/object ./gomain"},
	{"go-plain", "cd $src && go build -gcflags='all=-N -l' -o $OLDPWD/object ./gomain"},
}

// maxAddresses of a fixture are compared; larger ones are thinned out.
const maxAddresses = 60000 / slowdown

// TestMatrix compares all frames at every address of each program with those of
// llvm-symbolizer, and those of the ways to ask with each other.
func TestMatrix(t *testing.T) {
	for _, f := range matrix {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			o := build(t, f)
			vaddrs := o.vaddrs(1)
			if n := len(vaddrs)/maxAddresses + 1; n > 1 {
				vaddrs = o.vaddrs(uint64(n))
			}
			compare(t, o, vaddrs)
		})
	}
}

// compare fails where our answers and llvm-symbolizer's differ.
func compare(t *testing.T, o *object, vaddrs []uint64) {
	t.Helper()
	got := answersOf(t, o, vaddrs)
	want := llvm(t, o, vaddrs)
	bad, named, inlined := 0, 0, 0
	for i, v := range vaddrs {
		w := fromLLVM(want[i])
		err := got[i].err
		if !same(got[i].frames, w) || err != nil && err != ErrNoSymbol {
			if bad++; bad <= 20 {
				t.Errorf("%#x: %v\n got %s\nwant %s", v, err, format(got[i].frames), format(w))
			}
			continue
		}
		if n := len(w); n > 0 && w[n-1].LinkageName != "" {
			named++
			inlined += n - 1
		}
	}
	t.Logf("%d addresses, %d in functions with %d inlined calls; %d differ", len(vaddrs), named, inlined, bad)
	if named == 0 {
		t.Error("no address is in a function")
	}
}
