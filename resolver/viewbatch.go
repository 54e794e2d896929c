package resolver

import (
	"runtime"
	"slices"
	"sync"
)

// symbolize answers many vaddrs, each as appendFrames does. DWARF is asked for
// all of them at once, so that each unit is read through once.
//
// answer is called once for each index of vaddrs, from several goroutines at
// once; the frames are the caller's.
func (v *view) symbolize(vaddrs []uint64, answer func(i int, frames []Frame, err error)) {
	const chunk = 512 // in addresses
	var (
		mu   sync.Mutex
		rest []question
	)
	parallel((len(vaddrs)+chunk-1)/chunk, runtime.GOMAXPROCS(0), func(part int) {
		var left []question
		for i := part * chunk; i < min(len(vaddrs), (part+1)*chunk); i++ {
			q := question{vaddr: vaddrs[i], index: i}
			frames, settled := v.askGo(nil, &q)
			if settled {
				answer(i, frames, nil)
				continue
			}
			left = append(left, q)
		}
		mu.Lock()
		defer mu.Unlock()
		rest = append(rest, left...)
	})
	slices.SortFunc(rest, func(a, b question) int { return a.index - b.index })
	v.symbolizeRest(rest, answer)
}

// symbolizeRest answers what the Go tables did not.
func (v *view) symbolizeRest(rest []question, answer func(i int, frames []Frame, err error)) {
	inDWARF := rest[:0:0]
	for _, q := range rest {
		if q.noDWARF {
			frames, err := v.askSymbols(nil, &q)
			answer(q.index, frames, err)
			continue
		}
		inDWARF = append(inDWARF, q)
	}
	vaddrs := make([]uint64, len(inDWARF))
	w, delta := v.debugView()
	for i := range inDWARF {
		vaddrs[i] = inDWARF[i].vaddr + delta
	}
	w.dwarf().Symbolize(vaddrs, func(i int, frames []Frame, err error) {
		q := &inDWARF[i]
		q.note(err)
		frames, err = v.askSymbols(slices.Clone(frames), q)
		answer(q.index, frames, err)
	})
}
