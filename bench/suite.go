package main

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"strings"
)

// suite is a workload with the addresses that are asked for, and their truth.
type suite struct {
	load      Workload
	path      string
	debugSize uint64 // of its debug information, uncompressed
	spans     []span
	addrs     []uint64
	truths    truths
	same      func(x, y string) bool
	endless   map[string]bool // peers that did not end in time
}

// suite returns the suite of a workload, made when it is first wanted. One that
// cannot be made is not tried again for the next ask: it may take minutes.
func (b *Bench) suite(ctx context.Context, name string) (*suite, error) {
	if s, err := b.suites[name], b.broken[name]; s != nil || err != nil {
		return s, err
	}
	s, err := b.newSuite(ctx, name)
	if err != nil {
		b.broken[name] = err
		return nil, err
	}
	b.suites[name] = s
	return s, nil
}

func (b *Bench) newSuite(ctx context.Context, name string) (*suite, error) {
	load, err := findWorkload(name)
	if err != nil {
		return nil, err
	}
	shop := &workshop{b.Workloads}
	s := &suite{load: load, endless: map[string]bool{}}
	if s.path, err = shop.get(ctx, load); err != nil {
		return nil, err
	}
	if s.spans, err = codeSections(s.path); err != nil {
		return nil, err
	}
	if s.debugSize, err = debugSize(s.path); err != nil {
		return nil, err
	}
	s.addrs = uniform(s.spans, manyQuestions)
	witness := s.path
	if load.Twin != "" {
		if witness, err = shop.named(ctx, load.Twin); err != nil {
			return nil, err
		}
		if err := sameCode(s.path, witness); err != nil {
			return nil, err
		}
	}
	names, err := readAliases(witness)
	if err != nil {
		return nil, err
	}
	s.same = names.same
	s.truths, err = b.witness(ctx, witness, s)
	return s, err
}

// witness asks the two readers whose agreement is the truth.
func (b *Bench) witness(ctx context.Context, path string, s *suite) (truths, error) {
	stdin := b.env.Path("addr2line-" + s.load.Name)
	if err := writeQuestions(stdin, s.addrs); err != nil {
		return nil, err
	}
	answers := map[string][][]call{}
	for _, p := range b.symbolizers(ctx) {
		if p.Name != llvm && p.Name != gimli {
			continue
		}
		if _, messages, err := b.meter.run(ctx, runTimeout, stdin, b.meter.output(), p.Args(path)...); err != nil {
			return nil, fmt.Errorf("%w: %s", err, messages)
		}
		out, err := os.ReadFile(b.meter.output())
		if err != nil {
			return nil, err
		}
		answers[p.Name] = p.Parse(string(out))
	}
	if len(answers) != 2 {
		return nil, errors.New("the truth needs llvm-symbolizer and gimli's addr2line (make peers installs them)")
	}
	return agreed(s.addrs, answers[llvm], answers[gimli], s.same)
}

// questions returns the addresses of an ask.
func (s *suite) questions(q ask) ([]uint64, error) {
	switch {
	case q.N == 1:
		return s.single()
	case q.N > len(s.addrs):
		return uniform(s.spans, q.N), nil
	case q.Skewed:
		return skewed(s.addrs[:q.N]), nil
	}
	return s.addrs[:q.N], nil
}

// single returns the one address that is asked for alone. It has a truth, as
// most that people ask for have, while padding between functions has none; and
// it is in an inlined call if there is such, so that who knows of none is seen.
func (s *suite) single() ([]uint64, error) {
	var plain []uint64
	for _, a := range s.addrs {
		t := s.truths[a]
		switch {
		case !t.lines && !(s.load.NamesOnly && t.names):
		case len(t.calls) > 1:
			return []uint64{a}, nil
		case plain == nil:
			plain = []uint64{a}
		}
	}
	if plain == nil {
		return nil, fmt.Errorf("%s: the peers agree on no address", s.load.Name)
	}
	return plain, nil
}

// debugSize is how large the DWARF sections of a file are, uncompressed.
func debugSize(path string) (uint64, error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size := uint64(0)
	for _, s := range f.Sections {
		if strings.HasPrefix(s.Name, ".debug_") {
			size += s.Size
		}
	}
	return size, nil
}

// sameCode fails unless two Go programs have the same functions and lines at the
// same addresses, so that what is true of one is true of the other. Their code
// differs in the addresses of data only; the tables of functions are equal.
func sameCode(path, other string) error {
	const tables = ".gopclntab"
	one, text, err := sectionData(path, tables)
	if err != nil {
		return err
	}
	two, otherText, err := sectionData(other, tables)
	if err != nil {
		return err
	}
	if text != otherText || !bytes.Equal(one, two) {
		return fmt.Errorf("%s and %s differ in their code", path, other)
	}
	return nil
}

// sectionData returns the bytes of a section, and where the file's code lies.
func sectionData(path, name string) (data []byte, text span, err error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, span{}, err
	}
	defer f.Close()
	s, code := f.Section(name), f.Section(".text")
	if s == nil || code == nil {
		return nil, span{}, fmt.Errorf("%s has no %s", path, name)
	}
	data, err = s.Data()
	return data, span{code.Addr, code.Size}, err
}
