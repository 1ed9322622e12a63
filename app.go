// The notes service, as cdk.json's "app" runs it: `npx cdk deploy --profile production`.
package main

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	Dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	Staging    = stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	Production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
)

//go:generate go run ./cmd/roadshow links
var app = stack.App{Service: "notes", Stages: stages.Set{Dev, Staging, Production}, Define: Notes}

func main() { app.Main() }

// Notes is the whole service; every stage runs exactly this.
func Notes(s *stack.Stack) {
	notes := stack.NewTable(s, "notes", stack.TableConfig{
		PartitionKey: stack.StringKey("id"),
		DAX:          &stack.DAXConfig{Nodes: 3, Stages: stages.Only(Production)},
	}).Export()
	create := stack.NewFunction(s, "create-note", stack.FunctionConfig{
		Package: "./functions/create-note",
		Memory:  stages.Pick(s, 256, stages.When(Production, 1024)),
		Access:  []stack.Grant{notes.ReadWrite()},
	})
	get := stack.NewFunction(s, "get-note", stack.FunctionConfig{
		Package: "./functions/get-note",
		Access:  []stack.Grant{notes.Read()},
	})
	list := stack.NewFunction(s, "list-notes", stack.FunctionConfig{
		Package: "./functions/list-notes",
		Access:  []stack.Grant{notes.Read()},
	})
	stack.NewFunction(s, "seed-notes", stack.FunctionConfig{
		Package: "./functions/seed-notes",
		Stages:  stages.Except(Production),
		Access:  []stack.Grant{notes.Write()},
	})
	api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
	api.Route("POST /notes", create)
	api.Route("GET /notes/{id}", get)
	api.Route("GET /notes", list)
}
