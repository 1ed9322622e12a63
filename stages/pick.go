package stages

import (
	"fmt"
	"reflect"
	"regexp"
)

// Case is one value of a [Pick], made by [When].
type Case[T any] struct {
	selector Selector
	value    T
}

// When is the value that the selected stages have.
func When[T any](selector Selector, value T) Case[T] {
	return Case[T]{selector: selector, value: value}
}

// Pick is the value of a setting that differs by stage, chosen where it is used:
//
//	Memory: stages.Pick(s, 256, stages.When(Production, 1024)),
//
// The first case that selects the stage wins; otherwise is the value where none does. It is recorded
// as a declared difference, with the Go file and line of the call. A case that names a stage outside
// the set panics with a [*FieldError], which becomes the error of the synthesis.
func Pick[T any](s Chooser, otherwise T, cases ...Case[T]) T {
	selectors := make([]Selector, len(cases))
	for i, one := range cases {
		selectors[i] = one.selector
	}
	value := func(outcome int) T {
		if outcome < 0 {
			return otherwise
		}
		return cases[outcome].value
	}
	outcome := s.record().pick(selectors, Caller(), func(outcome int) string {
		return worded(value(outcome))
	})
	return value(outcome)
}

// address is where something is in memory, as fmt writes a pointer or a function inside another value.
var address = regexp.MustCompile(`\b0x[0-9a-f]+\b`)

// worded is a value as a choice words it: the same in every run, so without addresses.
func worded(value any) string {
	text := fmt.Sprintf("%v", value)
	if reflect.ValueOf(value).Kind() == reflect.String {
		return text
	}
	return address.ReplaceAllString(text, "…")
}

// Chooser is what choices are made for: a *stack.Stack. Its one method is unexported, because whoever holds
// the record of the choices could ask it which stage it is for, and nothing would record that question.
type Chooser interface {
	record() *Choices
}

func (c *Choices) record() *Choices { return c }

// Chooser is the record for [Pick], which nobody else can look into: not even by reflection, which comes to every
// field, and calls no unexported function.
func (c *Choices) Chooser() Chooser { return chooser(func() *Choices { return c }) }

type chooser func() *Choices

func (c chooser) record() *Choices { return c() }
