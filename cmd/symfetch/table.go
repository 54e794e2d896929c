package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/symfetch/symfetch/resolver"
)

// objects answers `symfetch PID` and `symfetch -p PID,PID`: the objects of
// each process, as tables or as lines of JSON.
func (a *app) objects(ctx context.Context, pids []int) error {
	res := a.newResolver()
	defer res.Close()
	if !a.opts.json {
		a.screen = newScreen(os.Stdout)
	}
	for i, pid := range pids {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i > 0 && !a.opts.json {
			fmt.Fprintln(a.out)
		}
		if err := a.objectsOf(ctx, res, pid); err != nil {
			a.fail(err)
		}
	}
	return nil
}

func (a *app) objectsOf(ctx context.Context, res *resolver.Resolver, pid int) error {
	p, err := a.open(ctx, res, pid)
	if err != nil {
		return err
	}
	defer p.Close()
	t := table{screen: a.screen, explain: a.opts.explain}
	for e, err := range p.Objects(ctx) {
		if err != nil {
			a.writeTable(&t, p)
			return err
		}
		a.status.note(exitOfEntry(e))
		if a.opts.json {
			a.out.Write(a.objectJSON(p.PID(), e))
		} else {
			t.add(e)
		}
		e.Close()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	a.writeTable(&t, p)
	if p.KernelThread() {
		a.warn("process %d is a kernel thread: it maps nothing", pid)
	}
	a.hints(p)
	return nil
}

// exitOfEntry returns the status that a row earns. A file that is mapped and
// is no ELF object was no question.
func exitOfEntry(e *resolver.Entry) int {
	switch r := resolver.ReasonOf(e.Err); r {
	case resolver.ReasonNotELF, resolver.ReasonDevice:
		return exitOK
	default:
		return exitOfReason(r)
	}
}

func (a *app) writeTable(t *table, p *resolver.Process) {
	if !a.opts.json {
		a.out.Write(t.render(fmt.Sprintf("%d %s", p.PID(), show(p.Comm()))))
	}
}

// hints says on standard error what would have let the run do better, once.
func (a *app) hints(p *resolver.Process) {
	for _, h := range p.Hints() {
		if !slices.Contains(a.hinted, h) {
			a.hinted = append(a.hinted, h)
			a.warn("%s is missing: %s", h.Missing, h.Effect)
		}
	}
}

// The columns of a table; the path comes last, as it may be of any width.
const (
	colID = iota
	colState
	colSource
	colVerified
	colSymbols
	colSize
	colPath
	columns
)

var columnNames = [columns]string{"BUILD ID", "STATE", "SOURCE", "VERIFIED", "SYMBOLS", "SIZE", "PATH"}

// row is one object. Its cells are safe to print.
type row struct {
	cells  [columns]string
	colors [columns]string
	notes  []string // lines below the row
}

// table collects the rows of one process, as its columns are as wide as their
// widest cell.
type table struct {
	screen  screen
	explain bool
	rows    []row
	states  map[resolver.State]int
	proved  int
	bytes   int64
}

// add takes over what the table shows of e.
func (t *table) add(e *resolver.Entry) {
	r := row{cells: [columns]string{
		colID: dash(e.BuildID.String()), colState: stateCell(e), colSource: dash(string(e.Source)),
		colVerified: dash(string(e.Verified)), colSymbols: "-", colSize: "-", colPath: show(e.Path),
	}}
	r.colors[colState] = stateColor(e.State)
	if e.Object != nil {
		r.cells[colSymbols] = dash(strings.Join(symbolsCell(e.Object), ","))
		r.cells[colSize] = sizeText(e.Object.Size())
		r.colors[colVerified] = verifiedColor(e.Verified)
		t.bytes += e.Object.Size()
	}
	if e.Err != nil {
		reason := resolver.ReasonOf(e.Err)
		r.notes = append(r.notes, fmt.Sprintf("%s: %s", reason, reasonText(reason)))
	} else if e.Verified != resolver.VerifiedNone {
		t.proved++
	}
	if t.explain {
		r.notes = append(r.notes, attemptNotes(e)...)
	}
	if t.states == nil {
		t.states = make(map[resolver.State]int)
	}
	t.states[e.State]++
	t.rows = append(t.rows, r)
}

// symbolTables lists the tables that can name the object's addresses; none
// where its file system does not answer.
func symbolTables(o *resolver.Object) []string {
	tables, _ := watched(context.Background(), func(func()) ([]string, error) { return o.SymbolTables(), nil })
	return tables
}

// symbolsCell is the table's cell: the object's own tables, and where the file
// that completes them was found.
func symbolsCell(o *resolver.Object) []string {
	words := symbolTables(o)
	if d, ok := o.Debug(); ok {
		words = append(words, fmt.Sprintf("debug(%s)", d.Source))
	}
	return words
}

func dash(cell string) string {
	if cell == "" {
		return "-"
	}
	return cell
}

// attemptNotes tells every rung of the ladder that was tried, and every place
// of a debug file.
func attemptNotes(e *resolver.Entry) []string {
	notes := attemptLines("", e.Attempts())
	if e.Object != nil {
		notes = append(notes, attemptLines("debug file: ", e.Object.DebugAttempts())...)
	}
	return notes
}

func attemptLines(what string, tried []resolver.Attempt) []string {
	var notes []string
	for _, at := range tried {
		result := "accepted"
		if at.Err != nil {
			result = at.Err.Error()
		}
		note := what + string(at.Source)
		if at.Path != "" {
			note += " " + show(at.Path)
		}
		notes = append(notes, showText(note+": "+oneLine(result)))
	}
	return notes
}

// oneLine joins the lines of an error that wraps several.
func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }

// summaryStates is the order in which the summary counts.
var summaryStates = []resolver.State{
	resolver.StateOK, resolver.StateReplaced, resolver.StateDeleted, resolver.StateModified, resolver.StateMemfd,
	resolver.StateVDSO, resolver.StateArchive, resolver.StateUnreadable,
}

// summary is the line below the table.
func (t *table) summary() string {
	s := plural(len(t.rows), "object")
	if len(t.rows) == 0 {
		return s
	}
	var states []string
	for _, st := range summaryStates {
		if n := t.states[st]; n > 0 {
			states = append(states, fmt.Sprintf("%d %s", n, st))
		}
	}
	s += " (" + strings.Join(states, ", ") + "), "
	if t.proved == len(t.rows) {
		s += "all verified"
	} else {
		s += fmt.Sprintf("%d verified, %d not", t.proved, len(t.rows)-t.proved)
	}
	return s + ", " + sizeText(t.bytes)
}

// gap separates two columns.
const gap = "  "

// render writes the table: one line for each object, or, on a terminal that is
// too narrow for that, a few short ones with the path first.
func (t *table) render(process string) []byte {
	var b []byte
	if len(t.rows) > 0 {
		widths := t.widths()
		if t.screen.width > 0 && t.total(widths) > t.screen.width {
			b = t.appendFolded(b, widths)
		} else {
			b = t.appendRows(b, widths)
		}
	}
	return fmt.Appendf(b, "%s: %s\n", process, t.summary())
}

func (t *table) widths() [columns]int {
	var w [columns]int
	for c, name := range columnNames {
		w[c] = len(name)
		for _, r := range t.rows {
			w[c] = max(w[c], len(r.cells[c]))
		}
	}
	return w
}

// total is the width of the longest line.
func (t *table) total(widths [columns]int) int {
	n := len(gap) * (columns - 1)
	for _, w := range widths {
		n += w
	}
	return n
}

func (t *table) appendRows(b []byte, widths [columns]int) []byte {
	head := row{cells: columnNames}
	for _, r := range slices.Concat([]row{head}, t.rows) {
		for c := range colPath {
			b = t.appendCell(b, r, c, widths[c])
			b = append(b, gap...)
		}
		b = append(b, r.cells[colPath]...)
		b = append(b, '\n')
		b = appendNotes(b, r, gap)
	}
	return b
}

// appendFolded writes each object's path, then its short cells in columns,
// then its build ID.
func (t *table) appendFolded(b []byte, widths [columns]int) []byte {
	const indent = "    "
	for _, r := range t.rows {
		b = append(b, r.cells[colPath]...)
		b = append(b, "\n"+indent...)
		for c := colState; c < colPath; c++ {
			if c == colSize {
				b = append(b, r.cells[c]...)
				continue
			}
			b = t.appendCell(b, r, c, widths[c])
			b = append(b, gap...)
		}
		b = append(b, "\n"+indent...)
		b = append(b, r.cells[colID]...)
		b = append(b, '\n')
		b = appendNotes(b, r, indent)
	}
	return b
}

func appendNotes(b []byte, r row, indent string) []byte {
	for _, n := range r.notes {
		b = append(b, indent...)
		b = append(b, n...)
		b = append(b, '\n')
	}
	return b
}

// appendCell pads a cell: sizes to the left, words to the right.
func (t *table) appendCell(b []byte, r row, c, width int) []byte {
	cell := r.cells[c]
	pad := strings.Repeat(" ", max(0, width-len(cell)))
	if c == colSize {
		return append(append(b, pad...), cell...)
	}
	b = append(b, t.screen.paint(r.colors[c], cell)...)
	return append(b, pad...)
}
