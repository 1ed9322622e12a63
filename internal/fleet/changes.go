package fleet

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
	"github.com/roadshow-go/roadshow/internal/fleet/plan"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// Proposal is what a deploy would do to a stage, as its change set says. What is approved is what is
// executed: CloudFormation refuses the change set if the stack has changed meanwhile.
type Proposal struct {
	// Stage is the stage, in Account, reached by Profile.
	Stage   string `json:"stage"`
	Account string `json:"account"`
	Profile string `json:"profile"`
	// Stack is the stack's name; New tells that there is none yet.
	Stack string `json:"stack"`
	New   bool   `json:"new"`
	// Changes are what CloudFormation would do, in its order.
	Changes []Change `json:"changes"`
	// Identity is that of the change set, which is looked at again before it is executed.
	Identity plan.Identity `json:"identity"`
}

// Change is one resource of a [Proposal].
type Change struct {
	// Action is Add, Modify, Remove, or what else CloudFormation calls it.
	Action string `json:"action"`
	// LogicalID is the resource's in the template, PhysicalID in the account; Type its CloudFormation type.
	LogicalID  string `json:"logicalId"`
	PhysicalID string `json:"physicalId,omitempty"`
	Type       string `json:"type"`
	// Replacement is True where the resource is made anew and the old one deleted, Conditional where that
	// depends on values not known yet.
	Replacement string `json:"replacement,omitempty"`
	// Stateful tells whether it holds what nobody can make again.
	Stateful bool `json:"stateful"`
	// Kept tells that a policy keeps what is removed or replaced.
	Kept bool `json:"kept,omitempty"`
}

// Loses tells whether data is deleted by it.
func (c Change) Loses() bool {
	return c.Stateful && !c.Kept && (c.Action == string(types.ChangeActionRemove) || c.Replacement == string(types.ReplacementTrue))
}

// MayLose tells whether data is or may be deleted by it: what CloudFormation does not know yet counts.
func (c Change) MayLose() bool {
	return c.Loses() || c.Stateful && !c.Kept && c.Replacement == string(types.ReplacementConditional)
}

// Hurts tells whether anything is removed or replaced by it, or may be.
func (c Change) Hurts() bool {
	return c.Action == string(types.ChangeActionRemove) || c.Replacement == string(types.ReplacementTrue) ||
		c.Replacement == string(types.ReplacementConditional)
}

// MayLose tells whether data is or may be deleted.
func (p Proposal) MayLose() bool { return slices.ContainsFunc(p.Changes, Change.MayLose) }

// Hurts tells whether anything is removed or replaced, or may be.
func (p Proposal) Hurts() bool { return slices.ContainsFunc(p.Changes, Change.Hurts) }

// Imports tells whether anything that exists is taken up.
func (p Proposal) Imports() bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Action == string(types.ChangeActionImport) })
}

// newChangeSetName names the change set of one run: no other run has it, so that nobody else executes or withdraws
// it, and this one finds it after an interruption.
func newChangeSetName() string { return changeSetPrefix + strings.ToLower(rand.Text()) }

// changeSetPrefix begins the names of the change sets of every run.
const changeSetPrefix = "roadshow-"

// abandonedAfter is how long a change set of another run may wait for its approval before that run is taken for killed.
const abandonedAfter = time.Hour

// waitingChangeSet is a change set of another run that could be executed.
type waitingChangeSet struct {
	row  changeSetRow
	made time.Time
	// tags are those that it gives the stack.
	tags map[string]string
}

// waitingChangeSets are the change sets of a stack that runs of any program have made and that could be executed.
func waitingChangeSets(ctx context.Context, client *cloudformation.Client, stack types.Stack) ([]waitingChangeSet, error) {
	var waiting []waitingChangeSet
	for pages := cloudformation.NewListChangeSetsPaginator(client, &cloudformation.ListChangeSetsInput{StackName: stack.StackId}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, one := range page.Summaries {
			if one.ExecutionStatus != types.ExecutionStatusAvailable || !strings.HasPrefix(aws.ToString(one.ChangeSetName), changeSetPrefix) {
				continue
			}
			set, err := client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: stack.StackId, ChangeSetName: one.ChangeSetId})
			if _, gone := errors.AsType[*types.ChangeSetNotFoundException](err); gone {
				continue
			}
			if err != nil {
				return nil, err
			}
			waiting = append(waiting, waitingChangeSet{
				row:  changeSetRow{stack: aws.ToString(stack.StackName), name: aws.ToString(one.ChangeSetName), id: aws.ToString(one.ChangeSetId)},
				made: aws.ToTime(one.CreationTime).UTC(), tags: stacks.Tags(set.Tags),
			})
		}
	}
	return waiting, nil
}

// ChangedError says that somebody else has changed a stack while a deploy prepared or awaited the approval of its own
// change. Of the deploy's own nothing was executed.
type ChangedError struct {
	// Stage is the stage, Stack its stack.
	Stage stages.Stage
	Stack string
	// Err says what is not as it was planned, where the deploy's own change set was looked at: a [*plan.ChangedError], or
	// [plan.ErrGone].
	Err error
}

func (e *ChangedError) Unwrap() error { return e.Err }

func (e *ChangedError) Error() string {
	return fmt.Sprintf("Stage %s was not deployed: somebody else has changed stack %s meanwhile, or deleted the change set.\nRun `roadshow deploy` again, which shows the changes as they are now.", e.Stage.Name, e.Stack)
}

// readProposal reads the prepared change set of a stage by its name; nil where there is nothing to change.
func (f *Fleet) readProposal(ctx context.Context, client *cloudformation.Client, stage stages.Stage, profile Profile, changeSet string) (*Proposal, error) {
	name, err := f.StackName(stage)
	if err != nil {
		return nil, err
	}
	proposal := &Proposal{Stage: stage.Name, Account: stage.Account, Profile: profile.String(), Stack: name, Changes: []Change{}}
	for input := (&cloudformation.DescribeChangeSetInput{StackName: &name, ChangeSetName: &changeSet}); ; {
		page, err := client.DescribeChangeSet(ctx, input)
		var gone *types.ChangeSetNotFoundException
		if errors.As(err, &gone) || stacks.IsMissing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		switch reason := aws.ToString(page.StatusReason); {
		case page.Status == types.ChangeSetStatusCreateComplete:
		case page.Status == types.ChangeSetStatusFailed && !strings.Contains(reason, "didn't contain changes") && !strings.Contains(reason, "No updates are to be performed"):
			return nil, fmt.Errorf("the change set could not be made: %s", reason)
		default:
			return nil, nil // there are no changes: CloudFormation calls that a failure
		}
		proposal.Identity = plan.Identity{ID: aws.ToString(page.ChangeSetId), Status: string(types.ExecutionStatusAvailable)}
		for _, change := range page.Changes {
			if change.ResourceChange != nil {
				proposal.Changes = append(proposal.Changes, changeOf(*change.ResourceChange))
			}
		}
		if input.NextToken = page.NextToken; aws.ToString(page.NextToken) == "" {
			break
		}
	}
	stack, err := stacks.Describe(ctx, client, name).Found()
	if err != nil {
		return nil, err
	}
	proposal.New = stack != nil && string(stack.StackStatus) == stacks.StatusReview
	return proposal, nil
}

func changeOf(change types.ResourceChange) Change {
	kind := aws.ToString(change.ResourceType)
	return Change{
		Action: string(change.Action), LogicalID: aws.ToString(change.LogicalResourceId), PhysicalID: aws.ToString(change.PhysicalResourceId),
		Type: kind, Replacement: string(change.Replacement), Stateful: stacks.IsStateful(kind),
		Kept: strings.Contains(string(change.PolicyAction), "Retain") || strings.Contains(string(change.PolicyAction), "Snapshot"),
	}
}

// changeSetRow is a change set that a run has made, or may have begun to make.
type changeSetRow struct {
	// stack and name find it; id is empty until somebody has read it.
	stack, name, id string
	// unfinished tells that the command that makes it has not ended well, so that it may still come to be.
	unfinished bool
}

// look looks at the change set again. CloudFormation calls it obsolete as soon as somebody has changed the stack.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html
func (c changeSetRow) look(client *cloudformation.Client) plan.Look {
	return func(ctx context.Context) (*plan.Identity, error) {
		set, err := client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: &c.stack, ChangeSetName: &c.id})
		if _, gone := errors.AsType[*types.ChangeSetNotFoundException](err); gone || stacks.IsMissing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return &plan.Identity{ID: aws.ToString(set.ChangeSetId), Status: string(set.ExecutionStatus)}, nil
	}
}

// withdraw deletes a change set that is not executed, and the empty stack where it was the first and only one. One
// that CloudFormation still makes is waited for; so is, once, one that a command may have asked for before it ended.
func (c changeSetRow) withdraw(ctx context.Context, client *cloudformation.Client, poll time.Duration) error {
	for {
		set, err := client.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: &c.stack, ChangeSetName: aws.String(cmp.Or(c.id, c.name))})
		if _, gone := errors.AsType[*types.ChangeSetNotFoundException](err); gone || stacks.IsMissing(err) {
			if !c.unfinished {
				break
			}
			c.unfinished = false
			if err := parallel.Wait(ctx, poll); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if set.Status == types.ChangeSetStatusCreatePending || set.Status == types.ChangeSetStatusCreateInProgress {
			if err := parallel.Wait(ctx, poll); err != nil {
				return err
			}
			continue
		}
		switch set.ExecutionStatus {
		case types.ExecutionStatusExecuteInProgress, types.ExecutionStatusExecuteComplete, types.ExecutionStatusExecuteFailed:
			return nil // it was executed before it could be withdrawn, which the stack's status tells
		}
		c.id = aws.ToString(set.ChangeSetId)
		if err := c.delete(ctx, client); err != nil {
			return err
		}
		break
	}
	return c.withdrawStack(ctx, client)
}

// delete deletes a change set that was read.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html
func (c changeSetRow) delete(ctx context.Context, client *cloudformation.Client) error {
	_, err := client.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &c.stack, ChangeSetName: &c.id})
	return err
}

// withdrawStack deletes the empty stack that a first change set has made, unless another one waits on it.
func (c changeSetRow) withdrawStack(ctx context.Context, client *cloudformation.Client) error {
	stack, err := stacks.Describe(ctx, client, c.stack).Found()
	if err != nil || stack == nil || string(stack.StackStatus) != stacks.StatusReview {
		return err
	}
	others, err := client.ListChangeSets(ctx, &cloudformation.ListChangeSetsInput{StackName: stack.StackId})
	if err != nil {
		return err
	}
	for _, other := range others.Summaries {
		if aws.ToString(other.ChangeSetName) != c.name && other.Status != types.ChangeSetStatusFailed {
			return nil
		}
	}
	remove := func(ctx context.Context) error {
		_, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: stack.StackId})
		return err
	}
	if aws.ToBool(stack.EnableTerminationProtection) { // the cdk command switches it on when it prepares a change set
		return stacks.Protection(client, aws.ToString(stack.StackId)).Off(ctx, remove)
	}
	return remove(ctx)
}

// nameConflict is what CloudFormation calls a name that is taken, of which it says so when a change set is made.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
const nameConflict = "AWS::EarlyValidation::ResourceExistenceCheck"

// advice is what to do about a failure that this program's own rules bring about.
func advice(reason string) string {
	switch {
	case strings.Contains(reason, "custom-named resource requires replacing"):
		return "write Revision: 2 (or one more than it has) in the component's config, which gives the new one a name of its own"
	case strings.Contains(reason, "already exists"):
		return "run `roadshow deploy` again, which says what has the name, whose it is, and how to take it up"
	case strings.Contains(reason, "Unable to fetch parameters"):
		return "deploy the service that exports them first, or set them in this account; nothing was changed"
	case strings.Contains(reason, "AccessDenied"), strings.Contains(reason, "not authorized"):
		return "give the role that CloudFormation acts with the permission it lacks"
	}
	return "correct the cause"
}
