package elffile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"math"
	"testing"
)

// TestMalformedHeaders edits one field of a good file at a time.
func TestMalformedHeaders(t *testing.T) {
	le := binary.LittleEndian
	good := generated{is64: true, order: le, base: 0x10000}.build(t)
	load := 64 // the first program header
	for name, c := range map[string]struct {
		edit func(b []byte)
		ok   bool
	}{
		"untouched":                    {func([]byte) {}, true},
		"class 0":                      {func(b []byte) { b[elf.EI_CLASS] = 0 }, false},
		"class 3":                      {func(b []byte) { b[elf.EI_CLASS] = 3 }, false},
		"byte order 0":                 {func(b []byte) { b[elf.EI_DATA] = 0 }, false},
		"byte order 3":                 {func(b []byte) { b[elf.EI_DATA] = 3 }, false},
		"program headers of 55 bytes":  {func(b []byte) { le.PutUint16(b[54:], 55) }, false},
		"65,535 program headers":       {func(b []byte) { le.PutUint16(b[56:], 0xffff) }, false},
		"1,170 program headers":        {func(b []byte) { le.PutUint16(b[56:], 1170) }, false}, // more than the file
		"no program headers":           {func(b []byte) { le.PutUint16(b[56:], 0) }, true},
		"program headers nowhere":      {func(b []byte) { le.PutUint64(b[32:], 0) }, true},
		"program headers at the end":   {func(b []byte) { le.PutUint64(b[32:], uint64(len(b))) }, false},
		"program headers at 2^64-1":    {func(b []byte) { le.PutUint64(b[32:], math.MaxUint64) }, false},
		"program headers at 2^63":      {func(b []byte) { le.PutUint64(b[32:], 1<<63) }, false},
		"segment's file range wraps":   {func(b []byte) { le.PutUint64(b[load+8:], math.MaxUint64) }, false},
		"segment ends above 2^63":      {func(b []byte) { le.PutUint64(b[load+32:], 1<<63) }, false},
		"segment's vaddr range wraps":  {func(b []byte) { le.PutUint64(b[load+16:], math.MaxUint64) }, false},
		"segment's memsz wraps":        {func(b []byte) { le.PutUint64(b[load+40:], math.MaxUint64) }, false},
		"segment longer than the file": {func(b []byte) { le.PutUint64(b[load+32:], 1<<40) }, true}, // truncated: its bytes are missing, no more
	} {
		b := bytes.Clone(good)
		c.edit(b)
		f, err := Parse(BytesSource(b))
		if c.ok != (err == nil) || err != nil && !errors.As(err, new(*FormatError)) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			walk(t, f)
		}
	}
	for n := range 64 + 5*56 { // every way to cut it
		if _, err := Parse(BytesSource(good[:n])); err == nil {
			t.Errorf("the first %d bytes are accepted", n)
		}
	}
}

// TestMalformedSections edits one field of the section headers at a time. The
// segments must stay usable.
func TestMalformedSections(t *testing.T) {
	le := binary.LittleEndian
	good := generated{is64: true, order: le, base: 0x10000}.build(t)
	shoff := int(le.Uint64(good[40:]))
	for name, c := range map[string]struct {
		edit func(b []byte)
		err  error // nil: a *FormatError
	}{
		"section headers of 63 bytes":   {func(b []byte) { le.PutUint16(b[58:], 63) }, nil},
		"more than the file":            {func(b []byte) { le.PutUint16(b[60:], 500) }, nil},
		"at the end":                    {func(b []byte) { le.PutUint64(b[40:], uint64(len(b))) }, nil},
		"at 2^64-1":                     {func(b []byte) { le.PutUint64(b[40:], math.MaxUint64) }, nil},
		"at 2^64-1, counted in the 0th": {func(b []byte) { le.PutUint64(b[40:], math.MaxUint64); le.PutUint16(b[60:], 0) }, nil},
		"none":                          {func(b []byte) { le.PutUint64(b[40:], 0) }, ErrNoSection},
		"0, and none in the 0th":        {func(b []byte) { le.PutUint16(b[60:], 0) }, ErrNoSection},
		"0, and 2^40 in the 0th":        {func(b []byte) { le.PutUint16(b[60:], 0); le.PutUint64(b[shoff+32:], 1<<40) }, ErrTooLarge},
		"names in no section":           {func(b []byte) { le.PutUint16(b[62:], 200) }, nil},
		"names in the 0th's link":       {func(b []byte) { le.PutUint16(b[62:], 0xffff); le.PutUint32(b[shoff+40:], 1<<31) }, nil},
		"names behind the end":          {func(b []byte) { le.PutUint64(b[len(b)-64+24:], uint64(len(b))) }, nil},
		"names of 1 GiB":                {func(b []byte) { le.PutUint64(b[len(b)-64+32:], 1<<30) }, ErrTooLarge},
		"names without bytes":           {func(b []byte) { le.PutUint32(b[len(b)-64+4:], uint32(elf.SHT_NOBITS)) }, ErrNoData},
	} {
		b := bytes.Clone(good)
		c.edit(b)
		f, err := Parse(BytesSource(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err = f.Sections()
		if c.err != nil && !errors.Is(err, c.err) || c.err == nil && !errors.As(err, new(*FormatError)) {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := f.SectionData(".dynsym"); err == nil {
			t.Errorf("%s: .dynsym is read", name)
		}
		if n, err := f.Notes(); err != nil || n.GNU == "" {
			t.Errorf("%s: notes %+v, %v", name, n, err)
		}
		if s, err := f.Dynsym(); err != nil || len(s.Data) == 0 {
			t.Errorf("%s: dynsym: %v", name, err)
		}
		walk(t, f)
	}
}

// TestManySections: from 0xff00 sections on their number and the index of their
// names are in the 0th header.
func TestManySections(t *testing.T) {
	const n = 70_000
	order := binary.LittleEndian
	b := sectionFile(order, ".debug_info", 0, []byte("12345678"))
	shoff := order.Uint64(b[40:])
	tail := bytes.Clone(b[shoff:])
	order.PutUint64(tail[32:], n)
	order.PutUint32(tail[40:], n-1)
	names := bytes.Clone(tail[2*64:])
	b = append(b[:shoff], tail[:2*64]...)
	b = append(b, make([]byte, 64*(n-3))...)
	b = append(b, names...)
	order.PutUint16(b[60:], 0)
	order.PutUint16(b[62:], 0xffff)
	f, err := Parse(BytesSource(b))
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.Sections()
	if err != nil || len(all) != n || all[n-1].Name != ".shstrtab" {
		t.Fatalf("%d sections, %v", len(all), err)
	}
	if data, _, err := f.SectionData(".debug_info"); err != nil || string(data) != "12345678" {
		t.Errorf("%q, %v", data, err)
	}
	theirs, err := elf.NewFile(bytes.NewReader(b))
	if err != nil || len(theirs.Sections) != n {
		t.Fatalf("debug/elf: %v", err)
	}
	if f.Extent() != int64(len(b)) {
		t.Errorf("extent %d of %d", f.Extent(), len(b))
	}
}

// TestExtentOfHostile: never negative, whatever the headers say.
func TestExtentOfHostile(t *testing.T) {
	le := binary.LittleEndian
	for name, edit := range map[string]func(b []byte){
		"section headers far away": func(b []byte) { le.PutUint64(b[40:], math.MaxUint64-10) },
		"program headers far away": func(b []byte) { le.PutUint64(b[32:], math.MaxUint64-10); le.PutUint16(b[56:], 0) },
		"a section's end":          func(b []byte) { le.PutUint64(b[len(b)-2*64+32:], math.MaxUint64-10) },
	} {
		b := generated{is64: true, order: le, base: 0x10000}.build(t)
		edit(b)
		f, err := Parse(BytesSource(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e := f.Extent(); e < int64(f.hdr.size()) {
			t.Errorf("%s: extent %d", name, e)
		}
	}
}
