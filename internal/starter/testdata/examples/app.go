// The notes service, as cdk.json's "app" runs it: `npx cdk deploy --profile production`.
package main

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// These accounts are examples: write your own before you deploy.
var (
	Dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	Staging    = stages.Stage{Name: "staging", Account: "222222222222", Region: "us-east-1"}
	Production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
)

var app = stack.App{Service: "notes", Stages: stages.Set{Dev, Staging, Production}, Define: Notes}

func main() { app.Main() }

// Notes is the whole service; every stage runs exactly this.
func Notes(s *stack.Stack) {
	hello := stack.NewFunction(s, "hello", stack.FunctionConfig{
		Package: "./functions/hello",
		Memory:  stages.Pick(s, 256, stages.When(Production, 1024)),
	})
	api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
	api.Route("GET /hello", hello)

	// One failure is one too many where it matters. Give it a Topic, so that somebody is told.
	stack.NewAlarm(s, "hello-errors", stack.AlarmConfig{
		On: hello.Errors(), Threshold: 1, Stages: stages.Only(Production),
	})
}
