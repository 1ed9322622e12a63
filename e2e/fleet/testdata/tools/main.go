// Command tools is a small service of three stages that a tools account deploys.
package main

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	dev := stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	staging := stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	production := stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
	stack.App{
		Service: "tools", Stages: stages.Set{dev, staging, production}, DeployFrom: []string{"999999999999"},
		Define: func(s *stack.Stack) {
			stack.NewTable(s, "things", stack.TableConfig{PartitionKey: stack.StringKey("id")})
		},
	}.Main()
}
