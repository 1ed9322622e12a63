// The notes service for three accounts of one tier, so that their deploys are one wave.
package main

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

func main() {
	stack.App{Service: "notes", Stages: stages.Set{
		{Name: "one", Account: "111111111111", Region: "us-east-1"},
		{Name: "two", Account: "222222222222", Region: "us-east-1"},
		{Name: "three", Account: "333333333333", Region: "us-east-1"},
	}, Define: func(s *stack.Stack) {
		notes := stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id")})
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
		for _, route := range [][2]string{{"POST /notes", "create-note"}, {"GET /notes/{id}", "get-note"}, {"GET /notes", "list-notes"}} {
			api.Route(route[0], stack.NewFunction(s, route[1], stack.FunctionConfig{
				Package: "./functions/" + route[1], Access: []stack.Grant{notes.ReadWrite()},
			}))
		}
	}}.Main()
}
