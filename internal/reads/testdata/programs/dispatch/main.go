// A program whose reads are behind interfaces, function values, methods, generics and aspects.
package main

import (
	"os"
	"slices"

	"github.com/roadshow-go/roadshow/stack"
)

type sizer interface{ size() int }

type fromEnvironment struct{}

func (fromEnvironment) size() int { return len(os.Getenv("SIZE")) } // want "environment: os.Getenv\(\"SIZE\"\)"

type constant int

func (c constant) size() int { return int(c) }

// other is never made.
type other struct{}

func (other) size() int { return len(os.Getenv("OTHER")) }

type visitor struct{}

func (visitor) Visit(int) { os.Getenv("VISIT") } // want "environment: os.Getenv\(\"VISIT\"\)"

func (visitor) Unrelated() { os.Getenv("UNRELATED") }

type named struct{ id string }

func (n named) String() string { return os.Getenv("STRING") } // want "environment: os.Getenv\(\"STRING\"\)"

type unknown interface{ what() int }

var registered unknown

type service struct{ sizes []sizer }

func (svc *service) define(s *stack.Stack) {
	for _, one := range svc.sizes {
		stack.NewFunction(s, "a", stack.FunctionConfig{Memory: one.size()})
	}
	stack.AddAspect(s, visitor{})
	describe(named{})
	apply(func() { os.Getenv("LITERAL") }) // want "environment: os.Getenv\(\"LITERAL\"\)"
	slices.SortFunc(svc.sizes, func(a, b sizer) int { return compare(a, b) })
	stack.NewFunction(s, "b", stack.FunctionConfig{Override: func(n *int) { *n = len(os.Getenv("OVERRIDE")) }}) // want "environment: os.Getenv\(\"OVERRIDE\"\)"
	_ = generic(1)
	_ = registered.what() // want "could not be followed: a call of what by an interface"
}

func compare(a, b sizer) int { return len(os.Getenv("COMPARE")) } // want "environment: os.Getenv\(\"COMPARE\"\)"

func generic[T any](t T) string { return os.Getenv("GENERIC") } // want "environment: os.Getenv\(\"GENERIC\"\)"

func describe(any) {}

func apply(do func()) { do() }

func main() {
	svc := &service{sizes: []sizer{fromEnvironment{}, constant(1)}}
	stack.App{Define: svc.define}.Main()
}
