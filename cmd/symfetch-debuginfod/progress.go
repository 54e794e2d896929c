package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/symfetch/symfetch/buildid"
	"github.com/symfetch/symfetch/debuginfod/client"
)

// progressMin is from which size on a download gets a progress bar, in bytes; a
// smaller one is done before it could be read. DEBUGINFOD_PROGRESS asks for
// all of them.
const progressMin = 4 << 20

// sayEvery is the time between two lines where bars cannot be shown.
const sayEvery = time.Second

// bars show how far downloads are, on standard error: a bar each on a terminal;
// elsewhere, if DEBUGINFOD_PROGRESS is set, a line now and then.
type bars struct {
	ctx      context.Context
	w        io.Writer
	terminal bool
	asked    bool // by DEBUGINFOD_PROGRESS

	mu    sync.Mutex
	shown *mpb.Progress // nil while there is no bar
	byURL map[string]*mpb.Bar
	ids   map[string]buildid.ID
	said  time.Time
}

func (a *app) newBars(ctx context.Context) *bars {
	f, ok := a.stderr.(*os.File)
	return &bars{
		ctx: ctx, w: a.stderr, terminal: ok && term.IsTerminal(int(f.Fd())), asked: a.getenv("DEBUGINFOD_PROGRESS") != "",
		byURL: map[string]*mpb.Bar{}, ids: map[string]buildid.ID{},
	}
}

// advance is told of a download by the goroutine that reads it.
func (b *bars) advance(p client.Progress) {
	if !b.asked && (!b.terminal || max(p.Total, p.Got) < progressMin) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.terminal {
		if time.Since(b.said) >= sayEvery {
			b.said = time.Now()
			fmt.Fprintf(b.w, "symfetch-debuginfod: %s: %s\n", oneLine(p.URL), howFar(p))
		}
		return
	}
	bar := b.byURL[p.URL]
	if bar == nil {
		bar = b.add(p)
	}
	bar.SetCurrent(p.Got)
}

func howFar(p client.Progress) string {
	if p.Total == 0 {
		return fmt.Sprintf("%d bytes", p.Got)
	}
	return fmt.Sprintf("%d of %d bytes", p.Got, p.Total)
}

// add makes a bar.
func (b *bars) add(p client.Progress) *mpb.Bar {
	if b.shown == nil {
		b.shown = mpb.NewWithContext(b.ctx, mpb.WithOutput(b.w))
	}
	end := mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f"), decor.Name(" "), decor.Percentage())
	if p.Total == 0 {
		end = mpb.AppendDecorators(decor.CurrentKibiByte("% .1f"))
	}
	bar := b.shown.AddBar(p.Total, mpb.BarRemoveOnComplete(), mpb.PrependDecorators(decor.Name(oneLine(p.URL)+" ")), end)
	b.byURL[p.URL], b.ids[p.URL] = bar, p.ID
	return bar
}

// done takes away the bars of a build ID's downloads.
func (b *bars) done(id buildid.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for url, bar := range b.byURL {
		if b.ids[url] == id {
			bar.Abort(true)
			delete(b.byURL, url)
			delete(b.ids, url)
		}
	}
	if b.shown != nil && len(b.byURL) == 0 {
		b.shown.Wait()
		b.shown = nil
	}
}
