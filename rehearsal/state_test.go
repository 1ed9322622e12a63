package rehearsal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// saved is what a server's accounts hold.
func saved(t require.TestingT, server *rehearsal.Server) string {
	var document bytes.Buffer
	require.NoError(t, server.Save(&document))
	return document.String()
}

// TestAProtectedStackWithItsNetworkIsDeployedAndGoesOnInAnotherServer leaves destroying it to
// TestTheNotesServiceInThreeAccounts of e2e.
func TestAProtectedStackWithItsNetworkIsDeployedAndGoesOnInAnotherServer(t *testing.T) {
	t.Parallel()
	first := start(t)
	c := newCommand(t, first)
	c.profile = "production"
	c.assemble("production-notes", production, notes("production", production, 256, true), true)
	c.must("bootstrap", "aws://"+production+"/"+region)
	c.must("deploy", "--require-approval", "never")

	function, err := lambda.NewFromConfig(as(first, production)).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("production-notes-create")})
	require.NoError(t, err)
	require.Contains(t, function.Environment.Variables["NOTES_DAX_ENDPOINT"], "daxs://prod-notes.")
	require.Len(t, function.VpcConfig.SubnetIds, 2)
	clusters, err := dax.NewFromConfig(as(first, production)).DescribeClusters(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, clusters.Clusters, 1)
	apis, err := apigatewayv2.NewFromConfig(as(first, production)).GetApis(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "notes", apis.Items[0].Tags["roadshow:service"])
	require.Empty(t, first.Resources(dev, region))

	c.profile = "dev"
	out, err := c.run("deploy", "--require-approval", "never")
	require.Error(t, err, "dev's credentials reach dev only")
	require.Contains(t, out, production)
	c.profile = "production"

	document := saved(t, first)
	require.NoError(t, first.Close())

	second := start(t)
	require.NoError(t, second.Load(strings.NewReader(document)))
	require.Equal(t, document, saved(t, second))
	c.server = second
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
	fix := server.InjectFault(rehearsal.Fault{ResourceType: "AWS::SNS::Topic", Operation: "Create", Code: "InternalFailure"})
	_, err = stacks.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("news"), UsePreviousTemplate: aws.Bool(true), DisableRollback: aws.Bool(true),
		Parameters: []types.Parameter{{ParameterKey: aws.String("Purpose"), ParameterValue: aws.String("both")}},
	})
	require.NoError(t, err)
	require.Equal(t, types.StackStatusUpdateFailed, finished(t, stacks, "news").StackStatus)
	fix()

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

func TestADocumentThatCannotBeReadSaysWhyAndChangesNothing(t *testing.T) {
	server := start(t)
	furnish(t, server)
	document := saved(t, server)
	byHand := func(accounts string) string { return `{"Version": 1, "Accounts": {` + accounts + `}}` }
	for name, tt := range map[string]struct{ document, says string }{
		"nothing":                             {"", "no JSON, or cut off"},
		"cut off":                             {document[:len(document)/2], "no JSON, or cut off"},
		"something else":                      {`{"Resources": {}}`, "Version is 0, want 1; this is no state of a rehearsal"},
		"a newer version":                     {strings.Replace(document, `"Version": 1`, `"Version": 2`, 1), "Version is 2, want at most 1; a newer Roadshow wrote it, use that one"},
		"a letter that has changed":           {strings.Replace(document, "alarm", "alarn", 1), "Digest is not that of Accounts, the document is damaged"},
		"a field that nobody reads":           {byHand(`"` + dev + `": {"Resorces": []}`), `unknown field "Resorces"`},
		"no accounts":                         {`{"Version": 1}`, "Accounts is missing"},
		"an account of another world":         {byHand(`"222222222222": {}`), `account "222222222222", want those of the server`},
		"a type that is not known":            {byHand(`"` + dev + `": {"Resources": [{"Region": "us-east-1", "Type": "AWS::No::Thing"}]}`), "resource 1, AWS::No::Thing : the type is not known"},
		"a resource without a region":         {byHand(`"` + dev + `": {"Resources": [{"Type": "AWS::SNS::Topic"}]}`), "Region is empty"},
		"a name that is too long":             {byHand(`"` + dev + `": {"Resources": [{"Region": "us-east-1", "Type": "AWS::SQS::Queue", "Properties": {"QueueName": "` + strings.Repeat("q", 81) + `"}}]}`), "expected maxLength: 80"},
		"a resource that is there twice":      {byHand(`"` + dev + `": {"Resources": [{"Region": "us-east-1", "Type": "AWS::SNS::Topic", "PhysicalID": "a"}, {"Region": "us-east-1", "Type": "AWS::SNS::Topic", "PhysicalID": "a"}]}`), "it is there twice"},
		"objects of no bucket":                {byHand(`"` + dev + `": {"Buckets": {"none": {}}}`), `"none" is no bucket of the account`},
		"an object that is not its tag's":     {byHand(`"` + dev + `": {"Buckets": {"bucket": {"a": {"Content": "YQ==", "ETag": "\"b\""}}}}`), "that of the content"},
		"an object that is null":              {byHand(`"` + dev + `": {"Buckets": {"bucket": {"a": null}}}`), "the object is null"},
		"an upload to no bucket":              {byHand(`"` + dev + `": {"Uploads": {"id": {"Bucket": "none", "Key": "a"}}}`), `"id" is to no bucket of the account`},
		"a stack under way":                   {byHand(`"` + dev + `": {"Stacks": [{"Region": "us-east-1", "Name": "s", "Status": "UPDATE_IN_PROGRESS"}]}`), "want that of a stack at rest"},
		"a stack without its template":        {byHand(`"` + dev + `": {"Stacks": [{"Region": "us-east-1", "Name": "s", "Status": "CREATE_COMPLETE"}]}`), "Settings.Template is empty"},
		"a stack whose template is none":      {byHand(`"` + dev + `": {"Stacks": [{"Region": "us-east-1", "Name": "s", "Status": "CREATE_COMPLETE", "Settings": {"Template": "{}"}}]}`), "At least one Resources member must be defined"},
		"a stack that is there twice":         {byHand(`"` + dev + `": {"Stacks": [` + strings.Repeat(`{"Region": "us-east-1", "Name": "s", "Status": "REVIEW_IN_PROGRESS"},`, 2) + `{"Region": "us-east-1", "Name": "t", "Status": "REVIEW_IN_PROGRESS"}]}`), "is there twice"},
		"what no service keeps":               {byHand(`"` + dev + `": {"Services": {"alchemy": {}}}`), `"alchemy" is no service that keeps something`},
		"the second of two accounts is wrong": {byHand(`"` + dev + `": {"Resources": []}, "` + production + `": {"Services": {"alchemy": {}}}`), "account " + production},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, server.Load(strings.NewReader(tt.document)), tt.says)
			require.Equal(t, document, saved(t, server))
		})
	}
}

func TestADocumentThatWasDamagedAnywhereIsRefusedOrMeansTheSame(t *testing.T) {
	server := start(t)
	furnish(t, server)
	document := saved(t, server)
	rapid.Check(t, func(t *rapid.T) {
		damaged := []byte(document)
		at := rapid.IntRange(0, len(damaged)-1).Draw(t, "at")
		damaged[at] = rapid.Byte().Draw(t, "byte")
		_ = server.Load(bytes.NewReader(damaged))
		require.Equal(t, document, saved(t, server))
	})
}

func TestADocumentByHandSeedsWhatItSpeaksOfAndLeavesTheRest(t *testing.T) {
	server := start(t)
	furnish(t, server)
	before := server.Resources(dev, region)
	require.NoError(t, server.Load(strings.NewReader(`{"Version": 1, "Accounts": {"`+production+`": {
		"Closed": false,
		"Resources": [
			{"Region": "us-east-1", "Type": "AWS::IAM::Role", "Properties": {"RoleName": "old", "AssumeRolePolicyDocument": {}, "Tags": [{"Key": "roadshow:stage", "Value": "gone"}]},
				"Created": "2020-01-02T03:04:05Z"},
			{"Region": "us-east-1", "Type": "AWS::SNS::Topic"},
			{"Region": "us-east-1", "Type": "AWS::SNS::Topic"}
		],
		"Stacks": [{"Region": "us-east-1", "Name": "gone", "Status": "DELETE_COMPLETE", "Created": "2020-01-02T03:04:05Z", "Deleted": "2021-01-02T03:04:05Z"}]
	}}}`)))
	require.Equal(t, before, server.Resources(dev, region))
	made := server.Resources(production, region)
	require.Len(t, made, 3)
	require.Equal(t, "arn:aws:iam::333333333333:role/old", made[0].Attributes["Arn"])
	require.Equal(t, "2020-01-02", made[0].Created.Format("2006-01-02"))
	stacks, err := cloudformation.NewFromConfig(as(server, production)).ListStacks(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "gone", *stacks.StackSummaries[0].StackName)
}

func TestTheDocumentOfTheGuideCanBeLoaded(t *testing.T) {
	guide, err := os.ReadFile("../docs/rehearsal.md")
	require.NoError(t, err)
	_, document, _ := strings.Cut(string(guide), "```json\n")
	document, _, _ = strings.Cut(document, "```")
	server := start(t)
	require.NoError(t, server.Load(strings.NewReader(document)))
	held := server.Resources(dev, region)
	require.Len(t, held, 2)
	require.Equal(t, "old-jobs", held[1].Name)
	require.Len(t, server.Account(dev).QuotaRequests(), 1)

	var written struct{ Accounts map[string]map[string]any }
	require.NoError(t, json.Unmarshal([]byte(saved(t, server)), &written))
	for section := range written.Accounts[dev] {
		require.Contains(t, string(guide), "\n| `"+section+"` |", "the guide has a row for each section")
	}
}

func TestQuotasAndCostsThatCannotBeAreNotLoaded(t *testing.T) {
	server := start(t)
	require.NoError(t, server.Account(dev).SetQuota(region, "sns", "L-61103206", 7))
	before := saved(t, server)
	for services, says := range map[string]string{
		`"servicequotas": {"Applied": {"us-east-1/lambda/L-NONE": 1}}`:                                `Applied has "us-east-1/lambda/L-NONE"`,
		`"servicequotas": {"Applied": {"lambda/L-B99A9384": 1}}`:                                      `Applied has "lambda/L-B99A9384"`,
		`"servicequotas": {"Applied": {"eu-west-1/iam/L-FE177D64": 1}}`:                               "that of a global one is us-east-1",
		`"servicequotas": {"Requests": [{"Service": "sns", "Code": "L-NONE", "Status": "PENDING"}]}`:  "Requests has sns L-NONE",
		`"servicequotas": {"Requests": [{"Service": "sns", "Code": "L-61103206", "Status": "OPEN"}]}`: `the status "OPEN"`,
		`"ce": {"Costs": [{"Day": "2025-02-30", "Service": "Tax", "Amount": "1"}]}`:                   `Cost.Day is "2025-02-30"`,
		`"ce": {"Costs": [{"Day": "2025-02-03", "Service": "Tax", "Amount": "1,5"}]}`:                 `Cost.Amount is "1,5"`,
		`"ce": {"Active": {"team": "yesterday"}}`:                                                     `Active has "yesterday" of team`,
	} {
		err := server.Load(strings.NewReader(`{"Version": 1, "Accounts": {"` + dev + `": {"Services": {` + services + `}}}}`))
		require.ErrorContains(t, err, says)
		require.Equal(t, before, saved(t, server), "nothing has changed")
	}
}

func TestSaveWaitsForWhatIsUnderWay(t *testing.T) {
	server, err := rehearsal.Start(rehearsal.Config{StepDelay: 300 * time.Millisecond, Accounts: []rehearsal.Account{{ID: dev, AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret"}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	_, err = cloudformation.NewFromConfig(as(server, dev)).CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("news"), TemplateBody: aws.String(topics)})
	require.NoError(t, err)
	require.Contains(t, saved(t, server), `"Status": "CREATE_COMPLETE"`)
}

func TestManyMaySaveAndLoadWhileOthersWork(t *testing.T) {
	server := start(t)
	document := saved(t, server)
	var everyone sync.WaitGroup
	for i := range 4 {
		client := cloudformation.NewFromConfig(as(server, []string{dev, production}[i%2]))
		everyone.Go(func() {
			name := fmt.Sprintf("news-%d", i)
			for range 10 {
				// Either may find that the other has replaced everything.
				_, _ = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: aws.String(strings.ReplaceAll(topics, "{Name: first}", "{Name: "+name+"}"))})
				_, _ = client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &name})
			}
		})
		everyone.Go(func() {
			for range 10 {
				saved(t, server)
				if err := server.Load(strings.NewReader(document)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	everyone.Wait()
}
