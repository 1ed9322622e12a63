// The ext-resources service, as cdk.json's "app" runs it: `npx cdk deploy --profile production`.
package main

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

var Production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1"}

var app = stack.App{Service: "ext-resources", Stages: stages.Set{Production}, Define: ExtResources}

func main() { app.Main() }

// ExtResources is the whole service; every stage runs exactly this.
func ExtResources(s *stack.Stack) {
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
