package parity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// Outcome is what a proof came to.
type Outcome string

// The three outcomes. A proof that cannot tell says so: two stages are called identical only where
// they are.
const (
	// Identical means that nothing differs which is not declared.
	Identical Outcome = "identical"
	// Different means that something differs which is not declared; [Verdict] lists where.
	Different Outcome = "different"
	// CouldNotTell means that no difference was found, and that one may still be there: a text has
	// two readings, or a stage gets a value that only CloudFormation reads, when it deploys.
	CouldNotTell Outcome = "could not tell"
)

// DeployRead is a value that CloudFormation reads when it deploys a stage. No template holds it, so
// a proof over templates cannot compare it.
type DeployRead struct {
	// Kind is "parameter", "dynamic reference", "macro", "import", "zones", "custom resource",
	// "template", "condition" or "mapping" where only the deploy can decide it, or "refused
	// function" for what could not be computed.
	Kind string `json:"kind"`
	// What is read, as the template words it: {{resolve:ssm:/limit}}, or the name of a parameter.
	What string `json:"what"`
	// Stages lists the stages that read it.
	Stages []string `json:"stages"`
	// Path, LogicalID, Type, At and AlsoAt tell where it is read first, as in a [Difference].
	Path      string            `json:"path"`
	LogicalID string            `json:"logicalId,omitempty"`
	Type      string            `json:"type,omitempty"`
	At        stages.Position   `json:"at,omitzero"`
	AlsoAt    []stages.Position `json:"alsoAt,omitempty"`
	// Acknowledged is the reason for which the program accepts that the value may differ by stage.
	// Default: empty, nobody does, and the outcome is [CouldNotTell].
	Acknowledged string `json:"acknowledged,omitempty"`
}

// String is the read in two lines: what is read where, and who made that.
func (r DeployRead) String() string {
	text := fmt.Sprintf("%s %s, read by %s at %s", r.Kind, r.What, strings.Join(r.Stages, ", "), r.Path)
	for _, note := range (Difference{Type: r.Type, At: r.At, AlsoAt: r.AlsoAt}).notes() {
		text += "\n  " + note
	}
	if r.Acknowledged != "" {
		text += "\n  acknowledged: " + r.Acknowledged
	}
	return text
}

// Verdict is what a proof found. As JSON it has, besides its fields, "outcome" (an [Outcome]) and
// "identical" (whether that is [Identical]).
type Verdict struct {
	// Stages lists the stages compared, in the set's order; a template counts as the stage made
	// from it.
	Stages []string `json:"stages"`
	// Groups lists the stages by their choices: between those of one group no difference is
	// declared.
	Groups [][]string `json:"groups"`
	// Resources counts the logical ids, and Functions the functions, that any of the stages has.
	Resources int `json:"resources"`
	Functions int `json:"functions"`
	// SameBytes tells that each function runs the same bytes in every stage that has it.
	SameBytes bool `json:"sameBytes"`
	// Played counts the syntheses compared, and Parts all that there could be: every stage playing
	// every group's choices. Where the two are equal the proof is complete; see [Prove].
	Played int `json:"played"`
	Parts  int `json:"parts"`
	// Differences lists the undeclared differences, by the choices under which they show.
	Differences []Difference `json:"differences,omitempty"`
	// Foreign lists the places where a stage's template names the account of another.
	Foreign []ForeignAccount `json:"foreign,omitempty"`
	// Unstable lists what a second process synthesized differently. [Prove] leaves it empty: set it
	// to the outcome of [Reproducible].
	Unstable []Difference `json:"unstable,omitempty"`
	// Alone lists where a stage's template is another one when a process begins with that stage, as
	// a deploy of it does, than beside other stages. [Prove] leaves it empty: set it to the outcome
	// of [Alone].
	Alone []Difference `json:"alone,omitempty"`
	// Ambiguous lists the texts that are the same but for identity in one reading, and differ in
	// another.
	Ambiguous []Difference `json:"ambiguous,omitempty"`
	// DeployReads lists what is read when a stage is deployed, each value once.
	DeployReads []DeployRead `json:"deployReads,omitempty"`
	// Reads lists what the program's code reads besides its stage while it defines. [Prove] leaves
	// it empty, since it sees templates only.
	Reads []Read `json:"reads,omitempty"`
	// BadAcknowledgements lists the comments that acknowledge nothing, or give no reason; set with
	// Reads.
	BadAcknowledgements []BadAcknowledgement `json:"badAcknowledgements,omitempty"`
	// Stale lists the declarations that change nothing in any stage, where that was asked for: set
	// it to the outcome of [FindStale]. The stages are identical all the same.
	Stale []Stale `json:"stale,omitempty"`
}

// Exit codes of a command that proves parity.
const (
	ExitIdentical = 0 // the stages are identical
	ExitDifferent = 1 // there are undeclared differences
	ExitUnknown   = 2 // it could not be determined: the outcome says so, or there was an error instead of a verdict
)

// Outcome is [Different] where any difference was found; else [CouldNotTell] where a text is
// ambiguous, or a value is read at deploy time that nobody has acknowledged; else [Identical].
func (v *Verdict) Outcome() Outcome {
	switch {
	case len(v.Differences) > 0 || len(v.Foreign) > 0 || len(v.Unstable) > 0 || len(v.Alone) > 0:
		return Different
	case len(v.Ambiguous) > 0 || slices.ContainsFunc(v.DeployReads, func(r DeployRead) bool { return r.Acknowledged == "" }):
		return CouldNotTell
	}
	return Identical
}

// Identical tells whether the outcome is [Identical].
func (v *Verdict) Identical() bool { return v.Outcome() == Identical }

// ExitCode is [ExitIdentical], [ExitDifferent] or [ExitUnknown], by the outcome.
func (v *Verdict) ExitCode() int {
	return map[Outcome]int{Identical: ExitIdentical, Different: ExitDifferent, CouldNotTell: ExitUnknown}[v.Outcome()]
}

// MarshalJSON writes the fields, and the outcome.
func (v Verdict) MarshalJSON() ([]byte, error) {
	type fields Verdict
	return json.Marshal(struct {
		Outcome   Outcome `json:"outcome"`
		Identical bool    `json:"identical"`
		fields
	}{v.Outcome(), v.Identical(), fields(v)})
}

// shown is how many places of one kind the text lists; the JSON has all.
const shown = 25

// String is the verdict for people: one line where the stages are identical, else every place that
// differs with what each stage has there, and the Go file and line that made it.
func (v *Verdict) String() string {
	what := fmt.Sprintf("%s, %s, %s", count(len(v.Groups), "group"), count(v.Resources, "resource"), count(v.Functions, "function"))
	switch {
	case v.Functions == 0:
	case v.SameBytes:
		what += " (same bytes)"
	default:
		what += " (some with other bytes, as declared)"
		if !v.Identical() {
			what = strings.Replace(what, ", as declared", "", 1)
		}
	}
	number := count(len(v.Stages), "stage")
	if len(v.Stages) == 1 && v.Identical() {
		number += " (nothing to compare it with)"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s, %s\n", v.Outcome(), number, what)
	if places := byPath(v.Differences); len(places) > 0 {
		fmt.Fprintf(&text, "\n%s:\n", count(len(places), "undeclared difference"))
		writePlaces(&text, places)
		if slices.ContainsFunc(v.Differences, Difference.hasUnderstudy) {
			text.WriteString("\n\"production as dev\" has production's name, account and region, and dev's selectors, picks and tier.\n")
		}
		text.WriteString("\nA difference is declared with a selector, as in stages.Only(…), or with stages.Pick; a name is built by the ledger.\n")
	}
	if len(v.Foreign) > 0 {
		fmt.Fprintf(&text, "\n%s to another stage:\n", count(len(v.Foreign), "reference"))
		for _, reference := range v.Foreign[:min(len(v.Foreign), shown)] {
			text.WriteString(indented(reference.String()))
		}
		rest(&text, len(v.Foreign))
	}
	if len(v.Unstable) > 0 {
		fmt.Fprintf(&text, "\n%s between two runs of the same program:\n", count(len(v.Unstable), "difference"))
		for _, difference := range v.Unstable[:min(len(v.Unstable), shown)] {
			text.WriteString(indented(difference.String()))
		}
		rest(&text, len(v.Unstable))
		text.WriteString("\nThe program reads something besides its stage: the environment, a file, the time, a random value, or the order of a map.\n")
	}
	if len(v.Alone) > 0 {
		fmt.Fprintf(&text, "\n%s between a stage made by itself and beside other stages:\n", count(len(v.Alone), "difference"))
		for _, difference := range v.Alone[:min(len(v.Alone), shown)] {
			text.WriteString(indented(difference.String()))
		}
		rest(&text, len(v.Alone))
		text.WriteString("\nThe program keeps what it decided for the first stage that it defined: in a sync.Once, a package variable, or a cache.\n")
	}
	if len(v.Ambiguous) > 0 {
		fmt.Fprintf(&text, "\n%s that can be read in two ways, as the stages' own names or as a constant:\n", count(len(byPath(v.Ambiguous)), "text"))
		writePlaces(&text, byPath(v.Ambiguous))
		text.WriteString("\nWrite the constant differently, or let the ledger build the name, as s.Name(…) does.\n")
	}
	v.writeDeployReads(&text, false, "that no template tells and nobody has acknowledged")
	v.writeDeployReads(&text, true, "that the program acknowledges")
	v.writeReads(&text)
	return strings.TrimRight(text.String(), "\n")
}

// writeDeployReads lists what is read at deploy time, acknowledged or not.
func (v *Verdict) writeDeployReads(text *strings.Builder, acknowledged bool, which string) {
	reads := slices.DeleteFunc(slices.Clone(v.DeployReads), func(r DeployRead) bool { return (r.Acknowledged != "") != acknowledged })
	if len(reads) == 0 {
		return
	}
	fmt.Fprintf(text, "\n%s read at deploy time %s:\n", count(len(reads), "value"), which)
	for _, read := range reads[:min(len(reads), shown)] {
		text.WriteString(indented(read.String()))
	}
	rest(text, len(reads))
}

// Locate finds the Go line of each difference, and of what is read at deploy time, that has none.
// at is given what the stages are called that have something there, and the logical id; empty where
// it is no resource.
func (v *Verdict) Locate(at func(stages []string, logicalID string) stages.Position) {
	for _, list := range [][]Difference{v.Differences, v.Unstable, v.Alone, v.Ambiguous} {
		for i := range list {
			if d := &list[i]; d.At.File == "" {
				var having []string
				for _, value := range d.Values {
					for _, stage := range value.Stages {
						stage, _, _ = strings.Cut(stage, ",")
						if value.JSON != nil {
							having = append(having, stage)
						}
					}
				}
				d.At = at(having, elementOf(d.LogicalID, d.Path))
			}
		}
	}
	for i := range v.Foreign {
		if f := &v.Foreign[i]; f.At.File == "" {
			f.At = at([]string{f.Stage}, elementOf(f.LogicalID, f.Path))
		}
	}
	for i := range v.DeployReads {
		if r := &v.DeployReads[i]; r.At.File == "" {
			r.At = at(r.Stages, elementOf(r.LogicalID, r.Path))
		}
	}
}

// elementOf is the logical id of the resource, the output, the parameter or whatever else has one
// in a template.
func elementOf(logicalID, path string) string {
	if parts := strings.Split(path, "."); logicalID == "" && len(parts) > 1 {
		return parts[1]
	}
	return logicalID
}

// addReads adds what a stage reads at deploy time, each value once.
func (v *Verdict) addReads(reads []DeployRead) {
	for _, read := range reads {
		at := slices.IndexFunc(v.DeployReads, func(r DeployRead) bool {
			return r.Kind == read.Kind && r.What == read.What && r.LogicalID == read.LogicalID && r.Acknowledged == read.Acknowledged
		})
		if at < 0 {
			v.DeployReads = append(v.DeployReads, read)
			continue
		}
		for _, stage := range read.Stages {
			if !slices.Contains(v.DeployReads[at].Stages, stage) {
				v.DeployReads[at].Stages = append(v.DeployReads[at].Stages, stage)
			}
		}
	}
}

// writePlaces lists places, each once.
func writePlaces(text *strings.Builder, places [][]Difference) {
	for _, same := range places[:min(len(places), shown)] {
		text.WriteString(indented(same[0].String()))
		if more := len(same) - 1; more > 0 {
			text.WriteString(indented(fmt.Sprintf("  … and under the choices of %s", count(more, "more group"))))
		}
	}
	rest(text, len(places))
}

// byPath groups differences that several columns of the proof found in one place, in the order of
// the first of each.
func byPath(differences []Difference) [][]Difference {
	var places [][]Difference
	at := map[string]int{}
	for _, difference := range differences {
		i, known := at[difference.Path]
		if !known {
			i = len(places)
			at[difference.Path] = i
			places = append(places, nil)
		}
		places[i] = append(places[i], difference)
	}
	return places
}

func (d Difference) hasUnderstudy() bool {
	return slices.ContainsFunc(d.Values, func(v Value) bool {
		return slices.ContainsFunc(v.Stages, func(stage string) bool { return strings.Contains(stage, " as ") })
	})
}

// rest says how many of the places the text leaves out.
func rest(text *strings.Builder, places int) {
	if places > shown {
		fmt.Fprintf(text, "  … and %d more\n", places-shown)
	}
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n"
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
