package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/google/renameio/v2"
)

const (
	// chunk is how many bytes are read at once.
	chunk = 64 << 10
	// syncEvery is after how many bytes they are put on disk, so that at the end
	// nobody has to wait for gigabytes at once.
	syncEvery = 64 << 20
)

// errNotELF is found with the first bytes, before the rest is read.
var errNotELF = errors.New("the answer is not an ELF file")

// receive writes an answer's body to a file and verifies it.
func (c *Client) receive(ctx context.Context, q query, resp *http.Response, w *watch, where string) (_ *renameio.PendingFile, err error) {
	if c.maxSize > 0 && resp.ContentLength > c.maxSize {
		return nil, &ServerError{URL: where, Status: resp.StatusCode, Err: fmt.Errorf("%d bytes: %w", resp.ContentLength, ErrTooLarge)}
	}
	f, err := c.cache.create(q)
	if err != nil {
		return nil, &cacheError{err}
	}
	defer func() {
		if err != nil {
			f.Cleanup()
		}
	}()
	p := Progress{ID: q.id, URL: where, Total: totalOf(resp)}
	buf, unsynced := make([]byte, chunk), 0
	for {
		n, readErr := readSome(resp.Body, buf, p.Got == 0)
		if n > 0 {
			if p.Got == 0 && q.section == "" && (n < len(elfMagic) || string(buf[:len(elfMagic)]) != elfMagic) {
				return nil, &ServerError{URL: where, Status: resp.StatusCode, Err: errNotELF}
			}
			w.advance(n)
			if p.Got += int64(n); c.maxSize > 0 && p.Got > c.maxSize {
				return nil, &ServerError{URL: where, Status: resp.StatusCode, Err: fmt.Errorf("more than %d bytes: %w", c.maxSize, ErrTooLarge)}
			}
			if _, err := f.Write(buf[:n]); err != nil {
				return nil, &cacheError{err}
			}
			if c.progress != nil {
				c.progress(p)
			}
			if unsynced += n; unsynced >= syncEvery {
				unsynced = 0
				w.pause() // it is our disk that is slow
				if err := f.Sync(); err != nil {
					return nil, &cacheError{err}
				}
				w.resume()
			}
		}
		if readErr == io.EOF {
			break
		}
		if readErr != nil {
			return nil, &ServerError{URL: where, Status: resp.StatusCode, Err: fmt.Errorf("after %d bytes: %w", p.Got, causeOf(ctx, readErr))}
		}
	}
	if p.Got == 0 {
		return nil, &ServerError{URL: where, Status: resp.StatusCode, Err: fmt.Errorf("an empty answer: %w", ErrIncomplete)}
	}
	if err := verify(f.File, q, where); err != nil {
		return nil, err
	}
	return f, nil
}

// readSome reads what there is; of a body's beginning at least as much as tells
// an ELF.
func readSome(r io.Reader, buf []byte, first bool) (int, error) {
	if !first {
		return r.Read(buf)
	}
	n, err := io.ReadAtLeast(r, buf, len(elfMagic))
	if err == io.ErrUnexpectedEOF && n > 0 && n < len(elfMagic) {
		// Either the whole body, or a part of it: reading on tells.
		m, err := r.Read(buf[n:])
		return n + m, err
	}
	return n, err
}

// totalOf is how many bytes will come, 0 if that is not known.
func totalOf(resp *http.Response) int64 {
	if resp.ContentLength > 0 {
		return resp.ContentLength
	}
	// Unlike Content-Length it is the size of what was compressed.
	if n, err := strconv.ParseInt(resp.Header.Get("X-Debuginfod-Size"), 10, 64); err == nil && n > 0 {
		return n
	}
	return 0
}

// cacheError is a failure of the cache's file system: no server can help.
type cacheError struct{ err error }

func (e *cacheError) Error() string { return "cache: " + e.err.Error() }
func (e *cacheError) Unwrap() error { return e.err }
