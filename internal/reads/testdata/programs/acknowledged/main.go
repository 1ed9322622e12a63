// A program that says why its reads make no difference.
package main

import (
	"os"

	"example.com/other/settings" //roadshow:acknowledge its settings are the same in every account

	"github.com/roadshow-go/roadshow/stack"
)

func main() { stack.App{Define: Shop}.Main() }

func Shop(s *stack.Stack) {
	first := os.Getenv("FIRST") //roadshow:acknowledge a text for people
	//roadshow:acknowledge a text for people, too
	second := os.Getenv("SECOND")
	//roadshow:acknowledge covers the whole statement
	stack.NewFunction(s, first+second, stack.FunctionConfig{
		Memory:      settings.Size(),
		Description: os.Getenv("THIRD"),
		Override: func(n *int) {
			*n = len(os.Getenv("FOURTH")) // want "environment: os.Getenv\(\"FOURTH\"\)"
		},
	})
	//roadshow:acknowledge
	fifth := os.Getenv("FIFTH") // want "environment: os.Getenv\(\"FIFTH\"\)"
	//roadshow:acknowledge nothing is read here
	stack.NewFunction(s, fifth, stack.FunctionConfig{})
}
