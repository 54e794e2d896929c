package elffile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// debugSections are compressed by every tool below.
var debugSections = []string{".debug_info", ".debug_abbrev", ".debug_line", ".debug_str"}

// TestCompressedSections compares the inflated sections of what real tools
// compressed with the sections of the uncompressed original.
func TestCompressedSections(t *testing.T) {
	for _, m := range []string{"", "-m32 "} {
		plain := compile(t, "child.c object.c -g3 -ldl "+m)
		original := open(t, plain)
		for _, cmd := range []string{
			"objcopy --compress-debug-sections=zlib-gabi IN OUT",
			"objcopy --compress-debug-sections=zlib-gnu IN OUT",
			"objcopy --compress-debug-sections=zstd IN OUT",
			"llvm-objcopy --compress-debug-sections=zlib IN OUT",
			"eu-elfcompress -q -f -t zlib -o OUT IN",
			"eu-elfcompress -q -f -t gnu -o OUT IN",
		} {
			t.Run(m+cmd, func(t *testing.T) {
				words := strings.Fields(cmd)
				needTools(t, words[0])
				path := once(t, m+cmd, func(out string) {
					for i, w := range words {
						words[i] = strings.NewReplacer("IN", plain, "OUT", out).Replace(w)
					}
					run(t, nil, words[0], words[1:]...)
				})
				f := open(t, path)
				for _, name := range debugSections {
					want, _, err := original.SectionData(name)
					if err != nil {
						t.Fatal(err)
					}
					got, vaddr, err := f.SectionData(name)
					if err != nil || vaddr != 0 || !bytes.Equal(got, want) {
						t.Errorf("%s: %d bytes, %v, want %d", name, len(got), err, len(want))
					}
				}
				if n := compressed(t, f); n < 3 {
					t.Errorf("only %d sections are compressed", n)
				}
			})
		}
	}
}

// compressed counts the compressed sections.
func compressed(t *testing.T, f *File) (n int) {
	t.Helper()
	all, err := f.Sections()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Flags&elf.SHF_COMPRESSED != 0 || strings.HasPrefix(s.Name, ".zdebug_") {
			n++
		}
	}
	return n
}

// TestCompressedByLinkers: gcc's and the linkers' own options.
func TestCompressedByLinkers(t *testing.T) {
	original := open(t, compile(t, "object.c -shared -fPIC -g3 -fuse-ld=bfd"))
	want, _, err := original.SectionData(".debug_macro")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []linking{
		{"bfd", "-fuse-ld=bfd -gz=zlib", "ld.bfd"}, {"gold", "-fuse-ld=gold -gz=zlib", "ld.gold"}, {"mold", "-fuse-ld=mold -Wl,--compress-debug-sections=zlib", "mold"},
		{"mold zstd", "-fuse-ld=mold -Wl,--compress-debug-sections=zstd", "mold"}, {"lld", "-fuse-ld=lld -gz=zlib", "ld.lld"}, {"bfd gnu", "-fuse-ld=bfd -gz=zlib-gnu", "ld.bfd"},
	} {
		t.Run(l.name, func(t *testing.T) {
			needTools(t, l.tool)
			f := open(t, compile(t, "object.c -shared -fPIC -g3 "+l.args))
			if got, _, err := f.SectionData(".debug_macro"); err != nil || len(got) != len(want) {
				t.Errorf("%d bytes, %v, want %d", len(got), err, len(want))
			}
			if compressed(t, f) == 0 {
				t.Errorf("nothing is compressed")
			}
		})
	}
}

// oneSection builds a minimal ELF of one debug section with these bytes.
func oneSection(t testing.TB, order binary.ByteOrder, name string, flags elf.SectionFlag, data []byte) *File {
	t.Helper()
	f, err := Parse(BytesSource(sectionFile(order, name, flags, data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// sectionFile is a 64-bit ELF of the named section and its table of names.
func sectionFile(order binary.ByteOrder, name string, flags elf.SectionFlag, data []byte) []byte {
	names := "\x00" + name + "\x00.shstrtab\x00"
	h := elf.Header64{Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_X86_64), Version: 1, Ehsize: 64, Shentsize: 64, Shnum: 3, Shstrndx: 2}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	if order == binary.ByteOrder(binary.BigEndian) {
		h.Ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	h.Shoff = 64 + uint64(len(data)) + uint64(len(names))
	b, _ := binary.Append(nil, order, h)
	b = append(append(b, data...), names...)
	b, _ = binary.Append(b, order, []elf.Section64{
		{},
		{Name: 1, Type: uint32(elf.SHT_PROGBITS), Flags: uint64(flags), Off: 64, Size: uint64(len(data))},
		{Name: uint32(len(name)) + 2, Type: uint32(elf.SHT_STRTAB), Off: 64 + uint64(len(data)), Size: uint64(len(names))},
	})
	return b
}

// chdr builds a compression header before a stream.
func chdr(order binary.ByteOrder, typ elf.CompressionType, size uint64, stream []byte) []byte {
	b, _ := binary.Append(nil, order, elf.Chdr64{Type: uint32(typ), Size: size, Addralign: 1})
	return append(b, stream...)
}

func zlibOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstdOf(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

// TestHostileCompression: sizes that are claimed and not kept, streams that are
// broken; and never much memory for a claim.
func TestHostileCompression(t *testing.T) {
	text := bytes.Repeat([]byte("some text that repeats "), 100_000) // more than one step of allocation
	z, s := zlibOf(t, text), zstdOf(t, text)
	n := uint64(len(text))
	zeros := zstdOf(t, make([]byte, 256<<20))
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for name, c := range map[string]struct {
			data []byte
			err  error // nil: a *FormatError
			ok   bool
		}{
			"zlib":                     {chdr(order, elf.COMPRESS_ZLIB, n, z), nil, true},
			"zstd":                     {chdr(order, elf.COMPRESS_ZSTD, n, s), nil, true},
			"zstd in two frames":       {chdr(order, elf.COMPRESS_ZSTD, n, append(zstdOf(t, text[:1000]), zstdOf(t, text[1000:])...)), nil, true},
			"zlib, claims less":        {chdr(order, elf.COMPRESS_ZLIB, n-1, z), nil, false},
			"zlib, claims more":        {chdr(order, elf.COMPRESS_ZLIB, n+1, z), nil, false},
			"zstd, claims less":        {chdr(order, elf.COMPRESS_ZSTD, n-1, s), nil, false},
			"zstd, claims more":        {chdr(order, elf.COMPRESS_ZSTD, n+1, s), nil, false},
			"zlib, cut":                {chdr(order, elf.COMPRESS_ZLIB, n, z[:len(z)-5]), nil, false},
			"zstd, cut":                {chdr(order, elf.COMPRESS_ZSTD, n, s[:len(s)-5]), nil, false},
			"zlib, no stream":          {chdr(order, elf.COMPRESS_ZLIB, n, nil), nil, false},
			"zlib, claims 1 GiB":       {chdr(order, elf.COMPRESS_ZLIB, 1<<30, z), nil, false},
			"zlib, impossible ratio":   {chdr(order, elf.COMPRESS_ZLIB, 1033*uint64(len(z)), z), nil, false},
			"zstd, claims 1 GiB":       {chdr(order, elf.COMPRESS_ZSTD, 1<<30, s), nil, false},
			"zstd bomb, claims little": {chdr(order, elf.COMPRESS_ZSTD, 100, zeros), nil, false},
			"claims more than the cap": {chdr(order, elf.COMPRESS_ZSTD, MaxInflated+1, s), ErrTooLarge, false},
			"claims 2^64-1":            {chdr(order, elf.COMPRESS_ZLIB, 1<<64-1, z), ErrTooLarge, false},
			"unknown":                  {chdr(order, 77, n, z), nil, false},
			"zstd, window of 128 MiB":  {chdr(order, elf.COMPRESS_ZSTD, 1<<30, []byte("\x28\xb5\x2f\xfd\x00\x88\x08\x00\x00a\x01\x00\x00")), nil, false},
			"zstd, window of 1 TiB":    {chdr(order, elf.COMPRESS_ZSTD, 1<<30, []byte("\x28\xb5\x2f\xfd\x00\xf0\x08\x00\x00a\x01\x00\x00")), nil, false},
			"empty zlib":               {chdr(order, elf.COMPRESS_ZLIB, 0, zlibOf(t, nil)), nil, true},
			"no header":                {make([]byte, 23), nil, false},
			"zlib header broken":       {chdr(order, elf.COMPRESS_ZLIB, n, append([]byte{0, 0}, z[2:]...)), nil, false},
		} {
			f := oneSection(t, order, ".debug_info", elf.SHF_COMPRESSED, c.data)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			got, _, err := f.SectionData(".debug_info")
			runtime.ReadMemStats(&after)
			switch {
			case c.ok && (err != nil || len(got) != 0 && !bytes.Equal(got, text)):
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			case !c.ok && c.err == nil && !errors.As(err, new(*FormatError)), !c.ok && !errors.Is(err, c.err) && c.err != nil:
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 40<<20 {
				t.Errorf("%s: %d bytes were allocated", name, used)
			}
		}
	}
}

// TestZdebug: the old form, and its name asked for in the new way.
func TestZdebug(t *testing.T) {
	text := bytes.Repeat([]byte("text "), 1000)
	head := append([]byte("ZLIB"), binary.BigEndian.AppendUint64(nil, uint64(len(text)))...)
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		f := oneSection(t, order, ".zdebug_info", 0, append(head, zlibOf(t, text)...))
		if got, _, err := f.SectionData(".debug_info"); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if _, _, err := f.SectionData(".debug_line"); !errors.Is(err, ErrNoSection) {
			t.Errorf(".debug_line: %v", err)
		}
		if got, _, err := oneSection(t, order, ".zdebug_info", 0, []byte("plain bytes, long enough")).SectionData(".debug_info"); err != nil || string(got) != "plain bytes, long enough" {
			t.Errorf("without magic: %q, %v", got, err)
		}
		if got, _, err := oneSection(t, order, ".zdebug_info", 0, []byte("ZLIB")).SectionData(".debug_info"); err != nil || string(got) != "ZLIB" {
			t.Errorf("too short: %q, %v", got, err)
		}
	}
}

// failing fails to read behind an offset.
type failing struct {
	Source
	from int64
}

func (s failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > s.from {
		return 0, os.ErrDeadlineExceeded
	}
	return s.Source.ReadAt(p, off)
}

// TestInflateReadError: a file that cannot be read is no malformed one.
func TestInflateReadError(t *testing.T) {
	text := make([]byte, 1<<20)
	for i := range text {
		text[i] = byte(i * i >> 7)
	}
	for _, typ := range []elf.CompressionType{elf.COMPRESS_ZLIB, elf.COMPRESS_ZSTD} {
		stream := zlibOf(t, text)
		if typ == elf.COMPRESS_ZSTD {
			stream = zstdOf(t, text)
		}
		f := oneSection(t, binary.LittleEndian, ".debug_info", elf.SHF_COMPRESSED, chdr(binary.LittleEndian, typ, uint64(len(text)), stream))
		if _, err := f.Sections(); err != nil {
			t.Fatal(err)
		}
		f.src = failing{f.src, 64 + 24 + 10}
		if _, _, err := f.SectionData(".debug_info"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v: %v", typ, err)
		}
	}
}

// FuzzInflate inflates hostile streams: no panic, and what comes has the size
// that was claimed.
func FuzzInflate(f *testing.F) {
	text := bytes.Repeat([]byte("abcdefgh"), 50)
	for _, big := range []bool{false, true} {
		f.Add(zlibOf(f, text), uint64(len(text)), uint32(elf.COMPRESS_ZLIB), big)
		f.Add(zstdOf(f, text), uint64(len(text)), uint32(elf.COMPRESS_ZSTD), big)
		f.Add(zstdOf(f, make([]byte, 1<<20)), uint64(1<<20), uint32(elf.COMPRESS_ZSTD), big)
		f.Add(zlibOf(f, nil), uint64(0), uint32(elf.COMPRESS_ZLIB), big)
	}
	f.Fuzz(func(t *testing.T, stream []byte, size uint64, typ uint32, big bool) {
		order := binary.ByteOrder(binary.LittleEndian)
		if big {
			order = binary.BigEndian
		}
		file := oneSection(t, order, ".debug_info", elf.SHF_COMPRESSED, chdr(order, elf.CompressionType(typ), size, stream))
		if data, _, err := file.SectionData(".debug_info"); err == nil && uint64(len(data)) != size {
			t.Errorf("%d bytes, claimed %d", len(data), size)
		}
		old := append(binary.BigEndian.AppendUint64([]byte("ZLIB"), size), stream...)
		file = oneSection(t, order, ".zdebug_info", 0, old)
		if data, _, err := file.SectionData(".debug_info"); err == nil && uint64(len(data)) != size {
			t.Errorf("%d bytes, claimed %d", len(data), size)
		}
	})
}
