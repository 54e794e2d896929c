package main

import (
	"debug/elf"
	"testing"
)

func TestNormalName(t *testing.T) {
	for name, want := range map[string]string{
		"_ZN4shop3sumEi":                      "shop::sum(int)",
		"main.main":                           "main.main",
		"std::vector<std::vector<int> >":      "std::vector<std::vector<int>>",
		"f(char const*, unsigned int)":        "f(charconst*,unsignedint)",
		"core::fmt::write::h0123456789abcdef": "core::fmt::write",
		"core::fmt::h0123456789abcdefg":       "core::fmt::h0123456789abcdefg",
		"_$LT$alloc..vec..Vec$LT$T$C$A$GT$$u20$as$u20$core..ops..drop..Drop$GT$::drop::hb0429504a47eb147": "<alloc::vec::Vec<T,A>ascore::ops::drop::Drop>::drop",
		"maps::parse::_$u7b$$u7b$closure$u7d$$u7d$::hb9b660f082037f06":                                    "maps::parse::{{closure}}",
		"Command::_build_self::h91d1ff4aec1189f8 (.llvm.123)":                                             "Command::_build_self",
		"walk.constprop.0":                  "walk",
		"walk.part.3.isra.0.cold":           "walk",
		"walk.llvm.123456":                  "walk",
		"walk.partial":                      "walk.partial",
		"f(int) [clone .cold]":              "f(int)",
		"f(int) (.constprop.0) (.cold)":     "f(int)",
		"memcpy@@GLIBC_2.14":                "memcpy",
		"memcpy@GLIBC_2.2.5":                "memcpy",
		"runtime.memmove.abi0":              "runtime.memmove",
		"std::array<int, 5ul>::at":          "std::array<int,5>::at",
		"std::array<int, (unsigned long)5>": "std::array<int,5>",
		"std::get<1u, int>":                 "std::get<1,int>",
	} {
		if got := normalName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestAliases(t *testing.T) {
	function := func(name string, addr uint64) elf.Symbol {
		return elf.Symbol{Name: name, Value: addr, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Section: 1}
	}
	undefined := function("free", 0)
	undefined.Section = elf.SHN_UNDEF
	list := aliasesOf([]elf.Symbol{
		function("malloc", 0x10), function("__libc_malloc", 0x10),
		function("_ZN1AC1Ev", 0x20), function("_ZN1AC2Ev", 0x20),
		function("glob@VERS_1", 0x50), function("glob@@VERS_2", 0x60), function("__old_glob", 0x50), function("__glob", 0x60),
		function("fclose", 0x70), function("__new_fclose", 0x70), function("__new_fclose.cold", 0x90),
		function("init", 0x30), function("init", 0x40), function("start", 0x40),
		undefined, function("zero", 0),
	})
	for _, test := range []struct {
		x, y string
		want bool
	}{
		{"malloc", "__libc_malloc", true},
		{"malloc", "malloc@@GLIBC_2.2.5", true},
		{"A::A()", "A::A()", true},
		{"glob@VERS_1", "__old_glob", true},
		{"glob@VERS_1", "__glob", false},
		{"glob@@VERS_2", "__glob", true},
		{"fclose", "__new_fclose", true},
		{"fclose", "__new_fclose.cold", true},
		{"init", "start", false}, // init is ambiguous
		{"free", "zero", false},
		{"malloc", "calloc", false},
		{"type:.rpDcvhA/", "type:.eq.[7]fs.OptionExample", true},
		{"type:.eq.fs.Other", "type:.eq.fs.OptionExample", false},
		{"vector<vector<int> >", "vector<vector<int>>", true},
	} {
		if got := list.same(test.x, test.y); got != test.want {
			t.Errorf("%s and %s: %v, want %v", test.x, test.y, got, test.want)
		}
	}
}
