package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/symfetch/symfetch/resolver"
)

// fetchOptions are the flags of fetch.
type fetchOptions struct {
	out      string // -o
	asMapped string // --as-mapped
}

func (a *app) fetchCommand() *cli.Command {
	var o fetchOptions
	return &cli.Command{
		Name: "fetch", Usage: "copy the mapped files, deleted ones too, to the store or a directory", ArgsUsage: "PID...",
		Description: `The file behind every object goes to the store: DIR of -o, else of --store,
else $SYMFETCH_STORE, else symfetch in the user's cache directory. What is
there already is not copied again.

With --as-mapped each mapped file goes to DIR/START-END, as /proc/PID/map_files
names it; the store is then used only if -o or --store asks for it. Several
processes get a directory DIR/PID each.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "o", Usage: "store the objects in `DIR`", Destination: &o.out},
			&cli.StringFlag{Name: "as-mapped", Usage: "write each mapped file to `DIR`/START-END", Destination: &o.asMapped},
		},
		ShellComplete:   completeWithPIDs,
		HideHelpCommand: true,
		OnUsageError:    usageErrorOf,
		Action: func(ctx context.Context, cmd *cli.Command) error {
			pids, err := parsePIDs(cmd.Args().Slice())
			if err != nil {
				return err
			}
			if len(pids) == 0 {
				return usagef("fetch: which process? see symfetch help fetch")
			}
			return a.run(ctx, func(ctx context.Context) error { return a.fetch(ctx, pids, o) })
		},
	}
}

// fetch copies the files of each process.
func (a *app) fetch(ctx context.Context, pids []int, o fetchOptions) error {
	var sink *storeSink
	if o.asMapped == "" || o.out != "" || a.opts.store != "" {
		dir, err := a.storeDir(o.out)
		if err != nil {
			return err
		}
		if sink, err = openSink(dir); err != nil {
			return err
		}
	}
	res := a.newResolver()
	defer res.Close()
	for _, pid := range pids {
		mapped := o.asMapped
		if mapped != "" && len(pids) > 1 {
			mapped = filepath.Join(mapped, strconv.Itoa(pid))
		}
		if err := a.fetchFrom(ctx, res, pid, sink, mapped); err != nil {
			a.fail(err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// storeDir returns the directory of the store that fetch writes to.
func (a *app) storeDir(out string) (string, error) {
	for _, dir := range []string{out, a.opts.store, os.Getenv("SYMFETCH_STORE")} {
		if dir != "" {
			return filepath.Abs(dir)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", usagef("no place for the store (%v): name one with -o, --store or SYMFETCH_STORE", err)
	}
	return filepath.Join(cache, "symfetch"), nil
}

// fetchFrom copies the files of one process.
func (a *app) fetchFrom(ctx context.Context, res *resolver.Resolver, pid int, sink *storeSink, mapped string) error {
	p, err := a.open(ctx, res, pid)
	if err != nil {
		return err
	}
	defer p.Close()
	if sink != nil {
		for e, err := range p.Objects(ctx) {
			if err != nil {
				return err
			}
			r := a.storeObject(ctx, sink, pid, e)
			e.Close()
			if err := ctx.Err(); err != nil {
				return err
			}
			a.report(r)
		}
	}
	if mapped != "" {
		c := rangeCopier{app: a, p: p, dir: mapped, copied: make(map[fileID]string)}
		if err := c.copyAll(ctx); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	a.hints(p)
	return nil
}

// storeObject stores one object.
func (a *app) storeObject(ctx context.Context, sink *storeSink, pid int, e *resolver.Entry) fetched {
	r := fetched{kind: kindExecutable, pid: pid, path: e.Path, entry: e, state: e.State, source: e.Source, verified: e.Verified}
	action := actionStored
	err := e.Err
	switch {
	case err != nil:
	case e.Source == resolver.SourceVDSO:
		err = errKernelObject
	case isMemory(e):
		err = errMemoryImage
	default:
		r.size = e.Object.Size()
		advance, done := a.progress(ctx, filepath.Base(e.Path), r.size)
		var present bool
		r.file, present, err = sink.put(ctx, e, advance)
		done()
		if present {
			action = actionPresent
		}
	}
	if err != nil && !errors.Is(err, e.Err) {
		err = fmt.Errorf("not stored: %w", err)
	}
	r.settle(action, err)
	return r
}
