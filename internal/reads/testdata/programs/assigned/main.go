// A program whose main function decides before it defines.
package main

import (
	"os"

	"github.com/roadshow-go/roadshow/stack"
)

var (
	size  = 1
	other int
)

func init() {
	size = len(os.Getenv("INIT")) // want "environment: os.Getenv\(\"INIT\"\)"
}

func init() { other = len(os.Getenv("OTHER")) }

func main() {
	prepare()
	run()
}

func prepare() { settings.memory = len(os.Args) } // want "arguments: os.Args"

var settings struct{ memory int }

func run() { stack.App{Define: Shop}.Main() }

func Shop(s *stack.Stack) {
	stack.NewFunction(s, "a", stack.FunctionConfig{Memory: size + settings.memory})
}
