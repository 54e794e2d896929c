package jit

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// dumpWriter writes a jitdump file.
type dumpWriter struct {
	bytes.Buffer
	order binary.ByteOrder
}

func newDump(order binary.ByteOrder) *dumpWriter {
	w := &dumpWriter{order: order}
	w.put(uint32(dumpMagic), uint32(1), uint32(minDumpHead), uint32(62), uint32(0), uint32(1), uint64(0), uint64(0))
	return w
}

func (w *dumpWriter) put(values ...any) {
	for _, v := range values {
		if s, ok := v.(string); ok {
			w.WriteString(s)
			continue
		}
		binary.Write(w, w.order, v)
	}
}

func (w *dumpWriter) record(id uint32, body func(*dumpWriter)) {
	b := &dumpWriter{order: w.order}
	body(b)
	w.put(id, uint32(recordHead+b.Len()), uint64(0), b.String())
}

func (w *dumpWriter) load(addr uint64, name, code string) {
	w.record(codeLoad, func(b *dumpWriter) {
		b.put(uint32(1), uint32(1), addr, addr, uint64(len(code)), uint64(0), name+"\x00", code)
	})
}

func readDump(t *testing.T, w *dumpWriter) *Dump {
	t.Helper()
	d, err := ReadDump(bytes.NewReader(w.Bytes()), int64(w.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDump(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		w := newDump(order)
		w.load(0x1000, "old", "\x90\x90\xc3")
		w.record(codeDebugInfo, func(b *dumpWriter) {
			b.put(uint64(0x2000), uint64(3),
				uint64(0x2004), uint32(7), uint32(0), "b.js\x00",
				uint64(0x2000), uint32(5), uint32(0), "a.js\x00",
				uint64(0x2006), uint32(9), uint32(0), "\xff\x00")
		})
		w.load(0x2000, "lines", "12345678")
		w.load(0x1000, "new", "\x90\xc3")
		w.record(codeMove, func(b *dumpWriter) {
			b.put(uint32(1), uint32(1), uint64(0x2000), uint64(0x2000), uint64(0x3000), uint64(8), uint64(0))
		})
		w.record(99, func(b *dumpWriter) { b.put("of a later version") })
		w.put(uint32(codeLoad), uint32(500), "not whole yet")
		d := readDump(t, w)
		for _, test := range []struct {
			addr       uint64
			name, code string
			file       string
			line       int
		}{
			{0x1000, "new", "\x90\xc3", "", 0},
			{0x1002, "old", "\x90\x90\xc3", "", 0},
			{0x1003, "", "", "", 0},
			{0x2000, "lines", "12345678", "a.js", 5},
			{0x2005, "lines", "12345678", "b.js", 7},
			{0x2007, "lines", "12345678", "a.js", 9},
			{0x3007, "lines", "12345678", "", 0},
		} {
			c, ok := d.Lookup(test.addr)
			if ok != (test.name != "") || c.Name != test.name || string(c.Bytes) != test.code || c.File != test.file || c.Line != test.line {
				t.Errorf("%v %#x: %+v, %v, want %+v", order, test.addr, c, ok, test)
			}
		}
	}
}

func TestDumpHeader(t *testing.T) {
	for _, data := range []string{"", "DTiJ", string(make([]byte, minDumpHead))} {
		if _, err := ReadDump(bytes.NewReader([]byte(data)), int64(len(data))); err == nil {
			t.Errorf("%q is taken for a jitdump", data)
		}
	}
}

func FuzzDump(f *testing.F) {
	w := newDump(binary.LittleEndian)
	w.load(0x1000, "one", "\x90\xc3")
	w.load(0x1001, "two", "\x90\xc3\xc3")
	f.Add(w.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ReadDump(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		checkLayers(t, &d.layers)
		for _, p := range d.pieces {
			if c, ok := d.Lookup(p.start); !ok || uint64(len(c.Bytes)) != c.Size {
				t.Fatalf("%#x: %+v, %v", p.start, c, ok)
			}
		}
	})
}
