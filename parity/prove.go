package parity

import (
	"context"
	"fmt"

	"github.com/roadshow-go/roadshow/stages"
)

// Played is what a program makes of one stage, or of an understudy.
type Played struct {
	// Template is the synthesized template, as JSON. Required.
	Template []byte
	// Identity is the identity of the stage itself, also where it plays another's part; see [Side].
	// Required.
	Identity []string
	// ChoicesKey is equal for two stages exactly when they made the same choices, as
	// [stages.Choices.Key] is.
	ChoicesKey string
	// Functions maps the logical id of each function to a digest of the bytes it runs.
	Functions map[string]string
	// Stack is what is said of the stack outside its template, such as its name, its tags and its
	// termination protection. It is compared like the template.
	Stack map[string]string
	// Positions finds the Go file and line that made a resource. Default: none is known.
	Positions func(logicalID string) stages.Position
}

// Player synthesizes a program for a stage.
type Player interface {
	// Play synthesizes one stage: one of the set, one made from a template of it, or an understudy of
	// those ([stages.Stage.As]). It is never called by two goroutines at once. An error says that the
	// program cannot be synthesized for that stage; nothing is proven then.
	Play(ctx context.Context, stage stages.Stage) (Played, error)
}

// PlayerFunc is a function as a [Player].
type PlayerFunc func(ctx context.Context, stage stages.Stage) (Played, error)

// Play calls the function.
func (f PlayerFunc) Play(ctx context.Context, stage stages.Stage) (Played, error) {
	return f(ctx, stage)
}

// PlayError says that one stage could not be synthesized, so that nothing is proven.
type PlayError struct {
	Stage stages.Stage
	Err   error
}

func (e *PlayError) Error() string { return fmt.Sprintf("parity: %s: %s", e.Stage, e.Err) }

// Unwrap is the player's error.
func (e *PlayError) Unwrap() error { return e.Err }

// Option changes how [Prove] goes about it.
type Option func(*plan)

// Exhaustive makes every stage play every part, however many stages and groups there are. Default: only
// where that takes no more than 16 syntheses.
func Exhaustive() Option { return func(p *plan) { p.exhaustive = true } }

type plan struct{ exhaustive bool }

// Prove plays the stages of the set, and understudies of them, and compares all that made the same
// choices. A template of the set is represented by one stage made from it, of an unlikely name.
//
// The verdict is about undeclared differences; the error, where there is one, says why there can be
// none: a [*PlayError], an [*IdentityError], an invalid set, or the context's.
func Prove(ctx context.Context, set stages.Set, player Player, options ...Option) (*Verdict, error) {
	return nil, nil
}
