package main

import (
	"slices"
	"testing"

	"github.com/symfetch/symfetch/resolver"
)

func TestSizeText(t *testing.T) {
	for _, test := range []struct {
		want string
		n    int64
	}{
		{"0B", 0}, {"1023B", 1023}, {"1.0K", 1024}, {"9.9K", 10137}, {"10K", 10 * 1024}, {"1023K", 1023 << 10},
		{"1.0M", 1<<20 - 1}, {"1.5M", 3 << 19}, {"34M", 34 << 20}, {"1.0G", 1 << 30}, {"8.0E", 1<<63 - 1},
	} {
		if got := sizeText(test.n); got != test.want {
			t.Errorf("sizeText(%d) = %s, want %s", test.n, got, test.want)
		}
	}
}

// TestReasonTexts: every reason of the contract has words.
func TestReasonTexts(t *testing.T) {
	for _, r := range []resolver.Reason{
		resolver.ReasonUnmapped, resolver.ReasonBadAddress, resolver.ReasonNoObject, resolver.ReasonNotELF,
		resolver.ReasonNotVerified, resolver.ReasonMismatch, resolver.ReasonNoSymbol, resolver.ReasonPermission,
		resolver.ReasonProcessGone, resolver.ReasonTimeout, resolver.ReasonCorrupt, resolver.ReasonDevice,
	} {
		if reasonText(r) == string(r) {
			t.Errorf("no words for %s", r)
		}
	}
}

func TestStateWords(t *testing.T) {
	for _, test := range []struct {
		state              resolver.State
		deleted, container bool
		words              []string
		cell               string
	}{
		{resolver.StateOK, false, false, nil, "ok"},
		{resolver.StateOK, false, true, []string{"container"}, "ok,container"},
		{resolver.StateDeleted, true, false, []string{"deleted"}, "deleted"},
		{resolver.StateReplaced, true, true, []string{"replaced", "container"}, "replaced,container"},
		{resolver.StateModified, true, false, []string{"modified", "deleted"}, "modified,deleted"},
		{resolver.StateMemfd, true, false, []string{"memfd"}, "memfd"},
		{resolver.StateVDSO, false, false, nil, "vdso"},
		{resolver.StateUnreadable, false, false, []string{"unreadable"}, "unreadable"},
	} {
		if got := stateWords(test.state, test.deleted, test.container); !slices.Equal(got, test.words) {
			t.Errorf("%s: words %q, want %q", test.state, got, test.words)
		}
		e := &resolver.Entry{State: test.state, Deleted: test.deleted, Container: test.container}
		if got := stateCell(e); got != test.cell {
			t.Errorf("%s: cell %q, want %q", test.state, got, test.cell)
		}
	}
}
