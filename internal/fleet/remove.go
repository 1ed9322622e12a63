package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// RemovalPlan is what removing a stage would do. Making one changes nothing.
type RemovalPlan struct {
	// Stage is its name, in Account and Region; Known tells whether the program has it, or a template of
	// it. Tier is that of a known stage.
	Stage   string      `json:"stage"`
	Account string      `json:"account"`
	Region  string      `json:"region"`
	Tier    stages.Tier `json:"tier"`
	Known   bool        `json:"known"`
	// Stack is the stack's name, Status CloudFormation's; empty where there is none.
	Stack  string `json:"stack"`
	Status string `json:"status,omitempty"`
	// Protected tells whether CloudFormation refuses to delete the stack until its termination protection
	// is switched off, which the removal does.
	Protected bool `json:"terminationProtection"`
	// Deletes is what CloudFormation will delete, Stays what it leaves by policy.
	Deletes []PlannedResource `json:"deletes"`
	Stays   []PlannedResource `json:"stays"`
	// Blocks is what would make it fail half way. It is not begun then.
	Blocks []Finding `json:"blocks"`
	// NeedsConfirmation tells whether the stage's name and its account must be given again: where it is protected, and
	// where the program does not know it.
	NeedsConfirmation bool `json:"needsConfirmation"`

	stage   stages.Stage
	stackID string
	status  *stacks.State
}

// PlannedResource is one resource of a [RemovalPlan].
type PlannedResource struct {
	// LogicalID is the resource's in the template, PhysicalID in the account; Type its CloudFormation type.
	LogicalID  string `json:"logicalId"`
	PhysicalID string `json:"physicalId,omitempty"`
	Type       string `json:"type"`
	// Policy is its DeletionPolicy; empty is Delete.
	Policy string `json:"policy,omitempty"`
	// Stateful tells whether it holds what nobody can make again.
	Stateful bool `json:"stateful"`
}

// Confirmation is what somebody who wants to remove what must not be lost has to type.
type Confirmation struct {
	// Stage is the stage's name, Account its account's id.
	Stage   string `json:"stage"`
	Account string `json:"account"`
}

// ConfirmationError says that a typed confirmation was needed, and was missing or not right. Nothing was changed.
type ConfirmationError struct {
	// Plan is what was to be done, Given what was typed.
	Plan  RemovalPlan
	Given Confirmation
}

func (e *ConfirmationError) Error() string {
	why := "is protected"
	if !e.Plan.Known {
		why = "is not in the set"
	}
	typed := "was not confirmed"
	if e.Given != (Confirmation{}) {
		typed = fmt.Sprintf("was confirmed as %s/%s", e.Given.Stage, e.Given.Account)
	}
	return fmt.Sprintf("Stage %s %s and %s, so nothing was changed.\nPass --confirm %s/%s, its name and its account's id, or type both in a terminal.",
		e.Plan.Stage, why, typed, e.Plan.Stage, e.Plan.Account)
}

// BlockedError says that a removal would fail half way. Nothing was changed.
type BlockedError struct {
	// Plan is what was to be done.
	Plan RemovalPlan
}

func (e *BlockedError) Error() string {
	lines := make([]string, len(e.Plan.Blocks))
	for i, block := range e.Plan.Blocks {
		lines[i] = "  " + block.String()
	}
	return fmt.Sprintf("Stage %s cannot be removed yet, and nothing was changed:\n%s", e.Plan.Stage, strings.Join(lines, "\n"))
}

// PlanRemoval finds out what removing a stage would do. known says whether the program has the stage, or a
// template that makes it.
func (f *Fleet) PlanRemoval(ctx context.Context, stage stages.Stage, known bool) (RemovalPlan, error) {
	plan := RemovalPlan{
		Stage: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier, Known: known,
		NeedsConfirmation: !known || stage.Tier == stages.Protected, stage: stage,
		Deletes: []PlannedResource{}, Stays: []PlannedResource{}, Blocks: []Finding{},
	}
	name, err := f.StackName(stage)
	if err != nil {
		return plan, err
	}
	plan.Stack = name
	config, _, err := f.Reach(ctx, stage)
	if err != nil {
		return plan, err
	}
	client := cloudformation.NewFromConfig(config)
	stack, err := stacks.Describe(ctx, client, name)
	if err != nil {
		return plan, AsServiceError(stage, "CloudFormation", err)
	}
	if stack == nil {
		return plan, nil
	}
	plan.Status, plan.stackID, plan.Protected = string(stack.StackStatus), aws.ToString(stack.StackId), aws.ToBool(stack.EnableTerminationProtection)
	plan.status = stacks.StateOf(*stack)
	// A stage whose stack is protected is so whatever the program says of it by now.
	plan.NeedsConfirmation = plan.NeedsConfirmation || plan.Protected
	if stacks.IsChanging(plan.Status) {
		plan.Blocks = append(plan.Blocks, Finding{Check: "stack", Detail: name + " is " + plan.Status, Fix: "wait until that is done"})
	}
	if err := f.planResources(ctx, config, client, &plan); err != nil {
		return plan, AsServiceError(stage, "CloudFormation", err)
	}
	return plan, f.planBlocks(ctx, config, client, &plan)
}

// planResources sorts the resources of the stack by what happens to them.
func (f *Fleet) planResources(ctx context.Context, _ aws.Config, client *cloudformation.Client, plan *RemovalPlan) error {
	var read template
	if plan.Status != stacks.StatusReview {
		answer, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &plan.stackID, TemplateStage: types.TemplateStageOriginal})
		if err != nil {
			return err
		}
		if read, err = readTemplate([]byte(aws.ToString(answer.TemplateBody))); err != nil {
			return fmt.Errorf("template of %s is not JSON, so it was not deployed by this program: %w", plan.Stack, err)
		}
	}
	names, err := stacks.PhysicalNames(ctx, client, plan.stackID, "")
	if err != nil {
		return err
	}
	for id, name := range names {
		one := read.resources[id]
		planned := PlannedResource{LogicalID: id, PhysicalID: name, Type: one.kind, Policy: one.policy, Stateful: stacks.IsStateful(one.kind)}
		if one.policy == "" || one.policy == "Delete" {
			plan.Deletes = append(plan.Deletes, planned)
		} else {
			plan.Stays = append(plan.Stays, planned)
		}
	}
	for _, list := range [][]PlannedResource{plan.Deletes, plan.Stays} {
		slices.SortFunc(list, func(a, b PlannedResource) int { return strings.Compare(a.Type+a.LogicalID, b.Type+b.LogicalID) })
	}
	return nil
}

// planBlocks looks for what CloudFormation would find only half way.
func (f *Fleet) planBlocks(ctx context.Context, config aws.Config, client *cloudformation.Client, plan *RemovalPlan) error {
	block := func(check, detail, fix string) {
		plan.Blocks = append(plan.Blocks, Finding{Check: check, Detail: detail, Fix: fix})
	}
	for _, one := range plan.Deletes {
		name := one.PhysicalID
		switch one.Type {
		case "AWS::DynamoDB::Table":
			answer, err := dynamodb.NewFromConfig(config).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
			if err == nil && aws.ToBool(answer.Table.DeletionProtectionEnabled) {
				block("table", name+" has deletion protection", "switch it off: `aws dynamodb update-table --table-name "+name+" --no-deletion-protection-enabled`")
			}
		case "AWS::S3::Bucket":
			answer, err := s3.NewFromConfig(config).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name, MaxKeys: aws.Int32(1)})
			if err == nil && len(answer.Contents) > 0 {
				block("bucket", name+" is not empty", "empty it: `aws s3 rm --recursive s3://"+name+"`")
			}
		}
	}
	for pages := cloudformation.NewListExportsPaginator(client, nil); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return AsServiceError(plan.stage, "CloudFormation", err)
		}
		for _, export := range page.Exports {
			if aws.ToString(export.ExportingStackId) != plan.stackID {
				continue
			}
			// An export that nobody imports is an error, not an empty list.
			users, err := client.ListImports(ctx, &cloudformation.ListImportsInput{ExportName: export.Name})
			if err == nil && len(users.Imports) > 0 {
				block("export", aws.ToString(export.Name)+" is imported by "+strings.Join(users.Imports, ", "), "remove those stacks first")
			}
		}
	}
	return nil
}

// Removal removes a stage.
type Removal struct {
	// Fleet reaches the account. Required.
	Fleet *Fleet
	// Confirmation is what was typed; needed where the plan says so. Default: nothing was.
	Confirmation Confirmation
	// Observe is told what happens. Default: nobody is.
	Observe func(Event)
	// Poll is how often the stack is looked at. Default: [stacks.Poll].
	Poll time.Duration
}

// Run does what a plan says: it switches termination protection off, deletes the stack and waits. The
// account is asked again, and the stack must still be the one of the plan. The error is a [*ConfirmationError] or
// a [*BlockedError], and nothing was changed then; what failed after that is in the outcome.
func (r Removal) Run(ctx context.Context, plan RemovalPlan) (Outcome, error) {
	if plan.NeedsConfirmation && (r.Confirmation != Confirmation{Stage: plan.Stage, Account: plan.Account}) {
		return Outcome{}, &ConfirmationError{Plan: plan, Given: r.Confirmation}
	}
	if len(plan.Blocks) > 0 {
		return Outcome{}, &BlockedError{Plan: plan}
	}
	a := begin(plan.stage, r.Observe)
	a.outcome.Stack = plan.Stack
	if plan.Status == "" {
		return a.finish(Unchanged, "there is no stack"), nil
	}
	a.say("asking the account")
	config, err := r.Fleet.ReachToChange(ctx, plan.stage)
	if err != nil {
		return a.fail(err), nil
	}
	client := cloudformation.NewFromConfig(config)
	if err := r.remove(ctx, client, plan, a); err != nil {
		return a.fail(AsServiceError(plan.stage, "CloudFormation", err)), nil
	}
	return a.finish(Done, "removed"), nil
}

func (r Removal) remove(ctx context.Context, client *cloudformation.Client, plan RemovalPlan, a *attempt) error {
	now, err := stacks.Describe(ctx, client, plan.stackID)
	if err != nil || now == nil {
		return err
	}
	if !plan.status.Same(stacks.StateOf(*now)) {
		return fmt.Errorf("stack %s has changed since the plan: it is %s, and was %s. Run `roadshow remove %s` again", plan.Stack, now.StackStatus, plan.Status, plan.Stage)
	}
	if plan.Protected {
		a.say("switching termination protection off")
		_, err := client.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{
			StackName: &plan.stackID, EnableTerminationProtection: aws.Bool(false),
		})
		if err != nil {
			return err
		}
	}
	a.say("deleting the stack")
	err = stacks.Delete(ctx, client, plan.stackID, r.Poll, func(status string) { a.say(strings.ToLower(strings.ReplaceAll(status, "_", " "))) })
	var failed *stacks.DeleteError
	if errors.As(err, &failed) {
		return fmt.Errorf("stack %s was not deleted, and is %s: %s\nCorrect the cause, then run `roadshow remove %s` again",
			plan.Stack, failed.Status, failed.Reason, plan.Stage)
	}
	return err
}
