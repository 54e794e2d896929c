package client

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestRedirects: to where they may lead, and where not.
func TestRedirects(t *testing.T) {
	target := good(t)
	path := "/buildid/" + testID.String() + "/executable"
	for _, test := range []struct {
		to string
		ok bool
	}{
		{target.URL + path, true},
		{"//" + strings.TrimPrefix(target.URL, "http://") + path, true},
		{"/again" + path, false}, // for ever
		{"file:///etc/passwd", false},
		{"file://localhost/etc/passwd", false},
		{"ftp://127.0.0.1/x", false},
		{"gopher://127.0.0.1/x", false},
		{"http:///x", false},
		{"data:,x", false},
		{"http://%zz", false},
		{"", false},
	} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if test.to != "" {
				w.Header().Set("Location", test.to)
			}
			w.WriteHeader(http.StatusFound)
		})
		c := newClient(t, nil, s.URL)
		if test.ok {
			fetch(t, c, Executable)
			continue
		}
		if err := refused(t, c); !errors.Is(err, ErrRedirect) {
			t.Errorf("to %q: error %v", test.to, err)
		}
		if n := len(s.requests()); n > maxRedirects+1 {
			t.Errorf("to %q: %d requests", test.to, n)
		}
	}
}

// TestDowngrade: from https there is no way back to http.
func TestDowngrade(t *testing.T) {
	u := func(text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	base := u("https://me:secret@a.example/x")
	if _, err := follow(base, u("http://a.example/y"), base); !errors.Is(err, ErrRedirect) {
		t.Errorf("error %v", err)
	}
	for to, want := range map[string]string{
		"https://a.example/y":          "https://me:secret@a.example/y",
		"https://A.EXAMPLE:443/y":      "https://me:secret@A.EXAMPLE:443/y",
		"https://b.example/y":          "https://b.example/y",
		"https://a.example:444/y":      "https://a.example:444/y",
		"https://sub.a.example/y":      "https://sub.a.example/y",
		"https://you:them@b.example/y": "https://b.example/y",
	} {
		got, err := follow(base, u(to), base)
		if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", to, got, err, want)
		}
	}
}

// TestSecrets: headers and passwords are the named server's, also after a
// redirect to another port and back.
func TestSecrets(t *testing.T) {
	var first *fake
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, first.URL+"/back", http.StatusTemporaryRedirect)
	})
	exe := executable(t)
	first = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			w.Write(exe)
			return
		}
		http.Redirect(w, r, other.URL+"/x", http.StatusFound)
	})
	withPassword := strings.Replace(first.URL, "http://", "http://me:secret@", 1)
	c := newClient(t, func(o *Options) { o.Header = http.Header{"x-token": {"secret"}, "Host": {"alias.example"}} }, withPassword)
	fetch(t, c, Executable)
	if len(first.asked) != 2 || len(other.asked) != 1 {
		t.Fatalf("%d and %d requests", len(first.asked), len(other.asked))
	}
	for _, r := range first.asked {
		if name, password, ok := r.BasicAuth(); !ok || name != "me" || password != "secret" || r.Header.Get("X-Token") != "secret" || r.Host != "alias.example" {
			t.Errorf("%s lacks what the user gave: %v %s", r.URL, r.Header, r.Host)
		}
	}
	for name, values := range other.asked[0].Header {
		if strings.Contains(strings.Join(values, " "), "secret") || name == "Authorization" || name == "Referer" {
			t.Errorf("the other host was told %s: %q", name, values)
		}
	}
	if strings.Contains(other.asked[0].Host, "alias") {
		t.Errorf("the other host was called %s", other.asked[0].Host)
	}
}

// TestNoPasswordInErrors: an error can be shown to anybody.
func TestNoPasswordInErrors(t *testing.T) {
	for _, code := range []int{404, 500} {
		s := status(t, code)
		c := newClient(t, func(o *Options) { o.Retries = -1 }, strings.Replace(s.URL, "http://", "http://me:secret@", 1))
		if _, err := c.Fetch(t.Context(), testID, Executable); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("error %v", err)
		}
	}
	for _, text := range []string{"ftp://me:secret@host", "http://me:secret@", "http://me:secret@host:port", "://secret", "secret"} {
		if _, err := New(Options{URLs: []string{text}, CacheDir: "x"}); err == nil || text != "secret" && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", text, err)
		}
	}
}
