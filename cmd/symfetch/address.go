package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/symfetch/symfetch/resolver"
)

// query is one address that was asked for.
type query struct {
	input string // as given
	addr  uint64
	bad   bool // input is no address
}

// parseQuery reads a hexadecimal address, with or without 0x.
func parseQuery(input string) query {
	digits := input
	if len(digits) > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') {
		digits = digits[2:]
	}
	addr, err := strconv.ParseUint(digits, 16, 64)
	return query{input: input, addr: addr, bad: err != nil}
}

// answerer answers addresses of one process, batch by batch.
type answerer struct {
	*app
	pid     int
	p       *resolver.Process
	refused error // why there is no p: the answer to every address
	lookups []uint64
	tried   int // addresses that were taken for process numbers
}

// maxPIDHints bounds the addresses that are tried as process numbers: the
// hint is for a command line, not for a stream.
const maxPIDHints = 16

// adjust is what is taken from an address before it is looked up: a return
// address belongs to the call before it, which may be the last instruction of
// its function.
func (an *answerer) adjust(addr uint64) uint64 {
	if an.opts.returns && addr > 0 {
		return 1
	}
	return 0
}

// answer writes one block, or one line of JSON, for each query, in order.
func (an *answerer) answer(ctx context.Context, queries []query) {
	if an.refused != nil {
		an.refuse(ctx, queries)
		return
	}
	an.lookups = an.lookups[:0]
	for _, q := range queries {
		if !q.bad {
			an.lookups = append(an.lookups, q.addr-an.adjust(q.addr))
		}
	}
	rest := queries
	for r := range an.p.Symbolize(ctx, an.lookups) {
		if ctx.Err() != nil {
			return // what is not answered yet was cut short
		}
		rest = an.malformed(rest)
		an.write(rest[0], an.given(rest[0], r))
		rest = rest[1:]
	}
	if ctx.Err() == nil {
		an.malformed(rest)
	}
}

// refuse answers queries of a process that could not be opened.
func (an *answerer) refuse(ctx context.Context, queries []query) {
	for _, q := range queries {
		if ctx.Err() != nil {
			return
		}
		err := an.refused
		if q.bad {
			err = errBadAddress
		}
		an.write(q, resolver.Result{Addr: q.addr, Err: err})
	}
}

// malformed answers the queries that are no addresses, up to the first that is
// one, and returns the others.
func (an *answerer) malformed(queries []query) []query {
	for len(queries) > 0 && queries[0].bad {
		an.write(queries[0], resolver.Result{Err: errBadAddress})
		queries = queries[1:]
	}
	return queries
}

// given turns the answer for the address that was looked up into one for the
// address as given: a distance from a function's entry counts to the latter.
func (an *answerer) given(q query, r resolver.Result) resolver.Result {
	by := an.adjust(q.addr)
	if by == 0 {
		return r
	}
	r.Addr += by
	if r.HasVaddr {
		r.Off, r.Vaddr = r.Off+by, r.Vaddr+by
	}
	for i := range r.Frames {
		if r.Frames[i].HasOffset {
			r.Frames[i].Offset += by
		}
	}
	return r
}

// write writes one answer.
func (an *answerer) write(q query, r resolver.Result) {
	reason := reasonOf(r.Err)
	an.status.note(exitOfReason(reason))
	if an.opts.json {
		an.out.Write(an.addressJSON(an.pid, q, r))
	} else {
		an.out.Write(an.addressText(q, r))
	}
	if reason == resolver.ReasonUnmapped && an.tried < maxPIDHints {
		an.tried++
		if isLivePID(q.input) {
			an.warn("%s is not mapped in process %d, but is a process itself: for several processes use -p %d,%s",
				q.input, an.pid, an.pid, q.input)
		}
	}
}

// parseQueries reads the addresses of the command line. An argument that is no
// address is answered as such, unless it looks like a flag.
func parseQueries(args []string) ([]query, error) {
	queries := make([]query, len(args))
	for i, arg := range args {
		if strings.HasPrefix(arg, "-") {
			return nil, usagef("%s is neither a flag of this command nor an address; see symfetch help", strconv.Quote(arg))
		}
		queries[i] = parseQuery(arg)
	}
	return queries, nil
}

// addresses answers `symfetch PID ADDR...`.
func (a *app) addresses(ctx context.Context, pid int, queries []query) error {
	return a.withProcess(ctx, pid, func(an *answerer) error {
		an.answer(ctx, queries)
		return nil
	})
}

// withProcess opens a process for one run over its addresses.
func (a *app) withProcess(ctx context.Context, pid int, run func(*answerer) error) error {
	res := a.newResolver()
	defer res.Close()
	p, err := a.open(ctx, res, pid)
	if err != nil {
		// Said at once; and whoever counts on an answer for each line gets one.
		a.fail(err)
		return run(&answerer{app: a, pid: pid, refused: err})
	}
	defer p.Close()
	if err := run(&answerer{app: a, pid: pid, p: p}); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	a.hints(p)
	return nil
}
