package main

import (
	"encoding/base64"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// jsonLine builds one JSON object of the output, its fields in the order of
// the calls. It exists beside encoding/json because names are raw bytes here
// (see name), because DEL and the C1 controls, which encoding/json copies,
// drive terminals, and because a million addresses are a million lines.
type jsonLine struct {
	b []byte
}

// schema is the version of the JSON output. Fields are only ever added.
const schema = 1

// begin starts a line of the given type.
func (l *jsonLine) begin(typ string) {
	l.b = append(l.b[:0], '{')
	l.num("schema", schema)
	l.str("type", typ)
}

// end finishes the line.
func (l *jsonLine) end() []byte {
	l.b = append(l.b, '}', '\n')
	return l.b
}

func (l *jsonLine) key(k string) {
	if c := l.b[len(l.b)-1]; c != '{' && c != '[' {
		l.b = append(l.b, ',')
	}
	l.b = append(l.b, '"')
	l.b = append(l.b, k...)
	l.b = append(l.b, '"', ':')
}

func (l *jsonLine) num(k string, v int64) {
	l.key(k)
	l.b = strconv.AppendInt(l.b, v, 10)
}

func (l *jsonLine) boolean(k string, v bool) {
	l.key(k)
	l.b = strconv.AppendBool(l.b, v)
}

// hex writes v as "0x..", or "" where it has no meaning.
func (l *jsonLine) hex(k string, v uint64, known bool) {
	l.key(k)
	l.b = append(l.b, '"')
	if known {
		l.b = append(l.b, '0', 'x')
		l.b = strconv.AppendUint(l.b, v, 16)
	}
	l.b = append(l.b, '"')
}

// null writes a field that has no value yet.
func (l *jsonLine) null(k string) {
	l.key(k)
	l.b = append(l.b, "null"...)
}

func (l *jsonLine) str(k, v string) {
	l.key(k)
	l.b = appendJSONString(l.b, v)
}

// name writes a name of the target's. Where it is not valid UTF-8 the field
// k_b64 gives its bytes, and k itself has U+FFFD for those that are wrong.
func (l *jsonLine) name(k, v string) {
	l.str(k, v)
	if !utf8.ValidString(v) {
		l.key(k + "_b64")
		l.b = append(l.b, '"')
		l.b = base64.StdEncoding.AppendEncode(l.b, []byte(v))
		l.b = append(l.b, '"')
	}
}

func (l *jsonLine) strs(k string, vs []string) {
	l.key(k)
	l.b = append(l.b, '[')
	for i, v := range vs {
		if i > 0 {
			l.b = append(l.b, ',')
		}
		l.b = appendJSONString(l.b, v)
	}
	l.b = append(l.b, ']')
}

// object writes an object that fields fills in.
func (l *jsonLine) object(k string, fields func()) {
	l.key(k)
	l.b = append(l.b, '{')
	fields()
	l.b = append(l.b, '}')
}

// list writes an array of n objects, each filled in by item.
func (l *jsonLine) list(k string, n int, item func(i int)) {
	l.key(k)
	l.b = append(l.b, '[')
	for i := range n {
		if i > 0 {
			l.b = append(l.b, ',')
		}
		l.b = append(l.b, '{')
		item(i)
		l.b = append(l.b, '}')
	}
	l.b = append(l.b, ']')
}

// appendJSONString appends s as a JSON string that is safe on a terminal: all
// that is not printable is written as \u escapes.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c < ' ' || c == 0x7f:
				b = appendEscape(b, uint16(c))
			default:
				b = append(b, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b = appendJSONRune(b, r)
		i += n
	}
	return append(b, '"')
}

func appendJSONRune(b []byte, r rune) []byte {
	switch {
	case r == utf8.RuneError:
		return append(b, `\ufffd`...)
	case unicode.IsPrint(r):
		return utf8.AppendRune(b, r)
	case r > 0xffff:
		r -= 0x10000
		b = appendEscape(b, uint16(0xd800+r>>10))
		return appendEscape(b, uint16(0xdc00+r&0x3ff))
	}
	return appendEscape(b, uint16(r))
}

func appendEscape(b []byte, v uint16) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'u', digits[v>>12], digits[v>>8&15], digits[v>>4&15], digits[v&15])
}
