package orphan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/stages"
)

// Leftover is something of a stage that no stack has.
type Leftover struct {
	// Type is its CloudFormation type, Name its physical name or id.
	Type string `json:"type"`
	Name string `json:"name"`
	// Tagged tells whether it carries the stage's tags, Listed whether the ledger has its name; only what has
	// both is swept.
	Tagged bool `json:"tagged"`
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
	return fmt.Sprintf("Stage %s (%s) cannot be swept: %s.\nOnly a sandbox whose stack is removed can. Leave --sweep out.", e.Stage.Name, e.Stage.Tier, e.Reason)
}

// Leftovers lists what a stage of the service has left while no stack has it: what carries its tags, what has
// a name of its ledger, and what its deleted stacks have left by policy. The error is a [*SweepError] where it
// has a stack still, or a [*ServiceError]: a list that is not whole is none.
func Leftovers(ctx context.Context, f *fleet.Fleet, assembly fleet.Assembly, stage stages.Stage) ([]Leftover, error) {
	found, _, err := leftovers(ctx, f, assembly, stage)
	return found, err
}

// leftovers are those of Leftovers, and the orphans that they are.
func leftovers(ctx context.Context, f *fleet.Fleet, assembly fleet.Assembly, stage stages.Stage) ([]Leftover, []Orphan, error) {
	var orphans []Orphan
	listed := map[string]bool{}
	for _, name := range assembly.Document.Ledger {
		if name.Stage == stage.Name && name.Account == stage.Account && name.Region == stage.Region && !name.Example {
			listed[name.Name] = true
			listed[lambdaLogs+name.Name] = true // Lambda names it so
		}
	}
	r := newSearch(Search{Fleet: f, Ledger: assembly.Document.Ledger, Names: []string{stage.Name}, Found: func(one Orphan) {
		if one.Service == f.Service && one.Grade != Unsure {
			orphans = append(orphans, one)
		}
	}})
	name, err := f.StackName(stage)
	if err != nil {
		return nil, nil, err
	}
	config, _, err := f.Reach(ctx, stage)
	if err != nil {
		return nil, nil, err
	}
	g, err := newStackIndex(ctx, f, stage, patient(config))
	if err != nil {
		return nil, nil, fleet.AsServiceError(stage, "CloudFormation", err)
	}
	if g.stackNamed(name) != nil {
		return nil, nil, &SweepError{Stage: stage, Reason: "stack " + name + " is still there"}
	}
	r.place(ctx, g, []*stackIndex{g})
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	for _, gap := range r.gaps {
		return nil, nil, &fleet.ServiceError{Stage: stage, Service: gap.Service, Err: errors.New(gap.Problem)}
	}
	slices.SortFunc(orphans, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name))
	})
	found := []Leftover{}
	for _, one := range orphans {
		found = append(found, Leftover{
			Type: one.Type, Name: one.Name, Tagged: one.tagged, Listed: listed[one.Name] || one.label != "" && listed[one.label],
		})
	}
	return found, orphans, nil
}

// MaySweep tells whether a stage may be swept at all, so that its stack need not be removed first to find out. It asks
// nobody. The error is a [*SweepError] where the stage is no sandbox of the program, and an [*OwnCredentialsError] where
// its account is reached from another one.
func MaySweep(ctx context.Context, f *fleet.Fleet, stage stages.Stage, known bool) error {
	if stage.Tier != stages.Sandbox || !known {
		return &SweepError{Stage: stage, Reason: "what it has left may be all there is"}
	}
	return f.OwnCredentials(ctx, "the sweep", "roadshow remove "+stage.Name+" --sweep", stage)
}

// Sweep deletes what a sandbox's stack has left: what carries the stage's tags and has a name of its ledger,
// both. Anything else is listed for a person. The error is that of [MaySweep], or a [*SweepError] where the
// stage has its stack still.
func Sweep(ctx context.Context, f *fleet.Fleet, assembly fleet.Assembly, stage stages.Stage, known bool) ([]Leftover, error) {
	if err := MaySweep(ctx, f, stage, known); err != nil {
		return nil, err
	}
	found, all, err := leftovers(ctx, f, assembly, stage)
	if err != nil {
		return nil, err
	}
	var swept []Orphan
	for i := range found {
		switch one := &found[i]; {
		case !one.Listed:
			one.Problem = "the program has no such name; delete it by hand"
		case !one.Tagged:
			one.Problem = "it does not carry the stage's tags; delete it by hand"
		default:
			swept = append(swept, all[i])
		}
	}
	plan := PlanDeletion(f, swept, nil, true)
	steps, err := Deletion{Fleet: f}.Run(ctx, plan)
	for i := range found {
		one := &found[i]
		for _, kept := range plan.Keeps {
			if kept.Type == one.Type && kept.Name == one.Name {
				one.Problem = kept.Reason
			}
		}
		for _, step := range steps {
			if step.Type == one.Type && step.Name == one.Name {
				one.Swept, one.Problem = step.State == StepDeleted || step.State == StepGone, step.Problem
			}
		}
	}
	return found, err
}

// deleteTable deletes a table; unguard takes its deletion protection off first.
func deleteTable(ctx context.Context, client *dynamodb.Client, name string, unguard bool) error {
	answer, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if err == nil && aws.ToBool(answer.Table.DeletionProtectionEnabled) && unguard {
		_, err = client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(false)})
	}
	if err == nil {
		_, err = client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	}
	if _, gone := errors.AsType[*dynamodbtypes.ResourceNotFoundException](err); gone {
		return errGone
	}
	return err
}

// AllSwept tells whether nothing is left.
func AllSwept(found []Leftover) bool {
	return !slices.ContainsFunc(found, func(one Leftover) bool { return !one.Swept })
}
