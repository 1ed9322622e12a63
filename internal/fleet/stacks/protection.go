package stacks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// protectionLimit is how long switching a stack's protection on again may take after an
// interruption.
const protectionLimit = 30 * time.Second

// Unprotected switches the termination protection of a stack off, deletes it, and switches the
// protection on again where that fails: a stack that was not deleted stays as protected as it was.
// One that is being deleted takes no protection.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html
func Unprotected(ctx context.Context, client *cloudformation.Client, id string, remove func() error) error {
	err := protect(ctx, client, id, false)
	if err == nil {
		err = remove()
	}
	if err == nil {
		return nil
	}
	// Also after an interruption, and where it is open whether it was switched off.
	again, cancel := context.WithTimeout(context.WithoutCancel(ctx), protectionLimit)
	defer cancel()
	refused := protect(again, client, id, true)
	if refused == nil {
		return err
	}
	stack, lookErr := Describe(again, client, id)
	if lookErr == nil && (stack == nil || stack.StackStatus == types.StackStatusDeleteInProgress || aws.ToBool(stack.EnableTerminationProtection)) {
		return err
	}
	return errors.Join(err, fmt.Errorf("its termination protection could not be switched on again (%w); "+
		"run `aws cloudformation update-termination-protection --enable-termination-protection --stack-name %s`", refused, id))
}

func protect(ctx context.Context, client *cloudformation.Client, id string, on bool) error {
	_, err := client.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{StackName: &id, EnableTerminationProtection: &on})
	return err
}
