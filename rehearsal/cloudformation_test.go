package rehearsal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

const topics = `
Parameters:
  Purpose: {Type: String, Default: news}
Conditions:
  Second: !Equals [!Ref Purpose, both]
Resources:
  First:
    Type: AWS::SNS::Topic
    Properties: {TopicName: !Sub "${AWS::StackName}-${Purpose}"}
  Second:
    Type: AWS::SNS::Topic
    Condition: Second
Outputs:
  First: {Value: !Ref First, Export: {Name: first}}
`

// finished waits for a stack to leave its status in progress.
func finished(t *testing.T, client *cloudformation.Client, name string) types.Stack {
	t.Helper()
	var stack types.Stack
	require.Eventually(t, func() bool {
		got, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		require.NoError(t, err)
		stack = got.Stacks[0]
		return !strings.HasSuffix(string(stack.StackStatus), "_IN_PROGRESS")
	}, 10*time.Second, 5*time.Millisecond)
	return stack
}

func TestAStackOfAYAMLTemplateIsMadeChangedAndListed(t *testing.T) {
	server := start(t)
	client := cloudformation.NewFromConfig(as(server, dev))
	made, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("news"), TemplateBody: aws.String(topics), Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("dev")}},
	})
	require.NoError(t, err)
	stack := finished(t, client, "news")
	require.Equal(t, types.StackStatusCreateComplete, stack.StackStatus, aws.ToString(stack.StackStatusReason))
	require.Equal(t, *made.StackId, *stack.StackId)
	require.Equal(t, "arn:aws:sns:us-east-1:111111111111:news-news", *stack.Outputs[0].OutputValue)
	require.Equal(t, "stage", *stack.Tags[0].Key)

	_, err = client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{StackName: aws.String("news"), UsePreviousTemplate: aws.Bool(true)})
	require.ErrorContains(t, err, "No updates are to be performed.")
	_, err = client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("news"), UsePreviousTemplate: aws.Bool(true),
		Parameters: []types.Parameter{{ParameterKey: aws.String("Purpose"), ParameterValue: aws.String("both")}},
	})
	require.NoError(t, err)
	require.Equal(t, types.StackStatusUpdateComplete, finished(t, client, "news").StackStatus)

	resources, err := client.ListStackResources(t.Context(), &cloudformation.ListStackResourcesInput{StackName: aws.String("news")})
	require.NoError(t, err)
	require.Len(t, resources.StackResourceSummaries, 2)
	require.Regexp(t, `^arn:aws:sns:us-east-1:111111111111:news-Second-[A-Z0-9]{12}$`, *resources.StackResourceSummaries[1].PhysicalResourceId)
	exports, err := client.ListExports(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "first", *exports.Exports[0].Name)
	summary, err := client.GetTemplateSummary(t.Context(), &cloudformation.GetTemplateSummaryInput{StackName: aws.String("news")})
	require.NoError(t, err)
	require.Equal(t, "news", *summary.Parameters[0].DefaultValue)
	template, err := client.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: aws.String("news")})
	require.NoError(t, err)
	require.Equal(t, topics, *template.TemplateBody)

	other, err := cloudformation.NewFromConfig(as(server, production)).DescribeStacks(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, other.Stacks, "stacks are seen in their own account only")
}

func TestATemplateIsReadFromABucketOfTheAccount(t *testing.T) {
	server := start(t)
	makes(t, server, "AWS::S3::Bucket", map[string]any{"BucketName": "templates"})
	objects := s3.NewFromConfig(as(server, dev), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("templates"), Key: aws.String("a/topics.yaml"), Body: strings.NewReader(topics)})
	require.NoError(t, err)
	for i, url := range []string{
		server.URL() + "/templates/a/topics.yaml",
		"https://s3.us-east-1.amazonaws.com/templates/a/topics.yaml",
		"https://templates.s3.us-east-1.amazonaws.com/a/topics.yaml",
	} {
		_, err = cloudformation.NewFromConfig(as(server, dev)).ValidateTemplate(t.Context(), &cloudformation.ValidateTemplateInput{TemplateURL: &url})
		require.NoError(t, err, i)
		_, err = cloudformation.NewFromConfig(as(server, production)).ValidateTemplate(t.Context(), &cloudformation.ValidateTemplateInput{TemplateURL: &url})
		requireCode(t, err, "ValidationError")
	}
}

func TestARoleThatCloudFormationMayNotAssumeIsRefused(t *testing.T) {
	server := start(t)
	role(t, server, "execution", "cloudformation.amazonaws.com")
	role(t, server, "function", "lambda.amazonaws.com")
	client := cloudformation.NewFromConfig(as(server, dev))
	create := func(role string) error {
		_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: aws.String("news"), TemplateBody: aws.String(topics), RoleARN: aws.String("arn:aws:iam::111111111111:role/" + role),
		})
		return err
	}
	for _, wrong := range []string{"none", "function"} {
		requireCode(t, create(wrong), "ValidationError")
		require.ErrorContains(t, create(wrong), "is invalid or cannot be assumed")
	}
	require.NoError(t, create("execution"))
}

func TestAResourceThatCannotBeRehearsedFailsWithItsReason(t *testing.T) {
	for kind, reason := range map[string]string{
		"Custom::Seed":                        "does not ask topics for custom resources",
		"AWS::CloudFormation::CustomResource": "does not ask topics for custom resources",
	} {
		t.Run(kind, func(t *testing.T) {
			server := start(t)
			client := cloudformation.NewFromConfig(as(server, dev))
			template := fmt.Sprintf(`{"Resources": {"Seed": {"Type": %q, "Properties": {"ServiceToken": "arn:aws:sns:us-east-1:111111111111:seed"}}}}`, kind)
			_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("seed"), TemplateBody: &template})
			require.NoError(t, err)
			require.Equal(t, types.StackStatusRollbackComplete, finished(t, client, "seed").StackStatus)
			events, err := client.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: aws.String("seed")})
			require.NoError(t, err)
			require.True(t, containsReason(events.StackEvents, reason), events.StackEvents)
		})
	}
}

func containsReason(events []types.StackEvent, reason string) bool {
	for _, event := range events {
		if event.ResourceStatus == types.ResourceStatusCreateFailed && strings.Contains(aws.ToString(event.ResourceStatusReason), reason) {
			return true
		}
	}
	return false
}

func TestAFaultOfAResourceTypeFailsItsCreationOnce(t *testing.T) {
	server := start(t)
	server.InjectFault(rehearsal.Fault{Account: dev, ResourceType: "AWS::SNS::Topic", Operation: "Create", Count: 1, Code: "ThrottlingException", Message: "Rate exceeded"})
	client := cloudformation.NewFromConfig(as(server, dev))
	create := func() types.StackStatus {
		_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("news"), TemplateBody: aws.String(topics)})
		require.NoError(t, err)
		return finished(t, client, "news").StackStatus
	}
	require.Equal(t, types.StackStatusRollbackComplete, create())
	_, err := client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("news")})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("news")})
		return err != nil
	}, 5*time.Second, 5*time.Millisecond)
	require.Equal(t, types.StackStatusCreateComplete, create())
}

func TestEventsComeInPages(t *testing.T) {
	server := start(t)
	client := cloudformation.NewFromConfig(as(server, dev))
	resources := map[string]any{}
	for i := range 60 {
		resources[fmt.Sprintf("Topic%d", i)] = map[string]any{"Type": "AWS::SNS::Topic"}
	}
	template, err := json.Marshal(map[string]any{"Resources": resources})
	require.NoError(t, err)
	_, err = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("many"), TemplateBody: aws.String(string(template))})
	require.NoError(t, err)
	finished(t, client, "many")
	pages := cloudformation.NewDescribeStackEventsPaginator(client, &cloudformation.DescribeStackEventsInput{StackName: aws.String("many")})
	seen, count := map[string]bool{}, 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		count++
		for _, event := range page.StackEvents {
			require.False(t, seen[*event.EventId])
			seen[*event.EventId] = true
		}
	}
	require.Greater(t, count, 1)
	require.GreaterOrEqual(t, len(seen), 122)
}

func TestTheAddressesOfAStackDiffer(t *testing.T) {
	server := start(t)
	client := cloudformation.NewFromConfig(as(server, dev))
	resources := map[string]any{}
	for i := range 20 {
		resources[fmt.Sprintf("Address%d", i)] = map[string]any{"Type": "AWS::EC2::EIP"}
	}
	template, err := json.Marshal(map[string]any{"Resources": resources})
	require.NoError(t, err)
	_, err = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("addresses"), TemplateBody: aws.String(string(template))})
	require.NoError(t, err)
	require.Equal(t, types.StackStatusCreateComplete, finished(t, client, "addresses").StackStatus)
	for _, address := range server.Resources(dev, region) {
		require.Regexp(t, `^240\.\d{1,3}\.\d{1,3}\.\d{1,3}$`, address.PhysicalID)
	}
}

func TestManyAccountsAndStacksAtOnceDoNotDisturbEachOther(t *testing.T) {
	server := start(t)
	var all sync.WaitGroup
	for _, account := range []string{dev, production} {
		for i := range 8 {
			all.Go(func() {
				client := cloudformation.NewFromConfig(as(server, account))
				name := fmt.Sprintf("news-%d", i)
				body := strings.Replace(topics, "Name: first", "Name: "+name, 1)
				_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &body})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	for _, account := range []string{dev, production} {
		client := cloudformation.NewFromConfig(as(server, account))
		for i := range 8 {
			require.Equal(t, types.StackStatusCreateComplete, finished(t, client, fmt.Sprintf("news-%d", i)).StackStatus)
		}
		require.Len(t, server.Resources(account, region), 8)
	}
}

// cdk import asks by what each resource is identified.
func TestATemplatesSummarySaysByWhatEachTypeIsImported(t *testing.T) {
	client := cloudformation.NewFromConfig(as(start(t), dev))
	summary, err := client.GetTemplateSummary(t.Context(), &cloudformation.GetTemplateSummaryInput{TemplateBody: aws.String(`{"Resources":{
		"One":{"Type":"AWS::S3::Bucket"}, "Two":{"Type":"AWS::S3::Bucket"}, "Queue":{"Type":"AWS::SQS::Queue"}, "Groups":{"Type":"AWS::DAX::ParameterGroup"}}}`)})
	require.NoError(t, err)
	identified := map[string][]string{}
	for _, one := range summary.ResourceIdentifierSummaries {
		identified[*one.ResourceType] = append(one.LogicalResourceIds, one.ResourceIdentifiers...)
	}
	require.Equal(t, map[string][]string{"AWS::S3::Bucket": {"One", "Two", "BucketName"}, "AWS::SQS::Queue": {"Queue", "QueueUrl"}}, identified)
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-secretsmanager.html
func TestATemplateReadsSecrets(t *testing.T) {
	server := start(t)
	secret := makes(t, server, "AWS::SecretsManager::Secret", map[string]any{"Name": "mail", "SecretString": `{"user":"a"}`})
	client := cloudformation.NewFromConfig(as(server, dev))
	for reference, want := range map[string]string{
		"mail":                   `{"user":"a"}`,
		"mail:SecretString:user": "a",
		secret.PhysicalID + ":SecretString:user::": "a",
		"mail:SecretString:nobody":                 "Could not find a value associated with JSONKey in SecretString",
		"other":                                    "Secrets Manager can't find the specified secret.",
		"mail:SecretString:user:AWSPENDING":        "staging label: AWSPENDING",
	} {
		template := fmt.Sprintf(`{"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news", "DisplayName": "{{resolve:secretsmanager:%s}}"}}}}`, reference)
		_, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("mail"), TemplateBody: &template})
		require.NoError(t, err)
		made := finished(t, client, "mail")
		for _, topic := range server.Resources(dev, region) {
			if topic.Type == "AWS::SNS::Topic" {
				require.Equal(t, want, topic.Properties["DisplayName"], reference)
			}
		}
		if made.StackStatus != types.StackStatusCreateComplete {
			events, err := client.DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: made.StackId})
			require.NoError(t, err)
			require.True(t, containsReason(events.StackEvents, want), "%s: %v", reference, events.StackEvents)
		}
		_, err = client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: made.StackId})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return len(server.Resources(dev, region)) == 1 }, 10*time.Second, 5*time.Millisecond)
	}
}
