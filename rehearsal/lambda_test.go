package rehearsal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// published is a function of dev whose first version an alias points at, and a second deployment package.
func published(t *testing.T, server *rehearsal.Server) (*lambda.Client, *string) {
	t.Helper()
	made := role(t, server, "execution", "lambda.amazonaws.com")
	makes(t, server, "AWS::S3::Bucket", map[string]any{"BucketName": "assets"})
	objects := s3.NewFromConfig(as(server, dev), func(o *s3.Options) { o.UsePathStyle = true })
	for _, key := range []string{"first.zip", "second.zip"} {
		_, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("assets"), Key: &key, Body: strings.NewReader(key)})
		require.NoError(t, err)
	}
	makes(t, server, "AWS::Lambda::Function", map[string]any{
		"FunctionName": "create-note", "Handler": "bootstrap", "Runtime": "provided.al2023", "Role": made.Attributes["Arn"],
		"Code": map[string]any{"S3Bucket": "assets", "S3Key": "first.zip"},
	})
	version := makes(t, server, "AWS::Lambda::Version", map[string]any{"FunctionName": "create-note"})
	makes(t, server, "AWS::Lambda::Alias", map[string]any{"FunctionName": "create-note", "Name": "live", "FunctionVersion": version.Attributes["Version"]})
	return lambda.NewFromConfig(as(server, dev)), aws.String("create-note")
}

// secondCode asks for the second deployment package.
func secondCode(name *string) *lambda.UpdateFunctionCodeInput {
	return &lambda.UpdateFunctionCodeInput{FunctionName: name, S3Bucket: aws.String("assets"), S3Key: aws.String("second.zip")}
}

func requireStatus(t *testing.T, err error, want int) {
	t.Helper()
	var refusal *awshttp.ResponseError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, want, refusal.HTTPStatusCode())
}

func TestAFunctionIsUpdatedWhenSomebodyHasWaitedForIt(t *testing.T) {
	server := start(t)
	client, name := published(t, server)
	before, err := client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: name})
	require.NoError(t, err)
	require.Equal(t, types.LastUpdateStatusSuccessful, before.LastUpdateStatus)

	updated, err := client.UpdateFunctionCode(t.Context(), secondCode(name))
	require.NoError(t, err)
	require.Equal(t, types.LastUpdateStatusInProgress, updated.LastUpdateStatus)
	require.Equal(t, types.LastUpdateStatusReasonCode("Creating"), updated.LastUpdateStatusReasonCode)
	require.NotEqual(t, before.CodeSha256, updated.CodeSha256)

	// Whoever does not wait is refused, whatever they ask.
	_, err = client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Description: aws.String("too early")})
	requireCode(t, err, "ResourceConflictException")
	requireStatus(t, err, http.StatusConflict)
	require.ErrorContains(t, err, "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:us-east-1:111111111111:function:create-note")
	_, err = client.UpdateFunctionCode(t.Context(), secondCode(name))
	requireCode(t, err, "ResourceConflictException")
	_, err = client.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: name})
	requireCode(t, err, "ResourceConflictException")

	waiter := lambda.NewFunctionUpdatedWaiter(client, func(o *lambda.FunctionUpdatedWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Millisecond, time.Millisecond
	})
	require.NoError(t, waiter.Wait(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: name}, time.Minute))
	variables := map[string]string{"NOTES_TABLE": "dev-notes"}
	_, err = client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: name, Environment: &types.Environment{Variables: variables}})
	require.NoError(t, err)
	first, err := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: name})
	require.NoError(t, err)
	require.Equal(t, types.LastUpdateStatusInProgress, first.Configuration.LastUpdateStatus)
	then, err := client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: name})
	require.NoError(t, err)
	require.Equal(t, types.LastUpdateStatusSuccessful, then.Configuration.LastUpdateStatus)
	require.Equal(t, updated.CodeSha256, then.Configuration.CodeSha256)
	require.Equal(t, variables, then.Configuration.Environment.Variables)
	require.Equal(t, "bootstrap", *then.Configuration.Handler, "what was not asked for stays")
}

func TestAnUpdateOfAFunctionIsRefusedInLambdasWords(t *testing.T) {
	server := start(t)
	client, name := published(t, server)
	_, err := client.UpdateFunctionCode(t.Context(), secondCode(aws.String("none")))
	requireCode(t, err, "ResourceNotFoundException")
	_, err = client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name})
	requireCode(t, err, "InvalidParameterValueException")
	_, err = client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name, S3Bucket: aws.String("assets"), S3Key: aws.String("none.zip")})
	requireCode(t, err, "InvalidParameterValueException")
	require.ErrorContains(t, err, "InvalidParameterValueException: Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
	_, err = client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: name, ZipFile: []byte("a zip")})
	requireCode(t, err, "InvalidParameterValueException")
	require.ErrorContains(t, err, "Could not unzip uploaded file. Please check your file, then try to upload again.")
	_, err = client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: name, MemorySize: aws.Int32(64)})
	requireCode(t, err, "InvalidParameterValueException")
	stale := secondCode(name)
	stale.RevisionId = aws.String("0123")
	_, err = client.UpdateFunctionCode(t.Context(), stale)
	requireCode(t, err, "PreconditionFailedException")
	requireStatus(t, err, http.StatusPreconditionFailed)

	// Nothing of that is under way.
	_, err = client.UpdateFunctionCode(t.Context(), secondCode(name))
	require.NoError(t, err)
}

func TestAVersionIsPublishedOnlyOfWhatHasChanged(t *testing.T) {
	server := start(t)
	client, name := published(t, server)
	same, err := client.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: name})
	require.NoError(t, err)
	require.Equal(t, "1", *same.Version)

	_, err = client.UpdateFunctionCode(t.Context(), secondCode(name))
	require.NoError(t, err)
	_, err = client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: name})
	require.NoError(t, err)
	second, err := client.PublishVersion(t.Context(), &lambda.PublishVersionInput{FunctionName: name})
	require.NoError(t, err)
	require.Equal(t, "2", *second.Version)
	require.Equal(t, "arn:aws:lambda:us-east-1:111111111111:function:create-note:2", *second.FunctionArn)

	_, err = client.UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: aws.String("3")})
	requireCode(t, err, "ResourceNotFoundException")
	_, err = client.UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: name, Name: aws.String("none"), FunctionVersion: aws.String("2")})
	requireCode(t, err, "ResourceNotFoundException")
	_, err = client.UpdateAlias(t.Context(), &lambda.UpdateAliasInput{FunctionName: name, Name: aws.String("live"), FunctionVersion: second.Version})
	require.NoError(t, err)
	alias, err := client.GetAlias(t.Context(), &lambda.GetAliasInput{FunctionName: name, Name: aws.String("live")})
	require.NoError(t, err)
	require.Equal(t, "2", *alias.FunctionVersion)

	// CloudFormation is refused what Lambda would answer with the version that there is.
	_, err = server.Account(dev).Create(region, "AWS::Lambda::Version", map[string]any{"FunctionName": "create-note"})
	require.ErrorContains(t, err, "Version already exists: [arn:aws:lambda:us-east-1:111111111111:function:create-note:2]. Please modify the function to create a new version.")
}
