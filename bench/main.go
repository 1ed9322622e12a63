// The benchmark: Roadshow against what a user would pick instead, in one run, in turn, several times.
// `make bench` runs it; it writes bench/README.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/roadshow-go/roadshow/bench/programs/size"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each thing is measured; what takes very long is measured at most 3 times")
	only := flag.String("only", "", "measure one scenario only, and print instead of writing the README: synthesis, curves, parity, validation, builds, tests, start, fleet or orphans")
	flag.Parse()
	if err := run(*rounds, *only); err != nil {
		fmt.Fprintf(os.Stderr, "\nbench: %v\n", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	root   string // of the checkout
	work   string // git-ignored; all that the run makes
	rounds int
	began  time.Time

	environment []string // of every child process
	report      report
}

func run(rounds int, only string) error {
	if rounds < 1 {
		return errors.New("-rounds must be at least 1; write ROUNDS=5")
	}
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "bench", "programs")); err != nil {
		return errors.New("the working folder must be the checkout's root; write make bench")
	}
	b := &bench{root: root, work: filepath.Join(root, ".roadshow", "bench"), rounds: rounds, began: time.Now()}
	if err := b.prepare(); err != nil {
		return err
	}
	defer os.RemoveAll(b.temporary())
	scenarios := []struct {
		name string
		run  func() error
	}{
		{"synthesis", b.synthesis},
		{"parity", b.parity},
		{"validation", b.validation},
		{"builds", b.builds},
		{"tests", b.tests},
		{"start", b.start},
		{"fleet", b.fleet},
		{"orphans", b.orphans},
		{"curves", b.curves},
	}
	known := only == ""
	for _, scenario := range scenarios {
		if only != "" && only != scenario.name {
			continue
		}
		known = true
		if err := scenario.run(); err != nil {
			return err
		}
	}
	if !known {
		return fmt.Errorf("-only is %q, want the name of a scenario; see -help", only)
	}
	text := b.report.markdown(b)
	if only != "" {
		fmt.Println(text)
		return nil
	}
	drawn, err := picture(b.report.points)
	if err != nil {
		return err
	}
	b.say("done; writing bench/README.md and bench/curves.svg")
	if err := os.WriteFile(filepath.Join(root, "bench", "curves.svg"), drawn, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "bench", "README.md"), []byte(text), 0o644)
}

// say writes a line of progress.
func (b *bench) say(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "%5.0fs  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, arguments...))
}

// few is the number of rounds of what takes long.
func (b *bench) few() int { return min(b.rounds, 3) }

// temporary is what a run leaves nothing of.
func (b *bench) temporary() string { return filepath.Join(b.work, "run") }

// size is one measurement's, with an output folder of the contestant's own.
func (b *bench) size(who string, stages, functions int) size.Size {
	return size.Size{
		Stages: stages, Functions: functions, Groups: 1, Salt: "none",
		Outdir: filepath.Join(b.temporary(), "out", who), Code: filepath.Join(b.work, "code"),
	}
}
