package store

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"github.com/symfetch/symfetch/buildid"
)

// Key is the directory's name for an object: the GNU build ID in hexadecimal
// digits; "go-" and 40 digits of the SHA-256 of the Go build ID where there is
// only that; "sha256-" and 64 digits of the content's SHA-256 where there is
// neither. The prefixes hold letters that are no digits, so that none can be
// taken for a build ID.
type Key string

const (
	goPrefix      = "go-"
	goDigits      = 40
	contentPrefix = "sha256-"
)

// KeyOf returns the key of a GNU build ID, "" for none.
func KeyOf(id buildid.ID) Key { return Key(id.String()) }

// GoKey returns the key of an object that has only a Go build ID.
func GoKey(goID string) Key {
	sum := sha256.Sum256([]byte(goID))
	return Key(goPrefix + hex.EncodeToString(sum[:])[:goDigits])
}

// ContentKey returns the key of an object without any build ID; it reads all
// of r.
func ContentKey(r io.Reader) (Key, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return Key(contentPrefix + hex.EncodeToString(h.Sum(nil))), nil
}

func (k Key) isGo() bool      { return strings.HasPrefix(string(k), goPrefix) }
func (k Key) isContent() bool { return strings.HasPrefix(string(k), contentPrefix) }

// valid reports whether k is of one of the three forms, and so a single path
// element that leads nowhere else.
func (k Key) valid() bool {
	s, digits := string(k), 0
	switch {
	case k.isGo():
		s, digits = s[len(goPrefix):], goDigits
	case k.isContent():
		s, digits = s[len(contentPrefix):], 2*sha256.Size
	default:
		id, err := buildid.Parse(s)
		return err == nil && id.String() == s
	}
	return len(s) == digits && strings.Trim(s, "0123456789abcdef") == ""
}
