package stacks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/roadshow-go/roadshow/internal/fleet/parallel"
)

// Poll is how often a stack that is being changed is looked at.
const Poll = 3 * time.Second

// DeleteError says that CloudFormation could not delete a stack.
type DeleteError struct {
	// Status is the stack's then, Reason the resource that failed and why; empty where CloudFormation names none.
	Status, Reason string
}

func (e *DeleteError) Error() string { return "it is " + e.Status + ": " + e.Reason }

// Delete has CloudFormation delete a stack, and waits for the end of it, looking each poll; the default is [Poll]. A
// stack that is gone is no error, and one that is being deleted already is waited for. Each status on the way is
// told to say. The error may be a [*DeleteError]; after the context's end the deletion goes on.
func Delete(ctx context.Context, client *cloudformation.Client, id string, poll time.Duration, say func(status string)) error {
	if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &id}); err != nil {
		return err
	}
	for {
		stack, err := Describe(ctx, client, id).Found()
		if err != nil || stack == nil {
			return err
		}
		status := string(stack.StackStatus)
		if !strings.HasSuffix(status, inProgress) {
			return &DeleteError{status, Failure(ctx, client, id)}
		}
		say(status)
		if err := parallel.Wait(ctx, cmp.Or(poll, Poll)); err != nil {
			return errors.Join(fmt.Errorf("Stack %s is being deleted, and CloudFormation goes on with that.", aws.ToString(stack.StackName)), err)
		}
	}
}
