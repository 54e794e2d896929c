package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/symfetch/symfetch/resolver"
)

// The kinds of a line of fetch, and what came of each.
const (
	kindExecutable = "executable"
	kindRange      = "range"

	actionStored  = "stored"
	actionPresent = "present"
	actionSkipped = "skipped"
	actionFailed  = "failed"
)

// errMemoryImage: the object could be read from memory only.
var errMemoryImage = errors.New("only its image in memory could be read, which is not its file")

// errKernelObject: the kernel maps the object, and it has no file.
var errKernelObject = errors.New("it is the kernel's own and has no file")

// fetched is what came of one object or range.
type fetched struct {
	kind     string
	pid      int
	path     string
	entry    *resolver.Entry
	state    resolver.State // "" for a range whose file is no object
	mapping  resolver.Mapping
	source   resolver.Source
	verified resolver.Verification
	size     int64
	action   string
	file     string // what holds the bytes now, "" if nothing does
	reason   resolver.Reason
	err      error
}

// isMemory reports whether e's bytes are those in memory.
func isMemory(e *resolver.Entry) bool {
	return e.Source == resolver.SourceMemory || e.Source == resolver.SourceVDSO
}

// wasDenied reports whether permission kept a better source from serving.
func wasDenied(e *resolver.Entry) bool {
	return slices.ContainsFunc(e.Attempts(), func(at resolver.Attempt) bool { return errors.Is(at.Err, fs.ErrPermission) })
}

// settle records how it ended: action, unless err says otherwise.
func (r *fetched) settle(action string, err error) {
	r.action, r.err = action, err
	if err == nil {
		return
	}
	r.action, r.file, r.size = actionFailed, "", 0
	r.reason = resolver.ReasonOf(err)
	if errors.Is(err, errMemoryImage) && wasDenied(r.entry) {
		r.reason = resolver.ReasonPermission
	}
	if errors.Is(err, errMemoryImage) || errors.Is(err, errKernelObject) || r.reason == resolver.ReasonDevice {
		r.action = actionSkipped
	}
}

// exit returns the status that the line earns: the kernel's own object was
// never in question.
func (r *fetched) exit() int {
	if errors.Is(r.err, errKernelObject) {
		return exitOK
	}
	return exitOfReason(r.reason)
}

// report writes the line and counts it.
func (a *app) report(r fetched) {
	a.status.note(r.exit())
	if a.opts.json {
		a.out.Write(a.fetchedJSON(r))
	} else {
		a.out.Write(fetchedText(r))
	}
}

// fetchedText is a line for people.
func fetchedText(r fetched) []byte {
	if r.err != nil {
		at := ""
		if r.kind == kindRange {
			at = fmt.Sprintf(" %x-%x", r.mapping.Start, r.mapping.End)
		}
		return fmt.Appendf(nil, "%-7s  %5s  %s%s: %s\n", r.action, "-", show(r.path), at, showText(oneLine(r.err.Error())))
	}
	about := []string{show(r.path)}
	if words := stateWords(r.state, r.entry.Deleted, r.entry.Container); len(words) > 0 {
		about[0] += " (" + strings.Join(words, ", ") + ")"
	}
	about = append(about, string(r.source), verifiedText(r.verified))
	return fmt.Appendf(nil, "%-7s  %5s  %s  [%s]\n", r.action, sizeText(r.size), show(r.file), strings.Join(about, ", "))
}

// fetchedJSON is the same as a line of JSON.
func (a *app) fetchedJSON(r fetched) []byte {
	l := &a.jsonBuf
	l.begin("fetch")
	l.num("pid", int64(r.pid))
	l.str("kind", r.kind)
	l.name("path", r.path)
	if r.kind == kindRange {
		l.hex("start", r.mapping.Start, true)
		l.hex("end", r.mapping.End, true)
		l.hex("offset", r.mapping.Offset, true)
		l.str("perms", r.mapping.Perms.String())
	}
	l.str("state", string(r.state))
	l.boolean("deleted", r.entry.Deleted)
	l.boolean("container", r.entry.Container)
	l.str("build_id", r.entry.BuildID.String())
	l.name("go_build_id", r.entry.GoBuildID)
	l.str("source", string(r.source))
	l.str("verified", string(r.verified))
	l.num("size", r.size)
	l.str("action", r.action)
	l.name("file", r.file)
	l.str("reason", string(r.reason))
	text := ""
	if r.err != nil {
		text = oneLine(r.err.Error())
	}
	l.str("error", text)
	if a.opts.explain {
		l.attempts("attempts", r.entry.Attempts())
	}
	return l.end()
}
