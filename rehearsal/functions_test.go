package rehearsal_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// binary is the test's function, built once for all tests.
var binary = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "function")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "bootstrap")
	if output, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", path, "./testdata/function").CombinedOutput(); err != nil {
		return nil, errors.New(string(output))
	}
	return os.ReadFile(path)
})

// zipped is a deployment package of one executable file.
func zipped(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	header := &zip.FileHeader{Name: name, Method: zip.Store}
	header.SetMode(0o755)
	file, err := archive.CreateHeader(header)
	require.NoError(t, err)
	_, err = file.Write(content)
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	return out.Bytes()
}

// deploys makes the function create-note of dev, with the test's code and what else its properties
// say.
func deploys(t *testing.T, server *rehearsal.Server, more map[string]any) *lambda.Client {
	t.Helper()
	content, err := binary()
	require.NoError(t, err)
	deploysCode(t, server, zipped(t, "bootstrap", content), more)
	return lambda.NewFromConfig(as(server, dev))
}

func deploysCode(t *testing.T, server *rehearsal.Server, code []byte, more map[string]any) {
	t.Helper()
	made := role(t, server, "create-note-role", "lambda.amazonaws.com")
	makes(t, server, "AWS::S3::Bucket", map[string]any{"BucketName": "assets"})
	objects := s3.NewFromConfig(as(server, dev), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("assets"), Key: aws.String("code.zip"), Body: bytes.NewReader(code)})
	require.NoError(t, err)
	properties := map[string]any{
		"FunctionName": "create-note", "Handler": "bootstrap", "Runtime": "provided.al2023", "Role": made.Attributes["Arn"], "Timeout": 20,
		"Code": map[string]any{"S3Bucket": "assets", "S3Key": "code.zip"}, "Environment": map[string]any{"Variables": map[string]any{"NOTES_TABLE": "one"}},
	}
	for name, value := range more {
		properties[name] = value
	}
	makes(t, server, "AWS::Lambda::Function", properties)
}

// told is what the test's function answers.
type told struct {
	Event       json.RawMessage
	ARN, ID     string
	Environment map[string]string
}

func invokes(t *testing.T, client *lambda.Client, input *lambda.InvokeInput) (told, *lambda.InvokeOutput) {
	t.Helper()
	if input.FunctionName == nil {
		input.FunctionName = aws.String("create-note")
	}
	output, err := client.Invoke(t.Context(), input)
	require.NoError(t, err)
	require.Nil(t, output.FunctionError, "%s", output.Payload)
	var got told
	require.NoError(t, json.Unmarshal(output.Payload, &got))
	return got, output
}

// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func TestAFunctionRunsWithTheCredentialsOfItsRole(t *testing.T) {
	server := start(t)
	client := deploys(t, server, nil)
	got, output := invokes(t, client, &lambda.InvokeInput{Payload: []byte(`{"Text":"milk"}`), LogType: types.LogTypeTail})
	assert.Equal(t, int32(200), output.StatusCode)
	assert.Equal(t, "$LATEST", *output.ExecutedVersion)
	assert.JSONEq(t, `{"Text":"milk"}`, string(got.Event))
	assert.Equal(t, "arn:aws:lambda:us-east-1:"+dev+":function:create-note", got.ARN)
	assert.Equal(t, "one", got.Environment["NOTES_TABLE"])
	assert.Equal(t, server.URL(), got.Environment["AWS_ENDPOINT_URL"])
	tail, err := base64.StdEncoding.DecodeString(*output.LogResult)
	require.NoError(t, err)
	assert.Contains(t, string(tail), "asked: milk\nEND RequestId: "+got.ID)

	session := with(server, credentials.NewStaticCredentialsProvider(
		got.Environment["AWS_ACCESS_KEY_ID"], got.Environment["AWS_SECRET_ACCESS_KEY"], got.Environment["AWS_SESSION_TOKEN"],
	))
	who, err := sts.NewFromConfig(session).GetCallerIdentity(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "arn:aws:sts::"+dev+":assumed-role/create-note-role/create-note", *who.Arn)

	got, _ = invokes(t, client, &lambda.InvokeInput{})
	assert.JSONEq(t, `{}`, string(got.Event), "no event is an empty one")
}

func TestAFunctionThatFailsIsAnAnswer(t *testing.T) {
	server := start(t)
	client := deploys(t, server, nil)
	output, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("create-note"), Payload: []byte(`{"Do":"fail","Text":"no such note"}`)})
	require.NoError(t, err)
	assert.Equal(t, int32(200), output.StatusCode)
	assert.Equal(t, "Unhandled", *output.FunctionError)
	assert.JSONEq(t, `{"errorMessage":"no such note","errorType":"errorString"}`, string(output.Payload))
}

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
func TestAVersionRunsAsItWasPublished(t *testing.T) {
	server := start(t)
	client := deploys(t, server, nil)
	makes(t, server, "AWS::Lambda::Version", map[string]any{"FunctionName": "create-note"})
	makes(t, server, "AWS::Lambda::Alias", map[string]any{"FunctionName": "create-note", "Name": "live", "FunctionVersion": "1"})
	_, err := client.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("create-note"), Environment: &types.Environment{Variables: map[string]string{"NOTES_TABLE": "two"}},
	})
	require.NoError(t, err)
	arn := "arn:aws:lambda:us-east-1:" + dev + ":function:create-note"
	for name, tt := range map[string]struct {
		function, qualifier   string
		table, version, named string
	}{
		"the function":                {"create-note", "", "two", "$LATEST", arn},
		"its ARN":                     {arn, "", "two", "$LATEST", arn},
		"the latest, named":           {"create-note", "$LATEST", "two", "$LATEST", arn + ":$LATEST"},
		"a version":                   {"create-note", "1", "one", "1", arn + ":1"},
		"a version behind the name":   {"create-note:1", "", "one", "1", arn + ":1"},
		"an alias":                    {"create-note", "live", "one", "1", arn + ":live"},
		"an alias behind the ARN":     {arn + ":live", "", "one", "1", arn + ":live"},
		"the short form with account": {dev + ":function:create-note", "", "two", "$LATEST", arn},
	} {
		t.Run(name, func(t *testing.T) {
			input := &lambda.InvokeInput{FunctionName: &tt.function}
			if tt.qualifier != "" {
				input.Qualifier = &tt.qualifier
			}
			got, output := invokes(t, client, input)
			assert.Equal(t, tt.table, got.Environment["NOTES_TABLE"])
			assert.Equal(t, tt.version, *output.ExecutedVersion)
			assert.Equal(t, tt.named, got.ARN)
		})
	}
}

func TestAnInvocationIsRefusedAsLambdaRefusesIt(t *testing.T) {
	server := start(t)
	client := deploys(t, server, nil)
	for name, tt := range map[string]struct {
		input         lambda.InvokeInput
		code, message string
	}{
		"a function that is not there": {lambda.InvokeInput{FunctionName: aws.String("nothing")}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:" + dev + ":function:nothing"},
		"a version that is not there":  {lambda.InvokeInput{Qualifier: aws.String("7")}, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:" + dev + ":function:create-note:7"},
		"an event that is no JSON":     {lambda.InvokeInput{Payload: []byte(`{"Text":`)}, "InvalidRequestContentException", "Could not parse request body into json"},
		"an event that is too large":   {lambda.InvokeInput{Payload: []byte(`"` + strings.Repeat("x", 6<<20) + `"`)}, "RequestEntityTooLargeException", "6291458 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"},
		"too large, without waiting":   {lambda.InvokeInput{InvocationType: types.InvocationTypeEvent, Payload: []byte(`"` + strings.Repeat("x", 1<<20) + `"`)}, "RequestEntityTooLargeException", "1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.input.FunctionName == nil {
				tt.input.FunctionName = aws.String("create-note")
			}
			_, err := client.Invoke(t.Context(), &tt.input)
			requireCode(t, err, tt.code)
			assert.ErrorContains(t, err, tt.message)
		})
	}
}

// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
func TestAFunctionWithoutConcurrencyIsThrottled(t *testing.T) {
	server := start(t)
	client := deploys(t, server, map[string]any{"ReservedConcurrentExecutions": 0})
	_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("create-note")})
	var throttled *types.TooManyRequestsException
	require.ErrorAs(t, err, &throttled)
	assert.Equal(t, types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded, throttled.Reason)
	assert.Equal(t, "Rate Exceeded.", *throttled.Message)
	var response *awshttp.ResponseError
	require.ErrorAs(t, err, &response)
	assert.Equal(t, http.StatusTooManyRequests, response.HTTPStatusCode())
}

func TestNobodyWaitsForAnEventOrADryRun(t *testing.T) {
	server := start(t)
	client := deploys(t, server, nil)
	arrived := make(chan struct{}, 1)
	reached := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{} }))
	defer reached.Close()
	payload := []byte(`{"Do":"get","Text":"` + reached.URL + `"}`)
	output, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("create-note"), InvocationType: types.InvocationTypeDryRun, Payload: payload})
	require.NoError(t, err)
	assert.Equal(t, int32(204), output.StatusCode)
	assert.Empty(t, arrived, "a dry run runs nothing")
	output, err = client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("create-note"), InvocationType: types.InvocationTypeEvent, Payload: payload})
	require.NoError(t, err)
	assert.Equal(t, int32(202), output.StatusCode)
	assert.Empty(t, output.Payload)
	<-arrived
}

func TestSavingWaitsForNoFunction(t *testing.T) {
	server := start(t)
	client := deploys(t, server, nil)
	arrived, opened := make(chan struct{}), make(chan struct{})
	gate := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-opened
	}))
	defer gate.Close()
	done := make(chan error, 1)
	go func() {
		_, err := client.Invoke(context.Background(), &lambda.InvokeInput{
			FunctionName: aws.String("create-note"), Payload: []byte(`{"Do":"get","Text":"` + gate.URL + `"}`),
		})
		done <- err
	}()
	<-arrived
	var saved bytes.Buffer
	require.NoError(t, server.Save(&saved))
	close(opened)
	require.NoError(t, <-done)

	other := start(t)
	require.NoError(t, other.Load(&saved))
	got, _ := invokes(t, lambda.NewFromConfig(as(other, dev)), &lambda.InvokeInput{})
	assert.Equal(t, "one", got.Environment["NOTES_TABLE"], "a function runs after Load")
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
func TestWhatAFunctionLogsIsInCloudWatchLogs(t *testing.T) {
	var mu sync.Mutex
	var lines []rehearsal.LogLine
	server, err := rehearsal.Start(rehearsal.Config{
		Accounts: []rehearsal.Account{{ID: dev, AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret"}},
		Functions: rehearsal.Functions{Log: func(line rehearsal.LogLine) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		}},
	})
	require.NoError(t, err)
	defer server.Close()
	client := deploys(t, server, nil)
	logs := cloudwatchlogs.NewFromConfig(as(server, dev))
	group := aws.String("/aws/lambda/create-note")
	_, err = logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group})
	requireCode(t, err, "ResourceNotFoundException")

	first, _ := invokes(t, client, &lambda.InvokeInput{Payload: []byte(`{"Text":"milk and bread"}`)})
	invokes(t, client, &lambda.InvokeInput{Payload: []byte(`{"Text":"butter"}`)})
	mu.Lock()
	require.Len(t, lines, 8)
	assert.Equal(t, "asked: milk and bread", lines[1].Text)
	assert.Equal(t, rehearsal.LogLine{
		Time: lines[1].Time, Account: dev, Region: region, Function: "create-note", Version: "$LATEST", Group: *group, Stream: lines[1].Stream,
		RequestID: first.ID, Text: "asked: milk and bread",
	}, lines[1])
	mu.Unlock()

	for pattern, want := range map[string][]string{
		"":                        nil,
		"milk":                    {"asked: milk and bread\n"},
		"asked bread":             {"asked: milk and bread\n"},
		`"milk and"`:              {"asked: milk and bread\n"},
		"?milk ?butter":           {"asked: milk and bread\n", "asked: butter\n"},
		"asked -milk":             {"asked: butter\n"},
		`asked "and milk"`:        {},
		first.ID + " -END -START": {"REPORT"},
	} {
		found, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, FilterPattern: aws.String(pattern)})
		require.NoError(t, err)
		if want == nil {
			require.Len(t, found.Events, 8)
			continue
		}
		require.Len(t, found.Events, len(want), pattern)
		for i := range want {
			assert.True(t, strings.HasPrefix(*found.Events[i].Message, want[i]), *found.Events[i].Message)
		}
	}
	_, err = logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, FilterPattern: aws.String("{ $.level = ERROR }")})
	requireCode(t, err, "NotImplemented")

	var messages []string
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, Limit: aws.Int32(3)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, event := range page.Events {
			messages = append(messages, *event.Message)
		}
	}
	require.Len(t, messages, 8)

	streams, err := logs.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: group})
	require.NoError(t, err)
	require.Len(t, streams.LogStreams, 1)
	assert.Equal(t, lines[0].Stream, *streams.LogStreams[0].LogStreamName)

	var walked []string
	input := &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: streams.LogStreams[0].LogStreamName, StartFromHead: aws.Bool(true), Limit: aws.Int32(3)}
	for {
		page, err := logs.GetLogEvents(t.Context(), input)
		require.NoError(t, err)
		for _, event := range page.Events {
			walked = append(walked, *event.Message)
		}
		if input.NextToken != nil && *page.NextForwardToken == *input.NextToken {
			assert.Empty(t, page.Events, "at the end the token stays the same")
			break
		}
		input.NextToken = page.NextForwardToken
	}
	assert.Equal(t, messages, walked)
	newest, err := logs.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: input.LogStreamName, Limit: aws.Int32(2)})
	require.NoError(t, err)
	assert.Equal(t, messages[6], *newest.Events[0].Message)
	before, err := logs.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: group, LogStreamName: input.LogStreamName, Limit: aws.Int32(2), NextToken: newest.NextBackwardToken})
	require.NoError(t, err)
	assert.Equal(t, messages[4], *before.Events[0].Message)
}

func TestABinaryForAnotherMachineIsBuiltForThisOneOrRefused(t *testing.T) {
	native, err := binary()
	require.NoError(t, err)
	if runtime.GOOS != "linux" {
		t.Skip("the test changes the header of a Linux binary, and its own is built for another system")
	}
	foreign := bytes.Clone(native)
	foreign[18], foreign[19] = 0xb7, 0 // the machine of an ELF file: arm64
	if runtime.GOARCH == "arm64" {
		foreign[18] = 0x3e // amd64
	}
	server := start(t)
	deploysCode(t, server, zipped(t, "bootstrap", foreign), nil)
	_, err = lambda.NewFromConfig(as(server, dev)).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("create-note")})
	requireCode(t, err, "NotImplemented")
	assert.ErrorContains(t, err, "the rehearsal cannot run function create-note: The binary is for Linux on ")

	path := filepath.Join(t.TempDir(), "bootstrap")
	require.NoError(t, os.WriteFile(path, native, 0o755))
	var asked []string
	building, err := rehearsal.Start(rehearsal.Config{
		Accounts: []rehearsal.Account{{ID: dev, AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret"}},
		Functions: rehearsal.Functions{Build: func(_ context.Context, digest string) (string, error) {
			asked = append(asked, digest)
			return path, nil
		}},
	})
	require.NoError(t, err)
	defer building.Close()
	deploysCode(t, building, zipped(t, "bootstrap", foreign), nil)
	for range 2 {
		invokes(t, lambda.NewFromConfig(as(building, dev)), &lambda.InvokeInput{})
	}
	sum := sha256.Sum256(foreign)
	assert.Equal(t, []string{hex.EncodeToString(sum[:])}, asked, "once, by the digest of the deployed file")
}

// again is another server with the same accounts, which goes on where the first one was.
func again(t *testing.T, server *rehearsal.Server) *rehearsal.Server {
	t.Helper()
	var state bytes.Buffer
	require.NoError(t, server.Save(&state))
	next := start(t)
	require.NoError(t, next.Load(&state))
	return next
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
func TestSourceInATemplateRunsAlsoAfterLoad(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("the function is Python source, and this machine has no python3 command")
	}
	server := start(t)
	deploysCode(t, server, nil, map[string]any{
		"Runtime": "python3.14", "Handler": "index.handler",
		"Code": map[string]any{"ZipFile": "PK = 'begins like a zip file'\n\ndef handler(event, context):\n    return {'ARN': context.invoked_function_arn}\n"},
	})
	for _, each := range []*rehearsal.Server{server, again(t, server)} {
		got, _ := invokes(t, lambda.NewFromConfig(as(each, dev)), &lambda.InvokeInput{})
		assert.Equal(t, "arn:aws:lambda:us-east-1:"+dev+":function:create-note", got.ARN)
	}
}

// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html
func TestAPackageThatARequestBringsRunsAlsoAfterLoad(t *testing.T) {
	server := start(t)
	deploysCode(t, server, zipped(t, "nothing", nil), nil)
	content, err := binary()
	require.NoError(t, err)
	_, err = lambda.NewFromConfig(as(server, dev)).UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{
		FunctionName: aws.String("create-note"), ZipFile: zipped(t, "bootstrap", content),
	})
	require.NoError(t, err)
	for _, each := range []*rehearsal.Server{server, again(t, server)} {
		got, _ := invokes(t, lambda.NewFromConfig(as(each, dev)), &lambda.InvokeInput{Payload: []byte(`{"Text":"milk"}`)})
		assert.JSONEq(t, `{"Text":"milk"}`, string(got.Event))
	}
}

func TestAVersionOfWhichADocumentSaysNoCodeIsRefusedAndTheServerGoesOn(t *testing.T) {
	server := start(t)
	client := deploys(t, server, nil)
	require.NoError(t, server.Load(strings.NewReader(`{"Version": 1, "Accounts": {"111111111111": {"Services": {"lambda": {}}}}}`)))
	var document map[string]any
	var state bytes.Buffer
	require.NoError(t, server.Save(&state))
	require.NoError(t, json.Unmarshal(state.Bytes(), &document))
	account := document["Accounts"].(map[string]any)[dev].(map[string]any)
	arn := "arn:aws:lambda:us-east-1:" + dev + ":function:create-note:7"
	account["Resources"] = append(account["Resources"].([]any), map[string]any{
		"Region": region, "Type": "AWS::Lambda::Version", "PhysicalID": arn, "Properties": map[string]any{"FunctionName": "create-note"},
		"Attributes": map[string]any{"Version": "7"},
	})
	delete(document, "Digest")
	edited, err := json.Marshal(document)
	require.NoError(t, err)
	require.NoError(t, server.Load(bytes.NewReader(edited)))
	for _, kind := range []types.InvocationType{types.InvocationTypeEvent, types.InvocationTypeRequestResponse} {
		_, err = client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &arn, InvocationType: kind})
		requireCode(t, err, "NotImplemented")
		require.ErrorContains(t, err, "its deployment package is no longer in its bucket")
	}
	invokes(t, client, &lambda.InvokeInput{})
}

// A log group that was deleted takes its events with it, and Lambda makes it anew.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
func TestALogGroupThatWasDeletedIsMadeAnewWithoutItsEvents(t *testing.T) {
	server := start(t)
	client, logs := deploys(t, server, nil), cloudwatchlogs.NewFromConfig(as(server, dev))
	group := aws.String("/aws/lambda/create-note")
	said := func() string {
		events, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group, FilterPattern: aws.String("asked")})
		require.NoError(t, err)
		var all []string
		for _, event := range events.Events {
			all = append(all, *event.Message)
		}
		return strings.Join(all, "")
	}
	invokes(t, client, &lambda.InvokeInput{Payload: []byte(`{"Text":"milk"}`)})
	require.Equal(t, "asked: milk\n", said())
	require.NoError(t, server.Account(dev).Delete(region, "AWS::Logs::LogGroup", *group))
	_, err := logs.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group})
	requireCode(t, err, "ResourceNotFoundException")
	invokes(t, client, &lambda.InvokeInput{Payload: []byte(`{"Text":"butter"}`)})
	require.Equal(t, "asked: butter\n", said())
}

func TestAFunctionOfAnotherPlaceIsNotTheCallersOwnOfThatName(t *testing.T) {
	server := start(t)
	client := deploys(t, server, nil)
	for reference, want := range map[string][2]string{
		production + ":function:create-note":                               {"AccessDeniedException", "because no resource-based policy allows the lambda:InvokeFunction action"},
		"arn:aws:lambda:us-east-1:" + production + ":function:create-note": {"AccessDeniedException", "because no resource-based policy allows the lambda:InvokeFunction action"},
		"arn:aws:lambda:eu-west-1:" + dev + ":function:create-note":        {"ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"},
	} {
		_, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &reference})
		requireCode(t, err, want[0])
		require.ErrorContains(t, err, want[1])
		_, err = client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: &reference})
		requireCode(t, err, want[0])
	}
}

func TestClosingTheServerEndsItsFunctions(t *testing.T) {
	server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{{ID: dev, AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret"}}})
	require.NoError(t, err)
	client := deploys(t, server, nil)
	arrived := make(chan struct{})
	gate := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done() // until the function's process has ended
	}))
	defer gate.Close()
	done := make(chan error, 1)
	go func() {
		_, err := client.Invoke(context.Background(), &lambda.InvokeInput{FunctionName: aws.String("create-note"), Payload: []byte(`{"Do":"get","Text":"` + gate.URL + `"}`)})
		done <- err
	}()
	<-arrived
	begun := time.Now()
	require.NoError(t, server.Close())
	require.Error(t, <-done)
	assert.Less(t, time.Since(begun), 10*time.Second)
}
