package main

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// show returns a name of the target's as it may be written to a terminal.
// Names come from whoever made the file: what could drive a terminal, break a
// line or pass for something else (control bytes, bytes that are not UTF-8,
// runes without a shape such as the bidirectional controls) is escaped as in a
// Go string, and the name is put into double quotes, so that an escaped name
// cannot be mistaken for one that is spelled like it.
func show(name string) string {
	if isPlain(name) {
		return name
	}
	return strconv.Quote(name)
}

// isPlain reports whether name can be written as it is.
func isPlain(name string) bool {
	if name == "" || name[0] == '"' || name[0] == ' ' || name[len(name)-1] == ' ' {
		return false
	}
	return isPrintable(name)
}

func isPrintable(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
			return false
		}
		i += n
	}
	return true
}

// showText returns a sentence, such as an error's text that may hold a name of
// the target's, with what is not printable escaped in place.
func showText(s string) string {
	if isPrintable(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
			q := strconv.Quote(s[i : i+n])
			b.WriteString(q[1 : len(q)-1])
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}
