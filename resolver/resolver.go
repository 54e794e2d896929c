package resolver

import (
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/kernel"
	"github.com/symfetch/symfetch/internal/proc"
)

// Resolver opens processes and shares what it reads among them. It owns the
// caches and their budget of memory.
type Resolver struct {
	procRoot  string
	fetcher   Fetcher
	network   Fetcher
	debugDirs []string
	log       *slog.Logger
	timeout   time.Duration
	cache     *cache
	names     frame.Demangler
	kernel    func() (*kernel.Table, error)
}

const (
	defaultMaxMemory = 256 << 20 // in bytes
	defaultTimeout   = 5 * time.Second
)

// New returns a Resolver; nil options are the defaults.
func New(o *Options) *Resolver {
	if o == nil {
		o = new(Options)
	}
	r := &Resolver{
		procRoot: o.ProcRoot, fetcher: o.Fetcher, network: o.Network, debugDirs: o.DebugDirs,
		log: o.Logger, timeout: o.Timeout,
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.timeout <= 0 {
		r.timeout = defaultTimeout
	}
	budget := o.MaxMemory
	if budget <= 0 {
		budget = defaultMaxMemory
	}
	r.cache = newCache(budget)
	r.kernel = sync.OnceValues(func() (*kernel.Table, error) { return readKernel(r.procRoot) })
	return r
}

// Close drops the caches. Objects and processes still held stay usable.
func (r *Resolver) Close() error {
	r.cache.close()
	return nil
}

// open returns the core of an opened file, which it owns, holding it: the one
// that exists for the same content, or a new one.
func (r *Resolver) open(f *os.File, stat proc.FileStat) (*core, error) {
	if co := r.cache.get(stat); co != nil {
		f.Close()
		return co, nil
	}
	co, err := newCore(f, stat, &r.names)
	if err != nil {
		return nil, err
	}
	return r.cache.put(co), nil
}
