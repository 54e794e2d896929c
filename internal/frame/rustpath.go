package frame

import (
	"strconv"
	"strings"
)

// path reads a path. A value's path (a function's) shows its generic
// arguments after "::".
func (p *rustParser) path(value bool) {
	if !p.enter() {
		return
	}
	defer p.leave()
	switch tag := p.next(); tag {
	case 'C':
		p.optional('s')
		p.put(p.identifier())
	case 'N':
		p.nested(value)
	case 'M', 'X', 'Y':
		if tag != 'Y' {
			p.silently(func() { // where the impl stands
				p.optional('s')
				p.path(false)
			})
		}
		p.put("<")
		p.typ()
		if tag != 'M' {
			p.put(" as ")
			p.path(false)
		}
		p.put(">")
	case 'I':
		p.path(value)
		if value {
			p.put("::")
		}
		p.put("<")
		p.list(", ", p.genericArg)
		p.put(">")
	case 'B':
		p.backref(func() { p.path(value) })
	default:
		p.fail()
	}
}

// nested reads a path inside another: a name, or in an upper-case namespace
// what has only a number.
func (p *rustParser) nested(value bool) {
	ns := p.next()
	p.path(value)
	dis := p.optional('s')
	name := p.identifier()
	switch {
	case ns >= 'a' && ns <= 'z':
		if name != "" {
			p.put("::" + name)
		}
	case ns >= 'A' && ns <= 'Z':
		what := string(rune(ns))
		switch ns {
		case 'C':
			what = "closure"
		case 'S':
			what = "shim"
		}
		if name != "" {
			what += ":" + name
		}
		p.put("::{" + what + "#" + strconv.FormatUint(dis, 10) + "}")
	default:
		p.fail()
	}
}

func (p *rustParser) genericArg() {
	switch {
	case p.eat('L'):
		p.lifetime(p.base62())
	case p.eat('K'):
		p.constant()
	default:
		p.typ()
	}
}

// rustBasicType returns the name of a type of one lower-case letter.
func rustBasicType(c byte) string {
	const first = 'a'
	names := [...]string{"i8", "bool", "char", "f64", "str", "f32", "", "u8", "isize", "usize", "", "i32", "u32",
		"i128", "u128", "_", "", "", "i16", "u16", "()", "...", "", "i64", "u64", "!"}
	if c < first || int(c-first) >= len(names) {
		return ""
	}
	return names[c-first]
}

func (p *rustParser) typ() {
	if !p.enter() {
		return
	}
	defer p.leave()
	tag := p.next()
	if name := rustBasicType(tag); name != "" {
		p.put(name)
		return
	}
	switch tag {
	case 'R', 'Q':
		p.put("&")
		if p.eat('L') {
			if lt := p.base62(); lt != 0 {
				p.lifetime(lt)
				p.put(" ")
			}
		}
		if tag == 'Q' {
			p.put("mut ")
		}
		p.typ()
	case 'P':
		p.put("*const ")
		p.typ()
	case 'O':
		p.put("*mut ")
		p.typ()
	case 'A', 'S':
		p.put("[")
		p.typ()
		if tag == 'A' {
			p.put("; ")
			p.constant()
		}
		p.put("]")
	case 'T':
		p.put("(")
		if p.list(", ", p.typ) == 1 {
			p.put(",")
		}
		p.put(")")
	case 'F':
		p.inBinder(p.function)
	case 'D':
		p.put("dyn ")
		p.inBinder(func() { p.list(" + ", p.dynTrait) })
		if !p.eat('L') {
			p.fail()
			return
		}
		if lt := p.base62(); lt != 0 {
			p.put(" + ")
			p.lifetime(lt)
		}
	case 'B':
		p.backref(p.typ)
	default:
		p.pos-- // a path names the type
		p.path(false)
	}
}

func (p *rustParser) function() {
	if p.eat('U') {
		p.put("unsafe ")
	}
	if p.eat('K') {
		abi := "C"
		if !p.eat('C') {
			abi = strings.ReplaceAll(p.identifier(), "_", "-")
		}
		p.put(`extern "` + abi + `" `)
	}
	p.put("fn(")
	p.list(", ", p.typ)
	p.put(")")
	if !p.eat('u') {
		p.put(" -> ")
		p.typ()
	}
}

// dynTrait reads a trait with its associated types, which share the angle
// brackets of its generic arguments.
func (p *rustParser) dynTrait() {
	open := p.openPath()
	for p.eat('p') {
		if open {
			p.put(", ")
		} else {
			p.put("<")
			open = true
		}
		p.put(p.identifier() + " = ")
		p.typ()
	}
	if open {
		p.put(">")
	}
}

// openPath is path, but leaves generic arguments unclosed and says so.
func (p *rustParser) openPath() (open bool) {
	if !p.enter() {
		return false
	}
	defer p.leave()
	switch {
	case p.eat('B'):
		p.backref(func() { open = p.openPath() })
	case p.eat('I'):
		p.path(false)
		p.put("<")
		p.list(", ", p.genericArg)
		open = true
	default:
		p.path(false)
	}
	return open
}

// constant reads a value of an integer type, bool or char. Values of other
// types are known to the mangling since 2021, behind a feature that is not
// stable; a name with one fails.
func (p *rustParser) constant() {
	if !p.enter() {
		return
	}
	defer p.leave()
	tag := p.next()
	switch tag {
	case 'p':
		p.put("_")
	case 'B':
		p.backref(p.constant)
	case 'h', 't', 'm', 'y', 'o', 'j':
		p.integer()
	case 'a', 's', 'l', 'x', 'n', 'i':
		if p.eat('n') {
			p.put("-")
		}
		p.integer()
	case 'b':
		switch p.hex() {
		case "0":
			p.put("false")
		case "1":
			p.put("true")
		default:
			p.fail()
		}
	case 'c':
		n, err := strconv.ParseUint(p.hex(), 16, 32)
		if err != nil || n > 0x10ffff || n >= 0xd800 && n < 0xe000 {
			p.fail()
			return
		}
		p.put(strconv.QuoteRune(rune(n)))
	default:
		p.fail()
	}
}

func (p *rustParser) integer() {
	digits := p.hex()
	if n, err := strconv.ParseUint(digits, 16, 64); err == nil {
		p.put(strconv.FormatUint(n, 10))
		return
	}
	p.put("0x" + digits)
}

// hex reads the digits of a constant, at least one, up to "_".
func (p *rustParser) hex() string {
	start := p.pos
	for isDigit(p.peek()) || p.peek() >= 'a' && p.peek() <= 'f' {
		p.pos++
	}
	digits := p.in[start:p.pos]
	if digits == "" || !p.eat('_') {
		p.fail()
		return ""
	}
	return digits
}
