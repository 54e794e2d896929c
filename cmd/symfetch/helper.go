package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/symfetch/symfetch/internal/proc"
)

// helper is a process that answers lines with lines, in their order:
//
//	ok PATH
//	error TEXT
//	alive ...     is no answer; it says that one is being worked on
//
// It gets the end of its input when this process ends, and ends then. One that
// is silent for too long is ended, for good.
type helper struct {
	name    string
	process *os.Process
	in, out *os.File
	silence time.Duration

	asking sync.Mutex // held while a question is written

	mu      sync.Mutex
	waiting []chan string // for the answers to come
	timer   *time.Timer   // runs while somebody waits
	err     error         // why it has ended
}

// helperGrace is what a helper gets to remove half-written files.
const helperGrace = time.Second

// startHelper starts the executable at path with arguments argv; it inherits
// standard error, and none of our capabilities.
func startHelper(path string, argv []string, silence time.Duration) (*helper, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		theirIn.Close()
		in.Close()
		return nil, err
	}
	var process *os.Process
	err = proc.WithoutCapabilities(func() (err error) {
		process, err = os.StartProcess(path, argv, &os.ProcAttr{Files: []*os.File{theirIn, theirOut, os.Stderr}})
		return err
	})
	theirIn.Close()
	theirOut.Close()
	if err != nil {
		in.Close()
		out.Close()
		return nil, err
	}
	h := &helper{name: argv[0], process: process, in: in, out: out, silence: silence}
	h.timer = time.AfterFunc(silence, func() {
		h.end(fmt.Errorf("%s: no answer within %v: %w", h.name, silence, context.DeadlineExceeded))
	})
	h.timer.Stop()
	go h.read()
	return h, nil
}

// ask puts one question and returns the path that answers it. If ctx is
// cancelled nobody wants answers any more and the helper is ended; with a
// deadline only this one is given up.
func (h *helper) ask(ctx context.Context, question string) (path string, err error) {
	answer, err := h.put(question)
	if err != nil {
		return "", err
	}
	select {
	case text, ok := <-answer:
		if !ok {
			return "", h.reason()
		}
		return parseAnswer(h.name, text)
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			h.end(fmt.Errorf("%s: %w", h.name, context.Canceled))
		}
		return "", ctx.Err()
	}
}

// put writes a question and returns where its answer will come.
func (h *helper) put(question string) (<-chan string, error) {
	h.asking.Lock()
	defer h.asking.Unlock()
	answer := make(chan string, 1)
	h.mu.Lock()
	if h.err != nil {
		defer h.mu.Unlock()
		return nil, h.err
	}
	if h.waiting = append(h.waiting, answer); len(h.waiting) == 1 {
		h.timer.Reset(h.silence)
	}
	h.mu.Unlock() // the answers before this one are taken while it is written
	if _, err := h.in.WriteString(question + "\n"); err != nil {
		h.end(fmt.Errorf("%s does not take questions: %w", h.name, err))
		return nil, h.reason()
	}
	return answer, nil
}

// read takes the helper's lines until it ends, and buries it.
func (h *helper) read() {
	r := bufio.NewReaderSize(h.out, 16<<10)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			break
		}
		if !h.take(strings.TrimSuffix(string(line), "\n")) {
			h.end(fmt.Errorf("%s says %.100q, which is no answer", h.name, line))
			break
		}
	}
	h.end(fmt.Errorf("%s has ended", h.name))
	kill := time.AfterFunc(helperGrace, func() { h.process.Kill() })
	h.process.Wait()
	kill.Stop()
}

// take hands a line to the first who waits; false if that cannot be.
func (h *helper) take(line string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !strings.HasPrefix(line, "alive ") {
		if len(h.waiting) == 0 {
			return false
		}
		h.waiting[0] <- line
		h.waiting = h.waiting[1:]
	}
	if len(h.waiting) > 0 {
		h.timer.Reset(h.silence)
	} else {
		h.timer.Stop()
	}
	return true
}

// end lets nobody wait any longer and closes the helper's pipes, which ends it.
// The first reason stands.
func (h *helper) end(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return
	}
	h.err = fmt.Errorf("%w (not asked again)", err)
	h.timer.Stop()
	for _, answer := range h.waiting {
		close(answer)
	}
	h.waiting = nil
	h.in.Close()
	h.out.Close()
}

func (h *helper) reason() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// parseAnswer reads ok PATH or error TEXT.
func parseAnswer(name, line string) (path string, err error) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "ok":
		return rest, nil
	case "error":
		return "", errors.New(rest)
	}
	return "", fmt.Errorf("%s says %.100q, which is no answer", name, line)
}
