package addr2line

// row is a row of the line table: what holds from addr to the next row's.
type row struct {
	addr uint64
	line uint32
	file uint32
	col  uint32
	end  bool // the first address after a sequence
}

// lineProgram runs a line program (section 6.2.5).
type lineProgram struct {
	t     *lineTable
	pos   int
	state row
	op    uint64
	// extra are the files that the program itself defines.
	extra []fileEntry
	// What the special opcodes and DW_LNS_const_add_pc add.
	addrAdd [256]uint32
	lineAdd [256]int32
}

// initialRow is the state in which a sequence begins.
var initialRow = row{line: 1, file: 1}

func (p *lineProgram) init(t *lineTable) {
	p.t, p.pos, p.state, p.op, p.extra = t, 0, initialRow, 0, nil
	if t.lineRange == 0 {
		return
	}
	for i := int(t.opcodeBase); i < 256; i++ {
		adj := uint64(i) - uint64(t.opcodeBase)
		p.addrAdd[i] = uint32(adj / t.lineRange * t.minInst)
		p.lineAdd[i] = int32(t.lineBase + int64(adj%t.lineRange))
	}
}

// run executes the program until it has made len(rows) rows, and returns how
// many it made: fewer at the program's end only.
func (p *lineProgram) run(rows []row) (int, error) {
	t := p.t
	b := t.program
	pos := p.pos
	base := t.opcodeBase
	s := p.state
	n := 0
	vliw := t.maxOps > 1
	constAdd := p.addrAdd[255]
	var err error
loop:
	for n < len(rows) && pos < len(b) {
		op := b[pos]
		pos++
		if op >= base {
			if vliw || t.lineRange == 0 {
				if t.lineRange == 0 {
					err = badFormat(secLine, t.programOff+uint64(pos-1), "special opcode, but line_range is 0")
					break loop
				}
				adj := uint64(op - base)
				p.advance(&s, adj/t.lineRange)
			} else {
				s.addr += uint64(p.addrAdd[op])
			}
			s.line += uint32(p.lineAdd[op])
			rows[n] = s
			n++
			continue
		}
		switch op {
		case lnsCopy:
			rows[n] = s
			n++
		case lnsAdvancePC:
			v, next := uleb(b, pos)
			if next < 0 {
				err = p.truncated(pos)
				break loop
			}
			pos = next
			if vliw {
				p.advance(&s, v)
			} else {
				s.addr += v * t.minInst
			}
		case lnsAdvanceLine:
			v, next := sleb(b, pos)
			if next < 0 {
				err = p.truncated(pos)
				break loop
			}
			pos = next
			s.line += uint32(v)
		case lnsSetFile:
			v, next := uleb(b, pos)
			if next < 0 {
				err = p.truncated(pos)
				break loop
			}
			pos = next
			s.file = uint32(min(v, noFile))
		case lnsSetColumn:
			v, next := uleb(b, pos)
			if next < 0 {
				err = p.truncated(pos)
				break loop
			}
			pos = next
			s.col = uint32(min(v, 1<<32-1))
		case lnsNegateStmt, lnsSetBasicBlock, lnsSetPrologueEnd, lnsSetEpilogueBegin:
		case lnsConstAddPC:
			switch {
			case t.lineRange == 0:
				err = badFormat(secLine, t.programOff+uint64(pos-1), "DW_LNS_const_add_pc, but line_range is 0")
				break loop
			case vliw:
				p.advance(&s, uint64(255-base)/t.lineRange)
			default:
				s.addr += uint64(constAdd)
			}
		case lnsFixedAdvancePC:
			if pos+2 > len(b) {
				err = p.truncated(pos)
				break loop
			}
			s.addr += uint64(u16(b[pos:], t.big))
			pos += 2
			p.op = 0
		case 0:
			size, next := uleb(b, pos)
			if next < 0 || size > uint64(len(b)-next) {
				err = p.truncated(pos)
				break loop
			}
			pos = next + int(size)
			if size == 0 {
				continue
			}
			switch b[next] {
			case lneEndSequence:
				s.end = true
				rows[n] = s
				n++
				s, p.op = initialRow, 0
			case lneSetAddress:
				switch arg := b[next+1 : pos]; len(arg) {
				case 4:
					s.addr = uint64(u32(arg, t.big))
				case 8:
					s.addr = u64(arg, t.big)
				default:
					err = badFormat(secLine, t.programOff+uint64(next), "address of %d bytes", len(arg))
					break loop
				}
				p.op = 0
			case lneDefineFile:
				if e := p.define(next+1, pos); e != nil {
					err = e
					break loop
				}
			}
		default: // takes as many LEB128 as the header says
			for range t.lengths[op-1] {
				if pos = skipLEB(b, pos); pos < 0 {
					err = p.truncated(len(b))
					break loop
				}
			}
		}
	}
	p.pos, p.state = pos, s
	return n, err
}

// noFile is the number of no file.
const noFile = 1<<32 - 1

func (p *lineProgram) truncated(pos int) error {
	return badFormat(secLine, p.t.programOff+uint64(pos), "line program ends within an opcode")
}

// advance advances address and op_index where an instruction word holds
// several operations (section 6.2.5.1).
func (p *lineProgram) advance(s *row, n uint64) {
	t := p.t
	if t.maxOps <= 1 {
		s.addr += n * t.minInst
		return
	}
	s.addr += t.minInst * ((p.op + n) / t.maxOps)
	p.op = (p.op + n) % t.maxOps
}

// define adds the file of a DW_LNE_define_file whose operands are at [pos, end)
// of the program.
func (p *lineProgram) define(pos, end int) error {
	t := p.t
	b := buf{data: t.program[:end], pos: pos, big: t.big, sec: secLine, base: t.programOff}
	f, ok := t.file4(&b)
	if !ok {
		return b.err
	}
	// Positions of names are relative to the table, of which the header's
	// bytes and the program's are neighbours.
	f.name.val += t.programOff - t.off
	p.extra = append(p.extra, f)
	return nil
}
