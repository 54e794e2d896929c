package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/debuginfod/client"
)

// question is what is asked for.
type question struct {
	id      buildid.ID
	kind    client.Kind
	section string // "" for a whole file
}

// parseQuestion reads BUILDID [executable|debuginfo|section NAME].
func parseQuestion(words []string) (q question, err error) {
	if q.id, err = buildid.Parse(words[0]); err != nil {
		return q, usagef("%v", err)
	}
	switch rest := words[1:]; {
	case len(rest) == 0:
		q.kind = client.DebugInfo
	case rest[0] == "section":
		if len(rest) < 2 {
			return q, usagef("which section?")
		}
		if len(rest) > 2 {
			return q, usagef("%q is too much", rest[2])
		}
		q.section = rest[1]
	case rest[0] != string(client.Executable) && rest[0] != string(client.DebugInfo):
		return q, usagef("%.100q is none of executable, debuginfo and section", rest[0])
	case len(rest) > 1:
		return q, usagef("%.100q is too much", rest[1])
	default:
		q.kind = client.Kind(rest[0])
	}
	return q, nil
}

func (q question) fetch(ctx context.Context, c *client.Client) (*os.File, error) {
	if q.section != "" {
		return c.Section(ctx, q.id, q.section)
	}
	return c.Fetch(ctx, q.id, q.kind)
}

// get runs `get BUILDID ...`.
func (a *app) get(ctx context.Context, words []string) error {
	q, err := parseQuestion(words)
	if err != nil {
		return err
	}
	bars := a.newBars(ctx)
	c, err := a.newClient(bars.advance)
	if err != nil {
		return usagef("%v", err)
	}
	f, err := q.fetch(ctx, c)
	bars.done(q.id)
	if err != nil {
		return err
	}
	defer f.Close()
	path := f.Name()
	if a.output != "" {
		if err := copyTo(a.output, f); err != nil {
			return err
		}
		path = a.output
	}
	_, err = fmt.Fprintln(a.stdout, path)
	return err
}

// copyTo writes f to the file called name, which appears whole; to a device or a
// pipe as it comes.
func copyTo(name string, f io.Reader) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		out, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, f); err != nil {
			out.Close()
			return err
		}
		return out.Close()
	}
	if err == nil { // a link stays one
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return err
		}
	}
	out, err := renameio.NewPendingFile(name, renameio.WithTempDir(filepath.Dir(name)), renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer out.Cleanup()
	if _, err := io.Copy(out, f); err != nil {
		return err
	}
	return out.CloseAtomicallyReplace()
}

// isOneLine tells whether a path can stand in a line.
func isOneLine(path string) bool { return !strings.ContainsAny(path, "\n\r") }
