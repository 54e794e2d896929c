package frame

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// decodeRustPunycode decodes an identifier of Rust's v0 mangling: Punycode
// (RFC 3492) with "_" instead of "-" before the encoded part.
func decodeRustPunycode(s string) (string, bool) {
	const (
		base, tmin, tmax  = 36, 1, 26
		skew, damp        = 38, 700
		firstBias, firstN = 72, 128
		limit             = 1 << 31
	)
	basic, code := "", s
	if i := strings.LastIndexByte(s, '_'); i >= 0 {
		basic, code = s[:i], s[i+1:]
	}
	if code == "" {
		return "", false
	}
	out := []rune(basic)
	n, i, bias := firstN, 0, firstBias
	for len(code) > 0 {
		old, w := i, 1
		for k := base; ; k += base {
			if code == "" {
				return "", false
			}
			d, ok := punycodeDigit(code[0])
			code = code[1:]
			if !ok || d > (limit-i)/w {
				return "", false
			}
			i += d * w
			t := min(max(k-bias, tmin), tmax)
			if d < t {
				break
			}
			if w > limit/(base-t) {
				return "", false
			}
			w *= base - t
		}
		delta := i - old
		if old == 0 {
			delta /= damp
		} else {
			delta /= 2
		}
		delta += delta / (len(out) + 1)
		bias = 0
		for delta > (base-tmin)*tmax/2 {
			delta /= base - tmin
			bias += base
		}
		bias += (base - tmin + 1) * delta / (delta + skew)

		n += i / (len(out) + 1)
		i %= len(out) + 1
		if n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			return "", false
		}
		out = slices.Insert(out, i, rune(n))
		i++
	}
	return string(out), true
}

func punycodeDigit(c byte) (int, bool) {
	switch {
	case c >= 'a' && c <= 'z':
		return int(c - 'a'), true
	case c >= 'A' && c <= 'Z':
		return int(c - 'A'), true
	case isDigit(c):
		return int(c-'0') + 26, true
	}
	return 0, false
}
