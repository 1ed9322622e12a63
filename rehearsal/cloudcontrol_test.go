package rehearsal_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudcontrol"
	"github.com/aws/aws-sdk-go-v2/service/cloudcontrol/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

func TestCloudControlListsAnyTypeAHundredAPage(t *testing.T) {
	server := start(t)
	for i := range 120 {
		makes(t, server, "AWS::Events::Rule", map[string]any{"Name": fmt.Sprintf("rule-%03d", i), "ScheduleExpression": "rate(1 day)"})
	}
	makes(t, server, "AWS::SNS::Topic", map[string]any{"TopicName": "topic"})
	client := cloudcontrol.NewFromConfig(as(server, dev))
	var sizes []int
	for pages := cloudcontrol.NewListResourcesPaginator(client, &cloudcontrol.ListResourcesInput{TypeName: aws.String("AWS::Events::Rule")}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		sizes = append(sizes, len(page.ResourceDescriptions))
		require.Contains(t, *page.ResourceDescriptions[0].Identifier, "arn:aws:events:us-east-1:111111111111:rule/rule-")
	}
	require.Equal(t, []int{100, 20}, sizes)
	topics, err := client.ListResources(t.Context(), &cloudcontrol.ListResourcesInput{TypeName: aws.String("AWS::SNS::Topic")})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:sns:us-east-1:111111111111:topic", *topics.ResourceDescriptions[0].Identifier)
	none, err := client.ListResources(t.Context(), &cloudcontrol.ListResourcesInput{TypeName: aws.String("AWS::SQS::Queue")})
	require.NoError(t, err)
	require.Empty(t, none.ResourceDescriptions)
}

func TestCloudControlsErrorsHaveItsTypes(t *testing.T) {
	server := start(t)
	client := cloudcontrol.NewFromConfig(as(server, dev))
	list := func(kind string) error {
		_, err := client.ListResources(t.Context(), &cloudcontrol.ListResourcesInput{TypeName: &kind})
		return err
	}
	var unsupported *types.UnsupportedActionException
	require.ErrorAs(t, list("AWS::DAX::Cluster"), &unsupported)
	require.Equal(t, "Resource type AWS::DAX::Cluster does not support LIST action", unsupported.ErrorMessage())
	var unknown *types.TypeNotFoundException
	require.ErrorAs(t, list("AWS::Nothing::AtAll"), &unknown)
	var invalid *types.InvalidRequestException
	require.ErrorAs(t, list("AWS::ApiGatewayV2::Route"), &invalid)
	requireCode(t, list("queue"), "ValidationException")
	_, err := client.GetResource(t.Context(), &cloudcontrol.GetResourceInput{TypeName: aws.String("AWS::SQS::Queue"), Identifier: aws.String("none")})
	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, err, &missing)
	_, err = client.GetResourceRequestStatus(t.Context(), &cloudcontrol.GetResourceRequestStatusInput{RequestToken: aws.String("none")})
	var token *types.RequestTokenNotFoundException
	require.ErrorAs(t, err, &token)
	server.InjectFault(rehearsal.Fault{Service: "cloudcontrolapi", Operation: "ListResources", Code: "GeneralServiceException", Message: "downstream"})
	var general *types.GeneralServiceException
	require.ErrorAs(t, list("AWS::SQS::Queue"), &general)
}

func TestCloudControlReadsAndDeletesAResourceInItsOwnTime(t *testing.T) {
	server := start(t)
	makes(t, server, "AWS::SQS::Queue", map[string]any{"QueueName": "jobs", "Tags": tags("stage", "dev")})
	client := cloudcontrol.NewFromConfig(as(server, dev))
	kind, queue := aws.String("AWS::SQS::Queue"), aws.String("https://sqs.us-east-1.amazonaws.com/111111111111/jobs")
	got, err := client.GetResource(t.Context(), &cloudcontrol.GetResourceInput{TypeName: kind, Identifier: queue})
	require.NoError(t, err)
	var model struct {
		QueueName string
		Tags      []struct{ Key, Value string }
	}
	require.NoError(t, json.Unmarshal([]byte(*got.ResourceDescription.Properties), &model))
	require.Equal(t, "jobs", model.QueueName)
	require.Equal(t, "stage", model.Tags[0].Key)

	remove := func() *types.ProgressEvent {
		begun, err := client.DeleteResource(t.Context(), &cloudcontrol.DeleteResourceInput{TypeName: kind, Identifier: queue})
		require.NoError(t, err)
		require.Equal(t, types.OperationStatusInProgress, begun.ProgressEvent.OperationStatus)
		status, err := client.GetResourceRequestStatus(t.Context(), &cloudcontrol.GetResourceRequestStatusInput{RequestToken: begun.ProgressEvent.RequestToken})
		require.NoError(t, err)
		return status.ProgressEvent
	}
	require.Equal(t, types.OperationStatusSuccess, remove().OperationStatus)
	require.Empty(t, server.Resources(dev, region))
	again := remove()
	require.Equal(t, types.OperationStatusFailed, again.OperationStatus)
	require.Equal(t, types.HandlerErrorCodeNotFound, again.ErrorCode)
}

func TestCloudControlKeepsWhatIsInUse(t *testing.T) {
	server := start(t)
	vpc := makes(t, server, "AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16"})
	makes(t, server, "AWS::EC2::Subnet", map[string]any{"VpcId": vpc.PhysicalID, "CidrBlock": "10.0.0.0/24"})
	client := cloudcontrol.NewFromConfig(as(server, dev))
	begun, err := client.DeleteResource(t.Context(), &cloudcontrol.DeleteResourceInput{TypeName: aws.String(vpc.Type), Identifier: aws.String(vpc.PhysicalID)})
	require.NoError(t, err)
	status, err := client.GetResourceRequestStatus(t.Context(), &cloudcontrol.GetResourceRequestStatusInput{RequestToken: begun.ProgressEvent.RequestToken})
	require.NoError(t, err)
	require.Equal(t, types.OperationStatusFailed, status.ProgressEvent.OperationStatus)
	require.Contains(t, *status.ProgressEvent.StatusMessage, "has dependencies and cannot be deleted")
}
