package rehearsal_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// saved is what a server's accounts hold.
func saved(t require.TestingT, server *rehearsal.Server) string {
	var document bytes.Buffer
	require.NoError(t, server.Save(&document))
	return document.String()
}

func TestWhatTheRealCommandDeployedGoesOnInAnotherServer(t *testing.T) {
	first := start(t)
	c := newCommand(t, first)
	c.profile = "production"
	c.assemble("production-notes", production, notes("production", production, 256, true), true)
	c.must("bootstrap", "aws://"+production+"/"+region)
	c.must("deploy", "--require-approval", "never")
	document := saved(t, first)
	require.NoError(t, first.Close())

	second := start(t)
	require.NoError(t, second.Load(strings.NewReader(document)))
	require.Equal(t, document, saved(t, second))
	c.server = second
	require.Contains(t, c.must("diff", "--fail"), "Number of stacks with differences: 0")
	require.Contains(t, c.must("deploy", "--require-approval", "never"), "(no changes)")

	c.assemble("production-notes", production, notes("production", production, 512, true), true)
	require.Contains(t, c.must("deploy", "--require-approval", "never"), "production-notes")
	events, err := cloudformation.NewFromConfig(as(second, production)).DescribeStackEvents(t.Context(), &cloudformation.DescribeStackEventsInput{StackName: aws.String("production-notes")})
	require.NoError(t, err)
	var statuses []string
	for _, event := range events.StackEvents {
		if event.ResourceStatus == types.ResourceStatusUpdateComplete && *event.LogicalResourceId == "Function" || *event.LogicalResourceId == "production-notes" {
			statuses = append(statuses, string(event.ResourceStatus))
		}
	}
	require.Equal(t, []string{
		"UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS",
	}, statuses, "the function alone has changed, and the history is whole")
}

// furnish makes something of every kind that is saved: a stack whose update
// failed and that can still be rolled back, one that is gone, one that waits
// for its first change set, an object, an upload under way, a parameter, and a
// resource that the console made.
func furnish(t *testing.T, server *rehearsal.Server) {
	config := as(server, dev)
	stacks, objects := cloudformation.NewFromConfig(config), s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	for _, name := range []string{"news", "gone"} {
		_, err := stacks.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: aws.String(strings.ReplaceAll(topics, "{Name: first}", "{Name: "+name+"}"))})
		require.NoError(t, err)
		require.Equal(t, types.StackStatusCreateComplete, finished(t, stacks, name).StackStatus)
	}
	_, err := stacks.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("gone")})
	require.NoError(t, err)
	_, err = stacks.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: aws.String("waiting"), ChangeSetName: aws.String("first"), ChangeSetType: types.ChangeSetTypeCreate,
		TemplateBody: aws.String(strings.ReplaceAll(topics, "{Name: first}", "{Name: waiting}")),
		Parameters:   []types.Parameter{{ParameterKey: aws.String("Purpose"), ParameterValue: aws.String("both")}},
	})
	require.NoError(t, err)
	mend := server.InjectFault(rehearsal.Fault{ResourceType: "AWS::SNS::Topic", Operation: "Create", Code: "InternalFailure"})
	_, err = stacks.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("news"), UsePreviousTemplate: aws.Bool(true), DisableRollback: aws.Bool(true),
		Parameters: []types.Parameter{{ParameterKey: aws.String("Purpose"), ParameterValue: aws.String("both")}},
	})
	require.NoError(t, err)
	require.Equal(t, types.StackStatusUpdateFailed, finished(t, stacks, "news").StackStatus)
	mend()

	_, err = objects.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String("bucket")})
	require.NoError(t, err)
	_, err = objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("a/b"), Body: strings.NewReader("content"), ContentType: aws.String("text/plain")})
	require.NoError(t, err)
	_, err = objects.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("bucket"), Key: aws.String("parts")})
	require.NoError(t, err)
	_, err = server.Account(dev).Create(region, "AWS::SSM::Parameter", map[string]any{"Name": "/at", "Type": "String", "Value": "value"})
	require.NoError(t, err)
	_, err = server.Account(dev).Create(region, "AWS::CloudWatch::Alarm", map[string]any{
		"AlarmName": "alarm", "Threshold": 2.0, "EvaluationPeriods": int64(2), "ComparisonOperator": "GreaterThanThreshold",
	})
	require.NoError(t, err)
	server.Account(production).CloseAccount()
}

func TestEverythingThatAnAccountHoldsIsSavedAndLoaded(t *testing.T) {
	first, second := start(t), start(t)
	furnish(t, first)
	document := saved(t, first)
	require.NoError(t, second.Load(strings.NewReader(document)))
	require.Equal(t, document, saved(t, second))
	require.Equal(t, first.Resources(dev, region), second.Resources(dev, region))

	stacks := cloudformation.NewFromConfig(as(second, dev))
	_, err := stacks.RollbackStack(t.Context(), &cloudformation.RollbackStackInput{StackName: aws.String("news")})
	require.NoError(t, err)
	require.Equal(t, types.StackStatusUpdateRollbackComplete, finished(t, stacks, "news").StackStatus)
	_, err = stacks.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{StackName: aws.String("waiting"), ChangeSetName: aws.String("first")})
	require.NoError(t, err)
	require.Equal(t, types.StackStatusCreateComplete, finished(t, stacks, "waiting").StackStatus)
}
