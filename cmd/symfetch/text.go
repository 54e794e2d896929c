package main

import (
	"fmt"
	"strings"

	"github.com/symfetch/symfetch/resolver"
)

// reasonTexts are the contract's reasons in words for people.
var reasonTexts = map[resolver.Reason]string{
	resolver.ReasonUnmapped:    "not mapped",
	resolver.ReasonBadAddress:  "not a hexadecimal address",
	resolver.ReasonNoObject:    "no object is mapped there",
	resolver.ReasonNotELF:      "not an ELF object",
	resolver.ReasonNotVerified: "nothing proves the bytes that were found",
	resolver.ReasonMismatch:    "only other files than the mapped one were found",
	resolver.ReasonNoSymbol:    "no symbol",
	resolver.ReasonPermission:  "permission denied",
	resolver.ReasonProcessGone: "the process ended",
	resolver.ReasonTimeout:     "its file system did not answer in time",
	resolver.ReasonCorrupt:     "the object is damaged",
	resolver.ReasonDevice:      "a device",
}

// reasonText says in words why there is no answer.
func reasonText(r resolver.Reason) string {
	if text, ok := reasonTexts[r]; ok {
		return text
	}
	return string(r)
}

// verifiedText says in words by what an object's bytes were proved.
func verifiedText(v resolver.Verification) string {
	switch v {
	case resolver.VerifiedBuildID:
		return "build ID verified"
	case resolver.VerifiedGoBuildID:
		return "Go build ID verified"
	case resolver.VerifiedContent:
		return "content verified"
	case resolver.VerifiedMemory:
		return "the process's own memory"
	case resolver.VerifiedDevInode:
		return "device and inode verified"
	}
	return "not verified"
}

// stateWords are what an answer says of an object's state: nothing of one
// that is as it should be, or whose name says it already.
func stateWords(state resolver.State, deleted, container bool) []string {
	var words []string
	if state != "" && state != resolver.StateOK && state != resolver.StateVDSO {
		words = append(words, string(state))
	}
	switch state {
	case resolver.StateDeleted, resolver.StateReplaced, resolver.StateMemfd: // implied
	default:
		if deleted {
			words = append(words, "deleted")
		}
	}
	if container {
		words = append(words, "container")
	}
	return words
}

// stateCell is the table's word for an object's state, with the flags that it
// does not imply.
func stateCell(e *resolver.Entry) string {
	words := stateWords(e.State, e.Deleted, e.Container)
	if len(words) == 0 || words[0] != string(e.State) {
		words = append([]string{string(e.State)}, words...)
	}
	return strings.Join(words, ",")
}

// sizeText is a size as people read it: 999B, 1.2K, 34M.
func sizeText(n int64) string {
	const units = "BKMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	v, u := float64(n), 0
	for v >= 1023.5 && u < len(units)-1 {
		v /= 1024
		u++
	}
	if v < 9.95 {
		return fmt.Sprintf("%.1f%c", v, units[u])
	}
	return fmt.Sprintf("%.0f%c", v, units[u])
}

// plural returns "1 object" or "2 objects".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
