package resolver

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
)

// symbolize answers many vaddrs, each as appendFrames does. DWARF is asked for
// all of them at once, so that each unit is read through once.
//
// answer is called once for each index of vaddrs, from several goroutines at
// once; the frames are its to use during the call only, their strings may be
// kept.
func (v *view) symbolize(vaddrs []uint64, answer func(i int, frames []Frame, err error)) {
	if _, err := v.pclntab(); err != nil && isAbsent(err) {
		v.symbolizeDWARF(vaddrs, answer)
		return
	}
	left := v.symbolizeGo(vaddrs, answer)
	rest := make([]uint64, len(left))
	for i, at := range left {
		rest[i] = vaddrs[at]
	}
	v.symbolizeDWARF(rest, func(i int, frames []Frame, err error) { answer(left[i], frames, err) })
}

// symbolizeGo answers what the Go tables know, and returns the indices of what
// DWARF is to be asked for.
func (v *view) symbolizeGo(vaddrs []uint64, answer func(i int, frames []Frame, err error)) (left []int) {
	const chunk = 512 // in addresses
	// In ascending order, so that a function's tables are still at hand when it
	// is asked for again.
	order := make([]int32, len(vaddrs))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(vaddrs[a], vaddrs[b]) })
	var mu sync.Mutex
	parallel((len(vaddrs)+chunk-1)/chunk, runtime.GOMAXPROCS(0), func(part int) {
		var frames []Frame
		var mine []int
		for _, at := range order[part*chunk : min(len(order), (part+1)*chunk)] {
			i := int(at)
			q := question{vaddr: vaddrs[i]}
			var settled bool
			if frames, settled = v.askGo(frames[:0], &q); settled {
				answer(i, frames, nil)
				continue
			}
			if !q.noDWARF {
				mine = append(mine, i)
				continue
			}
			out, err := v.askSymbols(frames[:0], &q)
			answer(i, out, err)
		}
		mu.Lock()
		defer mu.Unlock()
		left = append(left, mine...)
	})
	slices.Sort(left)
	return left
}

// symbolizeDWARF answers from DWARF and the symbol tables.
func (v *view) symbolizeDWARF(vaddrs []uint64, answer func(i int, frames []Frame, err error)) {
	if len(vaddrs) == 0 {
		return
	}
	w, delta := v.debugView()
	asked := vaddrs
	if delta != 0 {
		asked = make([]uint64, len(vaddrs))
		for i := range vaddrs {
			asked[i] = vaddrs[i] + delta
		}
	}
	w.dwarf().Symbolize(asked, func(i int, frames []Frame, err error) {
		q := question{vaddr: vaddrs[i]}
		q.note(err)
		frames, err = v.askSymbols(frames, &q)
		answer(i, frames, err)
	})
}
