// Package plan is what every verb that deletes or replaces has in common: each row of its plan has
// the identity of the thing that was looked at, and the thing is looked at again right before it is
// touched.
package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Identity is what a later look at a thing is compared with. Two looks at one thing that nobody has
// touched between them give equal identities.
type Identity struct {
	// ID is AWS's: the id of a stack or of a change set, which nothing else ever has, or an ARN,
	// which is made of a name as a rule, so that a later thing may have it too. The type and the
	// name stand for an ARN that is not known.
	ID string `json:"id"`
	// Created is when it was made; zero where AWS does not say.
	Created time.Time `json:"created,omitzero"`
	// Changed is when a stack was last changed, Status CloudFormation's; zero and empty of anything
	// else.
	Changed time.Time `json:"changed,omitzero"`
	Status  string    `json:"status,omitempty"`
	// Tags are all its tags; empty of stacks, whose last change covers them, and where nobody
	// tells.
	Tags map[string]string `json:"tags,omitempty"`
}

// ErrGone says that a thing is not there any more. Whoever wanted to delete it has nothing left to
// do.
var ErrGone = errors.New("it is gone")

// ChangedError says that a thing is not what was planned any more, so it was not touched.
type ChangedError struct {
	// What is what has changed, in words: "it is UPDATE_COMPLETE now".
	What string
}

func (e *ChangedError) Error() string { return e.What }

// Difference is what has changed from a planned identity to that of a later look, in words; empty
// where nothing has.
func (i Identity) Difference(now Identity) string {
	switch {
	case i.ID != now.ID:
		return "another thing has its place now: " + now.ID
	case i.Status != now.Status:
		return "it is " + now.Status + " now"
	case !i.Created.Equal(now.Created):
		return "it was made anew" + on(now.Created)
	case !i.Changed.Equal(now.Changed):
		return "it was changed" + on(now.Changed)
	}
	keys := slices.Sorted(maps.Keys(i.Tags))
	for _, key := range slices.Sorted(maps.Keys(now.Tags)) {
		if _, planned := i.Tags[key]; !planned {
			return "it has a new tag now: " + key + "=" + now.Tags[key]
		}
	}
	for _, key := range keys {
		switch value, still := now.Tags[key]; {
		case !still:
			return "it has lost its tag " + key
		case value != i.Tags[key]:
			return "its tag " + key + " is " + value + " now"
		}
	}
	return ""
}

// Guard is a protection against deletion that a removal switches off, as a plan says.
type Guard struct {
	// Set switches it on or off.
	Set func(ctx context.Context, on bool) error
	// Holds tells whether it is on, or the thing needs it no more since it is gone or is being deleted.
	Holds func(ctx context.Context) bool
	// Name is what it is called, Command the line that switches it on again.
	Name, Command string
}

// GuardError says that something was not deleted, and has lost its protection.
type GuardError struct {
	// Guard is the protection, Err why the thing was not deleted, Refused why the protection is not on again.
	Guard        Guard
	Err, Refused error
}

func (e *GuardError) Error() string {
	return fmt.Sprintf("it was not deleted (%v), and its %s could not be switched on again (%v).\nRun `%s`.", e.Err, e.Guard.Name, e.Refused, e.Guard.Command)
}

// Unwrap gives both errors.
func (e *GuardError) Unwrap() []error { return []error{e.Err, e.Refused} }

// guardLimit is how long switching a protection on again may take after an interruption.
const guardLimit = 30 * time.Second

// Off switches the protection off, does something, and switches it on again where that fails: what was not deleted stays
// as protected as it was. So it does after an interruption, and where it is open whether it was switched off.
func (g Guard) Off(ctx context.Context, do func(ctx context.Context) error) error {
	err := g.Set(ctx, false)
	if err == nil {
		err = do(ctx)
	}
	if err == nil || errors.Is(err, ErrGone) {
		return err
	}
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), guardLimit)
	defer cancel()
	if refused := g.Set(again, true); refused != nil && !g.Holds(again) {
		return &GuardError{Guard: g, Err: err, Refused: refused}
	}
	return err
}

// on tells a moment; nothing where there is none.
func on(moment time.Time) string {
	if moment.IsZero() {
		return ""
	}
	return " on " + moment.UTC().Format(time.RFC3339)
}

// Look gives the identity of a thing as it is now; nil where it is gone.
type Look func(ctx context.Context) (*Identity, error)

// Do looks at a planned thing again and, where it is the same, does what was planned. Otherwise
// nothing is done: the error is [ErrGone], a [*ChangedError], or that of the look.
func (i Identity) Do(ctx context.Context, look Look, do func(ctx context.Context) error) error {
	now, err := look(ctx)
	switch {
	case err != nil:
		return err
	case now == nil:
		return ErrGone
	}
	if what := i.Difference(*now); what != "" {
		return &ChangedError{What: what}
	}
	return do(ctx)
}
