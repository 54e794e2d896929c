package client

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/symfetch/symfetch/buildid"
)

// maxRedirects is how often an answer may send us elsewhere.
const maxRedirects = 5

// userAgent tells servers' operators whose requests these are.
const userAgent = "symfetch"

// query is a question: a file of one build ID, or a section of it.
type query struct {
	id      buildid.ID
	kind    Kind
	section string // "" for a whole file
}

// maxSection is the length in bytes of the longest name of a section that is
// asked for.
const maxSection = 200

// check tells whether the question makes sense and can be a file's name.
func (q query) check() error {
	switch {
	case q.id == "" || len(q.id) > buildid.MaxSize:
		return fmt.Errorf("debuginfod: no build ID: %w", fs.ErrInvalid)
	case q.section == "" && q.kind != Executable && q.kind != DebugInfo:
		return fmt.Errorf("debuginfod: kind %q: %w", q.kind, fs.ErrInvalid)
	case len(q.section) > maxSection || strings.ContainsFunc(q.section, func(r rune) bool { return isControl(r) || r == '/' || r == '\t' }):
		return fmt.Errorf("debuginfod: section %.200q: %w", q.section, fs.ErrInvalid)
	}
	return nil
}

// String is the question's name in messages.
func (q query) String() string {
	if q.section != "" {
		return "section " + q.section
	}
	return string(q.kind)
}

// file is the name of the answer in the cache.
func (q query) file() string {
	if q.section != "" {
		return "section-" + q.section
	}
	return string(q.kind)
}

// url is where the server at base has the answer.
func (q query) url(base *url.URL) *url.URL {
	u := *base
	path, raw := strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.EscapedPath(), "/")
	rest := "/buildid/" + q.id.String() + "/"
	if q.section == "" {
		u.Path, u.RawPath = path+rest+string(q.kind), raw+rest+string(q.kind)
		return &u
	}
	// Not JoinPath: it would resolve a section called "..".
	u.Path, u.RawPath = path+rest+"section/"+q.section, raw+rest+"section/"+url.PathEscape(q.section)
	return &u
}

// get asks s for q and follows redirects. The errors of this function are
// those of the way to the server, or wrap ErrRedirect.
func (c *Client) get(ctx context.Context, s *server, q query) (*http.Response, error) {
	u := q.url(s.base)
	for range maxRedirects + 1 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("User-Agent", userAgent)
		if isSameOrigin(u, s.base) {
			c.dress(req)
		}
		// Not by an http.Client, which has rules of its own for redirects.
		resp, err := c.transport.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		if !isRedirect(resp.StatusCode) {
			return resp, nil
		}
		resp.Body.Close()
		next, err := resp.Location()
		if err != nil {
			return nil, fmt.Errorf("%w: status %d without a usable location", ErrRedirect, resp.StatusCode)
		}
		if u, err = follow(u, next, s.base); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: more than %d", ErrRedirect, maxRedirects)
}

// dress adds what is meant for the server itself.
func (c *Client) dress(req *http.Request) {
	if user := req.URL.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	for name, values := range c.header {
		if name == "Host" {
			req.Host = values[0]
			continue
		}
		req.Header[name] = values
	}
	if c.maxSize > 0 {
		req.Header.Set("X-Debuginfod-Maxsize", strconv.FormatInt(c.maxSize, 10))
	}
}

// follow decides whether a redirect from u to next is followed, and how.
func follow(u, next, base *url.URL) (*url.URL, error) {
	switch {
	case next.Scheme != "http" && next.Scheme != "https":
		return nil, fmt.Errorf("%w: to the scheme %.20q", ErrRedirect, next.Scheme)
	case next.Host == "":
		return nil, fmt.Errorf("%w: to no host", ErrRedirect)
	case u.Scheme == "https" && next.Scheme == "http":
		return nil, fmt.Errorf("%w: from https to http", ErrRedirect)
	}
	to := *next
	to.User = nil // a server does not choose with whose name we ask another
	if isSameOrigin(&to, base) {
		to.User = base.User
	}
	return &to, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// isSameOrigin tells whether both are of one scheme, host and port.
func isSameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
