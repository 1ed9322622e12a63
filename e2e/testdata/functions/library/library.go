// Package library is no main package, so it is no handler.
package library

// Answer is what it has instead.
const Answer = 42
