// Command twins is a small service with two stages in one account, and a template of ephemeral ones.
package main

import (
	"time"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	left := stages.Stage{Name: "left", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	right := stages.Stage{Name: "right", Account: "111111111111", Region: "us-east-1"}
	stack.App{
		Service: "twins", Stages: stages.Set{left, right, left.Template("pr-*").ExpiresAfter(time.Nanosecond)},
		Define: func(s *stack.Stack) { stack.NewTable(s, "things", stack.TableConfig{PartitionKey: stack.StringKey("id")}) },
	}.Main()
}
