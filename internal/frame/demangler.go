package frame

import (
	"strings"
	"sync"
)

// defaultDemanglerBytes bounds a Demangler's cache where nobody chose.
const defaultDemanglerBytes = 8 << 20

// entryOverhead is what an entry costs beside its strings: two string
// headers in a map that is half full, in bytes.
const entryOverhead = 64

// Demangler is Demangle with a memory, of 8 MiB of names at most where
// [NewDemangler] did not say otherwise. The zero Demangler is ready; a nil one
// remembers nothing. It is safe for use by several goroutines.
type Demangler struct {
	mu sync.Mutex
	// young receives names and is bounded by half; when it is full it becomes
	// old, and what old held is forgotten unless it was asked for again.
	young, old map[string]string
	bytes      int // of young
	half       int // the bound of young in bytes, 0 for the default's
}

// NewDemangler returns a Demangler that keeps at most maxBytes of names; 0
// means 8 MiB.
func NewDemangler(maxBytes int) *Demangler {
	if maxBytes <= 0 {
		maxBytes = defaultDemanglerBytes
	}
	return &Demangler{half: maxBytes / 2}
}

// Demangle returns Demangle(linkage). Names that are not mangled cost a look
// at their first bytes and take no room.
func (d *Demangler) Demangle(linkage string) string {
	if !isMangled(linkage) && !strings.HasPrefix(linkage, "_R") {
		return linkage
	}
	if d == nil {
		return Demangle(linkage)
	}
	d.mu.Lock()
	display, ok := d.young[linkage]
	if !ok {
		if display, ok = d.old[linkage]; ok {
			d.remember(linkage, display)
		}
	}
	d.mu.Unlock()
	if ok {
		return display
	}
	display = Demangle(linkage)
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.young[linkage]; !ok { // several goroutines can have asked
		d.remember(linkage, display)
	}
	return display
}

func (d *Demangler) remember(linkage, display string) {
	cost, half := len(linkage)+len(display)+entryOverhead, d.half
	if half == 0 {
		half = defaultDemanglerBytes / 2
	}
	if cost > half {
		return
	}
	if d.young == nil || d.bytes+cost > half {
		d.old, d.young, d.bytes = d.young, make(map[string]string), 0
	}
	d.young[linkage] = display
	d.bytes += cost
}
