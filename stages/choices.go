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
	// switches are the choices that another stage makes instead, by their ids.
	switches map[string]Stage
	// times counts how often each declaration was come to.
	times map[string]int
}

// Switch has one choice made as another stage makes it, and leaves all others as they are: what then
// changes is what that one declaration does.
type Switch struct {
	// ID is the [Choice.ID] of the choice; As is whose choice it shall be.
	ID string
	As Stage
}

// Choice is one decision: a declared difference, seen from one stage.
type Choice struct {
	// ID tells the choices of one stage apart, and is the same for the same choice of another stage:
	// what it is, where it is declared, and how often the program has come to it before.
	ID string `json:"id"`
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
func NewChoices(set Set, stage Stage, switches ...Switch) *Choices {
	c := &Choices{set: set, stage: stage, switches: map[string]Stage{}, times: map[string]int{}}
	for _, one := range switches {
		c.switches[one.ID] = one.As
	}
	c.made = ownChoices(c.Stage())
	return c
}

// Stage is the stage that the choices are made for. Where a choice that it makes by its own fields, such
// as its tier, is switched, it has the other stage's field; what selects by tier sees the stage's own.
func (c *Choices) Stage() Stage {
	stage := c.stage
	if other, switched := c.switches["tier"]; switched {
		stage.Tier = other.Tier
	}
	if other, switched := c.switches["boundary"]; switched {
		stage.PermissionsBoundary = stage.As(other).PermissionsBoundary
	}
	if other, switched := c.switches["expiry"]; switched {
		stage.expires = other.expires
	}
	return stage
}

// ownChoices are those that a stage makes by its fields.
func ownChoices(stage Stage) []Choice {
	own := []Choice{{ID: "tier", Kind: "tier", Declaration: "Stage.Tier", Outcome: stage.Tier.String(), branch: int(stage.Tier)}}
	if stage.PermissionsBoundary != "" {
		own = append(own, Choice{ID: "boundary", Kind: "boundary", Declaration: "Stage.PermissionsBoundary", Outcome: "in", branch: 1})
	}
	if stage.expires != 0 {
		own = append(own, Choice{ID: "expiry", Kind: "expiry", Declaration: "Stage.ExpiresAfter", Outcome: stage.expires.String(), branch: int(stage.expires)})
	}
	return own
}

// make records a choice.
func (c *Choices) make(choose func(Stage) Choice) Choice {
	choice := choose(c.stage)
	choice.ID = strings.TrimSpace(fmt.Sprintf("%s %s %s", choice.Kind, choice.At, choice.Of))
	c.times[choice.ID]++
	if times := c.times[choice.ID]; times > 1 {
		choice.ID = fmt.Sprintf("%s #%d", choice.ID, times)
	}
	if other, switched := c.switches[choice.ID]; switched {
		id := choice.ID
		choice = choose(other)
		choice.ID = id
	}
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
		if selector.selects(stage) {
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

// Agrees tells whether two stages made the same choice: the same of the program's, with the same outcome.
func (c Choice) Agrees(other Choice) bool {
	return c.ID == other.ID && c.Declaration == other.Declaration && c.branch == other.branch
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
