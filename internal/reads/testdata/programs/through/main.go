// A program that calls somebody else's code.
package main

import (
	"example.com/other/settings"

	"github.com/roadshow-go/roadshow/stack"
)

func main() { stack.App{Define: Shop}.Main() }

func Shop(s *stack.Stack) {
	stack.NewFunction(s, "a", stack.FunctionConfig{Memory: settings.Twice(128)})
	stack.NewFunction(s, "b", stack.FunctionConfig{Memory: settings.Size()})          // want "environment: os.Getenv\(name\), through example.com/other/settings.Size \(example.com/other@v0.0.0/settings/settings.go:11\)"
	stack.NewFunction(s, "c", stack.FunctionConfig{Description: settings.Fallback()}) // want "environment: os.Getenv\(\"OTHER_FALLBACK\"\), through example.com/other/settings.Fallback"
}
