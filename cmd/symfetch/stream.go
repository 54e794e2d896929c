package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

const (
	// inputBuffer is how much of the input is looked at ahead, in bytes: what
	// one read of a full pipe gives. A longer line is malformed.
	inputBuffer = 64 << 10
	// maxBatch bounds the addresses of one batch.
	maxBatch = 4096
	// maxEcho bounds what is repeated of a malformed line, in bytes.
	maxEcho = 256
)

// stream answers `symfetch PID -`: one address a line of standard input.
func (a *app) stream(ctx context.Context, pid int) error {
	return a.withProcess(ctx, pid, func(an *answerer) error { return a.streamLines(ctx, an.answer) })
}

// streamLines answers the addresses on standard input. Lines are gathered to
// batches only while they are there to be had: before it reads on, which may
// block, all that came so far is answered and written out.
func (a *app) streamLines(ctx context.Context, answer func(context.Context, []query)) error {
	var batch []query
	flush := func() {
		answer(ctx, batch)
		batch = batch[:0]
	}
	in := bufio.NewReaderSize(&eagerReader{r: a.stdin, before: func() error {
		flush()
		return a.out.Flush()
	}}, inputBuffer)
	for ctx.Err() == nil {
		line, err := readLine(in)
		if err == nil || len(line) > 0 {
			batch = append(batch, parseQuery(string(line)))
		}
		if err != nil {
			flush()
			if errors.Is(err, io.EOF) || a.out.Flush() != nil {
				return nil // finish reports what went wrong with the output
			}
			return fmt.Errorf("standard input: %w", err)
		}
		if len(batch) == maxBatch {
			flush()
		}
	}
	return ctx.Err()
}

// eagerReader calls before ahead of every read.
type eagerReader struct {
	r      io.Reader
	before func() error
}

func (e *eagerReader) Read(p []byte) (int, error) {
	if err := e.before(); err != nil {
		return 0, err
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
