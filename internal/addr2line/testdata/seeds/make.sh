#!/bin/sh
# Makes the seeds of the fuzz tests anew: small objects, of which only the DWARF
# and the place of the code matter.
set -eu
cd "$(dirname "$0")"
link="-nostdlib -shared -fPIC -fuse-ld=lld -Wl,--build-id=none"
gcc -gdwarf-2 -gstrict-dwarf -O2 $link -o gcc-2 seed.c
gcc -gdwarf-4 -O2 $link -o gcc-4 seed.c
gcc -gdwarf-5 -gdwarf64 -O2 $link -o gcc-5-dwarf64 seed.c
gcc -m32 -gdwarf-5 -O2 $link -o gcc-5-32 seed.c
clang -gdwarf-5 -O2 $link -o clang-5 seed.c
clang -gdwarf-4 -gdwarf-aranges -ffunction-sections -O2 $link -o clang-4 seed.c
clang --target=mips-linux-gnu -gdwarf-4 -O2 $link -o clang-4-be seed.c
clang --target=powerpc64-linux-gnu -mabi=elfv2 -gdwarf-5 -O2 $link -o clang-5-be seed.c
g++ -gdwarf-5 -fdebug-types-section -O2 $link -o types-5 seed.cc
clang++ -gdwarf-4 -fdebug-types-section -O2 $link -o types-4 seed.cc
clang++ -gdwarf-5 -gsplit-dwarf -O2 $link -o split-5 seed.cc
mv split-5-seed.dwo split-5.split 2>/dev/null || mv seed.dwo split-5.split
gcc -gdwarf-4 -gsplit-dwarf -O2 $link -o split-4 seed.c
mv split-4-seed.dwo split-4.split
clang++ -gdwarf-5 -gsplit-dwarf -O2 $link -o dwp-5 seed.cc
llvm-dwp -e dwp-5 -o dwp-5.split
clang -gdwarf-4 -gsplit-dwarf -O2 $link -o dwp-4 seed.c
llvm-dwp -e dwp-4 -o dwp-4.split
g++ -gdwarf-4 -O2 $link -o dwz-4 seed.cc
cp dwz-4 twin
dwz -m dwz-4.alt -M dwz-4.alt dwz-4 twin
rm -f twin *.dwo *.o
