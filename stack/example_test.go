package stack_test

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// The stages of the examples.
var (
	Dev        = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
	Production = stages.Stage{Name: "production", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
)

// A service is a value. In package main, `func main() { notes.Main() }` makes it a program of the cdk command.
func ExampleApp() {
	notes := stack.App{
		Service: "notes",
		Stages:  stages.Set{Dev, Production},
		Define: func(s *stack.Stack) {
			stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id")})
		},
	}
	_ = notes.Main
}

// A function of a Go package, bigger in production, that may read a table.
func ExampleNewFunction() {
	_ = func(s *stack.Stack) {
		notes := stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id")})
		stack.NewFunction(s, "get-note", stack.FunctionConfig{
			Package: "./functions/get-note",
			Memory:  stages.Pick(s, 256, stages.When(Production, 1024)),
			Timeout: 5 * time.Second,
			Access:  []stack.Grant{notes.Read()},
		})
	}
}

// A table that production alone puts DAX in front of.
func ExampleNewTable() {
	_ = func(s *stack.Stack) {
		stack.NewTable(s, "notes", stack.TableConfig{
			PartitionKey: stack.StringKey("owner"),
			SortKey:      stack.NumberKey("written"),
			DAX:          &stack.DAXConfig{Nodes: 3, Stages: stages.Only(Production)},
		})
	}
}

// An HTTP API with two routes.
func ExampleNewHTTPAPI() {
	_ = func(s *stack.Stack) {
		get := stack.NewFunction(s, "get-note", stack.FunctionConfig{Package: "./functions/get-note"})
		create := stack.NewFunction(s, "create-note", stack.FunctionConfig{Package: "./functions/create-note"})
		api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{})
		api.Route("GET /notes/{id}", get)
		api.Route("POST /notes", create)
	}
}

// Two functions that invoke each other: rights can be given after both exist.
func ExampleFunction_Allow() {
	_ = func(s *stack.Stack) {
		ping := stack.NewFunction(s, "ping", stack.FunctionConfig{Package: "./functions/ping"})
		pong := stack.NewFunction(s, "pong", stack.FunctionConfig{Package: "./functions/pong"})
		ping.Allow(pong.Invoke())
		pong.Allow(ping.Invoke())
	}
}

// A function that uses a table where there is one.
func ExampleGrant_Optional() {
	_ = func(s *stack.Stack) {
		audit := stack.NewTable(s, "audit", stack.TableConfig{
			PartitionKey: stack.StringKey("id"), Stages: stages.Only(stages.Protected),
		})
		stack.NewFunction(s, "get-note", stack.FunctionConfig{
			Package: "./functions/get-note", Access: []stack.Grant{audit.Write().Optional()},
		})
	}
}

// The CDK's own construct, where neither config nor handle offers something.
func ExampleFunction_With() {
	_ = func(s *stack.Stack) {
		fn := stack.NewFunction(s, "get-note", stack.FunctionConfig{Package: "./functions/get-note"})
		fn.With(func(l2 awslambda.Function) { l2.CurrentVersion() })
	}
}

// The CloudFormation resource below a component.
func ExampleL1() {
	_ = func(s *stack.Stack) {
		notes := stack.NewTable(s, "notes", stack.TableConfig{PartitionKey: stack.StringKey("id")})
		if table, ok := stack.L1[awsdynamodb.CfnTable](notes); ok {
			table.AddDeletionOverride(nil)
		}
	}
}
