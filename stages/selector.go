package stages

import (
	"slices"
	"strings"
)

// Selector says which stages have a component. [Only] and [Except] make one; a [Stage] and a [Tier] are
// one themselves. The zero value, nil, is every stage.
//
// A selector looks at a stage's role and tier only ([Stage.Role]), never at its account or region, so an
// understudy is selected exactly as the stage it plays.
type Selector interface {
	// String says which stages, as the code would.
	String() string

	// selects tells whether the stage is among the selected ones. It is unexported, because a type that embeds
	// a Selector could take its place, and would be handed the stage.
	selects(Stage) bool

	// named lists the stages that the selector names, for the check that the set knows them.
	named() []Stage
}

// Only selects the stages that any of the given selectors selects.
//
//	stages.Only(Production)
//	stages.Only(stages.Protected, Staging)
func Only(selectors ...Selector) Selector { return selection{any: selectors, at: Caller()} }

// Except selects every stage that none of the given selectors selects.
//
//	stages.Except(Dev)
func Except(selectors ...Selector) Selector {
	return selection{any: selectors, except: true, at: Caller()}
}

// selection is what Only and Except make.
type selection struct {
	any    []Selector
	except bool
	at     Position
}

func (s selection) selects(stage Stage) bool {
	chosen := slices.ContainsFunc(s.any, func(one Selector) bool { return Selects(one, stage) })
	return chosen != s.except
}

func (s selection) String() string {
	words := make([]string, len(s.any))
	for i, one := range s.any {
		words[i] = describe(one)
	}
	verb := "stages.Only("
	if s.except {
		verb = "stages.Except("
	}
	return verb + strings.Join(words, ", ") + ")"
}

func (s selection) named() []Stage {
	var all []Stage
	for _, one := range s.any {
		if one != nil {
			all = append(all, one.named()...)
		}
	}
	return all
}

// selects tells whether the stage plays this stage's part; see [Stage.Role]. A template selects the
// stages made from it.
func (s Stage) selects(stage Stage) bool {
	if s.IsTemplate() {
		return stage.family == s.template
	}
	return stage.Role() == s.Name
}

func (s Stage) named() []Stage { return []Stage{s} }

// selects tells whether the stage is of this tier.
func (t Tier) selects(stage Stage) bool { return stage.Tier == t }

func (t Tier) named() []Stage { return nil }

// Selects tells whether the selector selects the stage; nil selects every stage.
func Selects(selector Selector, stage Stage) bool {
	return selector == nil || selector.selects(stage)
}

// describe is the selector's text, also for nil.
func describe(selector Selector) string {
	if selector == nil {
		return "every stage"
	}
	return selector.String()
}

// declaredAt is where the selector was written, if it remembers; a bare stage or tier does not.
func declaredAt(selector Selector, otherwise Position) Position {
	if s, ok := selector.(selection); ok && s.at.File != "" {
		return s.at
	}
	return otherwise
}
