package frame

import (
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// Limits of what is demangled. They keep one hostile name from costing more
// than some tenths of a second; a name beyond them stays as it is. Ordinary
// names stay far below: none of 100,000 C++ names of LLVM and clang, of which
// the longest has 1.2 kB, reaches one.
const (
	// maxMangled is the longest linkage name tried, in bytes.
	maxMangled = 4 << 10
	// maxDisplayShift bounds the display name: 1<<14 = 16 KiB. Substitutions
	// can double a name every few characters, so the input's length does not
	// bound the output's.
	maxDisplayShift = 14
	// maxCasts is the number of conversion operators that could name a
	// template parameter. The demangler parses the arguments behind one twice,
	// and does so again in each that is nested in them.
	maxCasts = 6
	// maxLocals is the number of local names (names in functions), each of
	// which walks everything that it encloses.
	maxLocals = 64
	// maxPackWork bounds packs * length * length, as every pack expansion
	// copies its pattern for each argument of the pack.
	maxPackWork = 1 << 20
)

// Demangle returns the display name of a linkage name, as c++filt, gdb, perf
// and addr2line -C show it: C++ names (Itanium ABI) with parameters, and Rust
// names (legacy and v0) with generic arguments and without hashes. Whatever
// is neither, is malformed, or exceeds the limits above, is returned as it
// is.
//
// A suffix that a compiler gave to a part or a clone of a function stays:
// "_Z3fooi.cold" is "foo(int) [clone .cold]". Only .llvm.NNN of a Rust name
// is dropped: it makes a local name unique and says nothing of the code. C
// names are not mangled and keep their suffix as it is ("foo.cold"). Versions
// of dynamic symbols ("memcpy@@GLIBC_2.14") are no part of a linkage name;
// package symtab removes them.
//
// Go names are never mangled and must not be passed.
func Demangle(linkage string) string {
	switch {
	case len(linkage) > maxMangled:
		return linkage
	case strings.HasPrefix(linkage, "_R"):
		if display, ok := demangleRustV0(linkage); ok {
			return display
		}
		return linkage
	}
	if base, suffix, ok := cutLegacyRust(linkage); ok {
		display, ok := demangleLegacyRust(base)
		if ok {
			display, ok = appendRustSuffix(display, suffix)
		}
		if ok {
			return display
		}
		return linkage
	}
	display, ok := "", false
	if i := nameBeforeScope(linkage); i > 0 {
		display, ok = demangleWith(linkage[:i], demangle.NoParams)
	} else {
		display, ok = demangleWith(linkage)
	}
	if !ok {
		return linkage
	}
	return display
}

// DemangleNoParams is Demangle without a C++ function's parameters, return
// type and clone suffix: "ns::Class::method". Parameters of functions that
// the name mentions stay.
func DemangleNoParams(linkage string) string {
	if _, _, ok := cutLegacyRust(linkage); ok || strings.HasPrefix(linkage, "_R") {
		return Demangle(linkage)
	}
	name := linkage
	if i := nameBeforeScope(linkage); i > 0 {
		name = linkage[:i]
	}
	if display, ok := demangleWith(name, demangle.NoParams); ok {
		return display
	}
	return linkage
}

func demangleWith(linkage string, options ...demangle.Option) (display string, ok bool) {
	if !isMangled(linkage) || !isTame(linkage) {
		return "", false
	}
	// The library panics on what it did not expect. An answer half made is no
	// answer.
	defer func() {
		if recover() != nil {
			display, ok = "", false
		}
	}()
	display, err := demangle.ToString(linkage, append(options, demangle.MaxLength(maxDisplayShift))...)
	// A name that reaches the limit was cut, and a cut name could read like
	// another function's.
	ok = err == nil && display != "" && len(display) < 1<<maxDisplayShift
	return display, ok
}

// cutLegacyRust cuts the suffix from a name of Rust's legacy mangling, which
// ends with a hash: 17h0123456789abcdefE.
func cutLegacyRust(name string) (base, suffix string, ok bool) {
	if !strings.HasPrefix(name, "_ZN") {
		return "", "", false
	}
	base = name
	if i := strings.LastIndex(name, "E."); i > 0 {
		base, suffix = name[:i+1], name[i+1:]
	}
	if len(base) < 20 || base[len(base)-1] != 'E' {
		return "", "", false
	}
	hash, found := strings.CutPrefix(base[len(base)-20:len(base)-1], "17h")
	if !found || strings.Trim(hash, "0123456789abcdef") != "" {
		return "", "", false
	}
	return base, suffix, true
}

// nameBeforeScope finds a scope of an expression that begins with a plain
// name, "sr16is_hashable_dataIT_E..." as clang before version 12 mangled
// is_hashable_data<T>::value, and returns its offset, 0 if there is none.
// Such a name is no candidate for substitution, but the library takes it for
// one, so that what follows can refer to the wrong types: it gives parameters
// that are another function's. What stands before is right, and is enough if
// the scope is part of the parameters or of the return type.
func nameBeforeScope(name string) int {
	for at := 0; ; {
		i := strings.Index(name[at:], "sr")
		if i < 0 {
			return 0
		}
		at += i
		digits := at + 2
		end := digits
		n := 0
		for end < len(name) && isDigit(name[end]) && n < len(name) {
			n = n*10 + int(name[end]-'0')
			end++
		}
		if end > digits && n > 0 && n < len(name)-end && strings.IndexByte("IEdo0123456789", name[end+n]) >= 0 {
			return at
		}
		at = digits
	}
}

// isMangled tells quickly that a name is not a mangled C++ or legacy Rust
// name; the library decides about the others.
func isMangled(name string) bool {
	return strings.HasPrefix(name, "_Z") || strings.HasPrefix(name, "___Z") || strings.HasPrefix(name, "_GLOBAL_")
}

// isTame reports whether a mangled name is within the limits. It counts the
// codes of costly constructs in the text as a whole, inside of identifiers
// too: telling identifiers from codes would need the very parse that is to be
// avoided, and a hostile name could pass one off as the other.
func isTame(name string) bool {
	if len(name) > maxMangled {
		return false
	}
	packs := strings.Count(name, "Dp") + strings.Count(name, "sp")
	return strings.Count(name, "Z") <= maxLocals &&
		packs*len(name)*len(name) <= maxPackWork &&
		countCasts(name) <= maxCasts
}

// countCasts counts the conversion operators ("cv" and a type) whose type can
// be a template parameter: not those followed by a number (a class's name, or
// OpenCV's namespace: "2cv3Mat") or by most builtin types.
func countCasts(name string) int {
	n := 0
	for {
		_, rest, found := strings.Cut(name, "cv")
		if !found {
			return n
		}
		if rest != "" && (rest[0] >= 'A' && rest[0] <= 'Z' || rest[0] == 'r' || rest[0] == 'u') {
			n++
		}
		name = rest
	}
}
