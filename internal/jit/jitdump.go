package jit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sort"
)

// MaxJITDump is the size in bytes of the largest jitdump file that is read:
// 1 GiB. It holds the code itself.
const MaxJITDump = 1 << 30

// Dump is a jitdump file (Linux, tools/perf/Documentation/jitdump-specification.txt).
// It is immutable and safe for concurrent use.
type Dump struct {
	layers
	data  []byte
	big   bool
	loads []load // of the pieces
	// byStart is the latest piece that starts at an address.
	byStart map[uint64]int
}

// load is a JIT_CODE_LOAD record: code, and what is known of its lines.
type load struct {
	code  int    // offset of the code's bytes
	lines []byte // entries of the JIT_CODE_DEBUG_INFO record before it
	n     uint64 // of the entries
}

// Records of a jitdump file.
const (
	codeLoad      = 0
	codeMove      = 1
	codeDebugInfo = 2
)

const (
	dumpMagic   = 0x4A695444
	recordHead  = 16 // id, total size, timestamp
	minDumpHead = 40
)

// ReadDump reads a jitdump file of size bytes as far as it is written.
func ReadDump(r io.ReaderAt, size int64) (*Dump, error) {
	if size > MaxJITDump {
		return nil, fmt.Errorf("jitdump of %d bytes: %w", size, ErrTooLarge)
	}
	data, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	d := &Dump{data: data, byStart: make(map[uint64]int)}
	if len(data) < minDumpHead {
		return nil, fmt.Errorf("jitdump of %d bytes has no header", len(data))
	}
	switch {
	case binary.LittleEndian.Uint32(data) == dumpMagic:
	case binary.BigEndian.Uint32(data) == dumpMagic:
		d.big = true
	default:
		return nil, fmt.Errorf("jitdump with magic %x", data[:4])
	}
	head := uint64(d.u32(8))
	if head < minDumpHead || head > uint64(len(data)) {
		return nil, fmt.Errorf("jitdump with a header of %d bytes in %d", head, len(data))
	}
	d.records(head)
	d.settle()
	return d, nil
}

// records reads the records from off on, up to one that is not whole.
func (d *Dump) records(off uint64) {
	var info load
	infoAddr := uint64(0)
	for off+recordHead <= uint64(len(d.data)) {
		id, size := d.u32(int(off)), uint64(d.u32(int(off)+4))
		if size < recordHead || size > uint64(len(d.data))-off {
			return
		}
		body, at := d.data[off+recordHead:off+size], int(off)+recordHead
		switch {
		case id == codeDebugInfo && len(body) >= 16:
			infoAddr, info = d.u64(at), load{lines: body[16:], n: d.u64(at + 8)}
		case id == codeLoad && len(body) >= 40:
			addr := d.u64(at + 16)
			if infoAddr != addr {
				info = load{}
			}
			d.load(body, at, addr, info)
			infoAddr, info = 0, load{}
		case id == codeMove && len(body) >= 48:
			d.move(at)
		}
		off += size
	}
}

// load adds the code of a record's body, which lies at an offset.
func (d *Dump) load(body []byte, at int, addr uint64, l load) {
	size := d.u64(at + 24)
	n := bytes.IndexByte(body[40:], 0)
	if n <= 0 || n > maxPerfName || size == 0 || addr+size < addr || size > uint64(len(body)-40-n-1) {
		return
	}
	l.code = at + 40 + n + 1
	d.add(piece{addr, addr + size, uint32(at + 40), uint32(n)}, l)
}

func (d *Dump) add(p piece, l load) {
	d.byStart[p.start] = len(d.pieces)
	d.pieces, d.loads = append(d.pieces, p), append(d.loads, l)
}

// move adds code that was moved: the piece that lay at the old address.
func (d *Dump) move(at int) {
	from, to, size := d.u64(at+16), d.u64(at+24), d.u64(at+32)
	i, known := d.byStart[from]
	if !known || d.pieces[i].end-from != size || to+size < to {
		return
	}
	p, l := d.pieces[i], d.loads[i]
	l.lines, l.n = nil, 0 // their addresses are those of the old place
	d.add(piece{to, to + size, p.at, p.n}, l)
}

// Code is a piece of generated code of a jitdump file.
type Code struct {
	Symbol
	// Bytes is the code as it was compiled, a view of what was read.
	Bytes []byte
	// File and Line are the source's at the address that was asked, "" and 0
	// where the file does not tell.
	File string
	Line int
}

// Len is the number of pieces of code.
func (d *Dump) Len() int { return len(d.pieces) }

// Lookup returns the code that covers addr, the one that was written last.
func (d *Dump) Lookup(addr uint64) (Code, bool) {
	i, ok := d.find(addr)
	if !ok {
		return Code{}, false
	}
	p, l := d.pieces[i], d.loads[i]
	c := Code{
		Symbol: Symbol{Addr: p.start, Size: p.end - p.start, Name: string(d.data[p.at : p.at+p.n])},
		Bytes:  d.data[l.code : uint64(l.code)+p.end-p.start],
	}
	c.File, c.Line = d.line(l, addr)
	return c, true
}

// line returns the last line entry at or before addr. Entries are sorted by
// address only by custom.
func (d *Dump) line(l load, addr uint64) (file string, line int) {
	type row struct {
		addr uint64
		file []byte
		line uint32
	}
	var rows []row
	b := l.lines
	var last []byte
	for range l.n {
		const fixed = 16 // address, line, discriminator
		if len(b) < fixed {
			break
		}
		n := bytes.IndexByte(b[fixed:], 0)
		if n < 0 || n > maxPerfName {
			break
		}
		name := b[fixed : fixed+n]
		if string(name) == "\xff" { // the same file as before
			name = last
		}
		last = name
		rows = append(rows, row{d.get64(b), name, d.get32(b[8:])})
		b = b[fixed+n+1:]
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].addr < rows[j].addr })
	i := sort.Search(len(rows), func(i int) bool { return rows[i].addr > addr }) - 1
	if i < 0 {
		return "", 0
	}
	return string(rows[i].file), int(rows[i].line)
}

func (d *Dump) u32(at int) uint32 { return d.get32(d.data[at:]) }
func (d *Dump) u64(at int) uint64 { return d.get64(d.data[at:]) }

func (d *Dump) get32(b []byte) uint32 {
	if d.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (d *Dump) get64(b []byte) uint64 {
	if d.big {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}
