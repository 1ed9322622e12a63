// Package answer is what an account says of one thing, for every verb that reads accounts.
package answer

import "errors"

// Answer is what an account says of one thing: it was seen, it is absent, or nobody could tell, and why. The zero
// value is an answer that nobody gave, so whatever was not asked about never counts as seen or absent.
type Answer[T any] struct {
	value T
	state state
	why   error
}

type state int

const (
	untold state = iota
	unasked
	absent
	seen
)

var errUnasked = errors.New("it was not asked about")

// Seen is the answer of an account that has a thing.
func Seen[T any](value T) Answer[T] { return Answer[T]{value: value, state: seen} }

// Absent is the answer of an account that does not have it.
func Absent[T any]() Answer[T] { return Answer[T]{state: absent} }

// Untold means that nobody could tell, and why: the account refused, or did not answer.
func Untold[T any](why error) Answer[T] { return Answer[T]{why: why} }

// Unasked means that the account was not asked, since it is known before that it may not tell.
func Unasked[T any](why error) Answer[T] { return Answer[T]{why: why, state: unasked} }

// Seen is the thing; false where it was not seen.
func (a Answer[T]) Seen() (T, bool) { return a.value, a.state == seen }

// Found is the thing, and nil where the account does not have it. The error is why nobody could tell.
func (a Answer[T]) Found() (*T, error) {
	switch a.state {
	case seen:
		return &a.value, nil
	case absent:
		return nil, nil
	case unasked:
		return nil, a.why
	}
	return nil, a.Untold()
}

// IsAbsent tells whether the account said that it does not have it.
func (a Answer[T]) IsAbsent() bool { return a.state == absent }

// Untold is why nobody could tell; nil where the account answered, and where it was deliberately not asked.
func (a Answer[T]) Untold() error {
	switch {
	case a.state != untold:
		return nil
	case a.why == nil:
		return errUnasked
	}
	return a.why
}

// Unasked is why the account was deliberately not asked; nil where it was.
func (a Answer[T]) Unasked() error {
	if a.state != unasked {
		return nil
	}
	return a.why
}
