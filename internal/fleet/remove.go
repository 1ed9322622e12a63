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

	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/fleet/plan"
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
	// Identity is what the stack is compared with before it is deleted; nil where there is none.
	Identity *plan.Identity `json:"identity,omitempty"`
	// Doubt is why the stack may be another program's or team's although it has this stage's name; empty where its tags
	// say that it is the stage's.
	Doubt string `json:"doubt,omitempty"`
	// Protected tells whether CloudFormation refuses to delete the stack until its termination protection
	// is switched off, which the removal does. It switches it on again where the stack is not deleted.
	Protected bool `json:"terminationProtection"`
	// Deletes is what CloudFormation will delete, Stays what it leaves by policy.
	Deletes []PlannedResource `json:"deletes"`
	Stays   []PlannedResource `json:"stays"`
	// Importers are the stacks that read what would be deleted.
	Importers []Importer `json:"importers"`
	// Blocks is what would make it fail half way, and what could not be asked about that. It is not begun then.
	Blocks []Finding `json:"blocks"`
	// NeedsConfirmation tells whether the stage's name and its account must be given again: where it is protected,
	// where the program does not know it, where its stack may be somebody else's, and where others import what it has.
	NeedsConfirmation bool `json:"needsConfirmation"`

	stage stages.Stage
}

// whyConfirm is what a confirmation is needed for, in words.
func (p *RemovalPlan) whyConfirm() string {
	var why []string
	if !p.Known {
		why = append(why, "is not in the set")
	}
	if p.Tier == stages.Protected || p.Protected { // its stack may be, whatever the program says by now
		why = append(why, "is protected")
	}
	if p.Doubt != "" {
		why = append(why, "has a stack that may be somebody else's ("+p.Doubt+")")
	}
	if len(p.Importers) > 0 {
		why = append(why, "has what others import ("+importerNames(p.Importers)+")")
	}
	return strings.Join(why, " and ")
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
	typed := "was not confirmed"
	if e.Given != (Confirmation{}) {
		typed = fmt.Sprintf("was confirmed as %s/%s", e.Given.Stage, e.Given.Account)
	}
	return fmt.Sprintf("Stage %s %s and %s, so nothing was changed.\nPass --confirm %s/%s, its name and its account's id, or type both in a terminal.",
		e.Plan.Stage, e.Plan.whyConfirm(), typed, e.Plan.Stage, e.Plan.Account)
}

// BlockedError says that a removal would fail half way. Nothing was changed.
type BlockedError struct {
	// Plan is what was to be done.
	Plan RemovalPlan
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("Stage %s cannot be removed yet, and nothing was changed:%s", e.Plan.Stage, listed(e.Plan.Blocks))
}

// PlanRemoval finds out what removing a stage would do. known says whether the program has the stage, or a
// template that makes it.
func (f *Fleet) PlanRemoval(ctx context.Context, stage stages.Stage, known bool) (RemovalPlan, error) {
	return f.planRemoval(ctx, stage, known, "")
}

// planRemoval plans the removal of a stage's stack: of the one with an id, or of the one that has the stage's name.
func (f *Fleet) planRemoval(ctx context.Context, stage stages.Stage, known bool, id string) (planned RemovalPlan, err error) {
	planned = RemovalPlan{
		Stage: stage.Name, Account: stage.Account, Region: stage.Region, Tier: stage.Tier, Known: known,
		stage:   stage,
		Deletes: []PlannedResource{}, Stays: []PlannedResource{}, Importers: []Importer{}, Blocks: []Finding{},
	}
	defer func() { planned.NeedsConfirmation = planned.whyConfirm() != "" }()
	name, err := f.StackName(stage)
	if err != nil {
		return planned, err
	}
	planned.Stack = name
	config, _, err := f.Reach(ctx, stage)
	if err != nil {
		return planned, err
	}
	client := cloudformation.NewFromConfig(config)
	if id == "" {
		id = name
	}
	stack, err := stacks.Describe(ctx, client, id).Found()
	if err != nil {
		return planned, AsServiceError(stage, "CloudFormation", err)
	}
	if stack == nil {
		return planned, nil
	}
	planned.read(*stack, f.maker(stage.Name))
	if err := planned.sort(ctx, client); err != nil {
		return planned, AsServiceError(stage, "CloudFormation", err)
	}
	planned.findImporters(ctx, client)
	planned.findBlocks(ctx, config)
	return planned, nil
}

// read takes over what the stack says of itself.
func (p *RemovalPlan) read(stack types.Stack, wanted owner.Maker) {
	identity := stacks.Identity(stack)
	p.Stack, p.Status, p.Identity, p.Protected = aws.ToString(stack.StackName), identity.Status, &identity, aws.ToBool(stack.EnableTerminationProtection)
	if p.Status != stacks.StatusReview { // which has nothing yet
		p.Doubt = owner.JudgeStack(p.Stack, stacks.Tags(stack.Tags), wanted).Doubt()
	}
	if stacks.IsChanging(p.Status) {
		p.Blocks = append(p.Blocks, Finding{Check: "stack", Detail: "Stack " + p.Stack + " is " + p.Status + ".", Fix: "Wait until that is done."})
	}
}

// sort sorts the resources of the stack by what happens to them.
func (p *RemovalPlan) sort(ctx context.Context, client *cloudformation.Client) error {
	var read template
	if p.Status != stacks.StatusReview {
		text, err := stacks.Template(ctx, client, p.Identity.ID)
		if err != nil {
			return err
		}
		if read, err = readTemplate(text); err != nil {
			return fmt.Errorf("the template of %s is not JSON, so it was not deployed by this program: %w", p.Stack, err)
		}
	}
	names, err := stacks.PhysicalNames(ctx, client, p.Identity.ID, "")
	if err != nil {
		return err
	}
	for id, name := range names {
		one := read.resources[id]
		planned := PlannedResource{LogicalID: id, PhysicalID: name, Type: one.kind, Policy: one.policy, Stateful: stacks.IsStateful(one.kind)}
		if one.policy == "" || one.policy == "Delete" {
			p.Deletes = append(p.Deletes, planned)
		} else {
			p.Stays = append(p.Stays, planned)
		}
	}
	for _, list := range [][]PlannedResource{p.Deletes, p.Stays} {
		slices.SortFunc(list, func(a, b PlannedResource) int { return strings.Compare(a.Type+a.LogicalID, b.Type+b.LogicalID) })
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

// Run does what a plan says: it looks at everything again, switches termination protection off, deletes the very stack of
// the plan and waits. Where anything has changed since, the stack is kept, which the outcome says. The error is a
// [*ConfirmationError] or a [*BlockedError], and nothing was changed then; what failed after that is in the outcome.
func (r Removal) Run(ctx context.Context, planned RemovalPlan) (Outcome, error) {
	if planned.NeedsConfirmation && (r.Confirmation != Confirmation{Stage: planned.Stage, Account: planned.Account}) {
		return Outcome{}, &ConfirmationError{Plan: planned, Given: r.Confirmation}
	}
	if len(planned.Blocks) > 0 {
		return Outcome{}, &BlockedError{Plan: planned}
	}
	a := begin(planned.stage, r.Observe)
	a.outcome.Stack = planned.Stack
	if planned.Identity == nil {
		return a.finish(Unchanged, "there is no stack"), nil
	}
	a.say("looking again")
	err := planned.Identity.Do(ctx, r.again(planned), func(ctx context.Context) error {
		a.say("asking the account")
		config, err := r.Fleet.ReachToChange(ctx, planned.stage)
		if err != nil {
			return err
		}
		return r.remove(ctx, cloudformation.NewFromConfig(config), planned, a)
	})
	var changed *plan.ChangedError
	switch {
	case errors.As(err, &changed):
		a.outcome.err, a.outcome.Problem = err, fmt.Sprintf("Stack %s was left alone: since the plan was made, %s.\nLook at it, and run the command again where it is to go all the same.",
			planned.Stack, changed.What)
		return a.finish(Kept, a.outcome.Problem), nil
	case err != nil && !errors.Is(err, plan.ErrGone):
		return a.fail(err), nil
	}
	return a.finish(Done, "removed"), nil
}

// again is the second look at all that a removal was planned by. What stands in its way now did not when somebody agreed.
func (r Removal) again(planned RemovalPlan) plan.Look {
	return func(ctx context.Context) (*plan.Identity, error) {
		now, err := r.Fleet.planRemoval(ctx, planned.stage, planned.Known, planned.Identity.ID)
		if err != nil || now.Identity == nil || planned.Identity.Difference(*now.Identity) != "" {
			return now.Identity, err
		}
		for _, block := range now.Blocks {
			return nil, &plan.ChangedError{What: strings.TrimSuffix(block.Detail, ".")}
		}
		for _, importer := range now.Importers {
			if !slices.ContainsFunc(planned.Importers, func(known Importer) bool { return known.Stack == importer.Stack }) {
				return nil, &plan.ChangedError{What: "stack " + importer.Stack + " imports what it has"}
			}
		}
		if now.Protected != planned.Protected {
			return nil, &plan.ChangedError{What: "its termination protection was switched"}
		}
		return now.Identity, nil
	}
}

func (r Removal) remove(ctx context.Context, client *cloudformation.Client, planned RemovalPlan, a *attempt) error {
	remove := func(ctx context.Context) error {
		a.say("deleting the stack")
		return stacks.Delete(ctx, client, planned.Identity.ID, r.Poll, func(status string) { a.say(strings.ToLower(strings.ReplaceAll(status, "_", " "))) })
	}
	var err error
	if planned.Protected {
		a.say("switching termination protection off")
		err = stacks.Protection(client, planned.Identity.ID).Off(ctx, remove)
	} else {
		err = remove(ctx)
	}
	var failed *stacks.DeleteError
	var unguarded *plan.GuardError
	if errors.As(err, &failed) && !errors.As(err, &unguarded) {
		return fmt.Errorf("Stack %s was not deleted, and is %s: %s\nCorrect the cause, then run `roadshow remove %s` again.",
			planned.Stack, failed.Status, failed.Reason, planned.Stage)
	}
	if ctx.Err() != nil {
		return err
	}
	return AsServiceError(planned.stage, "CloudFormation", err)
}
