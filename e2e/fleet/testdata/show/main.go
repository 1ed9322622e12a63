// Command show is a small service of three stages. The memory of its function stands in a file of the folder that it runs
// in, in MB: what another commit makes is seen without another program.
package main

import (
	"os"
	"strconv"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	text, err := os.ReadFile("memory")
	if err != nil {
		panic(err)
	}
	memory, err := strconv.Atoi(string(text))
	if err != nil {
		panic(err)
	}
	dev := stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	staging := stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	production := stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
	stack.App{Service: "show", Stages: stages.Set{dev, staging, production}, Define: func(s *stack.Stack) {
		stack.NewFunction(s, "hello", stack.FunctionConfig{Package: "./hello", Memory: memory})
	}}.Main()
}
