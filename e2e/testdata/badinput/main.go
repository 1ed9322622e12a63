// Command badinput is a program with one mistake, which the variable MISTAKE names. The end-to-end suite
// runs it to see how each mistake is reported.
package main

import (
	"os"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	dev := stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	second := stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1"}
	key, handler := stack.StringKey("id"), "./functions/create-note"
	crash := false
	switch os.Getenv("MISTAKE") {
	case "account":
		second.Account = "33333333333"
	case "empty name":
		second.Name = ""
	case "doubled name":
		second.Name = "dev"
	case "region":
		second.Region = "us-esat-1"
	case "partition key":
		key = stack.Key{}
	case "library":
		handler = "./e2e/testdata/functions/library"
	case "no package":
		handler = "./functions/creat-note"
	case "broken":
		handler = "./e2e/testdata/functions/broken"
	case "crash":
		crash = true
	}
	app := stack.App{Service: "notes", Stages: stages.Set{dev, second}, Define: func(s *stack.Stack) {
		table := stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: key})
		if crash {
			table = nil
		}
		stack.NewFunction(s, "create-note", stack.FunctionConfig{Package: handler, Access: []stack.Grant{table.ReadWrite()}})
	}}
	app.Main()
}
