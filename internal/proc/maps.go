package proc

import (
	"bytes"
	"fmt"
	"math"
)

// Limits of what is read of one process's maps.
const (
	maxMappings  = 1 << 22         // mappings; 4 times the vm.max_map_count of large hosts
	maxNameBytes = 64 << 20        // bytes of distinct names together
	maxName      = 4095            // bytes of one name: PATH_MAX without its NUL
	maxLine      = maxName*4 + 256 // bytes of a line kept while its end is sought: no cut name decodes to maxName or less
)

// Perms are a mapping's permissions, with the values of PROCMAP_QUERY's flags.
type Perms uint8

// The permission bits. Shared says that writes reach the file and other
// processes (MAP_SHARED).
const (
	PermRead Perms = 1 << iota
	PermWrite
	PermExec
	PermShared
)

// String returns the kernel's notation, such as "r-xp".
func (p Perms) String() string {
	b := [4]byte{'-', '-', '-', 'p'}
	for i, c := range [3]byte{'r', 'w', 'x'} {
		if p&(1<<i) != 0 {
			b[i] = c
		}
	}
	if p&PermShared != 0 {
		b[3] = 's'
	}
	return string(b[:])
}

// Mapping is one row of a process's maps: the addresses [Start, End) show the
// file's bytes from Offset on. It is a value of its own and comparable.
type Mapping struct {
	// Start and End are runtime addresses (addr), multiples of the page size.
	Start, End uint64
	// Offset is the file offset (off) of Start; 0 where there is no file.
	Offset uint64
	// Inode and the device numbers are the kernel's for the mapped file. They
	// may differ from what stat says (btrfs subvolumes, overlays), so equality
	// proves nothing and difference refutes nothing.
	Inode              uint64
	DevMajor, DevMinor uint32
	Perms              Perms
	// Name is the kernel's name, raw bytes: a path in the terms of the file's
	// own mount namespace with " (deleted)" behind it where the kernel appended
	// that, or a word such as "[vdso]", or "". A file's real name can end in
	// " (deleted)" too. Names longer than PATH_MAX are left out: HasFile tells.
	Name string
	// BuildID holds the raw bytes of the GNU build ID that the kernel found in
	// the mapped file. Only Query and QueryNext fill it, and only on request;
	// "" means that the kernel found none, not that there is none.
	BuildID string
}

// Contains reports whether addr lies in m.
func (m Mapping) Contains(addr uint64) bool { return m.Start <= addr && addr < m.End }

// Size returns the mapping's length in bytes.
func (m Mapping) Size() uint64 { return m.End - m.Start }

// HasFile reports whether a file is behind m, be it deleted, a memfd, shared
// memory or a device.
func (m Mapping) HasFile() bool { return m.Inode != 0 || m.DevMajor != 0 || m.DevMinor != 0 }

// String returns m as a row of maps, for messages.
func (m Mapping) String() string {
	return fmt.Sprintf("%x-%x %v %08x %02x:%02x %d %q",
		m.Start, m.End, m.Perms, m.Offset, m.DevMajor, m.DevMinor, m.Inode, m.Name)
}

// sameFile reports whether m and o show the same file at the same distance
// between addr and off, as the pieces of a split mapping do.
func (m Mapping) sameFile(o Mapping) bool {
	return m.Inode == o.Inode && m.DevMajor == o.DevMajor && m.DevMinor == o.DevMinor &&
		m.Offset-m.Start == o.Offset-o.Start
}

// parseMapsLine parses one line of maps, without its newline, into m's
// numbers. The name is returned as it stands in the line.
//
// Format: show_map_vma in fs/proc/task_mmu.c; Documentation/filesystems/proc.rst.
func parseMapsLine(line []byte, m *Mapping) (name []byte, ok bool) {
	c := cursor{b: line}
	start := c.hex('-')
	end := c.hex(' ')
	perms := c.perms()
	offset := c.hex(' ')
	major := c.hex(':')
	minor := c.hex(' ')
	inode := c.decimal()
	if c.bad || start >= end || major > math.MaxUint32 || minor > math.MaxUint32 {
		return nil, false
	}
	*m = Mapping{Start: start, End: end, Offset: offset, Inode: inode,
		DevMajor: uint32(major), DevMinor: uint32(minor), Perms: perms}
	// The kernel pads with spaces; a name never starts with one (it is a path
	// or a word), but may well end with one.
	return bytes.TrimLeft(c.b, " "), true
}

// cursor consumes a line from the front; bad sticks.
type cursor struct {
	b   []byte
	bad bool
}

// hex consumes 1 to 16 hexadecimal digits and the separator behind them.
func (c *cursor) hex(sep byte) uint64 {
	var v uint64
	for i, d := range c.b {
		switch {
		case '0' <= d && d <= '9':
			v = v<<4 | uint64(d-'0')
		case 'a' <= d && d <= 'f':
			v = v<<4 | uint64(d-'a'+10)
		case d == sep && i > 0:
			c.b = c.b[i+1:]
			return v
		default:
			c.bad = true
			return 0
		}
		if i == 16 {
			break
		}
	}
	c.bad = true
	return 0
}

// decimal consumes 1 to 20 decimal digits up to a space or the end.
func (c *cursor) decimal() uint64 {
	var v uint64
	for i, d := range c.b {
		if d == ' ' && i > 0 {
			c.b = c.b[i:]
			return v
		}
		d -= '0'
		if d > 9 || v > (math.MaxUint64-uint64(d))/10 {
			c.bad = true
			return 0
		}
		v = v*10 + uint64(d)
	}
	c.bad = c.bad || len(c.b) == 0
	c.b = nil
	return v
}

// perms consumes four permission characters and a space.
func (c *cursor) perms() Perms {
	if len(c.b) < 5 || c.b[4] != ' ' {
		c.bad = true
		return 0
	}
	var p Perms
	for i, want := range [3]byte{'r', 'w', 'x'} {
		switch c.b[i] {
		case want:
			p |= 1 << i
		case '-':
		default:
			c.bad = true
		}
	}
	switch c.b[3] {
	case 's':
		p |= PermShared
	case 'p':
	default:
		c.bad = true
	}
	c.b = c.b[5:]
	return p
}

// newlineEscape is what the kernel writes for a newline in a name. It escapes
// nothing else, not even the backslash: a name that holds these four bytes
// itself looks the same.
var newlineEscape = []byte(`\012`)

// decodeName undoes the escape. ambiguous says that the name may as well hold
// the escape's four bytes literally.
func decodeName(raw []byte) (name []byte, ambiguous bool) {
	if !bytes.Contains(raw, newlineEscape) {
		return raw, false
	}
	return bytes.ReplaceAll(raw, newlineEscape, []byte{'\n'}), true
}

// names turns the bytes of names into strings, one string for equal names.
type names struct {
	last  string
	seen  map[string]string
	bytes int
}

// intern returns b as a string that is shared with earlier equal names.
func (n *names) intern(b []byte) (string, error) {
	if len(b) == 0 {
		return "", nil
	}
	if string(b) == n.last {
		return n.last, nil
	}
	s, ok := n.seen[string(b)]
	if !ok {
		if n.bytes += len(b); n.bytes > maxNameBytes {
			return "", fmt.Errorf("%w: names of mappings exceed %d bytes", ErrTooLarge, maxNameBytes)
		}
		if n.seen == nil {
			n.seen = make(map[string]string)
		}
		s = string(b)
		n.seen[s] = s
	}
	n.last = s
	return s, nil
}

// mapsParser takes the text of maps in pieces of any size.
type mapsParser struct {
	names    names
	mappings []Mapping
	// ambiguous holds the indices of mappings whose names decodeName doubts.
	ambiguous []int
	lines     int
}

// feed parses the complete lines of buf and returns the rest. A line without
// end is cut down to maxLine bytes, which drops only its over-long name.
func (p *mapsParser) feed(buf []byte) (rest []byte, err error) {
	for {
		i := bytes.IndexByte(buf, '\n')
		if i < 0 {
			return buf[:min(len(buf), maxLine)], nil
		}
		if err := p.line(buf[:i]); err != nil {
			return nil, err
		}
		buf = buf[i+1:]
	}
}

// line parses one line.
func (p *mapsParser) line(line []byte) error {
	p.lines++
	var m Mapping
	raw, ok := parseMapsLine(line, &m)
	if !ok {
		return fmt.Errorf("%w line %d of maps: %.80q", ErrMalformed, p.lines, line)
	}
	if len(p.mappings) == maxMappings {
		return fmt.Errorf("%w: more than %d mappings", ErrTooLarge, maxMappings)
	}
	name, ambiguous := decodeName(raw)
	if len(name) > maxName {
		name, ambiguous = nil, false
	}
	var err error
	if m.Name, err = p.names.intern(name); err != nil {
		return err
	}
	if ambiguous {
		p.ambiguous = append(p.ambiguous, len(p.mappings))
	}
	p.mappings = append(p.mappings, m)
	return nil
}

// parseMaps parses the whole text of a maps file.
func parseMaps(text []byte) ([]Mapping, error) {
	var p mapsParser
	rest, err := p.feed(text)
	if err == nil && len(rest) > 0 {
		err = p.line(rest)
	}
	return p.mappings, err
}
