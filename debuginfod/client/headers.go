package client

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// maxHeaders is the size of the largest headers file, in bytes.
const maxHeaders = 64 << 10

// ours are the headers that a user cannot set: they steer the connection, or
// how an answer comes, which the client must know.
var ours = map[string]bool{
	"Accept-Encoding": true, "Connection": true, "Content-Length": true, "If-Modified-Since": true, "If-None-Match": true,
	"If-Range": true, "Range": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// readHeaders reads the lines "Name: value" of a file. Errors name the line and
// not what it says, which may be secret.
func readHeaders(path string) (http.Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxHeaders+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxHeaders {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxHeaders)
	}
	header := http.Header{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if !ok || !isToken(name) || strings.ContainsFunc(value, isControl) {
			return nil, fmt.Errorf("%s:%d: not a header of the form NAME: VALUE", path, i+1)
		}
		if !ours[http.CanonicalHeaderKey(name)] {
			header.Add(name, value)
		}
	}
	return header, nil
}

// isToken tells whether name can be the name of a header.
func isToken(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return name != ""
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
