// A program that made its stack with the CDK alone, and takes up Roadshow one component at a time. Its
// queue stays as it was written; its table is now a component, and remains the same table.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

var (
	// Live is the account where the stack has been for years.
	Live = stages.Stage{Name: "live", Account: "333333333333", Region: "us-east-1", Tier: stages.Protected}
	// Trial is new: its stack has no past.
	Trial = stages.Stage{Name: "trial", Account: "111111111111", Region: "us-east-1", Tier: stages.Sandbox}
)

var app = stack.App{Service: "shop", Stages: stages.Set{Trial, Live}, Define: Adopted}

func main() {
	defer jsii.Close()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		jsii.Close()
		os.Exit(1)
	}
}

func run() error {
	// The account of the credentials selects the stage, as everywhere.
	stage, err := app.Selected()
	if err != nil {
		return err
	}
	cdkApp := awscdk.NewApp(nil)
	if err := app.Adopt(Legacy(cdkApp, stage), stage); err != nil {
		return err
	}
	cdkApp.Synth(nil)
	return nil
}

// Legacy is what the program always made, but for its table.
func Legacy(cdkApp awscdk.App, stage stages.Stage) awscdk.Stack {
	legacy := awscdk.NewStack(cdkApp, new("Legacy"), &awscdk.StackProps{
		StackName: new("Legacy"), Env: &awscdk.Environment{Account: &stage.Account, Region: &stage.Region},
	})
	awssqs.NewQueue(legacy, new("Jobs"), &awssqs.QueueProps{QueueName: new("legacy-jobs")})
	return legacy
}

// Adopted is what was taken over, and what is new.
func Adopted(s *stack.Stack) {
	// This stands for awsdynamodb.NewTable(…) in before/main.go. Its physical name and its logical id are what
	// make it the same table. Both stand in the template that is deployed, testdata/before.template.json.
	orders := stack.NewTable(s, "orders", stack.TableConfig{
		PartitionKey: stack.StringKey("id"),
		Override:     func(props *awsdynamodb.TableProps) { props.TableName = new("legacy-orders") },
	})
	if table, ok := stack.L1[awsdynamodb.CfnTable](orders); ok {
		table.OverrideLogicalId(new("OrdersA9B65338"))
	}
	stack.NewFunction(s, "get-order", stack.FunctionConfig{
		Package: "./functions/get-order",
		Access:  []stack.Grant{orders.Read()}, // brings ORDERS_TABLE
	})
}
