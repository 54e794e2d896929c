package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/symfetch/symfetch/buildid"
)

// Kind is which file of a build ID is wanted; its value is the protocol's word.
type Kind string

// The kinds.
const (
	Executable Kind = "executable"
	DebugInfo  Kind = "debuginfo"
)

// headStart is how long a server is waited for before those behind it in the
// list are asked as well.
const headStart = 250 * time.Millisecond

// Client asks servers and keeps a cache. It is safe for concurrent use. It
// remembers which servers are dead as long as it lives.
type Client struct {
	servers   []*server
	cache     cache
	transport *http.Transport
	header    http.Header
	timeout   time.Duration // 0 is none, as for all limits
	maxTime   time.Duration
	maxSize   int64
	retries   int
	progress  func(Progress)
	log       *slog.Logger
	headStart time.Duration
	prepare   func() error // the cache, once
}

// New returns a Client. It fails where a URL cannot be used, and where no
// directory is named.
func New(o Options) (*Client, error) {
	c := &Client{
		cache: cache{o.CacheDir}, header: http.Header{}, progress: o.Progress, log: o.Logger, headStart: headStart,
		timeout: orDefault(o.Timeout, DefaultTimeout), maxTime: orDefault(o.MaxTime, DefaultMaxTime),
		maxSize: orDefault(o.MaxSize, DefaultMaxSize), retries: orDefault(o.Retries, DefaultRetries),
	}
	if o.CacheDir == "" {
		return nil, errors.New("debuginfod: no cache directory")
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, text := range o.URLs {
		base, err := parseURL(text)
		if err != nil {
			return nil, fmt.Errorf("debuginfod: %w", err)
		}
		c.servers = append(c.servers, &server{base: base})
	}
	for name, values := range o.Header {
		if len(values) > 0 {
			c.header[http.CanonicalHeaderKey(name)] = values
		}
	}
	c.prepare = sync.OnceValue(c.cache.prepare)
	c.transport = &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
	return c, nil
}

// orDefault reads a limit: 0 is the default, less is none, which is 0 here.
func orDefault[T time.Duration | int64 | int](n, standard T) T {
	switch {
	case n == 0:
		return standard
	case n < 0:
		return 0
	}
	return n
}

// Close gives up idle connections.
func (c *Client) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// Fetch returns a file of the build ID, from the cache or from the first server
// that has the right one; the caller closes it. Its name is its path in the
// cache, where it may be removed at any time.
//
// Errors are an *[Error], which wraps what happened: [ErrNotFound] alone if
// every server said so, *[ServerError], *[MismatchError], [ErrNoServers]; or
// the context's.
func (c *Client) Fetch(ctx context.Context, id buildid.ID, kind Kind) (*os.File, error) {
	return c.fetch(ctx, query{id: id, kind: kind})
}

// Section returns the bytes of one section, as Fetch does a file. They have no
// build ID in them, so nothing proves them: the answer is as true as its
// server. Not every server knows of sections.
func (c *Client) Section(ctx context.Context, id buildid.ID, name string) (*os.File, error) {
	if name == "" {
		return nil, query{id: id}.check()
	}
	return c.fetch(ctx, query{id: id, section: name})
}

func (c *Client) fetch(ctx context.Context, q query) (*os.File, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	fail := func(errs ...error) (*os.File, error) {
		return nil, &Error{ID: q.id, What: q.String(), Errs: errs}
	}
	f, miss, cacheErr := c.cache.lookup(q)
	switch {
	case f != nil:
		return f, nil
	case miss:
		return fail(fmt.Errorf("asked a short while ago: %w", ErrNotFound))
	case len(c.servers) == 0 && cacheErr != nil:
		return fail(cacheErr)
	case len(c.servers) == 0:
		return fail(ErrNoServers)
	}
	if err := c.prepare(); err != nil {
		return fail(&cacheError{err})
	}
	if errs := c.download(ctx, q); errs != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return fail(errs...)
	}
	if f, _, err := c.cache.lookup(q); f != nil {
		return f, nil
	} else if err != nil {
		return fail(&cacheError{err})
	}
	return fail(&cacheError{errors.New("the file was removed as soon as it was there")})
}

// download puts q's file into the cache, or says why not.
func (c *Client) download(ctx context.Context, q query) (errs []error) {
	if c.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.maxTime, fmt.Errorf("not complete within %v: %w", c.maxTime, ErrTimeout))
		defer cancel()
	}
	a, errs := c.race(ctx, q)
	if a != nil {
		if err := commit(a.file, a.modified); err != nil {
			a.file.Cleanup()
			return []error{&cacheError{err}}
		}
		return nil
	}
	// Where one server failed, the others' "no" is not the whole truth.
	var failures []error
	for _, err := range errs {
		if !errors.Is(err, ErrNotFound) {
			failures = append(failures, err)
		}
	}
	if failures == nil {
		c.cache.noteMiss(q)
		return []error{ErrNotFound}
	}
	return failures
}

// race asks the servers by their order, the next one when one has failed, and
// all that are left when one keeps us waiting. The first right answer wins.
func (c *Client) race(ctx context.Context, q query) (*answer, []error) {
	type outcome struct {
		a   *answer
		err error
	}
	ctx, cancel := context.WithCancel(ctx)
	turn := make(chan struct{}, 1)
	outcomes := make(chan outcome)
	next, running := 0, 0
	start := func() {
		s := c.servers[next]
		next, running = next+1, running+1
		go func() {
			a, err := c.ask(ctx, s, q, turn)
			outcomes <- outcome{a, err}
		}()
	}
	// Nothing half-written may be left when we return.
	defer func() {
		cancel()
		for ; running > 0; running-- {
			if o := <-outcomes; o.a != nil {
				o.a.file.Cleanup()
			}
		}
	}()
	var errs []error
	timer := time.NewTimer(c.headStart)
	defer timer.Stop()
	start()
	for {
		select {
		case o := <-outcomes:
			running--
			if o.err == nil {
				return o.a, nil
			}
			errs = append(errs, o.err)
			if _, ours := errors.AsType[*cacheError](o.err); ours || ctx.Err() != nil {
				return nil, errs
			}
			switch {
			case next < len(c.servers):
				start()
				timer.Reset(c.headStart)
			case running == 0:
				return nil, errs
			}
		case <-timer.C:
			for next < len(c.servers) {
				start()
			}
		case <-ctx.Done():
			return nil, []error{context.Cause(ctx)}
		}
	}
}
