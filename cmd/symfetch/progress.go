package main

import (
	"context"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progressMin is from which size on a copy gets a progress bar, in bytes: a
// smaller one is done before it could be read.
const progressMin = 16 << 20

// progress shows how far the copy of one file is, on standard error if that is
// a terminal. done takes the bar away.
func (a *app) progress(ctx context.Context, name string, size int64) (advance func(int64), done func()) {
	if size < progressMin || !term.IsTerminal(int(os.Stderr.Fd())) {
		return func(int64) {}, func() {}
	}
	a.out.Flush() // its lines must not fall into the bar
	p := mpb.NewWithContext(ctx, mpb.WithOutput(os.Stderr))
	bar := p.AddBar(size, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(show(name)+" ")),
		mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f"), decor.Name(" "), decor.Percentage()))
	return func(n int64) { bar.IncrInt64(n) }, func() {
		bar.Abort(true)
		p.Wait()
	}
}
