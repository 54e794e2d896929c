package main

import (
	"os"

	"golang.org/x/term"

	"github.com/symfetch/symfetch/resolver"
)

// screen is what the table must know of standard output: nothing where it is
// no terminal.
type screen struct {
	width int // in columns, 0 for no terminal
	color bool
}

// newScreen looks at f.
func newScreen(f *os.File) screen {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return screen{}
	}
	width, _, err := term.GetSize(fd)
	if err != nil || width <= 0 {
		width = 80
	}
	return screen{width: width, color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// The colours, used for what deserves a second look only.
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

// paint returns cell in the colour, padding left outside.
func (s screen) paint(color, cell string) string {
	if !s.color || color == "" {
		return cell
	}
	return color + cell + plain
}

// stateColor is red for what could not be read or is not what its file says,
// yellow where the path would lead to other bytes or to none.
func stateColor(s resolver.State) string {
	switch s {
	case resolver.StateUnreadable, resolver.StateModified:
		return red
	case resolver.StateReplaced, resolver.StateDeleted:
		return yellow
	}
	return ""
}

// verifiedColor warns of bytes that nothing proves.
func verifiedColor(v resolver.Verification) string {
	if v == resolver.VerifiedNone {
		return red
	}
	return ""
}
