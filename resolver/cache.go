package resolver

import (
	"container/list"
	"os"
	"sync"

	"github.com/symfetch/symfetch/internal/elffile"
	"github.com/symfetch/symfetch/internal/frame"
	"github.com/symfetch/symfetch/internal/proc"
)

// coreKey names a file's content as long as nobody writes to it: content can
// change behind one device and inode number, so size and times are part of it.
type coreKey struct {
	device       device
	ino          uint64
	size         int64
	mtime, ctime int64 // nanoseconds since 1970
}

func coreKeyOf(s proc.FileStat) coreKey {
	return coreKey{device{s.DevMajor, s.DevMinor}, s.Ino, s.Size, s.Mtime.UnixNano(), s.Ctime.UnixNano()}
}

// core is an opened file that any number of objects in any number of
// processes share. It stays open while one of them holds it, and afterwards
// until the cache needs room: evicting never closes what somebody holds.
type core struct {
	key   coreKey
	cache *cache
	src   elffile.Source
	file  *os.File
	names *frame.Demangler // the Resolver's
	// local: the file system is a known local one, which answers at once.
	local bool
	// whole is the ELF at the file's start; nil, with the error, where the
	// file starts otherwise (an archive).
	whole    *view
	wholeErr error

	mu      sync.Mutex
	members map[uint64]*view

	// under cache.mu:
	refs int
	idle *list.Element
}

// cache keeps cores that nobody holds within a budget of bytes.
type cache struct {
	mu     sync.Mutex
	cores  map[coreKey]*core
	idle   *list.List // of *core, least recently used first
	bytes  int64      // heap bytes of the idle cores
	budget int64
	files  int // the most idle cores kept, as each holds a file descriptor
	closed bool
}

// maxIdleFiles bounds the file descriptors that idle cores hold.
const maxIdleFiles = 256

func newCache(budget int64) *cache {
	return &cache{cores: make(map[coreKey]*core), idle: list.New(), budget: budget, files: maxIdleFiles}
}

// get returns the core for a file, holding it, or nil.
func (c *cache) get(stat proc.FileStat) *core {
	c.mu.Lock()
	defer c.mu.Unlock()
	co := c.cores[coreKeyOf(stat)]
	if co != nil {
		c.hold(co)
	}
	return co
}

// put adds a core that was opened in parallel to others; where another was
// quicker, that one is returned and co closed.
func (c *cache) put(co *core) *core {
	c.mu.Lock()
	defer c.mu.Unlock()
	co.cache = c
	if other := c.cores[co.key]; other != nil {
		co.close()
		co = other
	} else if !c.closed {
		c.cores[co.key] = co
	}
	c.hold(co)
	return co
}

func (c *cache) hold(co *core) {
	co.refs++
	if co.idle != nil {
		c.idle.Remove(co.idle)
		co.idle = nil
		c.bytes -= co.heapBytes()
	}
}

// retain adds a holder to a core that the caller already holds.
func (co *core) retain() {
	co.cache.mu.Lock()
	defer co.cache.mu.Unlock()
	co.refs++
}

// release gives up one hold; the last one makes the core idle.
func (co *core) release() {
	c := co.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(co)
}

// drop is release with the cache locked.
func (c *cache) drop(co *core) {
	co.refs--
	if co.refs > 0 {
		return
	}
	if c.closed || c.cores[co.key] != co {
		delete(c.cores, co.key)
		co.close()
		return
	}
	co.idle = c.idle.PushBack(co)
	c.bytes += co.heapBytes()
	for c.idle.Len() > c.files || c.bytes > c.budget {
		c.evict(c.idle.Front().Value.(*core))
	}
}

func (c *cache) evict(co *core) {
	c.idle.Remove(co.idle)
	co.idle = nil
	c.bytes -= co.heapBytes()
	delete(c.cores, co.key)
	co.close()
}

// close drops every idle core; held ones close with their last release.
func (c *cache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.idle.Len() > 0 {
		c.evict(c.idle.Front().Value.(*core))
	}
}

// newCore reads the head of an opened file, which it owns from here on.
func newCore(f *os.File, stat proc.FileStat, names *frame.Demangler) (*core, error) {
	src, err := elffile.OpenSource(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	co := &core{key: coreKeyOf(stat), src: src, file: f, names: names, local: elffile.AnswersAtOnce(src)}
	co.whole, co.wholeErr = newView(co, src, 0, names)
	return co, nil
}

// member returns the ELF that starts at off within the file, opening it once.
func (co *core) member(off uint64) (*view, error) {
	if off == 0 {
		return co.whole, co.wholeErr
	}
	co.mu.Lock()
	defer co.mu.Unlock()
	if v := co.members[off]; v != nil {
		return v, nil
	}
	rest := elffile.Sub(co.src, int64(off), co.src.Size()-int64(off))
	probe, err := newView(co, rest, off, co.names)
	if err != nil {
		return nil, err
	}
	size := min(probe.elf.Extent(), rest.Size())
	v, err := newView(co, elffile.Sub(co.src, int64(off), size), off, co.names)
	if err != nil {
		return nil, err
	}
	if co.members == nil {
		co.members = make(map[uint64]*view)
	}
	co.members[off] = v
	return v, nil
}

// close releases the file, and the holds on those that complete it, with the
// cache locked; nobody holds the core any more.
func (co *core) close() {
	if co.src != nil {
		co.src.Close()
	}
	views := []*view{co.whole}
	for _, v := range co.members {
		views = append(views, v)
	}
	for _, v := range views {
		if v == nil {
			continue
		}
		for _, c := range v.holding() {
			c.cache.drop(c)
		}
	}
}

// heapBytes estimates what the core's tables hold on the heap. It is fixed
// from the moment that the core becomes idle until it is held again.
func (co *core) heapBytes() int64 {
	const perFile = 4 << 10 // in bytes: headers, handles, map entries
	n := int64(perFile)
	if co.whole != nil {
		n += co.whole.heapBytes()
	}
	co.mu.Lock()
	defer co.mu.Unlock()
	for _, v := range co.members {
		n += v.heapBytes()
	}
	return n
}
