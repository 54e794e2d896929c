package frame

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Limits of a Rust v0 name's cost. A back reference repeats what stands
// before it, so that a name of n characters can mean 2^n.
const (
	maxRustSteps = 1 << 16 // paths, types, constants and arguments visited
	maxRustDepth = 256     // of them inside one another
)

// demangleRustV0 returns the display name of a symbol of Rust's v0 mangling
// (RFC 2603, and "Symbol Mangling" in the rustc book): no crate hashes, no
// instantiating crate. False where the name is malformed, exceeds the limits,
// or uses what is not known here.
//
// The demangling library knows v0 as well, but reads the length of an empty
// identifier together with a number that follows it ("00" as one zero), so
// that it gives the closures inside one another each other's numbers.
func demangleRustV0(name string) (string, bool) {
	body, suffix := strings.TrimPrefix(name, "_R"), ""
	if i := strings.IndexByte(body, '.'); i >= 0 {
		body, suffix = body[:i], body[i:]
	}
	// A number here would be the version of a later encoding.
	if body == "" || isDigit(body[0]) {
		return "", false
	}
	p := &rustParser{in: body, out: make([]byte, 0, len(body))}
	p.path(true)
	if p.pos < len(p.in) {
		p.silently(func() { p.path(false) }) // the instantiating crate
	}
	if p.failed || p.pos != len(p.in) || len(p.out) == 0 {
		return "", false
	}
	return appendRustSuffix(string(p.out), suffix)
}

// appendRustSuffix adds what a compiler appended to the mangled name.
// ".llvm.NNN" only makes a local name unique among modules and is dropped.
func appendRustSuffix(display, suffix string) (string, bool) {
	if i := strings.Index(suffix, ".llvm."); i >= 0 {
		rest := suffix[i+len(".llvm."):]
		end := 0
		for end < len(rest) && (isDigit(rest[end]) || rest[end] >= 'A' && rest[end] <= 'F' || rest[end] == '@') {
			end++
		}
		suffix = suffix[:i] + rest[end:]
	}
	if suffix == "" {
		return display, true
	}
	for i := range len(suffix) {
		if c := suffix[i]; c != '.' && c != '$' && !isIdentByte(c) {
			return "", false
		}
	}
	return display + " [clone " + suffix + "]", true
}

// rustParser reads a name and writes its display form in one pass. Its first
// fault is kept in failed; from then on nothing is read.
type rustParser struct {
	in     string // the name without "_R" and suffix: back references count from here
	pos    int
	out    []byte
	silent bool // read, but write nothing and follow no back reference
	bound  uint64
	depth  int
	steps  int
	failed bool
}

func (p *rustParser) fail() {
	p.failed = true
	p.pos = len(p.in)
}

func (p *rustParser) peek() byte {
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

func (p *rustParser) next() byte {
	c := p.peek()
	if c == 0 {
		p.fail()
		return 0
	}
	p.pos++
	return c
}

func (p *rustParser) eat(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.pos++
	return true
}

func (p *rustParser) put(s string) {
	if p.silent || p.failed {
		return
	}
	if len(p.out)+len(s) >= 1<<maxDisplayShift {
		p.fail()
		return
	}
	p.out = append(p.out, s...)
}

func (p *rustParser) silently(f func()) {
	was := p.silent
	p.silent = true
	f()
	p.silent = was
}

// enter counts a step into a production; leave must follow where it is true.
func (p *rustParser) enter() bool {
	p.steps++
	if p.steps > maxRustSteps || p.depth >= maxRustDepth {
		p.fail()
	}
	p.depth++
	return !p.failed
}

func (p *rustParser) leave() { p.depth-- }

// list runs item until the closing E and puts sep between.
func (p *rustParser) list(sep string, item func()) (n int) {
	for !p.failed && !p.eat('E') {
		if n > 0 {
			p.put(sep)
		}
		item()
		n++
	}
	return n
}

// base62 reads a number in base 62: "_" is 0, "0_" is 1.
func (p *rustParser) base62() uint64 {
	if p.eat('_') {
		return 0
	}
	var n uint64
	for {
		c := p.next()
		var d byte
		switch {
		case c == '_':
			return n + 1
		case isDigit(c):
			d = c - '0'
		case c >= 'a' && c <= 'z':
			d = c - 'a' + 10
		case c >= 'A' && c <= 'Z':
			d = c - 'A' + 36
		default:
			p.fail()
			return 0
		}
		hi, lo := bits.Mul64(n, 62) // a crate's hash takes all 64 bits
		sum, carry := bits.Add64(lo, uint64(d), 0)
		if hi != 0 || carry != 0 || sum >= math.MaxUint64-1 {
			p.fail()
			return 0
		}
		n = sum
	}
}

// optional reads a number that follows tag, plus 1; 0 without tag.
func (p *rustParser) optional(tag byte) uint64 {
	if !p.eat(tag) {
		return 0
	}
	return p.base62() + 1
}

// identifier reads a name without its disambiguator. A length of zero is one
// digit: what follows belongs to something else.
func (p *rustParser) identifier() string {
	puny := p.eat('u')
	c := p.next()
	if !isDigit(c) {
		p.fail()
		return ""
	}
	n := int(c - '0')
	for n > 0 && isDigit(p.peek()) && n <= len(p.in) {
		n = n*10 + int(p.next()-'0')
	}
	p.eat('_')
	if p.failed || n > len(p.in)-p.pos {
		p.fail()
		return ""
	}
	s := p.in[p.pos : p.pos+n]
	p.pos += n
	for i := range len(s) {
		if !isIdentByte(s[i]) {
			p.fail()
			return ""
		}
	}
	if !puny {
		return s
	}
	s, ok := decodeRustPunycode(s)
	if !ok {
		p.fail()
	}
	return s
}

// backref runs f at the place that a back reference names; it must lie before
// the reference itself, so that no reference reaches itself.
func (p *rustParser) backref(f func()) {
	at := p.pos - 1 // of the 'B'
	target := p.base62()
	if p.failed || target >= uint64(at) {
		p.fail()
		return
	}
	if p.silent {
		return
	}
	back := p.pos
	p.pos = int(target)
	f()
	if !p.failed {
		p.pos = back
	}
}

func (p *rustParser) lifetime(index uint64) {
	switch {
	case index == 0:
		p.put("'_")
	case index > p.bound:
		p.fail()
	case p.bound-index < 26:
		p.put("'" + string(rune('a'+p.bound-index)))
	default:
		p.put("'_" + strconv.FormatUint(p.bound-index, 10))
	}
}

// inBinder reads the lifetimes that a for<...> introduces and runs f with
// them bound.
func (p *rustParser) inBinder(f func()) {
	n := p.optional('G')
	// Each takes some bytes of output, which is bounded; silent ones are not.
	if n > 1<<10 {
		p.fail()
		return
	}
	was := p.bound
	if n > 0 {
		p.put("for<")
		for i := range n {
			if i > 0 {
				p.put(", ")
			}
			p.bound++
			p.lifetime(1)
		}
		p.put("> ")
	}
	f()
	p.bound = was
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isIdentByte(c byte) bool {
	return isDigit(c) || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
