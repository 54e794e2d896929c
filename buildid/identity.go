package buildid

import "crypto/sha256"

// minUnique is the length in bytes of the shortest GNU build ID that is taken
// as proof: linkers make 8 (lld's fast), 16 or 20 bytes and more. Anything
// shorter was typed by hand, as --build-id=0xc0de.
const minUnique = 8

// Unique returns those of the build IDs that can identify one build, "" for
// those that cannot; both are worth printing all the same. Not unique are GNU
// build IDs of fewer than 8 bytes, a Go build ID that the go command did not
// make ([IdentifiesGo]), and a GNU build ID that cmd/link derived from such a
// one: from go1.24 on it hashes the Go build ID's text by default, so that all
// programs built with -buildid=redacted have the same GNU build ID.
func (n Notes) Unique() (gnu ID, goID string) {
	if IdentifiesGo(n.Go) {
		goID = n.Go
	}
	if len(n.GNU) < minUnique || n.Go != "" && goID == "" && isDerived(n.GNU, n.Go) {
		return "", goID
	}
	return n.GNU, goID
}

// isDerived tells whether gnu is what cmd/link -B gobuildid makes from a Go
// build ID's text: the first 20 bytes of its SHA-256, of which the first is
// inverted (cmd/internal/hash, from go1.24 on) or every one (notsha256, before).
func isDerived(gnu ID, goID string) bool {
	sum := sha256.Sum256([]byte(goID))
	sum[0] ^= 0xff
	if gnu == ID(sum[:20]) {
		return true
	}
	for i := range sum[1:] {
		sum[i+1] ^= 0xff
	}
	return gnu == ID(sum[:20])
}
