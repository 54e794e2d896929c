package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/symfetch/symfetch/internal/proc"
)

const (
	// inputBuffer is how much of the input is looked at ahead, in bytes: what
	// one read of a full pipe gives. A longer line is malformed.
	inputBuffer = 64 << 10
	// minBatch and maxBatch bound the addresses of one batch. Large ones read
	// through the debug information less often, and take more memory.
	minBatch = 1 << 14
	maxBatch = 1 << 16
	// maxEcho bounds what is repeated of a malformed line, in bytes.
	maxEcho = 256
)

// stream answers `symfetch PID -`: one address a line of standard input.
func (a *app) stream(ctx context.Context, pid int) error {
	return a.withProcess(ctx, pid, func(an *answerer) error { return a.streamLines(ctx, minBatch, an.answer) })
}

// streamLines answers the addresses on standard input. Lines are gathered to
// batches of at most size only while they are there to be had: before a read that may block,
// all that came so far is answered and written out.
func (a *app) streamLines(ctx context.Context, size int, answer func(context.Context, []query)) error {
	b := batch{answer: func(queries []query) { answer(ctx, queries) }}
	in := bufio.NewReaderSize(&eagerReader{r: a.stdin, before: func() error {
		b.flush()
		return a.out.Flush()
	}}, inputBuffer)
	for ctx.Err() == nil {
		line, err := readLine(in)
		if err == nil || len(line) > 0 {
			b.add(line)
		}
		if err != nil {
			b.flush()
			if errors.Is(err, io.EOF) || a.out.Flush() != nil {
				return nil // finish reports what went wrong with the output
			}
			return fmt.Errorf("standard input: %w", err)
		}
		if len(b.ends) == size {
			b.flush()
		}
	}
	return ctx.Err()
}

// batch gathers lines, all in one string, as there are many.
type batch struct {
	answer  func([]query)
	text    []byte
	ends    []uint32 // of the lines in text
	queries []query
}

func (b *batch) add(line []byte) {
	b.text = append(b.text, line...)
	b.ends = append(b.ends, uint32(len(b.text)))
}

func (b *batch) flush() {
	text, at := string(b.text), uint32(0)
	b.queries = slices.Grow(b.queries[:0], len(b.ends))
	for _, end := range b.ends {
		b.queries = append(b.queries, parseQuery(text[at:end]))
		at = end
	}
	b.text, b.ends = b.text[:0], b.ends[:0]
	b.answer(b.queries)
}

// eagerReader calls before ahead of every read that may block.
type eagerReader struct {
	r      io.Reader
	before func() error
}

func (e *eagerReader) Read(p []byte) (int, error) {
	if f, ok := e.r.(*os.File); !ok || !proc.Readable(f) {
		if err := e.before(); err != nil {
			return 0, err
		}
	}
	return e.r.Read(p)
}

// readLine returns the next line without its end and the blanks around it; the
// start of one that is too long. It is valid until the next call.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line = append(bytes.Clone(line[:maxEcho]), "..."...)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
	}
	if err != nil && !(errors.Is(err, io.EOF) && len(line) > 0) {
		return nil, err
	}
	line = bytes.TrimSpace(line)
	if len(line) > maxEcho {
		line = append(line[:maxEcho:maxEcho], "..."...)
	}
	return line, nil
}
