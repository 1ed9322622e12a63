package parity

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Verdict is the outcome of a proof. As JSON it has, besides its fields, "identical".
type Verdict struct {
	// Stages lists the stages compared, in the set's order; a template counts as the stage made from it.
	Stages []string `json:"stages"`
	// Groups lists the stages by their choices: between those of one group no difference is declared.
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
	// Unstable lists what a second process synthesized differently. [Prove] leaves it empty: set it to
	// the outcome of [Reproducible].
	Unstable []Difference `json:"unstable,omitempty"`
	// Stale lists the declarations that change nothing in any stage, where that was asked for: set it to
	// the outcome of [FindStale]. The stages are identical all the same.
	Stale []Stale `json:"stale,omitempty"`
}

// Exit codes of a command that proves parity.
const (
	ExitIdentical = 0 // the stages are identical
	ExitDifferent = 1 // there are undeclared differences
	ExitUnknown   = 2 // it could not be told: there was an error instead of a verdict
)

// Identical tells whether nothing differs that was not declared.
func (v *Verdict) Identical() bool {
	return len(v.Differences) == 0 && len(v.Foreign) == 0 && len(v.Unstable) == 0
}

// ExitCode is [ExitIdentical] or [ExitDifferent].
func (v *Verdict) ExitCode() int {
	if v.Identical() {
		return ExitIdentical
	}
	return ExitDifferent
}

// MarshalJSON writes the fields, and whether the stages are identical.
func (v Verdict) MarshalJSON() ([]byte, error) {
	type fields Verdict
	return json.Marshal(struct {
		Identical bool `json:"identical"`
		fields
	}{v.Identical(), fields(v)})
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
	stages := count(len(v.Stages), "stage")
	if v.Identical() {
		if len(v.Stages) == 1 {
			stages += " (nothing to compare it with)"
		}
		return fmt.Sprintf("identical: %s, %s", stages, what)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "different: %s, %s\n", stages, what)
	if places := byPath(v.Differences); len(places) > 0 {
		fmt.Fprintf(&text, "\n%s:\n", count(len(places), "undeclared difference"))
		for _, place := range places[:min(len(places), shown)] {
			text.WriteString(indented(place[0].String()))
			if more := len(place) - 1; more > 0 {
				text.WriteString(indented(fmt.Sprintf("  … and under the choices of %s", count(more, "more group"))))
			}
		}
		rest(&text, len(places))
		if slices.ContainsFunc(v.Differences, Difference.hasUnderstudy) {
			text.WriteString("\n\"production as dev\" has production's name, account and region, and dev's selectors, picks and tier.\n")
		}
		text.WriteString("\nA difference is declared with a selector, as in stages.Only(…), or with stages.Pick; a name is built by the ledger.\n")
	}
	if len(v.Foreign) > 0 {
		fmt.Fprintf(&text, "\n%s to the account of another stage:\n", count(len(v.Foreign), "reference"))
		for _, one := range v.Foreign[:min(len(v.Foreign), shown)] {
			text.WriteString(indented(one.String()))
		}
		rest(&text, len(v.Foreign))
	}
	if len(v.Unstable) > 0 {
		fmt.Fprintf(&text, "\n%s between two runs of the same program:\n", count(len(v.Unstable), "difference"))
		for _, one := range v.Unstable[:min(len(v.Unstable), shown)] {
			text.WriteString(indented(one.String()))
		}
		rest(&text, len(v.Unstable))
		text.WriteString("\nThe program reads something besides its stage: the environment, a file, the time, a random value, or the order of a map.\n")
	}
	return strings.TrimRight(text.String(), "\n")
}

// byPath groups differences that several columns of the proof found in one place, in the order of the
// first of each.
func byPath(differences []Difference) [][]Difference {
	var places [][]Difference
	at := map[string]int{}
	for _, one := range differences {
		i, known := at[one.Path]
		if !known {
			i = len(places)
			at[one.Path] = i
			places = append(places, nil)
		}
		places[i] = append(places[i], one)
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
