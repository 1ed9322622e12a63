package stack

import (
	"fmt"
	"strconv"
	"time"

	"github.com/roadshow-go/roadshow/internal/kernel"
	"github.com/roadshow-go/roadshow/stages"
)

// ConfigError is a mistake in the program: one field of one component holds what it may not. It is
// panicked where the mistake is made, recovered in one place, and returned as an ordinary error with
// the Go file and line of the call. It is the same type as the errors of a set, so one errors.As finds
// both.
type ConfigError = stages.FieldError

// ConfigErrors are all the mistakes of one component, where it has several: each is a [*ConfigError].
type ConfigErrors = stages.FieldErrors

// inRange refuses a number that was given and is not from least to most; example is one to write instead.
func inRange(field string, value, least, most, example int) *ConfigError {
	if value == 0 || value >= least && value <= most {
		return nil
	}
	return &ConfigError{
		Field: field, Got: strconv.Itoa(value), Want: fmt.Sprintf("%d to %d", least, most),
		Fix: fmt.Sprintf("write %s: %d, or leave it out", field, example),
	}
}

// wholeSeconds refuses a time that was given and is not whole seconds from least to most; want is the two
// in words, example a time to write instead.
func wholeSeconds(field string, value, least, most time.Duration, want, example string) *ConfigError {
	if value == 0 || value >= least && value <= most && value%time.Second == 0 {
		return nil
	}
	return &ConfigError{
		Field: field, Got: value.String(), Want: want + " in whole seconds", Fix: fmt.Sprintf("write %s: %s, or leave it out", field, example),
	}
}

// firstOf is the first problem, if there is one.
func firstOf(problems ...*ConfigError) *ConfigError {
	for _, problem := range problems {
		if problem != nil {
			return problem
		}
	}
	return nil
}

// DefineError is a fault that the definition met outside a component's own checks: an error of the CDK
// itself, or a panic of the user's code.
type DefineError struct {
	// Stage is the stage being defined.
	Stage string
	// Construct is the component being made, or the last one made; empty before the first.
	Construct string
	// At is the user's Go file and line.
	At stages.Position
	// Reason is what the CDK or the code said.
	Reason string
}

// Error is "<file:line>: <component> in stage <stage>: <reason>".
func (e *DefineError) Error() string {
	thing := "stack"
	if e.Construct != "" {
		thing = fmt.Sprintf("%q", e.Construct)
	}
	return fmt.Sprintf("%s: %s in stage %s: %s", e.At, thing, e.Stage, e.Reason)
}

// NodeError says that there is no usable Node, on which the CDK's own code runs. Its Got is the version that
// was found, or "not found".
type NodeError = kernel.NodeError
