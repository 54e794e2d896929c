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

// What Rust's older mangling writes for characters that symbols cannot have.
// llvm-symbolizer leaves them as they are.
var rustEscapes = strings.NewReplacer(
	"$LT$", "<", "$GT$", ">", "$LP$", "(", "$RP$", ")", "$RF$", "&", "$BP$", "*", "$C$", ",", "$SP$", "@",
	"$u20$", " ", "$u27$", "'", "$u5b$", "[", "$u5d$", "]", "$u7b$", "{", "$u7d$", "}", "$u7e$", "~", "$u3b$", ";", "$u2b$", "+", "$u22$", `"`,
	"..", "::", "_$", "$",
)

// normalName makes names equal that differ only in how they are written. It
// removes clone notes and suffixes, Rust's hashes, symbol versions, Go's ABI
// suffixes, the types of integers in templates, all spaces ("> >", "char *"), and
// makes Go's middle dots plain ones, as its linker does in DWARF. Of Rust's older
// mangling it reads the characters that are left, and the mangled names of C++
// that are beyond some demanglers.
func normalName(name string) string {
	if strings.HasPrefix(name, "_Z") {
		name = demangle.Filter(name)
	}
	name = cloneNote.ReplaceAllString(name, "")
	name = cloneSuffix.ReplaceAllString(name, "")
	if short := rustHash.ReplaceAllString(name, ""); short != name {
		name = rustEscapes.Replace(rustEscapes.Replace(short)) // the first turns _$LT$ into $LT$
	}
	name = symbolVersion.ReplaceAllString(name, "")
	name = goABI.ReplaceAllString(name, "")
	name = typedInteger.ReplaceAllString(name, "$3")
	name = integerLiteral.ReplaceAllString(name, "$1")
	return spelling.Replace(name)
}

// aliases maps the names of a file's symbols, without their spaces, to one of
// those at the same address: __libc_malloc and malloc are one function.
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
		name := spelling.Replace(demangle.Filter(s.Name))
		if old, ok := at[name]; ok && old != s.Value {
			twice[name] = true // static functions of two units
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

// same tells whether two names mean the same function. Go's linker shortens the
// long names of functions that compilers make for types to a hash in the symbol
// table, while Go's own tables have them whole: the two cannot be compared.
func (a aliases) same(x, y string) bool {
	if x == y || a.of(x) == a.of(y) {
		return true
	}
	return goTypeHash.MatchString(x) && strings.HasPrefix(y, goType) || goTypeHash.MatchString(y) && strings.HasPrefix(x, goType)
}

const goType = "type:."

var goTypeHash = regexp.MustCompile(`^type:\.[A-Za-z0-9+/]{8}$`)

// of returns the one name for all of a function's. A name as it is comes first:
// what makes names equal makes a symbol's versions equal, which are different
// functions.
func (a aliases) of(name string) string {
	if other, ok := a[spelling.Replace(name)]; ok {
		return normalName(other)
	}
	name = normalName(name)
	if other, ok := a[name]; ok {
		return normalName(other)
	}
	return name
}
