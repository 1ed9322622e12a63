package orphan

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudcontrol"
	cloudcontroltypes "github.com/aws/aws-sdk-go-v2/service/cloudcontrol/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// encrypted are the types that a key of the stage's own may encrypt.
var encrypted = map[string]bool{
	"AWS::DynamoDB::Table": true, "AWS::S3::Bucket": true, "AWS::SQS::Queue": true, "AWS::SNS::Topic": true, "AWS::SecretsManager::Secret": true,
	"AWS::Logs::LogGroup": true, "AWS::Lambda::Function": true, "AWS::Kinesis::Stream": true, "AWS::ECR::Repository": true, "AWS::Events::EventBus": true,
}

// inUseError says that something which a live stack has is encrypted by a key, so that the key is no orphan: a table that was
// taken up again needs the key of its earlier stack as long as it is there.
type inUseError struct{ by string }

func (e *inUseError) Error() string { return e.by + " is encrypted by it" }

// notInUse asks what the stage's stack has whether it is encrypted by a key. The error is an [*inUseError], or that of a
// question which was not answered.
// https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys-determining-usage.html
func notInUse(ctx context.Context, config aws.Config, key *Orphan) error {
	stack, err := (&fleet.Fleet{Service: key.Service}).StackName(stages.Stage{Name: key.Stage})
	if err != nil {
		return err
	}
	client := cloudcontrol.NewFromConfig(config)
	for resource, err := range stacks.Resources(ctx, cloudformation.NewFromConfig(config), stack) {
		if stacks.IsMissing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		id := aws.ToString(resource.PhysicalResourceId)
		if !encrypted[aws.ToString(resource.ResourceType)] || id == "" || resource.ResourceStatus == types.ResourceStatusDeleteComplete {
			continue
		}
		answer, err := client.GetResource(ctx, &cloudcontrol.GetResourceInput{TypeName: resource.ResourceType, Identifier: &id})
		if _, missing := errors.AsType[*cloudcontroltypes.ResourceNotFoundException](err); missing {
			continue
		}
		if err != nil {
			return err
		}
		if strings.Contains(aws.ToString(answer.ResourceDescription.Properties), key.Name) { // its id, in whichever form
			return &inUseError{aws.ToString(resource.LogicalResourceId) + " of stack " + stack}
		}
	}
	return nil
}
