package fleet

// Answer is what an account says of one thing: it was seen, it is absent, or nobody could tell, and why. The zero
// value is an answer that nobody gave, so whatever was not asked about never counts as seen.
type Answer[T any] struct {
	value T
	state answerState
	why   string
}

type answerState int

const (
	untold answerState = iota
	absent
	seen
)

// Seen is the answer of an account that has a thing.
func Seen[T any](value T) Answer[T] { return Answer[T]{value: value, state: seen} }

// Absent is the answer of an account that does not have it.
func Absent[T any]() Answer[T] { return Answer[T]{state: absent} }

// Untold is that nobody could tell, and why.
func Untold[T any](why string) Answer[T] { return Answer[T]{why: why} }

// Seen is the thing; false where it was not seen.
func (a Answer[T]) Seen() (T, bool) { return a.value, a.state == seen }

// IsAbsent tells whether the account said that it does not have it.
func (a Answer[T]) IsAbsent() bool { return a.state == absent }

// Untold is why nobody could tell; false where the account answered.
func (a Answer[T]) Untold() (why string, is bool) {
	if a.state != untold {
		return "", false
	}
	if a.why == "" {
		return "it was not asked about", true
	}
	return a.why, true
}
