package stacks

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet/plan"
)

// Protection is the termination protection of a stack. A stack that is being deleted takes none.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html
func Protection(client *cloudformation.Client, id string) plan.Guard {
	return plan.Guard{
		Set: func(ctx context.Context, on bool) error {
			_, err := client.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{StackName: &id, EnableTerminationProtection: &on})
			return err
		},
		Holds: func(ctx context.Context) bool {
			stack, err := Describe(ctx, client, id).Found()
			return err == nil && (stack == nil || stack.StackStatus == types.StackStatusDeleteInProgress || aws.ToBool(stack.EnableTerminationProtection))
		},
		Name: "termination protection", Command: "aws cloudformation update-termination-protection --enable-termination-protection --stack-name " + id,
	}
}
