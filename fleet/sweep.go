package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/roadshow-go/roadshow/stages"
)

// Leftover is something of a stage that no stack has.
type Leftover struct {
	// Type is its CloudFormation type, Name its physical name.
	Type string `json:"type"`
	Name string `json:"name"`
	// Listed tells whether the ledger has the name; only then is it swept.
	Listed bool `json:"listed"`
	// Swept tells whether it was deleted, Problem why it was not.
	Swept   bool   `json:"swept"`
	Problem string `json:"problem,omitempty"`
}

// SweepError says that a stage may not be swept. Nothing was changed.
type SweepError struct {
	// Stage is the stage, Reason why not.
	Stage  stages.Stage
	Reason string
}

func (e *SweepError) Error() string {
	return fmt.Sprintf("stage %s: tier is %s, want a sandbox whose stack is removed; leave --sweep out: %s", e.Stage.Name, e.Stage.Tier, e.Reason)
}

// Leftovers lists what carries the tags of a stage and the service while no stack has it.
func (f *Fleet) Leftovers(ctx context.Context, assembly Assembly, stage stages.Stage) ([]Leftover, error) {
	config, _, err := f.reach(ctx, stage)
	if err != nil {
		return nil, err
	}
	return f.leftovers(ctx, config, assembly, stage)
}

func (f *Fleet) leftovers(ctx context.Context, config aws.Config, assembly Assembly, stage stages.Stage) ([]Leftover, error) {
	holdings, err := Inventory(ctx, config, stage, f.Service)
	if err != nil {
		return nil, err
	}
	if holdings.Stack != nil {
		return nil, &SweepError{Stage: stage, Reason: "stack " + holdings.Stack.Name + " is still there"}
	}
	ledger := map[string]bool{}
	for _, name := range assembly.Document.Ledger {
		if name.Stage == stage.Name && name.Account == stage.Account && name.Region == stage.Region && !name.Example {
			ledger[name.Name] = true
		}
	}
	found := []Leftover{}
	add := func(kind, name string) {
		found = append(found, Leftover{Type: kind, Name: name, Listed: ledger[name]})
	}
	for _, one := range holdings.Tables {
		add(tableType, one.Name)
	}
	for _, one := range holdings.Functions {
		add("AWS::Lambda::Function", one.Name)
	}
	for _, one := range holdings.APIs {
		add("AWS::ApiGatewayV2::Api", one.Name)
	}
	for _, one := range holdings.Clusters {
		add("AWS::DAX::Cluster", one.Name)
	}
	for _, one := range holdings.Networks {
		add("AWS::EC2::VPC", one.ID)
	}
	return found, nil
}

const tableType = "AWS::DynamoDB::Table"

// Sweep deletes what a sandbox's stack has left: what carries the stage's tags and has a name of its
// ledger, both. Tables are what stacks leave; anything else is listed for a person. The error is a
// [*SweepError] where the stage is no sandbox of the program, or has its stack still.
func (f *Fleet) Sweep(ctx context.Context, assembly Assembly, stage stages.Stage, known bool) ([]Leftover, error) {
	if stage.Tier != stages.Sandbox || !known {
		return nil, &SweepError{Stage: stage, Reason: "what it has left may be all there is"}
	}
	config, _, err := f.reach(ctx, stage)
	if err != nil {
		return nil, err
	}
	found, err := f.leftovers(ctx, config, assembly, stage)
	if err != nil {
		return nil, err
	}
	client := dynamodb.NewFromConfig(config)
	for i, one := range found {
		switch {
		case !one.Listed:
			found[i].Problem = "the program has no such name; delete it by hand"
		case one.Type != tableType:
			found[i].Problem = "no table; delete it by hand"
		default:
			err := deleteTable(ctx, client, one.Name)
			found[i].Swept = err == nil
			if err != nil {
				found[i].Problem = brief(err)
			}
		}
	}
	return found, ctx.Err()
}

// deleteTable deletes a table, also one that was protected when its stage was of another tier.
func deleteTable(ctx context.Context, client *dynamodb.Client, name string) error {
	answer, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err == nil && aws.ToBool(answer.Table.DeletionProtectionEnabled) {
		_, err = client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(false)})
	}
	if err == nil {
		_, err = client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	}
	var gone *dynamodbtypes.ResourceNotFoundException
	if errors.As(err, &gone) {
		return nil
	}
	return err
}

// AllSwept tells whether nothing is left.
func AllSwept(found []Leftover) bool {
	return !slices.ContainsFunc(found, func(one Leftover) bool { return !one.Swept })
}
