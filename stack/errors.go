package stack

import (
	"fmt"

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
