package main

import "github.com/symfetch/symfetch/resolver"

// objectJSON is one row of the table as a line of JSON. The result is
// overwritten by the next line.
func (a *app) objectJSON(pid int, e *resolver.Entry) []byte {
	l := &a.jsonBuf
	l.begin("object")
	l.num("pid", int64(pid))
	l.name("path", e.Path)
	l.str("state", string(e.State))
	l.boolean("deleted", e.Deleted)
	l.boolean("container", e.Container)
	l.str("build_id", e.BuildID.String())
	l.name("go_build_id", e.GoBuildID)
	l.str("source", string(e.Source))
	l.str("verified", string(e.Verified))
	var symbols []string
	var size int64
	if e.Object != nil {
		symbols, size = symbolTables(e.Object), e.Object.Size()
	}
	l.strs("symbols", symbols)
	l.debug(e.Object)
	l.num("size", size)
	l.list("mappings", len(e.Mappings), func(i int) {
		m := e.Mappings[i]
		l.hex("start", m.Start, true)
		l.hex("end", m.End, true)
		l.hex("offset", m.Offset, true)
		l.str("perms", m.Perms.String())
	})
	l.failure(e.Err)
	if a.opts.explain {
		l.attempts("attempts", e.Attempts())
		if e.Object != nil {
			l.attempts("debug_attempts", e.Object.DebugAttempts())
		}
	}
	return l.end()
}

// debug tells which file completes the object's symbols, null where none does.
func (l *jsonLine) debug(o *resolver.Object) {
	var d resolver.DebugFile
	ok := false
	if o != nil {
		d, ok = o.Debug()
	}
	if !ok {
		l.null("debug")
		return
	}
	l.object("debug", func() {
		l.name("path", d.Path)
		l.str("source", string(d.Source))
		l.str("verified", string(d.Verified))
	})
}

// addressJSON is the answer for one address as a line of JSON. The result is
// overwritten by the next line.
func (a *app) addressJSON(pid int, q query, r resolver.Result) []byte {
	a.jsonBuf.address(pid, q, r, a.opts.explain)
	return a.jsonBuf.b
}

// address writes the whole line for one address.
func (l *jsonLine) address(pid int, q query, r resolver.Result, explain bool) {
	l.begin("address")
	l.num("pid", int64(pid))
	l.name("input", q.input)
	l.hex("addr", q.addr, !q.bad)
	l.name("path", pathOf(r))
	var id, source, verified string
	if e := r.Entry; e != nil {
		id, source, verified = e.BuildID.String(), string(e.Source), string(e.Verified)
	}
	l.str("build_id", id)
	l.str("source", source)
	l.str("verified", verified)
	l.hex("offset", r.Off, r.HasVaddr && r.Mapping.End != 0) // known through a mapping only
	l.hex("vaddr", r.Vaddr, r.HasVaddr)
	l.list("frames", len(r.Frames), func(i int) { l.frame(r.Frames[i]) })
	l.failure(r.Err)
	if explain && r.Entry != nil {
		l.attempts("attempts", r.Entry.Attempts())
		if r.Entry.Object != nil {
			l.attempts("debug_attempts", r.Entry.Object.DebugAttempts())
		}
	}
	l.end()
}

func (l *jsonLine) frame(f resolver.Frame) {
	l.name("function", f.Function)
	l.name("linkage_name", f.LinkageName)
	l.hex("function_offset", f.Offset, f.HasOffset)
	l.name("file", f.File)
	l.num("line", int64(f.Line))
	l.num("column", int64(f.Column))
	l.boolean("inlined", f.Inlined)
	l.str("engine", f.Engine.String())
}

// failure writes the reason and the error, both empty where there is none.
func (l *jsonLine) failure(err error) {
	l.str("reason", string(reasonOf(err)))
	text := ""
	if err != nil {
		text = oneLine(err.Error())
	}
	l.str("error", text)
}

// attempts is an additional field that --explain asks for.
func (l *jsonLine) attempts(k string, tried []resolver.Attempt) {
	l.list(k, len(tried), func(i int) {
		l.str("source", string(tried[i].Source))
		l.name("path", tried[i].Path)
		l.failure(tried[i].Err)
	})
}
