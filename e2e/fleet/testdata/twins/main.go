// Command twins is a small service with two stages in one account, and a template of ephemeral ones.
package main

import (
	"os"
	"strconv"
	"time"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	left := stages.Stage{Name: "left", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	right := stages.Stage{Name: "right", Account: "111111111111", Region: "us-east-1"}
	stack.App{
		Service: "twins", Stages: stages.Set{left, right, left.Template("pr-*").ExpiresAfter(time.Nanosecond)},
		Define: func(s *stack.Stack) { stack.NewTable(s, "things", things()) },
	}.Main()
}

// things is the table. Arguments change its key, which replaces it, and its revision.
func things() stack.TableConfig {
	config := stack.TableConfig{PartitionKey: stack.StringKey("id")}
	if len(os.Args) > 1 {
		config.PartitionKey = stack.StringKey(os.Args[1])
	}
	if len(os.Args) > 2 {
		config.Revision, _ = strconv.Atoi(os.Args[2])
	}
	return config
}
