package stages

import (
	"fmt"
	"slices"
	"strings"
)

// Choices is what the selectors, picks and tier of a program come to for one stage, in the order the
// program makes them. Two stages whose choices are the same must have the same template but for their
// identity.
type Choices struct {
	set   Set
	stage Stage
	made  []Choice
	// again makes each choice of made for another stage.
	again []func(Stage) Choice
}

// Choice is one decision: a declared difference, seen from one stage.
type Choice struct {
	// Kind is "selector", "pick", "tier", "boundary" ([Stage.PermissionsBoundary]) or "expiry"
	// ([Stage.ExpiresAfter]).
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
	c.made = ownChoices(stage)
	return c
}

// ownChoices are those that a stage makes by its fields.
func ownChoices(stage Stage) []Choice {
	own := []Choice{{Kind: "tier", Declaration: "Stage.Tier", Outcome: stage.Tier.String(), branch: int(stage.Tier)}}
	if stage.PermissionsBoundary != "" {
		own = append(own, Choice{Kind: "boundary", Declaration: "Stage.PermissionsBoundary", Outcome: "in", branch: 1})
	}
	if stage.expires != 0 {
		own = append(own, Choice{Kind: "expiry", Declaration: "Stage.ExpiresAfter", Outcome: stage.expires.String(), branch: int(stage.expires)})
	}
	return own
}

// make records a choice.
func (c *Choices) make(choose func(Stage) Choice) Choice {
	choice := choose(c.stage)
	c.made = append(c.made, choice)
	c.again = append(c.again, choose)
	return choice
}

// For is what the same choices come to for another stage, whether or not the set has it. Choices that
// this stage never came to, inside a component that it does not have, are not among them.
func (c *Choices) For(stage Stage) *Choices {
	other := NewChoices(c.set, stage)
	for _, choose := range c.again {
		other.make(choose)
	}
	return other
}

// Includes tells whether the selector selects the stage, and records the choice. A nil selector is no
// choice: every stage has the component. of names the component, at is the user's call.
func (c *Choices) Includes(of string, selector Selector, at Position) bool {
	if selector == nil {
		return true
	}
	at = declaredAt(selector, at)
	c.requireKnown(selector, at)
	return c.make(func(stage Stage) Choice {
		choice := Choice{Kind: "selector", Of: of, Declaration: describe(selector), At: at, Outcome: "out"}
		if selector.Selects(stage) {
			choice.Outcome, choice.branch = "in", 1
		}
		return choice
	}).branch == 1
}

// pick records which case of a Pick was taken: its index, or -1 for none.
func (c *Choices) pick(cases []Selector, at Position, text func(outcome int) string) int {
	words := []string{text(-1)}
	for i, selector := range cases {
		c.requireKnown(selector, at)
		words = append(words, fmt.Sprintf("stages.When(%s, %s)", describe(selector), text(i)))
	}
	declaration := fmt.Sprintf("stages.Pick(%s)", strings.Join(words, ", "))
	return c.make(func(stage Stage) Choice {
		outcome := slices.IndexFunc(cases, func(selector Selector) bool { return Selects(selector, stage) })
		return Choice{Kind: "pick", At: at, Outcome: text(outcome), branch: outcome, Declaration: declaration}
	}).branch
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
