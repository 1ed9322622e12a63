package rehearse

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

var dev = stages.Stage{Name: "dev", Account: "111111111111", Region: "us-east-1"}

// opened is a world of the stage dev, and a client of its CloudFormation.
func opened(t *testing.T) (*World, *cloudformation.Client) {
	t.Helper()
	w, err := Open(awsenv.Place{Checkout: t.TempDir(), Folder: t.TempDir()}, rehearsal.Config{}, dev)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	config, err := w.Config(t.Context(), "dev")
	require.NoError(t, err)
	return w, cloudformation.NewFromConfig(config)
}

func TestAStackIsMadeChangedAndLeftAlone(t *testing.T) {
	w, client := opened(t)
	template := `{"Resources": {"News": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}}}`
	changed := strings.Replace(template, `"news"`, `"news", "DisplayName": "News"`, 1)
	for _, body := range []string{template, template, changed} {
		require.NoError(t, submit(t.Context(), client, request{name: "notes", body: &body}))
	}
	found := w.Server.Resources(dev.Account, dev.Region)
	require.Len(t, found, 1)
	require.Equal(t, "News", found[0].Properties["DisplayName"])
}

func TestTheReasonsOfAFailedStackAreTold(t *testing.T) {
	_, client := opened(t)
	template := `{"Resources": {
		"Seed": {"Type": "Custom::Seed", "Properties": {"ServiceToken": "arn:aws:lambda:us-east-1:111111111111:function:seed"}}}}`
	err := submit(t.Context(), client, request{name: "notes", body: &template})
	require.ErrorContains(t, err, "stack notes is ROLLBACK_COMPLETE\n  Seed (Custom::Seed): Function not found: arn:aws:lambda:us-east-1:111111111111:function:seed")
}

func TestStagesThatShareAnAccountAreBootstrappedOnceForEachQualifier(t *testing.T) {
	left, right, other := dev, dev, dev
	left.Name, right.Name, other.Name = "left", "right", "other"
	folder := t.TempDir()
	w, err := Open(awsenv.Place{Checkout: t.TempDir(), Folder: t.TempDir()}, rehearsal.Config{}, left, right, other)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	ready := fleet.Assembly{Dir: folder}
	for stage, qualifier := range map[string]string{"left": stages.DefaultQualifier, "right": stages.DefaultQualifier, "other": "theirs"} {
		require.NoError(t, os.Mkdir(filepath.Join(folder, stage), 0o700))
		for name, text := range map[string]string{
			"notes.json":        `{"Resources": {"News": {"Type": "AWS::SNS::Topic"}}}`,
			"notes.assets.json": `{"files": {"t": {"source": {"path": "notes.json", "packaging": "file"}, "destinations": {"here": {"objectKey": "` + stage + `.json"}}}}}`,
			"manifest.json": `{"artifacts": {"notes": {"type": "aws:cloudformation:stack", "properties": {
				"stackTemplateAssetObjectUrl": "s3://cdk-` + qualifier + `-assets-111111111111-us-east-1/` + stage + `.json",
				"cloudFormationExecutionRoleArn": "arn:${AWS::Partition}:iam::111111111111:role/cdk-` + qualifier + `-cfn-exec-role-111111111111-us-east-1"}}}}`,
		} {
			require.NoError(t, os.WriteFile(filepath.Join(folder, stage, name), []byte(text), 0o600))
		}
		ready.Document.Stages = append(ready.Document.Stages, assembly.Synthesized{
			Stage: assembly.Stage{Name: stage, Account: dev.Account, Region: dev.Region}, StackName: stage + "-notes", File: stage + "/notes.json",
		})
	}
	require.NoError(t, w.Deploy(t.Context(), ready, left, right, other))
	config, err := w.Config(t.Context(), "left")
	require.NoError(t, err)
	listed, err := cloudformation.NewFromConfig(config).DescribeStacks(t.Context(), nil)
	require.NoError(t, err)
	var names []string
	for _, stack := range listed.Stacks {
		names = append(names, *stack.StackName)
		require.Equal(t, "CREATE_COMPLETE", string(stack.StackStatus), "none was made twice, or changed")
	}
	require.ElementsMatch(t, []string{"CDKToolkit", "CDKToolkit-theirs", "left-notes", "right-notes", "other-notes"}, names)
}

func TestALineIsOfTheStageWhoseStackMadeTheFunction(t *testing.T) {
	session := Session{assembly: fleet.Assembly{Document: assembly.Document{Stages: []assembly.Synthesized{
		{Stage: assembly.Stage{Name: "left", Account: dev.Account, Region: dev.Region}, StackName: "left-notes"},
		{Stage: assembly.Stage{Name: "right", Account: dev.Account, Region: dev.Region}, StackName: "right-notes"},
		{Stage: assembly.Stage{Name: "production", Account: "333333333333", Region: dev.Region}, StackName: "production-notes"},
	}}}}
	for _, tt := range []struct{ function, account, stage, id string }{
		{"left-notes-get-note", dev.Account, "left", "get-note"},
		{"right-notes-get-note", dev.Account, "right", "get-note"},
		{"production-notes-get-note", "333333333333", "production", "get-note"},
		{"legacy", "333333333333", "production", "legacy"},
	} {
		line := session.line(rehearsal.LogLine{Function: tt.function, Account: tt.account, Region: dev.Region})
		require.Equal(t, [2]string{tt.stage, tt.id}, [2]string{line.Stage, line.Function})
	}
}

func TestADenialIsSaidInTheProgramsWords(t *testing.T) {
	w, client := opened(t)
	template := `{"Resources": {
		"orderitemsTable1234": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "dev-notes-order-items", "BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}},
		"filesBucket1234": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "dev-notes-files"}},
		"tokenSecret1234": {"Type": "AWS::SecretsManager::Secret", "Properties": {"Name": "dev-notes-token"}}}}`
	require.NoError(t, submit(t.Context(), client, request{name: "dev-notes", body: &template}))
	document := assembly.Document{Stages: []assembly.Synthesized{{
		Stage: assembly.Stage{Name: "dev", Account: dev.Account, Region: dev.Region}, StackName: "dev-notes",
		Constructs: []assembly.Construct{{ID: "order-items"}, {ID: "files"}, {ID: "token"}},
	}}}
	secret := ""
	for _, one := range w.Server.Resources(dev.Account, dev.Region) {
		if one.Type == "AWS::SecretsManager::Secret" {
			secret = one.PhysicalID
		}
	}
	const table = "arn:aws:dynamodb:us-east-1:111111111111:table/dev-notes-order-items"
	for _, tt := range []struct{ action, resource, want string }{
		{"dynamodb:PutItem", table, "may not dynamodb:PutItem on table order-items; grant orderItems.Write()"},
		{"dynamodb:Query", table + "/index/byAuthor", "may not dynamodb:Query on table order-items; grant orderItems.Read()"},
		{"s3:GetObject", "arn:aws:s3:::dev-notes-files/a", "may not s3:GetObject on bucket files; grant files.Read()"},
		{"s3:DeleteObject", "arn:aws:s3:::dev-notes-files/a", "may not s3:DeleteObject on bucket files; grant files.Delete()"},
		{"secretsmanager:PutSecretValue", secret, "may not secretsmanager:PutSecretValue on secret token; grant token.Write()"},
		{"s3:GetObject", "arn:aws:s3:::others/a", "may not s3:GetObject on arn:aws:s3:::others/a"},
	} {
		denied := rehearsal.Denial{Function: "arn:aws:lambda:us-east-1:111111111111:function:f", Right: rehearsal.Right{Action: tt.action, Resource: tt.resource}}
		assert.Contains(t, w.Explain(document, denied), tt.want)
	}
}

func TestTheURLOfEachAPIHasAVariable(t *testing.T) {
	assert.Equal(t, []string{"PR_417_PUBLIC_API_URL=http://127.0.0.1:1"}, Variables([]Summary{{Stage: "pr-417", APIs: []API{{ID: "public-api", URL: "http://127.0.0.1:1"}}}}))
}

func TestTheFolderOfASessionThatWasKilledGoesWithTheNextOne(t *testing.T) {
	w, _ := opened(t)
	parent := t.TempDir()
	for name, endpoint := range map[string]string{"rehearsal-alive": w.Server.URL(), "rehearsal-killed": "http://127.0.0.1:1"} {
		require.NoError(t, os.Mkdir(filepath.Join(parent, name), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(parent, name, endpointFile), []byte(endpoint), 0o600))
	}
	removeAbandoned(parent)
	require.DirExists(t, filepath.Join(parent, "rehearsal-alive"))
	require.NoDirExists(t, filepath.Join(parent, "rehearsal-killed"))
}
