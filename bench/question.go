package main

import (
	"bufio"
	"debug/elf"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
)

// span is a range of a file's addresses.
type span struct{ start, size uint64 }

// codeSections returns where a file's code lies. A separate debug file has its
// addresses without its bytes.
func codeSections(path string) ([]span, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var spans []span
	for _, s := range f.Sections {
		if s.Flags&elf.SHF_EXECINSTR != 0 && s.Flags&elf.SHF_ALLOC != 0 && s.Size > 0 {
			spans = append(spans, span{s.Addr, s.Size})
		}
	}
	if len(spans) == 0 {
		return nil, fmt.Errorf("%s has no code", path)
	}
	return spans, nil
}

// uniform returns n random addresses of the spans, each as likely as any other.
// The seed is fixed: the first of a longer list are those of a shorter one.
func uniform(spans []span, n int) []uint64 {
	total := uint64(0)
	for _, s := range spans {
		total += s.size
	}
	random := rand.New(rand.NewPCG(3, 5))
	addrs := make([]uint64, n)
	for i := range addrs {
		at := random.Uint64N(total)
		for _, s := range spans {
			if at < s.size {
				addrs[i] = s.start + at
				break
			}
			at -= s.size
		}
	}
	return addrs
}

// How profiles are skewed: this part of the questions is for that part of the
// addresses.
const (
	hotQuestions = 0.8
	hotAddresses = 0.01
)

// skewed returns as many questions as there are addresses, most of them for few
// of the addresses.
func skewed(addrs []uint64) []uint64 {
	hot := max(1, int(hotAddresses*float64(len(addrs))))
	random := rand.New(rand.NewPCG(7, 11))
	questions := make([]uint64, len(addrs))
	for i := range questions {
		from := len(addrs)
		if random.Float64() < hotQuestions {
			from = hot
		}
		questions[i] = addrs[random.IntN(from)]
	}
	return questions
}

// writeQuestions writes addresses as every symbolizer reads them, one a line.
func writeQuestions(path string, addrs []uint64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for _, a := range addrs {
		fmt.Fprintf(w, "%#x\n", a)
	}
	return errors.Join(w.Flush(), f.Close())
}
