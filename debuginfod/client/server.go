package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
)

// retryDelay is the pause before a server is asked again, doubled each time;
// maxRetryDelay is the longest that a server may ask for.
const (
	retryDelay    = 200 * time.Millisecond
	maxRetryDelay = 2 * time.Second
)

// server is one prefix of URLs, and what was learnt about it.
type server struct {
	base *url.URL

	mu sync.Mutex
	// wasted is the time of requests that failed since the last that did not.
	wasted time.Duration
	// dead is why the server is not asked any more.
	dead error
}

// patience is how long the server may keep silent: what it wasted before
// counts, so that all its failures together cost limit at most.
func (s *server) patience(limit time.Duration) (left time.Duration, dead error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(limit-s.wasted, limit/10), s.dead
}

// learn judges the server by a request's outcome.
func (s *server) learn(err error, took, limit time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || errors.Is(err, ErrNotFound) {
		s.wasted = 0
		return
	}
	if mayPass(err) || isFatal(err) { // a wrong file says nothing about the next one
		s.wasted += took
	}
	if s.dead == nil && (isFatal(err) || limit > 0 && s.wasted >= limit) {
		s.dead = fmt.Errorf("%w (not asked again)", err)
	}
}

// brokenError is a failure on the way to a server, not an answer of it.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// isFatal tells whether there is no sense in asking the server anything else.
func isFatal(err error) bool {
	_, broken := errors.AsType[*brokenError](err)
	return errors.Is(err, ErrTimeout) || broken && !isCut(err)
}

// isCut tells whether a connection ended too early, which may happen to a
// healthy server that is restarted.
func isCut(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// mayPass tells whether the same question may be answered if it is put again.
func mayPass(err error) bool {
	if e, ok := errors.AsType[*ServerError](err); ok {
		switch e.Status {
		case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
	}
	return isCut(err)
}

// answer is a file that was received and verified, and has no name yet.
type answer struct {
	file     *renameio.PendingFile
	modified time.Time
}

// ask gets q's file from s. Of all servers that are asked for one file, the one
// that holds turn sends it. After an error nothing is left.
func (c *Client) ask(ctx context.Context, s *server, q query, turn chan struct{}) (*answer, error) {
	delay := retryDelay
	for try := 0; ; try++ {
		patience, dead := s.patience(c.timeout)
		if dead != nil {
			return nil, dead
		}
		began := time.Now()
		a, wait, err := c.try(ctx, s, q, turn, patience)
		if ctx.Err() != nil && err != nil {
			return nil, context.Cause(ctx) // that says nothing about the server
		}
		took := time.Since(began)
		s.learn(err, min(took, patience), c.timeout)
		c.log.Debug("debuginfod", "url", q.url(s.base).Redacted(), "took", took, "error", err)
		if err == nil || try >= c.retries || !mayPass(err) {
			return a, err
		}
		wait, delay = max(delay, wait), 2*delay
		select {
		case <-time.After(min(wait, maxRetryDelay)):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// try asks once. wait is how long the server wants to be left alone.
func (c *Client) try(ctx context.Context, s *server, q query, turn chan struct{}, patience time.Duration) (a *answer, wait time.Duration, err error) {
	where := q.url(s.base).Redacted()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := newWatch(patience, c.timeout, func() {
		cancel(fmt.Errorf("less than %d bytes within %v: %w", enough, patience.Round(time.Millisecond), ErrTimeout))
	})
	defer w.pause()
	resp, err := c.get(ctx, s, q)
	if err != nil {
		err = causeOf(ctx, err)
		if !errors.Is(err, ErrRedirect) {
			err = &brokenError{err}
		}
		return nil, 0, &ServerError{URL: where, Err: err}
	}
	defer resp.Body.Close()
	if err := statusError(resp, where); err != nil {
		return nil, retryAfter(resp), err
	}
	select {
	case turn <- struct{}{}:
	default:
		w.pause()
		select {
		case turn <- struct{}{}:
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
		w.resume()
	}
	defer func() { <-turn }()
	file, err := c.receive(ctx, q, resp, w, where)
	if err != nil {
		return nil, 0, err
	}
	modified, _ := http.ParseTime(resp.Header.Get("Last-Modified"))
	return &answer{file, modified}, 0, nil
}

// statusError judges an answer by its status; nil if a file follows.
func statusError(resp *http.Response, where string) error {
	e := &ServerError{URL: where, Status: resp.StatusCode}
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusNotFound, http.StatusGone:
		e.Err = ErrNotFound
	case http.StatusNotAcceptable: // debuginfod's word for X-DEBUGINFOD-MAXSIZE
		e.Err = ErrTooLarge
	}
	return e
}

// retryAfter reads how many seconds a server wants to be left alone.
func retryAfter(resp *http.Response) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 1000))*time.Second, maxRetryDelay)
}
