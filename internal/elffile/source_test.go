package elffile

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestSource reads one file through a mapping, through pread, as a part of
// another and from memory: all must answer alike.
func TestSource(t *testing.T) {
	path := compile(t, "object.c -shared -fPIC")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(data))
	padded := filepath.Join(t.TempDir(), "padded")
	if err := os.WriteFile(padded, append(append(make([]byte, 777), data...), "tail"...), 0o666); err != nil {
		t.Fatal(err)
	}
	pread := openSource(t, path)
	pread.(*fileSource).state = mapRefused
	for name, s := range map[string]Source{
		"mapped": openSource(t, path), "pread": pread, "part": Sub(openSource(t, padded), 777, size),
		"part of a part": Sub(Sub(openSource(t, padded), 700, size+77), 77, size),
	} {
		if s.Size() != size {
			t.Errorf("%s: size %d, want %d", name, s.Size(), size)
		}
		for _, r := range [][2]int64{{0, size}, {0, 0}, {size, 0}, {100, 50}, {size - 1, 1}} {
			if b, err := s.View(r[0], r[1]); err != nil || !bytes.Equal(b, data[r[0]:r[0]+r[1]]) || int64(cap(b)) > max(r[1], 16)+4096 {
				t.Errorf("%s: View(%d, %d): %d bytes, %v", name, r[0], r[1], len(b), err)
			}
		}
		for _, r := range [][2]int64{{0, size + 1}, {size, 1}, {size + 1, 0}, {-1, 2}, {1, -1}, {1 << 62, 1 << 62}, {1, 1<<63 - 1}} {
			if b, err := s.View(r[0], r[1]); !errors.Is(err, io.ErrUnexpectedEOF) || b != nil {
				t.Errorf("%s: View(%d, %d): %d bytes, %v", name, r[0], r[1], len(b), err)
			}
		}
		p := make([]byte, 10)
		if n, err := s.ReadAt(p, size-4); n != 4 || err != io.EOF {
			t.Errorf("%s: ReadAt over the end: %d, %v", name, n, err)
		}
		if n, err := s.ReadAt(p, size); n != 0 || err != io.EOF {
			t.Errorf("%s: ReadAt at the end: %d, %v", name, n, err)
		}
		if n, err := s.ReadAt(p[:4], size-4); n != 4 || err != nil && err != io.EOF || !bytes.Equal(p[:4], data[size-4:]) {
			t.Errorf("%s: ReadAt to the end: %d, %v", name, n, err)
		}
		if f, off := FileOf(s); f == nil || strings.HasPrefix(name, "part") != (off == 777) {
			t.Errorf("%s: FileOf = %v, %d", name, f, off)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if b, err := s.View(0, 10); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: View after Close: %d bytes, %v", name, len(b), err)
		}
		if err := s.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: second Close: %v", name, err)
		}
	}
	if f, _ := FileOf(BytesSource(nil)); f != nil {
		t.Error("a file behind memory")
	}
}

// TestSubBounds: a part never reaches out of its source.
func TestSubBounds(t *testing.T) {
	s := bytesSource([]byte("0123456789"))
	for _, c := range []struct {
		off, size int64
		want      string
	}{{2, 3, "234"}, {8, 100, "89"}, {20, 5, ""}, {-5, 3, "012"}, {3, -1, ""}, {1, 1<<63 - 1, "123456789"}} {
		sub := Sub(s, c.off, c.size)
		b, err := sub.View(0, sub.Size())
		if err != nil || string(b) != c.want {
			t.Errorf("Sub(%d, %d) = %q, %v, want %q", c.off, c.size, b, err, c.want)
		}
	}
}

// TestOpenSource: what is no regular file is refused, and the file is closed
// all the same; an empty one is no ELF.
func TestOpenSource(t *testing.T) {
	dir := t.TempDir()
	d, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := OpenSource(d); err == nil {
		t.Errorf("a directory is %v", s)
	}
	if err := d.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the directory was not closed: %v", err)
	}
	device, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	if s, err := OpenSource(device); err == nil {
		t.Errorf("a device is %v", s)
	}
	for content, want := range map[string]error{"": ErrNotELF, "\x7fEL": ErrNotELF, "#!/bin/sh\n": ErrNotELF, "\x7fELF": nil, "\x7fELF\x02\x01\x01": nil} {
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := Parse(openSource(t, path))
		if want != nil && !errors.Is(err, want) || want == nil && !errors.As(err, new(*FormatError)) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

// TestArchiveMember reads an ELF stored in a zip file at a page's start, as
// Android packages hold their libraries, and from a process that mapped it
// there.
func TestArchiveMember(t *testing.T) {
	lib := compile(t, "object.c -shared -fPIC")
	data, err := os.ReadFile(lib)
	if err != nil {
		t.Fatal(err)
	}
	path, off := storeInZip(t, data)
	whole := openSource(t, path)
	if _, err := Parse(whole); !errors.Is(err, ErrNotELF) {
		t.Errorf("the archive: %v", err)
	}
	f, err := Parse(Sub(openSource(t, path), off, whole.Size()-off))
	if err != nil {
		t.Fatal(err)
	}
	if f.Extent() != int64(len(data)) {
		t.Errorf("extent %d, want %d", f.Extent(), len(data))
	}
	member, err := Parse(Sub(openSource(t, path), off, f.Extent()))
	if err != nil {
		t.Fatal(err)
	}
	own := open(t, lib)
	want, err := own.Notes()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*File{f, member} {
		if n, err := f.Notes(); err != nil || n != want || n.GNU == "" {
			t.Errorf("notes %+v, %v, want %+v", n, err, want)
		}
		a, _, err := f.SectionData(".text")
		b, _, werr := own.SectionData(".text")
		if err != nil || werr != nil || !bytes.Equal(a, b) {
			t.Errorf(".text: %v, %v", err, werr)
		}
	}
	p := start(t, compile(t, "loader.c"), path, strconv.FormatInt(off, 10))
	checked := 0
	for _, r := range p.rows {
		if r.path != path {
			continue
		}
		m := r.mapped()
		m.Offset -= uint64(off)
		for addr := r.start; addr < r.end; addr += uint64(os.Getpagesize()) {
			checked++
			if v, err := member.Vaddr(addr-r.start+m.Offset, m); err != nil || v != addr-p.bias[path] {
				t.Errorf("addr %#x: vaddr %#x, %v, want %#x", addr, v, err, addr-p.bias[path])
			}
		}
		if r.off == uint64(off) {
			im, err := Image(memory(t, p.pid), r.start)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := im.Notes(); err != nil || n != want || im.Bias() != p.bias[path] {
				t.Errorf("image: %+v, bias %#x, %v", n, im.Bias(), err)
			}
		}
	}
	if checked < 5 {
		t.Errorf("only %d pages", checked)
	}
}

// storeInZip writes an archive that holds data uncompressed at the start of a
// page.
func storeInZip(t *testing.T, data []byte) (path string, off int64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "app.apk")
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "padding", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	// Local headers of 30 bytes and the name, data descriptors of 16.
	if _, err := w.Write(make([]byte, 2*page-30-len("padding")-16-30-len("lib.so"))); err != nil {
		t.Fatal(err)
	}
	if w, err = z.CreateHeader(&zip.FileHeader{Name: "lib.so", Method: zip.Store}); err == nil {
		_, err = w.Write(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if off = int64(bytes.Index(buf.Bytes(), data)); off != 2*page {
		t.Fatalf("the member begins at %#x", off)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path, off
}

// TestConcurrentUse lets many goroutines use one file's lazy parts at once; it
// is for the race detector.
func TestConcurrentUse(t *testing.T) {
	f := open(t, compile(t, "object.c -shared -fPIC"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := f.Sections(); err != nil {
				t.Error(err)
			}
			if _, err := f.Symtab(); err != nil {
				t.Error(err)
			}
			if _, err := f.Notes(); err != nil {
				t.Error(err)
			}
			if _, err := f.ReadVaddr(f.Progs()[1].Vaddr, 1); err != nil && !errors.Is(err, ErrNotLoaded) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
