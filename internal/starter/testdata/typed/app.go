// The live service, as cdk.json's "app" runs it: `npx cdk deploy --profile live`.
package main

import (
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	Dev1  = stages.Stage{Name: "dev-1", Account: "111111111111", Region: "eu-west-1", Tier: stages.Sandbox}
	Live  = stages.Stage{Name: "live", Account: "222222222222", Region: "eu-west-1", Tier: stages.Protected}
	Spare = stages.Stage{Name: "spare", Account: "222222222222", Region: "eu-west-1"}
)

var app = stack.App{Service: "live", Stages: stages.Set{Dev1, Live, Spare}, Define: LiveService}

func main() { app.Main() }

// LiveService is the whole service; every stage runs exactly this.
func LiveService(s *stack.Stack) {
	hello := stack.NewFunction(s, "hello", stack.FunctionConfig{
		Package: "./functions/hello",
		Memory:  stages.Pick(s, 256, stages.When(Live, 1024)),
	})
	api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
	api.Route("GET /hello", hello)

	// One failure is one too many where it matters. Give it a Topic, so that somebody is told.
	stack.NewAlarm(s, "hello-errors", stack.AlarmConfig{
		On: hello.Errors(), Threshold: 1, Stages: stages.Only(Live),
	})
}
