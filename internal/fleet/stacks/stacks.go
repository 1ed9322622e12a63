// Package stacks asks CloudFormation about stacks, and has it delete them, as every room of the fleet needs it.
package stacks

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/plan"
)

// Type is the CloudFormation type of a stack.
const Type = "AWS::CloudFormation::Stack"

// Describe is a stack by its name or id. A deleted stack, which CloudFormation knows by its id for 90 days, is absent.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
func Describe(ctx context.Context, client *cloudformation.Client, name string) answer.Answer[types.Stack] {
	described, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if IsMissing(err) {
		return answer.Absent[types.Stack]()
	}
	if err != nil {
		return answer.Untold[types.Stack](err)
	}
	for _, stack := range described.Stacks {
		if string(stack.StackStatus) != StatusDeleted {
			return answer.Seen(stack)
		}
	}
	return answer.Absent[types.Stack]()
}

// Template is the template of a stack by its name or id, as it was deployed; also of a deleted one by its id, for 90 days.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html
func Template(ctx context.Context, client *cloudformation.Client, name string) ([]byte, error) {
	answer, err := client.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, err
	}
	return []byte(aws.ToString(answer.TemplateBody)), nil
}

// Deleted are the deleted stacks of a name, the latest first. CloudFormation lists them for 90 days.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStacks.html
func Deleted(ctx context.Context, client *cloudformation.Client, name string) ([]types.StackSummary, error) {
	var deleted []types.StackSummary
	for pages := cloudformation.NewListStacksPaginator(client, &cloudformation.ListStacksInput{StackStatusFilter: []types.StackStatus{types.StackStatusDeleteComplete}}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, summary := range page.StackSummaries {
			if aws.ToString(summary.StackName) == name {
				deleted = append(deleted, summary)
			}
		}
	}
	slices.SortStableFunc(deleted, func(a, b types.StackSummary) int {
		return aws.ToTime(b.DeletionTime).Compare(aws.ToTime(a.DeletionTime))
	})
	return deleted, nil
}

// NameOf is the name of a stack by its id: arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID.
func NameOf(id string) string {
	_, name, _ := strings.Cut(id, ":stack/")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// All lists the stacks of an account in one region that are not deleted. An error is the last that it yields.
func All(ctx context.Context, client *cloudformation.Client) iter.Seq2[types.Stack, error] {
	return func(yield func(types.Stack, error) bool) {
		for pages := cloudformation.NewDescribeStacksPaginator(client, nil); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(types.Stack{}, err)
				return
			}
			for _, stack := range page.Stacks {
				if !yield(stack, nil) {
					return
				}
			}
		}
	}
}

// IsMissing tells the answer for a stack that does not exist, which is no error of its own type.
func IsMissing(err error) bool {
	var refusal smithy.APIError
	return errors.As(err, &refusal) && refusal.ErrorCode() == "ValidationError" && strings.Contains(refusal.ErrorMessage(), "does not exist")
}

// LastChange is when a stack was last updated or, before any update, created; in UTC.
func LastChange(stack types.Stack) time.Time {
	if stack.LastUpdatedTime != nil {
		return stack.LastUpdatedTime.UTC()
	}
	return aws.ToTime(stack.CreationTime).UTC()
}

// Statuses that decide something, as CloudFormation writes them.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
const (
	// StatusReview is that of a stack whose first change set was not executed: it has no resource and no template.
	StatusReview = string(types.StackStatusReviewInProgress)
	// StatusDeleted is that of a deleted stack.
	StatusDeleted = string(types.StackStatusDeleteComplete)
	// StatusFailedCreate is that of a stack whose creation was rolled back: it has no resource, and can only be
	// deleted.
	StatusFailedCreate = string(types.StackStatusRollbackComplete)
)

const inProgress = "_IN_PROGRESS"

// IsChanging tells whether CloudFormation is changing a stack of this status. One that waits for its first change
// set is not being changed.
func IsChanging(status string) bool {
	return strings.HasSuffix(status, inProgress) && status != StatusReview
}

// Identity is what a later look at a stack is compared with before it is touched.
func Identity(stack types.Stack) plan.Identity {
	return plan.Identity{
		ID: aws.ToString(stack.StackId), Created: aws.ToTime(stack.CreationTime).UTC(), Changed: LastChange(stack), Status: string(stack.StackStatus),
	}
}

// Look looks at a stack again by its id; see [plan.Identity.Do].
func Look(client *cloudformation.Client, id string) plan.Look {
	return func(ctx context.Context) (*plan.Identity, error) {
		described := Describe(ctx, client, id)
		stack, exists := described.Seen()
		if !exists {
			return nil, described.Untold()
		}
		now := Identity(stack)
		return &now, nil
	}
}

// State is how far a stack is, for whoever waits for it.
type State struct {
	// Status is CloudFormation's, At the time of the last change.
	Status string
	At     time.Time
}

// StateOf is the state of a stack.
func StateOf(stack types.Stack) *State {
	return &State{Status: string(stack.StackStatus), At: LastChange(stack)}
}

// Same tells whether nothing has changed a stack between two looks; nil is a stack that does not exist.
func (s *State) Same(other *State) bool {
	if s == nil || other == nil {
		return s == other
	}
	return *s == *other
}

// HasResources tells whether a stack may have any: one that waits for its first change set, or whose creation was
// rolled back, has none.
func (s *State) HasResources() bool {
	return s != nil && s.Status != StatusReview && s.Status != StatusFailedCreate
}

// Succeeded tells whether the last change of a stack was made and not undone.
func (s *State) Succeeded() bool { return s != nil && IsSettled(s.Status) }

// IsSettled tells whether a status is the end of a change that succeeded. Every other status is that of a change
// that goes on, has failed, or was undone.
func IsSettled(status string) bool {
	return status == string(types.StackStatusCreateComplete) || status == string(types.StackStatusUpdateComplete) ||
		status == string(types.StackStatusImportComplete)
}

// Failure is what CloudFormation says about why a stack failed: the first resource that did, since the others
// were only cancelled. Empty where the stack has not failed since a change began.
func Failure(ctx context.Context, client *cloudformation.Client, stack string) string {
	reason := ""
	for pages := cloudformation.NewDescribeStackEventsPaginator(client, &cloudformation.DescribeStackEventsInput{StackName: &stack}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return reason
		}
		for _, event := range page.StackEvents { // the newest first
			status, why := string(event.ResourceStatus), aws.ToString(event.ResourceStatusReason)
			if aws.ToString(event.ResourceType) == Type && aws.ToString(event.PhysicalResourceId) == aws.ToString(event.StackId) {
				if status == "CREATE_IN_PROGRESS" || status == "UPDATE_IN_PROGRESS" || status == "DELETE_IN_PROGRESS" {
					return reason
				}
				continue
			}
			if strings.HasSuffix(status, "_FAILED") && !strings.Contains(why, "cancelled") {
				reason = aws.ToString(event.LogicalResourceId) + " (" + aws.ToString(event.ResourceType) + "): " + why
			}
		}
	}
	return reason
}
