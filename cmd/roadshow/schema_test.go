package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/cost"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/fleet/quota"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/internal/starter"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stages"
)

// What `roadshow parity` prints with --json, whose objects write themselves.
type (
	verdictJSON struct {
		Outcome   parity.Outcome `json:"outcome"`
		Identical bool           `json:"identical"`
		parity.Verdict
		Deployed []fleet.Parity `json:"deployed,omitempty"`
		Commits  []commitJSON   `json:"commits,omitempty"`
	}
	commitJSON struct {
		fleet.CommitParity
		Verdict *verdictJSON `json:"verdict,omitempty"`
	}
)

// printed is what a verb prints with --json; where a flag makes that another object, the name has the flag.
func printed(arguments []string) (name string, object any) {
	has := func(flag string) bool { return slices.Contains(arguments, flag) }
	name = arguments[1]
	for verb, flag := range map[string]string{"stages": "--with", "costs": "--activate-tags"} {
		if name == verb && has(flag) {
			name += " " + flag
		}
	}
	if name == "remove" && strings.HasPrefix(arguments[2], "-") {
		name += " --account"
	}
	if name == "diff" && strings.HasPrefix(arguments[3], "-") {
		name += " of one stage"
	}
	return name, map[string]any{
		"stages": new(listedStages), "stages --with": new(proposal), "doctor": new(examined), "bootstrap": new(bootstraps),
		"deploy": new(deployment), "status": new(statuses), "remove": new(removed), "remove --account": new(line),
		"orphans": new(line), "expire": new(ephemerals), "quotas": new(quotas), "costs": new(costs),
		"costs --activate-tags": new(costTags), "parity": new(verdictJSON), "diff": new(parity.Explanation), "diff of one stage": new(fleet.StageDiff),
		"names": new(names), "links": new(linked), "rehearse": new(rehearsalLine), "init": new(starter.Written), "version": new(versions),
	}[name]
}

// schemas are the names of the objects that sessions have printed.
var schemas struct {
	mu   sync.Mutex
	seen map[string]bool
}

// hasSchema holds what a session has printed to its Go type, which the next test holds to the pages.
func hasSchema(ts *testscript.TestScript, arguments []string) {
	text := ts.ReadFile("stdout")
	if filepath.Base(arguments[0]) != "roadshow" || !slices.Contains(arguments, "--json") || strings.TrimSpace(text) == "" {
		return
	}
	name, object := printed(arguments)
	if object == nil {
		ts.Fatalf("%s prints JSON without a schema: write it into schema_test.go and the pages", name)
	}
	for _, null := range nullText.FindAllStringSubmatch(text, -1) {
		if !slices.Contains([]string{"need", "used", "limit"}, null[1]) { // of quotas, where that is documented
			ts.Fatalf("%s prints null for %q, want an empty list or nothing", name, null[1])
		}
	}
	schemas.mu.Lock()
	schemas.seen = merged(schemas.seen, name)
	schemas.mu.Unlock()
	for lines := json.NewDecoder(strings.NewReader(text)); ; {
		var raw json.RawMessage
		if err := lines.Decode(&raw); err == io.EOF {
			return
		} else if err != nil {
			ts.Fatalf("%s prints no JSON: %v", name, err)
		}
		strict := json.NewDecoder(bytes.NewReader(raw))
		strict.DisallowUnknownFields()
		if err := strict.Decode(object); err != nil {
			ts.Fatalf("%s prints what is not documented: %v", name, err)
		}
		var has map[string]json.RawMessage
		ts.Check(json.Unmarshal(raw, &has))
		for field, optional := range fieldsOf(reflect.TypeOf(object)) {
			if _, printed := has[field]; !printed && !optional {
				ts.Fatalf("%s does not print %q, which is documented", name, field)
			}
		}
	}
}

var nullText = regexp.MustCompile(`"(\w+)": ?null`)

func merged(set map[string]bool, name string) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	set[name] = true
	return set
}

// fieldsOf are the fields of a type in JSON, and whether each may be left out.
func fieldsOf(of reflect.Type) map[string]bool {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	fields := map[string]bool{}
	for i := range of.NumField() {
		field := of.Field(i)
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case tag == "-":
		case field.Anonymous && tag == "":
			maps.Copy(fields, fieldsOf(field.Type))
		case field.IsExported():
			fields[tag] = strings.HasPrefix(options, "omit")
		}
	}
	return fields
}

// Where the pages say which fields an object has: the words between two texts, or in the first column of the table
// after one.
var documentedObjects = []struct {
	page, from, to string
	column         bool
	types          []any
}{
	{page: "fleet.md", from: "| `roadshow stages` | `service`", types: []any{listedStages{}}},
	{page: "fleet.md", from: "| `roadshow doctor` | `findings`", types: []any{examined{}}},
	{page: "fleet.md", from: "| `roadshow bootstrap` | `service`", types: []any{bootstraps{}}},
	{page: "fleet.md", from: "| `roadshow deploy` | `service`", types: []any{deployment{}}},
	{page: "fleet.md", from: "| `roadshow status` | `service`", types: []any{statuses{}}},
	{page: "fleet.md", from: "| `roadshow remove` | `service`", types: []any{removed{}}},
	{page: "fleet.md", from: "| `roadshow expire` | `service`", types: []any{ephemerals{}}},
	{page: "fleet.md", from: "| `roadshow version` | `version`", types: []any{versions{}}},
	{page: "fleet.md", from: "| report | ", types: []any{fleet.StageReport{}}},
	{page: "fleet.md", from: "| status | ", types: []any{fleet.StageStatus{}}},
	{page: "fleet.md", from: "| `deployed` | ", types: []any{fleet.Deployed{}}},
	{page: "fleet.md", from: "| one of `functions` | ", types: []any{fleet.FunctionStatus{}}},
	{page: "fleet.md", from: "| `behind` | ", types: []any{fleet.Behind{}}},
	{page: "fleet.md", from: "| finding | ", types: []any{fleet.Finding{}}},
	{page: "fleet.md", from: "| `taken` | ", types: []any{fleet.TakenName{}}},
	{page: "fleet.md", from: "| outcome | ", types: []any{fleet.Outcome{}}},
	{page: "fleet.md", from: "| one of `outputs` | ", types: []any{fleet.Output{}}},
	{page: "fleet.md", from: "| one of `proposals` | ", types: []any{fleet.Proposal{}}},
	{page: "fleet.md", from: "| one of `changes` | ", types: []any{fleet.Change{}}},
	{page: "fleet.md", from: "| `plan` | ", types: []any{fleet.RemovalPlan{}}},
	{page: "fleet.md", from: "| resource | ", types: []any{fleet.PlannedResource{}}},
	{page: "fleet.md", from: "| leftover | ", types: []any{orphan.Leftover{}}},
	{page: "fleet.md", from: "| ephemeral stage | ", types: []any{fleet.Ephemeral{}}},
	{page: "orphans.md", from: "| member | fields |", column: true, types: []any{line{}}},
	{page: "orphans.md", from: "| `orphan` | ", types: []any{orphan.Orphan{}}},
	{page: "orphans.md", from: "| `plan` | ", types: []any{orphan.DeletionPlan{}}},
	{page: "orphans.md", from: "| `step` | as in the log: ", types: []any{orphan.DeletionStep{}}},
	{page: "orphans.md", from: "| `holding` (of `remove --account`) | ", types: []any{orphan.Holding{}}},
	{page: "orphans.md", from: "| `gap` | ", types: []any{fleet.Gap{}}},
	{page: "orphans.md", from: "| `summary` | ", to: ";", types: []any{orphanSummary{}}},
	{page: "quotas.md", from: "`--json` prints one object: ", types: []any{quotas{}}},
	{page: "quotas.md", from: "| one of `quotas` | ", types: []any{quota.Row{}}},
	{page: "quotas.md", from: "| one of `places` | ", types: []any{quota.Place{}}},
	{page: "quotas.md", from: "| `request` | ", types: []any{quota.Request{}}},
	{page: "quotas.md", from: "| one of `gaps` | ", types: []any{fleet.Gap{}}},
	{page: "quotas.md", from: "| one of `increases` | ", types: []any{quota.Increase{}}},
	{page: "costs.md", from: "| field | meaning |", column: true, types: []any{costs{}}},
	{page: "costs.md", from: "| field of a row | meaning |", column: true, types: []any{cost.Row{}}},
	{page: "costs.md", from: "| `totals` | ", types: []any{cost.Total{}}},
	{page: "costs.md", from: "| `changed` | ", types: []any{cost.Change{}}},
	{page: "costs.md", from: "| `gaps` | ", types: []any{fleet.Gap{}}},
	{page: "costs.md", from: "| `top` | ", types: []any{cost.TopService{}}},
	{page: "costs.md", from: "`roadshow costs --activate-tags --json` prints ", to: "with", types: []any{struct {
		Tags []cost.Tag `json:"tags"`
	}{}}},
	{page: "parity.md", from: "`roadshow parity --json`:\n\n", column: true, types: []any{verdictJSON{}}},
	{page: "parity.md", from: "| `differences`, `unstable` | ", types: []any{parity.Difference{}, parity.Value{}}},
	{page: "parity.md", from: "| `foreign` | ", types: []any{parity.ForeignAccount{}}},
	{page: "parity.md", from: "| `stale` | ", types: []any{parity.Stale{}}},
	{page: "parity.md", from: "| `deployed` | ", types: []any{fleet.Parity{}}},
	{page: "parity.md", from: "| `commits` | ", types: []any{fleet.CommitParity{}}},
	{page: "parity.md", from: "`roadshow diff STAGE STAGE --json`:\n\n", column: true, types: []any{parity.Explanation{}}},
	{page: "fleet.md", from: "| `roadshow diff STAGE` | `stage`", types: []any{fleet.StageDiff{}}},
	{page: "parity.md", from: "| `groups` | ", types: []any{parity.Group{}}},
	{page: "parity.md", from: "| `changes` of a group | ", types: []any{parity.Change{}}},
	{page: "parity.md", from: "A choice has ", types: []any{stages.Choice{}}},
	{page: "parity.md", from: "`roadshow names --json` has ", to: ", each with", types: []any{names{}}},
	{page: "parity.md", from: "`service` and `names`, each with ", to: "`roadshow stages --json`\n", types: []any{stages.LedgerName{}}},
	{page: "parity.md", from: "`roadshow stages --with … --json` has ", to: "`roadshow init", types: []any{proposal{}}},
	{page: "parity.md", from: "`roadshow init --json` has ", to: "\n\n", types: []any{starter.Written{}}},
	{page: "rehearsal.md", from: "| member | fields |", column: true, types: []any{rehearsalLine{}}},
	{page: "rehearsal.md", from: "| one of `stages` | ", types: []any{rehearse.Summary{}}},
	{page: "rehearsal.md", from: "| one of `apis` | ", types: []any{rehearse.API{}}},
	{page: "rehearsal.md", from: "| of `log` | ", types: []any{rehearse.Line{}}},
	{page: "rehearsal.md", from: "| of `denied` | ", types: []any{rehearse.Refused{}}},
	{page: "rehearsal.md", from: "| of `rights` | ", types: []any{rehearse.Rights{}}},
	{page: "rehearsal.md", from: "| one of `unused` | ", types: []any{rehearse.Unused{}}},
	{page: "links.md", from: "`--json` prints ", to: ", the", types: []any{linked{}}},
}

// What is written of an object: its fields, outside parentheses.
var (
	asideText = regexp.MustCompile(`\([^()]*\)`)
	fieldText = regexp.MustCompile("`([a-z][A-Za-z0-9]*)`")
)

func TestTheFieldsOfEachObjectAreThoseThatAreDocumented(t *testing.T) {
	for _, object := range documentedObjects {
		t.Run(object.page+" "+object.from, func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join(made.checkout, "docs", object.page))
			require.NoError(t, err)
			_, text, found := strings.Cut(string(page), object.from)
			require.True(t, found, "it is documented")
			if at := strings.LastIndex(object.from, "| `"); at > 0 {
				text = object.from[at:] + text // the first field is in what is searched for
			}
			if object.column {
				table, _, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n\n")
				text = ""
				for _, row := range strings.Split(table, "\n") {
					if cells := strings.Split(row, "|"); len(cells) > 1 {
						text += cells[1]
					}
				}
			} else {
				end := object.to
				if end == "" {
					end = "\n"
				}
				text, _, _ = strings.Cut(text, end)
			}
			for asideText.MatchString(text) {
				text = asideText.ReplaceAllString(text, "")
			}
			documented, want := map[string]bool{}, map[string]bool{}
			for _, field := range fieldText.FindAllStringSubmatch(text, -1) {
				documented[field[1]] = true
			}
			for _, one := range object.types {
				maps.Copy(want, fieldsOf(reflect.TypeOf(one)))
			}
			require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(documented)))
		})
	}
}

// everyVerbHasPrintedJSON is asked when all sessions are over.
func everyVerbHasPrintedJSON(t *testing.T) {
	if run := flag.Lookup("test.run").Value.String(); t.Failed() || strings.Contains(run, "/") {
		return // not all were run
	}
	var settings settings
	for _, verb := range newRoot(&settings).Commands() {
		if verb.RunE != nil {
			require.True(t, schemas.seen[verb.Name()], "a session prints the JSON of roadshow %s", verb.Name())
		}
	}
	for _, name := range []string{"stages --with", "remove --account", "costs --activate-tags", "diff of one stage"} {
		require.True(t, schemas.seen[name], "a session prints the JSON of roadshow %s", name)
	}
}
