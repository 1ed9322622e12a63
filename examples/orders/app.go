// The orders service, as cdk.json's "app" runs it: a second service of the organisation, beside notes.
package main

import (
	"github.com/roadshow-go/roadshow/examples/organisation"
	"github.com/roadshow-go/roadshow/examples/organisation/audited"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

//go:generate go run github.com/roadshow-go/roadshow/cmd/roadshow@v0.1.0 links
var app = stack.App{Service: "orders", Stages: organisation.Stages, Define: Orders}

func main() { app.Main() }

// Orders is the whole service; every stage runs exactly this.
func Orders(s *stack.Stack) {
	// Each stage's own, as notes exports it; the stages of pull requests share dev's.
	notes := stack.ImportTable(s, stack.Ref{Service: "notes", ID: "notes"}, stack.ImportTableConfig{Fallback: true})
	orders := audited.NewTable(s, "orders", stack.TableConfig{PartitionKey: stack.StringKey("id")})
	place := stack.NewFunction(s, "place-order", stack.FunctionConfig{
		Package: "./functions/place-order",
		Access:  []stack.Grant{notes.Read(), orders.Write()},
	})
	api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
	api.Route("POST /orders", place)

	// Only production has orders worth a report.
	report := stack.NewFunction(s, "report", stack.FunctionConfig{
		Package: "./functions/report",
		Stages:  stages.Only(organisation.Production),
		Access:  []stack.Grant{orders.Read()},
	})
	stack.NewSchedule(s, "nightly", stack.ScheduleConfig{
		Cron: "0 2 * * ? *", Stages: stages.Only(organisation.Production),
	}).Triggers(report)
}
