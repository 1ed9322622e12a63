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
	"github.com/roadshow-go/roadshow/internal/fleet/answer"
	"github.com/roadshow-go/roadshow/internal/fleet/stacks"
	"github.com/roadshow-go/roadshow/stages"
)

// encrypted are the types that a key of the stage's own may encrypt.
var encrypted = map[string]bool{
	"AWS::DynamoDB::Table": true, "AWS::S3::Bucket": true, "AWS::SQS::Queue": true, "AWS::SNS::Topic": true, "AWS::SecretsManager::Secret": true,
	"AWS::Logs::LogGroup": true, "AWS::Lambda::Function": true, "AWS::Kinesis::Stream": true, "AWS::ECR::Repository": true, "AWS::Events::EventBus": true,
}

// keyUser is what the stage's stack has that is encrypted by a key, so that the key is no orphan: a table that was taken up
// again needs the key of its earlier stack as long as it is there.
// https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys-determining-usage.html
func keyUser(ctx context.Context, config aws.Config, key *Orphan) answer.Answer[string] {
	stack, err := (&fleet.Fleet{Service: key.Service}).StackName(stages.Stage{Name: key.Stage})
	if err != nil {
		return answer.Untold[string](err)
	}
	client := cloudcontrol.NewFromConfig(config)
	for resource, err := range stacks.Resources(ctx, cloudformation.NewFromConfig(config), stack) {
		if stacks.IsMissing(err) {
			break
		}
		if err != nil {
			return answer.Untold[string](err)
		}
		id := aws.ToString(resource.PhysicalResourceId)
		if !encrypted[aws.ToString(resource.ResourceType)] || id == "" || resource.ResourceStatus == types.ResourceStatusDeleteComplete {
			continue
		}
		described, err := client.GetResource(ctx, &cloudcontrol.GetResourceInput{TypeName: resource.ResourceType, Identifier: &id})
		if _, missing := errors.AsType[*cloudcontroltypes.ResourceNotFoundException](err); missing {
			continue
		}
		if err != nil {
			return answer.Untold[string](err)
		}
		if strings.Contains(aws.ToString(described.ResourceDescription.Properties), key.Name) { // its id, in whichever form
			return answer.Seen(aws.ToString(resource.LogicalResourceId) + " of stack " + stack)
		}
	}
	return answer.Absent[string]()
}
