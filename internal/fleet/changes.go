package fleet

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

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

	stage     stages.Stage
	changeSet string
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

// approvalSet is the name of the change set that waits for an approval. It is one name, so that what an
// interrupted deploy has left is replaced by the next.
const approvalSet = "roadshow-approval"

// readProposal reads the prepared change set of a stage; nil where there is nothing to change.
func (f *Fleet) readProposal(ctx context.Context, client *cloudformation.Client, stage stages.Stage, profile Profile) (*Proposal, error) {
	name, err := f.StackName(stage)
	if err != nil {
		return nil, err
	}
	proposal := &Proposal{Stage: stage.Name, Account: stage.Account, Profile: profile.String(), Stack: name, Changes: []Change{}, stage: stage}
	for input := (&cloudformation.DescribeChangeSetInput{StackName: &name, ChangeSetName: aws.String(approvalSet)}); ; {
		page, err := client.DescribeChangeSet(ctx, input)
		var gone *types.ChangeSetNotFoundException
		if errors.As(err, &gone) || stacks.IsMissing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if page.Status != types.ChangeSetStatusCreateComplete {
			return nil, nil // there are no changes: CloudFormation calls that a failure
		}
		proposal.changeSet = aws.ToString(page.ChangeSetId)
		for _, change := range page.Changes {
			if change.ResourceChange != nil {
				proposal.Changes = append(proposal.Changes, changeOf(*change.ResourceChange))
			}
		}
		if input.NextToken = page.NextToken; aws.ToString(page.NextToken) == "" {
			break
		}
	}
	stack, err := stacks.Describe(ctx, client, name)
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

// withdraw deletes a change set that got no approval, and the empty stack that a first one has made.
func (p *Proposal) withdraw(ctx context.Context, client *cloudformation.Client) error {
	if !p.New {
		_, err := client.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{ChangeSetName: &p.changeSet})
		return err
	}
	// Only what is still waiting is deleted: it never held a resource.
	stack, err := stacks.Describe(ctx, client, p.Stack)
	if err != nil || stack == nil || string(stack.StackStatus) != stacks.StatusReview {
		return err
	}
	if aws.ToBool(stack.EnableTerminationProtection) {
		_, err := client.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{
			StackName: stack.StackId, EnableTerminationProtection: aws.Bool(false),
		})
		if err != nil {
			return err
		}
	}
	_, err = client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: stack.StackId})
	return err
}

// advice is what to do about a failure that this program's own rules bring about.
func advice(reason string) string {
	switch {
	case strings.Contains(reason, "custom-named resource requires replacing"):
		return "write Revision: 2 (or one more than it has) in the component's config, which gives the new one a name of its own"
	case strings.Contains(reason, "already exists"):
		return "something else has the name; delete or rename that, or give the component another name"
	case strings.Contains(reason, "AccessDenied"), strings.Contains(reason, "not authorized"):
		return "give the role that CloudFormation acts with the permission it lacks"
	}
	return "correct the cause"
}
