// The benchmark: Roadshow against what a user would pick instead, in one run, in turn, several times.
// `make bench` runs it; it writes bench/README.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/roadshow-go/roadshow/bench/programs/size"
)

func main() {
	rounds := flag.Int("rounds", 5, "how often each thing is measured; what takes very long is measured at most 3 times")
	only := flag.String("only", "", "measure one scenario only; the rows of the others stay as they were measured last: "+strings.Join(scenarioNames(), ", "))
	show := flag.Bool("show", false, "print the page instead of writing it, and remember nothing")
	flag.Parse()
	if err := run(*rounds, *only, *show); err != nil {
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
	report      report   // of the scenario under way
}

// scenarios are in the order in which they are measured and stand on the page.
var scenarios = []struct {
	name     string
	programs []string // that are built for it
	run      func(*bench) error
}{
	{"synthesis", []string{"ours", "raw"}, (*bench).synthesis},
	{"parity", []string{"ours", "raw"}, (*bench).parity},
	{"validation", []string{"ours", "raw"}, (*bench).validation},
	{"builds", []string{"builds"}, (*bench).builds},
	{"tests", nil, (*bench).tests},
	{"start", nil, (*bench).start},
	{"fleet", []string{"fleet", "roadshow"}, (*bench).fleet},
	{"orphans", []string{"paging", "roadshow"}, (*bench).orphans},
	{"rehearsal", []string{"roadshow"}, (*bench).rehearsal},
	{"requests", []string{"roadshow"}, (*bench).requests},
	{"rights", []string{"local", "roadshow"}, (*bench).rights},
	{"idle", []string{"local", "roadshow"}, (*bench).idle},
	{"curves", []string{"ours", "raw"}, (*bench).curves},
}

func scenarioNames() []string {
	names := make([]string, len(scenarios))
	for i, scenario := range scenarios {
		names[i] = scenario.name
	}
	return names
}

func run(rounds int, only string, show bool) error {
	if only != "" && !slices.Contains(scenarioNames(), only) {
		return fmt.Errorf("there is no scenario %q; write -only with one of %s", only, strings.Join(scenarioNames(), ", "))
	}
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
	// The suites keep what Node has compiled; users do not, and `go run ./bench` does not.
	if err := os.Unsetenv("NODE_COMPILE_CACHE"); err != nil {
		return err
	}
	b := &bench{root: root, work: filepath.Join(root, ".roadshow", "bench"), rounds: rounds, began: time.Now()}
	if err := b.prepare(); err != nil {
		return err
	}
	defer os.RemoveAll(b.temporary())
	all, err := readReports(b.reportsFile())
	if err != nil {
		return err
	}
	for _, scenario := range scenarios {
		if only != "" && only != scenario.name {
			continue
		}
		b.report = report{Measured: time.Now().UTC(), Rounds: b.rounds, Machine: machine(), Versions: b.versions()}
		if err := b.build(scenario.programs...); err != nil {
			return err
		}
		before := load()
		if err := scenario.run(b); err != nil {
			return err
		}
		b.report.Load = before + " to " + load()
		all[scenario.name] = b.report
		if show {
			continue
		}
		// After each scenario: what a long run has measured is not lost where it fails later.
		if err := b.write(all); err != nil {
			return err
		}
	}
	if show {
		fmt.Println(all.markdown())
	}
	return nil
}

// reportsFile keeps what was measured last of each scenario.
func (b *bench) reportsFile() string { return filepath.Join(b.root, "bench", "results.json") }

// write writes the page, its picture, and what they are made of.
func (b *bench) write(all reports) error {
	b.say("writing bench/README.md")
	if points := all["curves"].Points; len(points) > 0 {
		drawn, err := picture(points)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.root, "bench", "curves.svg"), drawn, 0o644); err != nil {
			return err
		}
	}
	return errors.Join(
		all.write(b.reportsFile()),
		os.WriteFile(filepath.Join(b.root, "bench", "README.md"), []byte(all.markdown()), 0o644),
	)
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
