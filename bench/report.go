package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// reports are what was measured last of each scenario, by its name. A run of one scenario replaces its own.
type reports map[string]report

func readReports(file string) (reports, error) {
	all := reports{}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("%s: %w; remove it, and measure everything again", file, err)
	}
	return all, nil
}

func (all reports) write(file string) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// report is what the page says of one scenario, and what that was measured on.
type report struct {
	Measured time.Time
	Rounds   int
	// Load is how busy the machine was before and after.
	Load, Machine string
	Versions      []string

	Rows    []row
	Remarks []string     `json:",omitempty"`
	Points  []curvePoint `json:",omitempty"`
	Fit     string       `json:",omitempty"`
}

// row is a line of the table, in Markdown.
type row struct {
	What, Ours        string
	Peer, Ratio, Goal string `json:",omitempty"`
	Verdict           string
}

type curvePoint struct {
	Stages, Functions     int
	Ours, Raw, JavaScript time.Duration
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
	r.Rows = append(r.Rows, row{
		What: what, Ours: ours.String(), Peer: theirs.String(), Ratio: fmt.Sprintf("%.2f", got), Goal: fmt.Sprintf("≤ %.2f", limit), Verdict: met(got <= limit),
	})
}

// show is a ratio without a goal.
func (r *report) show(what string, ours, theirs sample) {
	r.Rows = append(r.Rows, row{What: what, Ours: ours.String(), Peer: theirs.String(), Ratio: fmt.Sprintf("%.2f", ratio(ours, theirs)), Verdict: "shown"})
}

// limit is a time that must not be longer than a limit.
func (r *report) limit(what string, ours sample, limit time.Duration) {
	r.Rows = append(r.Rows, row{What: what, Ours: ours.String(), Goal: fmt.Sprintf("≤ %s", limit), Verdict: met(ours.median() <= limit)})
}

// amount is something else than a time: how much there is, against what there may or must be.
func (r *report) amount(what, ours, peer, goal string, isMet bool) {
	r.Rows = append(r.Rows, row{What: what, Ours: ours, Peer: peer, Goal: goal, Verdict: met(isMet)})
}

func (r *report) remark(format string, arguments ...any) {
	r.Remarks = append(r.Remarks, fmt.Sprintf(format, arguments...))
}

func (r *report) curve(stages, functions int, ours, raw, javascript sample) {
	r.Points = append(r.Points, curvePoint{stages, functions, ours.median(), raw.median(), javascript.median()})
	slices.SortStableFunc(r.Points, func(a, b curvePoint) int { return a.Stages*a.Functions - b.Stages*b.Functions })
}

// line is how straight our curve is. The goal "linear" is taken as: a straight line explains 99 %.
func (r *report) line(start, each time.Duration, explained float64) {
	r.Fit = fmt.Sprintf("A straight line through our nine points starts at %s, rises by %.1f ms a function, and explains %.1f %% of the variation.",
		seconds(start), float64(each.Microseconds())/1000, explained*100)
	r.amount("synthesis is linear in stages × functions: what a straight line explains", fmt.Sprintf("%.1f %%", explained*100), "", "≥ 99 %", explained >= 0.99)
}

const introduction = `# Benchmark

` + "`make bench`" + ` writes this page. It runs Roadshow and what a user would pick instead in turn, in one run; each number is the
median of its rounds, with the least and the greatest. A measurement is a fresh process, timed by the clock on the wall, but
for requests, which warm servers answer. A ratio is ours over theirs: less than 1 means that ours is faster. No time is asserted in CI.

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
- requests: both services answer alike to a note that is posted, read, missing, and refused for each of the faults that the
  handlers know: status, content type, and body, where ids and times are compared by their form.
- rights: both functions read the same item; of the one that is checked, a call beyond its grant is denied first.

| peer | what it is |
|---|---|
| raw CDK Go | ` + "[programs/raw](programs/raw/main.go)" + `: the same service by hand, in one process, one App for each stage; each function's code is a folder with one small file |
| JavaScript | ` + "[programs/javascript](programs/javascript/main.js)" + `: the same again, without the border between languages |
| Serverless | ` + "[programs/serverless](programs/serverless/serverless.js)" + `: ` + "`serverless package`" + `, one run for each stage, one small file |
| serverless-offline | ` + "[programs/offline](programs/offline/handler.js)" + `: the notes service in JavaScript with the AWS SDK, served by the plugin in its default mode (handlers in worker threads) and with its option to run them in its own process; dynalite beside it, in a process of its own, is its DynamoDB |
| go build | all functions at once, the same flags |

All run on the pinned Node, with the context of cdk.json, without network, and without the CDK's validator where
validation is not the subject. Ours compiles no function in these programs, as the peers do not; the builds are
measured on their own. 200 functions make more resources than CloudFormation takes; they are here for the curve, with the
CDK's limit lifted for everyone. "Cold" builds have an empty build cache (two rounds); each side has its own.

The rehearsal is ` + "`roadshow rehearse`" + `, as users start it, and a client in another process, which keeps its connections. Ours starts a
process for each function, checks each call's signature and rights, and keeps the logs; serverless-offline and dynalite do none of
these. Client and servers share the two cores.

` + "`make bench ROUNDS=9`" + ` measures longer. ` + "`go run ./bench -only parity`" + ` measures one scenario, and leaves the others as they were
measured last (results.json); with ` + "`-show`" + ` it prints the page, and writes nothing.
`

// markdown is the whole page.
func (all reports) markdown() string {
	var text strings.Builder
	text.WriteString(introduction)
	text.WriteString("| what | ours | peer | ratio | goal | | run |\n|---|---|---|---|---|---|---|\n")
	versions := map[string][]string{} // which scenarios ran with them
	for _, scenario := range scenarios {
		one := all[scenario.name]
		for _, row := range one.Rows {
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s | %s |\n", row.What, row.Ours, row.Peer, row.Ratio, row.Goal, row.Verdict, scenario.name)
		}
		if len(one.Rows) > 0 {
			with := one.Machine + ". " + strings.Join(one.Versions, ", ")
			versions[with] = append(versions[with], scenario.name)
		}
	}
	for _, scenario := range scenarios {
		for _, remark := range all[scenario.name].Remarks {
			text.WriteString("\n" + remark + "\n")
		}
	}
	text.WriteString("\n## Runs\n\n| run | measured | rounds | load average, from before to after |\n|---|---|---|---|\n")
	for _, scenario := range scenarios {
		if one := all[scenario.name]; len(one.Rows) > 0 {
			fmt.Fprintf(&text, "| %s | %s | %d | %s |\n", scenario.name, one.Measured.Format("2006-01-02 15:04 UTC"), one.Rounds, one.Load)
		}
	}
	text.WriteString("\nWhat takes very long has three rounds at most. A load above the number of cores means that other work took part of the machine: times are\n" +
		"then longer, and less alike, than alone.\n")
	for _, scenario := range scenarios {
		one := all[scenario.name]
		with := one.Machine + ". " + strings.Join(one.Versions, ", ")
		if names := versions[with]; len(names) > 0 {
			fmt.Fprintf(&text, "\n- %s: %s.", strings.Join(names, ", "), with)
			delete(versions, with)
		}
	}
	text.WriteString("\n")
	if curves := all["curves"]; len(curves.Points) > 0 {
		text.WriteString("\n## Curves\n\n![seconds over functions in all stages, for ours, raw CDK Go and JavaScript](curves.svg)\n\n" +
			"| stages × functions | ours | raw CDK Go | JavaScript | ours, a function |\n|---|---|---|---|---|\n")
		for _, p := range curves.Points {
			fmt.Fprintf(&text, "| %d × %d | %s | %s | %s | %.1f ms |\n", p.Stages, p.Functions, seconds(p.Ours), seconds(p.Raw), seconds(p.JavaScript),
				float64(p.Ours.Microseconds())/1000/float64(p.Stages*p.Functions))
		}
		text.WriteString("\n" + curves.Fit + "\n")
	}
	text.WriteString(method)
	return text.String()
}
