package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// report is what the README says.
type report struct {
	rows    []string
	remarks []string
	points  []curvePoint
	fit     string
}

type curvePoint struct {
	stages, functions     int
	ours, raw, javascript time.Duration
}

func met(is bool) string {
	if is {
		return "met"
	}
	return "**not met**"
}

// goal is a ratio that must not be greater than a limit.
func (r *report) goal(what string, ours, theirs sample, limit float64) {
	got := ratio(ours, theirs)
	r.rows = append(r.rows, fmt.Sprintf("| %s | %s | %s | %.2f | ≤ %.2f | %s |", what, ours, theirs, got, limit, met(got <= limit)))
}

// show is a ratio without a goal.
func (r *report) show(what string, ours, theirs sample) {
	r.rows = append(r.rows, fmt.Sprintf("| %s | %s | %s | %.2f | | shown |", what, ours, theirs, ratio(ours, theirs)))
}

// limit is a time that must not be longer than a limit.
func (r *report) limit(what string, ours sample, limit time.Duration) {
	text := ours.String()
	if limit < 100*time.Millisecond {
		text = fmt.Sprintf("%.1f ms", float64(ours.median().Microseconds())/1000)
	}
	r.rows = append(r.rows, fmt.Sprintf("| %s | %s | | | ≤ %s | %s |", what, text, limit, met(ours.median() <= limit)))
}

func (r *report) remark(format string, arguments ...any) {
	r.remarks = append(r.remarks, fmt.Sprintf(format, arguments...))
}

func (r *report) curve(stages, functions int, ours, raw, javascript sample) {
	r.points = append(r.points, curvePoint{stages, functions, ours.median(), raw.median(), javascript.median()})
	slices.SortStableFunc(r.points, func(a, b curvePoint) int { return a.stages*a.functions - b.stages*b.functions })
}

// line is how straight our curve is. The goal "linear" is taken as: a straight line explains 99 %.
func (r *report) line(start, each time.Duration, explained float64) {
	r.fit = fmt.Sprintf("A straight line through our nine points starts at %s, rises by %.1f ms a function, and explains %.1f %% of the variation.",
		seconds(start), float64(each.Microseconds())/1000, explained*100)
	r.rows = append(r.rows, fmt.Sprintf("| synthesis is linear in stages × functions: what a straight line explains | %.1f %% | | | ≥ 99 %% | %s |", explained*100, met(explained >= 0.99)))
}

const introduction = `# Benchmark

` + "`make bench`" + ` writes this page. It runs Roadshow and what a user would pick instead in turn, in one run; each number is the
median of its rounds, with the least and the greatest. Every measurement is a fresh process, timed by the clock on the
wall. A ratio is ours over theirs: less than 1 means that ours is faster. No time is asserted in CI.

`

const method = `
## What is compared

The synthetic service is one table, one HTTP API, and functions that each have a role, a log group, a route and the right
to read and write the table. Before anything is timed, the run asserts:

- ours, raw CDK Go and JavaScript: every stage's template has the same resource types, the same number of each, and the
  same properties of every resource (names, sizes, tags, environment, routes …), where a reference is compared by the
  type that it refers to and the digest of code is left out. Roles, policies and permissions to call a function are
  compared by their number only: ours allow less.
- ours and Serverless: the same number of functions, log groups, routes, APIs and tables in each stage, and of each
  function the same name, handler, runtime, memory, timeout and architecture.
- builds: each of our binaries is the one of plain ` + "`go build`" + `, byte for byte, but for the two linker's identifiers that ours zeroes.
- test loop: the templates of the two test suites, as above.
- deploy to three accounts: the template that the first account has is the same byte for byte, whoever has deployed it, and
  the other two have as many resources of each type. Before each run the accounts are what they were once bootstrapped.

| peer | what it is |
|---|---|
| raw CDK Go | ` + "[programs/raw](programs/raw/main.go)" + `: the same service by hand, in one process, one App for each stage; each function's code is a folder with one small file |
| JavaScript | ` + "[programs/javascript](programs/javascript/main.js)" + `: the same again, without the border between languages |
| Serverless | ` + "[programs/serverless](programs/serverless/serverless.js)" + `: ` + "`serverless package`" + `, one run for each stage, one small file |
| go build | all functions at once, the same flags |

All run on the pinned Node, with the context of cdk.json, without network, and without the CDK's validator where
validation is not the subject. Ours compiles no function in these programs, as the peers do not; the builds are
measured on their own. 200 functions make more resources than CloudFormation takes; they are here for the curve, with the
CDK's limit lifted for everyone. "Cold" builds have an empty build cache (two rounds); each side has its own.

` + "`make bench ROUNDS=9`" + ` measures longer. ` + "`go run ./bench -only parity`" + ` measures one scenario and prints it.
`

func (r *report) markdown(b *bench) string {
	var text strings.Builder
	text.WriteString(introduction)
	fmt.Fprintf(&text, "Last run: %s, %d rounds (what takes very long: %d), %.0f minutes.  \nMachine: %s; load average at the end %s.  \nVersions: %s.\n\nA load above the number of cores means that other work took part of the machine: times are then longer, and less alike, than alone.\n\n",
		b.began.UTC().Format("2006-01-02 15:04 UTC"), b.rounds, b.few(), time.Since(b.began).Minutes(), machine(), load(), strings.Join(b.versions(), ", "))
	text.WriteString("| what | ours | peer | ratio | goal | |\n|---|---|---|---|---|---|\n")
	for _, row := range r.rows {
		text.WriteString(row + "\n")
	}
	for _, remark := range r.remarks {
		text.WriteString("\n" + remark + "\n")
	}
	if len(r.points) > 0 {
		text.WriteString("\n## Curves\n\n![seconds over functions in all stages, for ours, raw CDK Go and JavaScript](curves.svg)\n\n" +
			"| stages × functions | ours | raw CDK Go | JavaScript | ours, a function |\n|---|---|---|---|---|\n")
		for _, p := range r.points {
			fmt.Fprintf(&text, "| %d × %d | %s | %s | %s | %.1f ms |\n", p.stages, p.functions, seconds(p.ours), seconds(p.raw), seconds(p.javascript),
				float64(p.ours.Microseconds())/1000/float64(p.stages*p.functions))
		}
		text.WriteString("\n" + r.fit + "\n")
	}
	text.WriteString(method)
	return text.String()
}
