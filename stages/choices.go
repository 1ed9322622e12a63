package stages

import (
	"fmt"
	"strings"
)

// Choices is what the selectors, picks and tier of a program come to for one stage, in the order the
// program makes them. Two stages whose choices are the same must have the same template but for their
// identity.
type Choices struct {
	set   Set
	stage Stage
	made  []Choice
}

// Choice is one decision: a declared difference, seen from one stage.
type Choice struct {
	// Kind is "selector", "pick" or "tier".
	Kind string `json:"kind"`
	// Of is what is chosen: the construct's id for a selector, empty for a pick.
	Of string `json:"of,omitempty"`
	// Declaration is the choice as the code words it, such as "stages.Only(production)".
	Declaration string `json:"declaration"`
	// At is the Go file and line that declares it.
	At Position `json:"at"`
	// Outcome is what it came to in this stage: "in", "out", the tier, or the picked value.
	Outcome string `json:"outcome"`

	// branch is the outcome as a number: values of any type compare by it.
	branch int
}

// NewChoices begins the record of one synthesis for one stage of the set.
func NewChoices(set Set, stage Stage) *Choices {
	c := &Choices{set: set, stage: stage}
	c.made = append(c.made, Choice{
		Kind: "tier", Declaration: "Stage.Tier", Outcome: stage.Tier.String(), branch: int(stage.Tier),
	})
	return c
}

// Includes tells whether the selector selects the stage, and records the choice. A nil selector is no
// choice: every stage has the component. of names the component, at is the user's call.
func (c *Choices) Includes(of string, selector Selector, at Position) bool {
	if selector == nil {
		return true
	}
	at = declaredAt(selector, at)
	c.requireKnown(selector, at)
	choice := Choice{Kind: "selector", Of: of, Declaration: describe(selector), At: at, Outcome: "out"}
	in := selector.Selects(c.stage)
	if in {
		choice.Outcome, choice.branch = "in", 1
	}
	c.made = append(c.made, choice)
	return in
}

// pick records which case of a Pick was taken: its index, or -1 for none.
func (c *Choices) pick(cases []Selector, at Position, text func(outcome int) string) int {
	outcome := -1
	words := make([]string, len(cases))
	for i, selector := range cases {
		c.requireKnown(selector, at)
		words[i] = fmt.Sprintf("stages.When(%s, %s)", describe(selector), text(i))
		if outcome < 0 && Selects(selector, c.stage) {
			outcome = i
		}
	}
	c.made = append(c.made, Choice{
		Kind: "pick", At: at, Outcome: text(outcome), branch: outcome,
		Declaration: fmt.Sprintf("stages.Pick(%s)", strings.Join(append([]string{text(-1)}, words...), ", ")),
	})
	return outcome
}

// requireKnown panics where a selector names a stage that the set does not have: it could never be
// right, and would silently select nothing.
func (c *Choices) requireKnown(selector Selector, at Position) {
	if selector == nil {
		return
	}
	for _, named := range selector.named() {
		if !c.set.has(named) {
			panic(&FieldError{
				Thing: describe(selector), Field: "stage", Got: fmt.Sprintf("%q", named.Name),
				Want: "one of the set's: " + strings.Join(c.set.Names(), ", "),
				Fix:  "add the stage to the set, or select by tier, as in stages.Only(stages.Protected)", At: at,
			})
		}
	}
}

// Made lists the choices in the order they were made.
func (c *Choices) Made() []Choice { return c.made }

// Key is equal for two stages exactly when they made the same choices.
func (c *Choices) Key() string {
	var key strings.Builder
	for _, one := range c.made {
		fmt.Fprintf(&key, "%s %s %s=%d\n", one.Kind, one.At, one.Of, one.branch)
	}
	return key.String()
}
