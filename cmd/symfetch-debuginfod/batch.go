package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/symfetch/symfetch/debuginfod/client"
)

const (
	// atOnce is how many questions of a batch are worked on at the same time,
	// ahead how many may wait for the answer to one before them.
	atOnce, ahead = 4, 64
	// maxLine is the length in bytes of the longest question.
	maxLine = 4 << 10
	// aliveEvery is the least time between two lines that say so.
	aliveEvery = 500 * time.Millisecond
)

// errInputEnded is the cause of the end of an attended batch.
var errInputEnded = fmt.Errorf("the input ended: %w", context.Canceled)

// batch is `get -`: questions are read, and answered in their order.
func (a *app) batch(ctx context.Context) error {
	out := &lines{w: a.stdout}
	bars := a.newBars(ctx)
	c, err := a.newClient(func(p client.Progress) {
		bars.advance(p)
		if a.attended {
			out.alive(p)
		}
	})
	if err != nil {
		return usagef("%v", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	slots := make(chan struct{}, atOnce)
	defer func() {
		cancel(nil)
		for range atOnce { // nothing half-written may be left
			slots <- struct{}{}
		}
	}()
	answers := make(chan chan string, ahead)
	read := make(chan error, 1)
	go func() {
		defer close(answers)
		err := eachLine(a.stdin, func(line string) bool {
			answer := make(chan string, 1)
			select {
			case answers <- answer:
			case <-ctx.Done():
				return false
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return false
			}
			go func() {
				defer func() { <-slots }()
				answer <- a.answer(ctx, c, bars, line)
			}()
			return true
		})
		read <- err
		if a.attended {
			cancel(errInputEnded)
		}
	}()
	for {
		select {
		case answer, more := <-answers:
			if !more {
				return <-read
			}
			select {
			case text := <-answer:
				if err := out.write(text); err != nil {
					return fmt.Errorf("standard output: %w", err)
				}
			case <-ctx.Done():
				return ended(ctx)
			}
		case <-ctx.Done():
			return ended(ctx)
		}
	}
}

// ended returns why a batch ended before all was answered.
func ended(ctx context.Context) error {
	if err := context.Cause(ctx); !errors.Is(err, errInputEnded) {
		return err
	}
	return nil
}

// answer works on one question.
func (a *app) answer(ctx context.Context, c *client.Client, bars *bars, line string) string {
	words := strings.Fields(line)
	if len(words) < 2 {
		return "error not of the form BUILDID KIND"
	}
	q, err := parseQuestion(words)
	if err != nil {
		return "error " + errText(err)
	}
	defer bars.done(q.id)
	f, err := q.fetch(ctx, c)
	if err != nil {
		return "error " + errText(err)
	}
	defer f.Close()
	if !isOneLine(f.Name()) {
		return "error the path of the cache does not fit into a line"
	}
	return "ok " + f.Name()
}

// eachLine calls f for every line of r until it says no.
func eachLine(r io.Reader, f func(string) bool) error {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, maxLine), maxLine)
	for s.Scan() {
		if !f(s.Text()) {
			return nil
		}
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	return nil
}

// lines is standard output, a line at a time, by several goroutines.
type lines struct {
	mu   sync.Mutex
	w    io.Writer
	last time.Time // of alive
}

func (l *lines) write(line string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(l.w, line+"\n")
	return err
}

// alive tells whoever waits that bytes come in.
func (l *lines) alive(p client.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.last) < aliveEvery {
		return
	}
	l.last = time.Now()
	fmt.Fprintf(l.w, "alive %d %d\n", p.Got, p.Total) // a reader that is gone shows in the next answer
}
