// A program that another build has other code of.
package main

import "github.com/roadshow-go/roadshow/stack"

func main() { stack.App{Define: Shop}.Main() }

func Shop(s *stack.Stack) {
	stack.NewFunction(s, "a", stack.FunctionConfig{Memory: size()})
}
