// A program of the CDK's that adopts an app, and one that looks at the selected stage while it defines.
package main

import (
	"os"

	"github.com/roadshow-go/roadshow/stack"
)

var app = stack.App{Define: Shop}

func main() {
	stage, _ := app.Selected()
	println(stage.Name, os.Getenv("CDK_DEFAULT_ACCOUNT"))
}

func Shop(s *stack.Stack) {
	stage, _ := (stack.App{}).Selected() // want "the selected stage: .*Selected"
	stack.NewFunction(s, stage.Name, stack.FunctionConfig{})
}
