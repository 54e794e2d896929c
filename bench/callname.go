package main

import (
	"debug/elf"
	"regexp"
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// What normalName removes. Programs that mean the same function differ in these:
var (
	// a demangler's note of a compiler's copy: "f(int) [clone .cold]", "f(int) (.cold)"
	cloneNote = regexp.MustCompile(` (\[clone [^\]]*\]|\(\.[^)]*\))`)
	// the same suffix where nothing is demangled: "f.constprop.0.isra.1"
	cloneSuffix = regexp.MustCompile(`(\.(constprop|isra|part|cold|lto_priv|localalias|llvm)(\.?\d+)?)+$`)
	// the hash at the end of Rust's older mangling, which some demanglers keep
	rustHash = regexp.MustCompile(`::h[0-9a-f]{16}$`)
	// a symbol's version: "memcpy@@GLIBC_2.14"
	symbolVersion = regexp.MustCompile(`@@?[A-Z][A-Za-z0-9_.]*$`)
	// which calling convention a Go function has, where that is in its symbol
	goABI = regexp.MustCompile(`\.abi(0|internal)$`)
	// integers of templates: f<5ul>, f<(unsigned long)5>
	typedInteger   = regexp.MustCompile(`\((unsigned )?(char|short|int|long|longlong|long long)\)(-?\d)`)
	integerLiteral = regexp.MustCompile(`([<,( -]\d+)(u|l|ul|ll|ull)\b`)
)

var spelling = strings.NewReplacer(" ", "", "·", ".")

// normalName makes names equal that differ only in how they are written. It
// removes clone notes and suffixes, Rust's hashes, symbol versions, Go's ABI
// suffixes, the types of integers in templates, all spaces ("> >", "char *"), and
// makes Go's middle dots plain ones, as its linker does in DWARF.
func normalName(name string) string {
	name = cloneNote.ReplaceAllString(name, "")
	name = cloneSuffix.ReplaceAllString(name, "")
	name = rustHash.ReplaceAllString(name, "")
	name = symbolVersion.ReplaceAllString(name, "")
	name = goABI.ReplaceAllString(name, "")
	name = typedInteger.ReplaceAllString(name, "$3")
	name = integerLiteral.ReplaceAllString(name, "$1")
	return spelling.Replace(name)
}

// aliases maps normalized names of a file's symbols to one of those at the same
// address: __libc_malloc and malloc are one function.
type aliases map[string]string

// readAliases reads the symbols of a file. One without symbols has no aliases.
func readAliases(path string) (aliases, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	symbols, _ := f.Symbols() // an error means that there is no such table
	dynamic, _ := f.DynamicSymbols()
	return aliasesOf(append(symbols, dynamic...)), nil
}

func aliasesOf(symbols []elf.Symbol) aliases {
	at := map[string]uint64{}
	twice := map[string]bool{}
	for _, s := range symbols {
		if t := elf.ST_TYPE(s.Info); (t != elf.STT_FUNC && t != elf.STT_GNU_IFUNC) || s.Section == elf.SHN_UNDEF {
			continue
		}
		name := normalName(demangle.Filter(s.Name))
		if old, ok := at[name]; ok && old != s.Value {
			twice[name] = true // of two units, or parts of one function: says nothing
		}
		at[name] = s.Value
	}
	least := map[uint64]string{}
	for name, addr := range at {
		if old, ok := least[addr]; !twice[name] && (!ok || name < old) {
			least[addr] = name
		}
	}
	list := aliases{}
	for name, addr := range at {
		if !twice[name] && least[addr] != name {
			list[name] = least[addr]
		}
	}
	return list
}

// same tells whether two names mean the same function.
func (a aliases) same(x, y string) bool {
	return x == y || a.of(normalName(x)) == a.of(normalName(y))
}

func (a aliases) of(name string) string {
	if other, ok := a[name]; ok {
		return other
	}
	return name
}
