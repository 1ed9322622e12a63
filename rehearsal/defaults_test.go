package rehearsal_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// updates deploys a template on a stack that stands.
func updates(t *testing.T, client *cloudformation.Client, stack, template string) types.Stack {
	t.Helper()
	_, err := client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{StackName: &stack, TemplateBody: &template, Capabilities: []types.Capability{types.CapabilityCapabilityIam}})
	require.NoError(t, err)
	return finished(t, client, stack)
}

func creates(t *testing.T, server *rehearsal.Server, stack, template string) *cloudformation.Client {
	t.Helper()
	client := cloudformation.NewFromConfig(as(server, dev))
	_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &stack, TemplateBody: &template, Capabilities: []types.Capability{types.CapabilityCapabilityIam}})
	require.NoError(t, err)
	require.Equal(t, types.StackStatusCreateComplete, finished(t, client, stack).StackStatus)
	return client
}

const streamed = `
Resources:
  Notes:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: notes
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
`

func TestAStreamIsNamedAfterTheTimeAtWhichItWasEnabled(t *testing.T) {
	server := start(t)
	client := creates(t, server, "notes", streamed)
	tables := dynamodb.NewFromConfig(as(server, dev))
	label := func() (string, string) {
		table, err := tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("notes")})
		require.NoError(t, err)
		return aws.ToString(table.Table.LatestStreamArn), aws.ToString(table.Table.LatestStreamLabel)
	}
	first, firstLabel := label()
	require.Equal(t, "arn:aws:dynamodb:us-east-1:111111111111:table/notes/stream/"+firstLabel, first)

	server.Advance(time.Hour)
	protected := strings.Replace(streamed, "TableName: notes", "TableName: notes\n      DeletionProtectionEnabled: false", 1)
	updates(t, client, "notes", protected)
	same, _ := label()
	require.Equal(t, first, same, "another change does not touch the stream")

	updates(t, client, "notes", strings.Replace(streamed, "      StreamSpecification: {StreamViewType: NEW_IMAGE}\n", "", 1))
	none, _ := label()
	require.Empty(t, none)
	updates(t, client, "notes", streamed)
	second, _ := label()
	require.NotEqual(t, first, second)
}

// The stream that is enabled again is another one, so that what read the first is replaced.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamDescription.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
func TestAMappingOnAStreamThatIsEnabledAgainIsReplaced(t *testing.T) {
	server := start(t)
	with := func(source string) string {
		return strings.Replace(streamed+strings.TrimPrefix(wired, "\nResources:\n"), "!GetAtt Notes.StreamArn", source, 1)
	}
	client := creates(t, server, "notes", with("!GetAtt Notes.StreamArn"))
	mapping := func() (id, source string) {
		answer, err := client.DescribeStackResource(t.Context(), &cloudformation.DescribeStackResourceInput{StackName: aws.String("notes"), LogicalResourceId: aws.String("FromStream")})
		require.NoError(t, err)
		id = aws.ToString(answer.StackResourceDetail.PhysicalResourceId)
		found, err := lambda.NewFromConfig(as(server, dev)).ListEventSourceMappings(t.Context(), &lambda.ListEventSourceMappingsInput{})
		require.NoError(t, err)
		for _, one := range found.EventSourceMappings {
			if aws.ToString(one.UUID) == id {
				source = aws.ToString(one.EventSourceArn)
			}
		}
		return id, source
	}
	first, firstStream := mapping()

	// As a person does by hand: the template keeps the stream.
	server.Advance(time.Hour)
	for _, table := range server.Resources(dev, "us-east-1") {
		if table.Type == "AWS::DynamoDB::Table" {
			without := maps.Clone(table.Properties)
			delete(without, "StreamSpecification")
			server.Change(table, without)
			server.Change(table, table.Properties)
		}
	}
	tables := dynamodb.NewFromConfig(as(server, dev))
	table, err := tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("notes")})
	require.NoError(t, err)
	require.NotEqual(t, firstStream, aws.ToString(table.Table.LatestStreamArn))

	require.Equal(t, types.StackStatusUpdateComplete, updates(t, client, "notes", with(aws.ToString(table.Table.LatestStreamArn))).StackStatus)
	second, secondStream := mapping()
	require.NotEqual(t, first, second)
	require.Equal(t, aws.ToString(table.Table.LatestStreamArn), secondStream)
}

const wired = `
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]}
      Policies: [{PolicyName: p, PolicyDocument: {Statement: [{Effect: Allow, Action: ["sqs:*", "dynamodb:*"], Resource: "*"}]}}]
  Work:
    Type: AWS::Lambda::Function
    Properties: {Role: !GetAtt Role.Arn, Runtime: nodejs22.x, Handler: index.handler, Code: {ZipFile: x}}
  FromQueue: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref Work, EventSourceArn: !GetAtt Queue.Arn}}
  FromStream: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref Work, EventSourceArn: !GetAtt Notes.StreamArn, StartingPosition: LATEST}}
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: notes, ProtocolType: HTTP}}
  Call: {Type: AWS::ApiGatewayV2::Integration, Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Work.Arn, PayloadFormatVersion: "2.0"}}
`

func TestWhatATemplateLeavesOutIsFilledInAsAWSDoes(t *testing.T) {
	server := start(t)
	creates(t, server, "notes", wired+strings.Replace(streamed, "\nResources:\n", "", 1))
	mappings, err := lambda.NewFromConfig(as(server, dev)).ListEventSourceMappings(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, mappings.EventSourceMappings, 2)
	for _, mapping := range mappings.EventSourceMappings {
		require.Equal(t, "Enabled", aws.ToString(mapping.State))
		if strings.Contains(*mapping.EventSourceArn, ":sqs:") {
			require.EqualValues(t, 10, aws.ToInt32(mapping.BatchSize))
			require.Nil(t, mapping.MaximumRetryAttempts)
			continue
		}
		require.EqualValues(t, 100, aws.ToInt32(mapping.BatchSize))
		require.EqualValues(t, -1, aws.ToInt32(mapping.MaximumRetryAttempts))
		require.EqualValues(t, 1, aws.ToInt32(mapping.ParallelizationFactor))
		require.Equal(t, "LATEST", string(mapping.StartingPosition))
	}
	client := apigatewayv2.NewFromConfig(as(server, dev))
	apis, err := client.GetApis(t.Context(), nil)
	require.NoError(t, err)
	require.NotNil(t, apis.Items[0].DisableExecuteApiEndpoint)
	require.False(t, *apis.Items[0].DisableExecuteApiEndpoint)
	integrations, err := client.GetIntegrations(t.Context(), &apigatewayv2.GetIntegrationsInput{ApiId: apis.Items[0].ApiId})
	require.NoError(t, err)
	require.Equal(t, "POST", aws.ToString(integrations.Items[0].IntegrationMethod))
	require.EqualValues(t, 30000, aws.ToInt32(integrations.Items[0].TimeoutInMillis))
}

// The cdk command tells of the failures of the newest operation and, where that is a rollback, of the one before it.
func TestTwoDeploysThatFailInARowAreFourOperations(t *testing.T) {
	server := start(t)
	good := `{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}`
	client := creates(t, server, "jobs", good)
	for _, delay := range []string{"901", "902"} {
		stack := updates(t, client, "jobs", `{"Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": `+delay+`}}}}`)
		require.Equal(t, types.StackStatusUpdateRollbackComplete, stack.StackStatus)
	}
	events, err := client.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: aws.String("jobs")})
	require.NoError(t, err)
	var operations, newest []string
	failures := map[string][]string{}
	for _, event := range events.StackEvents {
		id := aws.ToString(event.OperationId)
		if len(operations) == 0 || operations[len(operations)-1] != id {
			operations = append(operations, id)
		}
		if event.ResourceStatus == types.ResourceStatusUpdateFailed {
			failures[id] = append(failures[id], aws.ToString(event.ResourceStatusReason))
		}
	}
	require.Len(t, operations, 5, "a creation, and twice an update with its rollback")
	newest = append(failures[operations[0]], failures[operations[1]]...)
	require.Len(t, newest, 1)
	require.Contains(t, newest[0], "902 is not less or equal to 900")
}
