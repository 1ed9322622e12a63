// A service for the rehearsal: functions of one binary, which read and write an item of a table.
package main

import (
	"flag"

	"github.com/roadshow-go/roadshow/bench/programs/size"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	asked := size.Flags()
	flag.Parse()
	var set stages.Set
	for i := range asked.Stages {
		set = append(set, stages.Stage{Name: size.Stage(i), Account: size.Account(i), Region: size.Region})
	}
	stack.App{Service: size.Service, Stages: set, Define: func(s *stack.Stack) {
		items := stack.NewTable(s, "items", stack.TableConfig{PartitionKey: stack.StringKey("id")})
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
		for i := range asked.Functions {
			api.Route("ANY /"+size.Function(i), stack.NewFunction(s, size.Function(i), stack.FunctionConfig{
				Package: "./bench/programs/local/item", Access: []stack.Grant{items.Read()},
			}))
		}
	}}.Main()
}
