package client

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/symfetch/symfetch/buildid"
)

// TestWrongFile: whole files that are not the one asked for.
func TestWrongFile(t *testing.T) {
	exe := executable(t)
	at := bytes.Index(exe, []byte(testID))
	wrong := bytes.Clone(exe)
	wrong[at]++
	none := bytes.Clone(exe)
	copy(none[at:], make([]byte, len(testID)))
	debug := contents(t, testProgram(t).debuginfo)
	for _, test := range []struct {
		name string
		body []byte
		want string
	}{
		{"another build", wrong, "the file is build ID 13345678"},
		{"no build ID", none, "the file has no build ID"},
		{"a debug file", debug, "a debug file, not the executable"},
		{"a page", []byte("<html>please log in</html>"), "not an ELF file"},
		{"nothing", nil, "an empty answer"},
		{"one byte", []byte("\x7f"), "not an ELF file"},
		{"the magic alone", []byte(elfMagic), "ELF header"},
		{"half of it", exe[:len(exe)/2], ""},
		{"all but the last byte", exe[:len(exe)-1], "malformed ELF"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(test.body) })
			err := refused(t, newClient(t, nil, s.URL))
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), s.URL) {
				t.Errorf("error %q, want %q", err, test.want)
			}
			// The next server's is taken.
			fetch(t, newClient(t, nil, s.URL, good(t).URL), Executable)
		})
	}
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(wrong) })
	e, ok := errors.AsType[*MismatchError](refused(t, newClient(t, nil, s.URL)))
	if want := buildid.ID(wrong[at : at+len(testID)]); !ok || e.Want != testID || e.Got != want {
		t.Errorf("error %#v", e)
	}
}

// TestEndless: a body without end stops at the size limit, told or not.
func TestEndless(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			write := w.Write
			if compressed {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				defer z.Close()
				write = z.Write
			}
			write([]byte(elfMagic))
			for zeros := make([]byte, 1<<20); r.Context().Err() == nil; {
				if _, err := write(zeros); err != nil {
					return
				}
			}
		})
		c := newClient(t, func(o *Options) { o.MaxSize, o.Timeout = 4<<20, 10*time.Second }, s.URL)
		if err := refused(t, c); !errors.Is(err, ErrTooLarge) {
			t.Errorf("compressed %v: error %v", compressed, err)
		}
	}
}

// TestTooLarge: a length above the limit is refused unread.
func TestTooLarge(t *testing.T) {
	s := good(t)
	c := newClient(t, func(o *Options) { o.MaxSize = 1000 }, s.URL)
	if err := refused(t, c); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if got := s.asked[0].Header.Get("X-Debuginfod-Maxsize"); got != "1000" {
		t.Errorf("the server was told %q", got)
	}
}

// TestDeadServer: each of these costs its time limit once, not once for each
// object, and the living one behind it serves.
func TestDeadServer(t *testing.T) {
	drip := func(header int) *fake {
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000000")
			w.Write([]byte(elfMagic))
			for r.Context().Err() == nil {
				w.Write(make([]byte, header))
				http.NewResponseController(w).Flush()
				time.Sleep(testTimeout / 20)
			}
		})
	}
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing.Close()
	raw := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go serve(c)
			}
		}()
		return "http://" + l.Addr().String()
	}
	for name, url := range map[string]string{
		"refuses":      "http://" + refusing.Addr().String(),
		"no such host": "http://debuginfod.invalid",
		"silent":       silent(t).URL,
		"drips":        drip(1).URL,
		"drips more":   drip(1000).URL,
		"drips headers": raw(func(c net.Conn) {
			defer c.Close()
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\n")
			for i := 0; ; i++ {
				if _, err := fmt.Fprintf(c, "X-%d: y\r\n", i); err != nil {
					return
				}
				time.Sleep(testTimeout / 20)
			}
		}),
		"hangs up late": raw(func(c net.Conn) {
			time.Sleep(testTimeout * 8 / 10)
			c.Close()
		}),
		"no HTTP": raw(func(c net.Conn) {
			fmt.Fprint(c, "220 mail.example ESMTP\r\n")
			c.Close()
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, nil, url)
			began := time.Now()
			first := refused(t, c)
			if took := time.Since(began); took > 8*testTimeout {
				t.Errorf("it costs %v", took)
			}
			if !strings.Contains(first.Error(), url) {
				t.Errorf("error %q", first)
			}
			began = time.Now()
			for range 100 {
				if err := refused(t, c); !strings.Contains(err.Error(), "not asked again") {
					t.Fatalf("error %q", err)
				}
			}
			if took := time.Since(began); took > 10*testTimeout {
				t.Errorf("100 more objects cost %v", took)
			}
			fetch(t, newClient(t, nil, url, good(t).URL), Executable)
		})
	}
}

// TestSlowButSteady: a server that keeps sending enough is not given up, though
// the whole takes longer than the time limit; but for MaxTime.
func TestSlowButSteady(t *testing.T) {
	exe := executable(t)
	big := append(bytes.Clone(exe), make([]byte, 12*enough)...)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(big)))
		for rest := big; len(rest) > 0; rest = rest[min(enough, len(rest)):] {
			w.Write(rest[:min(enough, len(rest))])
			http.NewResponseController(w).Flush()
			time.Sleep(testTimeout / 8)
		}
	})
	began := time.Now()
	if got := fetch(t, newClient(t, nil, s.URL), Executable); !bytes.Equal(got, big) {
		t.Errorf("%d bytes of %d", len(got), len(big))
	}
	if took := time.Since(began); took < testTimeout {
		t.Errorf("it took only %v: the test tests nothing", took)
	}
	c := newClient(t, func(o *Options) { o.MaxTime = testTimeout / 2 }, s.URL)
	if err := refused(t, c); !errors.Is(err, ErrTimeout) {
		t.Errorf("error %v", err)
	}
}

// TestTruncated: the body ends before its Content-Length; asked again, the
// server may do better.
func TestTruncated(t *testing.T) {
	exe := executable(t)
	for _, good := range []int{1, 1000} {
		n := 0
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(exe)))
			if n++; n > good {
				w.Write(exe)
				return
			}
			w.Write(exe[:len(exe)/2])
		})
		c := newClient(t, nil, s.URL)
		if good == 1 {
			if !bytes.Equal(fetch(t, c, Executable), exe) {
				t.Error("other bytes")
			}
			continue
		}
		err := refused(t, c)
		if e, ok := errors.AsType[*ServerError](err); !ok || !strings.Contains(err.Error(), "unexpected EOF") {
			t.Errorf("error %v, %v", err, e)
		}
		if got := len(s.requests()); got != 1+DefaultRetries {
			t.Errorf("%d requests", got)
		}
	}
}

// TestServerErrors: what may pass is asked again, the rest is not; nothing of it
// is remembered as "not found", nor is the server dead.
func TestServerErrors(t *testing.T) {
	for code, asked := range map[int]int{500: 3, 503: 3, 429: 3, 400: 1, 401: 1, 403: 1, 304: 1, 206: 1, 406: 1} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			s := status(t, code)
			c := newClient(t, func(o *Options) { o.Timeout = 10 * time.Second }, s.URL)
			for i := range 2 {
				err := refused(t, c)
				e, ok := errors.AsType[*ServerError](err)
				if !ok || e.Status != code || !strings.HasPrefix(e.URL, s.URL) || errors.Is(err, ErrNotFound) {
					t.Errorf("error %v", err)
				}
				if got := len(s.requests()); got != (i+1)*asked {
					t.Errorf("%d requests after %d questions, want %d each", got, i+1, asked)
				}
			}
		})
	}
}

// TestRetryAfter: a server that is busy is asked again when it wants.
func TestRetryAfter(t *testing.T) {
	exe, n := executable(t), 0
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Write(exe)
	})
	began := time.Now()
	fetch(t, newClient(t, nil, s.URL), Executable)
	if took := time.Since(began); took < time.Second {
		t.Errorf("asked again after %v", took)
	}
}

// TestGzip: an answer that was compressed on its way is the file itself.
func TestGzip(t *testing.T) {
	exe := executable(t)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(exe)
		z.Close()
	})
	if !bytes.Equal(fetch(t, newClient(t, nil, s.URL), Executable), exe) {
		t.Error("other bytes")
	}
	broken := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(exe)
	})
	refused(t, newClient(t, nil, broken.URL))
}
