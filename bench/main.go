// Bench measures symfetch side by side with its peers and with the least that
// the machine can do, all in one run, and writes docs/performance.md.
//
//	go run ./bench -symfetch bin/symfetch
//	go run ./bench -run addr2line-libc -rounds 3
//
// The files whose addresses are asked for are built when they are first wanted,
// which takes some minutes; -build does only that.
//
// The programs of a measure run in turns, many rounds, and the medians are
// compared: a figure of one run holds against the others of the same run, and
// its ratio holds on other machines. Nothing is asserted: a test that depends
// on how long something takes fails on a busy machine and proves nothing on an
// idle one. A measure whose answers are not right is an error, though: a fast
// wrong answer must not stand in a table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"

	"github.com/symfetch/symfetch/fixtures"
)

// measures are in the order of the report.
var measures = append([]Measure{
	startUp,
	mappingsTable,
	objectsTable,
	addressPlain,
	addressInMappings,
	addressInObjects,
	streamSymbols,
	streamGo,
}, fileMeasures()...)

// Bench is one run of all measures.
type Bench struct {
	// Symfetch and Blazecli are executables; Blazecli is "" where it is not
	// installed. Peers is the directory in which make peers installs such.
	Symfetch, Blazecli, Peers string
	// Rounds is how often each program runs at most, Budget about how long it
	// may take for all its rounds together.
	Rounds int
	Budget time.Duration

	// Workloads is the directory in which built workloads are kept.
	Workloads string

	env    *fixtures.Env
	meter  *meter
	suites map[string]*suite // by workload
	broken map[string]error  // of workloads that have no suite
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	os.Unsetenv("DEBUGINFOD_URLS") // no contender may ask the network
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		stop()
		log.Fatal(err)
	}
}

func run(ctx context.Context) (err error) {
	var b Bench
	flag.StringVar(&b.Symfetch, "symfetch", "bin/symfetch", "the `executable` to measure")
	flag.StringVar(&b.Peers, "peers", "bin/peers/bin", "the `directory` of the peers that make peers builds")
	flag.IntVar(&b.Rounds, "rounds", 61, "how often each program runs at most")
	flag.StringVar(&b.Workloads, "workloads", "bin/bench", "the `directory` in which workloads are built and kept")
	flag.DurationVar(&b.Budget, "budget", 10*time.Second, "about how long one program may take in all its rounds")
	only := flag.String("run", ".", "the measures whose names match this `expression`")
	report := flag.String("o", "docs/performance.md", "the report's `file`, written when all measures ran; \"\" for the terminal only")
	build := flag.Bool("build", false, "build the workloads that are missing, and do no more")
	flag.Parse()
	if *build {
		return buildWorkloads(ctx, &workshop{b.Workloads})
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if err := b.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.env.Close()) }()
	results := b.all(ctx, wanted)
	if err := ctx.Err(); err != nil {
		return err
	}
	text, err := b.render(ctx, results)
	if err != nil {
		return err
	}
	fmt.Print(text)
	if err := writeMisses(b.Workloads, results); err != nil {
		return err
	}
	if err := spoiled(results); err != nil {
		return err
	}
	if *report == "" || len(results) < len(measures) {
		return nil
	}
	return errors.Join(os.WriteFile(*report, []byte(text), 0o644), writePlots(*report, results))
}

// open resolves the executables and makes the place where things happen.
func (b *Bench) open(ctx context.Context) error {
	var err error
	if b.Symfetch, err = filepath.Abs(b.Symfetch); err != nil {
		return err
	}
	if _, err := os.Stat(b.Symfetch); err != nil {
		return fmt.Errorf("%w (make build makes it)", err)
	}
	b.Blazecli = b.peerPath("blazecli", "blazecli")
	b.suites, b.broken = map[string]*suite{}, map[string]error{}
	if b.env, err = fixtures.NewEnv(nil); err != nil {
		return err
	}
	b.meter, err = newMeter(ctx, b.env.Dir)
	return err
}

// peer returns path if a file is there, else name's on PATH, else "".
func peer(path, name string) string {
	if abs, err := filepath.Abs(path); err == nil && path != "" {
		if info, err := os.Stat(abs); err == nil && info.Mode().IsRegular() {
			return abs
		}
	}
	return onPath(name)
}

// onPath returns the executable that name means, "" if it is not installed.
func onPath(name string) string {
	found, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return found
}

// all runs the wanted measures one after the other.
func (b *Bench) all(ctx context.Context, wanted *regexp.Regexp) []Result {
	var results []Result
	for _, m := range measures {
		if !wanted.MatchString(m.Name) || ctx.Err() != nil {
			continue
		}
		log.Printf("%s ...", m.Name)
		r := b.measure(ctx, m)
		if r.Err != nil {
			log.Printf("%s: %v", m.Name, r.Err)
		}
		results = append(results, r)
	}
	return results
}

// spoiled returns the errors of all measures.
func spoiled(results []Result) error {
	var errs []error
	for _, r := range results {
		if r.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Measure.Name, r.Err))
		}
	}
	return errors.Join(errs...)
}

// target starts the situation name for a measure.
func (b *Bench) target(ctx context.Context, name string) (*fixtures.Target, error) {
	s, ok := fixtures.Find(name)
	if !ok {
		return nil, fmt.Errorf("no situation %q", name)
	}
	// A directory of its own, as two measures may start the same situation.
	env, err := fixtures.NewEnv(nil)
	if err != nil {
		return nil, err
	}
	b.env.Cleanup(env.Close)
	if err := env.Check(s); err != nil {
		return nil, err
	}
	return s.Start(ctx, env)
}
