package frame

import (
	"strconv"
	"strings"
	"unicode"
)

// demangleLegacyRust reads a name of Rust's legacy mangling: _ZN, the parts of
// a path with their lengths, of which the last is a hash, E. It is done here as
// the library drops every underscore that a part begins with (_build_self);
// rustc puts one only before a part that would begin with an escape
// (compiler/rustc_symbol_mangling/src/legacy.rs).
func demangleLegacyRust(base string) (display string, ok bool) {
	rest := strings.TrimSuffix(strings.TrimPrefix(base, "_ZN"), "E")
	var b strings.Builder
	for rest != "" {
		digits := 0
		for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.Atoi(rest[:digits])
		if err != nil || n == 0 || n > len(rest)-digits {
			return "", false
		}
		part := rest[digits : digits+n]
		if rest = rest[digits+n:]; rest == "" {
			break // the hash
		}
		if b.Len() > 0 {
			b.WriteString("::")
		}
		if strings.HasPrefix(part, "_$") {
			part = part[1:]
		}
		if !unescapeRust(&b, part) {
			return "", false
		}
	}
	return b.String(), b.Len() > 0
}

// rustEscapes are the characters that rustc writes as $NAME$.
var rustEscapes = map[string]string{
	"SP": "@", "BP": "*", "RF": "&", "LT": "<", "GT": ">", "LP": "(", "RP": ")", "C": ",",
}

// unescapeRust writes one part of a path.
func unescapeRust(b *strings.Builder, part string) bool {
	for part != "" {
		i := strings.IndexAny(part, "$.")
		if i < 0 {
			b.WriteString(part)
			return true
		}
		b.WriteString(part[:i])
		part = part[i:]
		if rest, ok := strings.CutPrefix(part, ".."); ok {
			b.WriteString("::")
			part = rest
			continue
		}
		if part[0] == '.' {
			b.WriteByte('.')
			part = part[1:]
			continue
		}
		name, rest, found := strings.Cut(part[1:], "$")
		if !found {
			return false
		}
		if text, known := rustEscapes[name]; known {
			b.WriteString(text)
		} else if hex, isRune := strings.CutPrefix(name, "u"); isRune {
			r, err := strconv.ParseUint(hex, 16, 32)
			if err != nil || r > unicode.MaxRune || unicode.IsControl(rune(r)) {
				return false
			}
			b.WriteRune(rune(r))
		} else {
			return false
		}
		part = rest
	}
	return true
}
