package orphan_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// makes creates a resource as a person would.
func (a *accounts) makes(stage stages.Stage, kind string, properties map[string]any) rehearsal.Resource {
	a.T.Helper()
	made, err := a.Account(stage.Account).Create(stage.Region, kind, properties)
	require.NoError(a.T, err)
	return made
}

// stack creates a stack with these resources, as JSON members, and waits until it stands or is rolled back.
func (a *accounts) stack(stage stages.Stage, name, resources string, tags ...types.Tag) {
	a.T.Helper()
	client := a.CloudFormation(stage)
	_, err := client.CreateStack(a.T.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: aws.String(`{"Resources":{` + resources + `}}`), Tags: tags,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	require.NoError(a.T, err)
	a.until(stage, name, func(status string) bool { return !strings.HasSuffix(status, "_IN_PROGRESS") })
}

func (a *accounts) until(stage stages.Stage, name string, done func(status string) bool) {
	a.T.Helper()
	require.Eventually(a.T, func() bool {
		answer, err := a.CloudFormation(stage).DescribeStacks(a.T.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		return err != nil || done(string(answer.Stacks[0].StackStatus))
	}, time.Minute, 5*time.Millisecond)
}

func (a *accounts) deletes(stage stages.Stage, name string) {
	a.T.Helper()
	_, err := a.CloudFormation(stage).DeleteStack(a.T.Context(), &cloudformation.DeleteStackInput{StackName: &name})
	require.NoError(a.T, err)
	a.until(stage, name, func(status string) bool { return status == "DELETE_COMPLETE" })
}

func ownTags(stage, service string) []types.Tag {
	return []types.Tag{fleettest.Tag("roadshow:stage", stage), fleettest.Tag("roadshow:service", service)}
}

// mapOf are tags as some types take them.
func mapOf(tags []any) map[string]any {
	all := map[string]any{}
	for _, each := range tags {
		tag := each.(map[string]any)
		all[tag["Key"].(string)] = tag["Value"]
	}
	return all
}

const topic = `"Topic":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":%q}}`

// look searches, and gives the rows by name.
func (a *accounts) look(f *fleet.Fleet, ledger []stages.LedgerName, names ...string) (map[string]orphan.Orphan, []fleet.Gap) {
	a.T.Helper()
	found := map[string]orphan.Orphan{}
	gaps, err := orphan.Search{Fleet: f, Ledger: ledger, Names: names, Found: func(one orphan.Orphan) {
		require.NotContains(a.T, found, one.Name)
		found[one.Name] = one
	}}.Run(a.T.Context())
	require.NoError(a.T, err)
	return found, gaps
}

func values(found map[string]orphan.Orphan) (all []orphan.Orphan) {
	for _, one := range found {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b orphan.Orphan) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func inLedger(stage stages.Stage, kind stages.Kind, name string) stages.LedgerName {
	return stages.LedgerName{Stage: stage.Name, Account: stage.Account, Region: stage.Region, Service: "notes", Kind: kind.Title, Name: name}
}

func TestWhatIsLeftBehindIsGradedByItsEvidence(t *testing.T) {
	a := openAccounts(t)
	ledger := []stages.LedgerName{
		inLedger(fleettest.Sandbox, stages.DynamoDBTable, "dev-notes-table"), inLedger(fleettest.Sandbox, stages.LambdaFunction, "dev-notes-create"),
		inLedger(fleettest.Sandbox, stages.DynamoDBTable, "dev-notes-terraform"), inLedger(fleettest.Sandbox, stages.DynamoDBTable, "dev-notes-foreign"),
		inLedger(fleettest.Sandbox, stages.LambdaFunction, "dev-notes-alive"), inLedger(fleettest.Sandbox, stages.S3Bucket, "dev-notes-files-111111111111-us-east-1-an"),
	}
	old := stages.Stage{Name: "old", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}

	// Of dev, which has a stack again: what a deleted stack has left, what a hand has tagged, and names.
	a.Deployed(fleettest.Sandbox, fleettest.TableOf(fleettest.Sandbox, "dev-notes-table", "Retain", false))
	a.deletes(fleettest.Sandbox, "dev-notes")
	a.stack(fleettest.Sandbox, "dev-notes", fmt.Sprintf(topic, "dev-notes-topic")+`,"Logs":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/dev-notes-alive"}}`, ownTags("dev", "notes")...)
	a.makes(fleettest.Sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "by-hand", "Tags": fleettest.Tagged("dev", "notes")})
	a.makes(fleettest.Sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-create"})
	a.makes(fleettest.Sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-renamed"})
	a.makes(fleettest.Sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-billing-create"})
	a.makes(fleettest.Sandbox, "AWS::DynamoDB::Table", plainTable("dev-notes-terraform", map[string]any{"Tags": []any{map[string]any{"Key": "managed-by", "Value": "terraform"}}}))
	a.makes(fleettest.Sandbox, "AWS::S3::Bucket", map[string]any{"BucketName": "dev-notes-files-111111111111-us-east-1-an", "BucketNamespace": "account-regional"})
	// A stack that nobody here knows has a table with a name of the ledger, and a function whose logs have one.
	a.stack(fleettest.Sandbox, "somebody", `"T":`+strings.ReplaceAll(fleettest.TableOf(fleettest.Sandbox, "dev-notes-foreign", "Delete", false), "roadshow:", "else:"))
	// Of a demo that is gone for good: everything with its tags.
	a.Deployed(fleettest.Neighbour, fleettest.TableOf(fleettest.Neighbour, "demo-notes-table", "Retain", true))
	a.deletes(fleettest.Neighbour, "demo-notes")
	a.makes(fleettest.Neighbour, "AWS::SQS::Queue", map[string]any{"QueueName": "demo-notes-jobs", "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")})
	a.makes(fleettest.Neighbour, "AWS::SSM::Parameter", map[string]any{"Name": "/demo", "Type": "String", "Value": "1", "Tags": mapOf(fleettest.Made(fleettest.Neighbour, "demo", "notes"))})
	lingering := a.makes(fleettest.Neighbour, "AWS::SNS::Topic", map[string]any{"TopicName": "demo-notes-gone", "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")})
	// Of a stage that the set does not have any more, a failed stack, and other services, one of which is gone.
	a.stack(old, "old-notes", fmt.Sprintf(topic, "old-notes-topic"), ownTags("old", "notes")...)
	a.stack(fleettest.Standard, "staging-notes", `"Bad":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"x"}}`, ownTags("staging", "notes")...)
	a.stack(fleettest.Sandbox, "dev-billing", fmt.Sprintf(topic, "dev-billing-topic"), ownTags("dev", "billing")...)
	a.makes(fleettest.Sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "dev-billing-more", "Tags": fleettest.Tagged("dev", "billing")})
	a.makes(fleettest.Sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "dev-mail-topic", "Tags": fleettest.Made(fleettest.Sandbox, "dev", "mail")})
	a.makes(fleettest.Protected, "AWS::DynamoDB::Table", plainTable("production-notes-old", map[string]any{"Tags": fleettest.Made(fleettest.Protected, "production", "notes")}))
	a.LingerTags(fleettest.Sandbox.Account, fleettest.Sandbox.Region)
	require.NoError(t, a.Account(fleettest.Sandbox.Account).Delete(fleettest.Sandbox.Region, lingering.Type, lingering.PhysicalID))

	found, gaps := a.look(a.Fleet(), ledger)
	require.Empty(t, gaps)
	grades := map[string]string{}
	for name, one := range found {
		grades[name] = fmt.Sprintf("%s %s/%s", one.Grade, one.Stage, one.Service)
	}
	require.Equal(t, map[string]string{
		"dev-notes-table": "likely dev/notes", "by-hand": "unsure dev/notes", "/aws/lambda/dev-notes-create": "likely dev/notes",
		"/aws/lambda/dev-notes-renamed": "unsure dev/notes", "dev-notes-terraform": "unsure dev/notes",
		"dev-notes-files-111111111111-us-east-1-an": "likely dev/notes",
		"demo-notes-table":                          "certain demo/notes", "demo-notes-jobs": "certain demo/notes", "/demo": "certain demo/notes",
		"old-notes": "likely old/notes", "staging-notes": "certain staging/notes",
		"dev-mail-topic": "certain dev/mail", "production-notes-old": "certain production/notes",
	}, grades)

	table := found["demo-notes-table"]
	require.Equal(t, "AWS::DynamoDB::Table", table.Type)
	require.Equal(t, "0 items, 0 B", table.Loses)
	require.NotNil(t, table.Created)
	require.Contains(t, table.Why, "stack demo-notes has left it by policy when it was deleted on ")
	require.Empty(t, table.Protected)
	require.Equal(t, "its deletion protection", table.SwitchesOff, "which the plan says")
	require.Nil(t, found["demo-notes-jobs"].Created, "of a queue AWS does not say")
	require.Equal(t, "the messages in it", found["demo-notes-jobs"].Loses)
	require.Equal(t, "nothing: it is empty", found["dev-notes-files-111111111111-us-east-1-an"].Loses)
	require.Equal(t, "stage production is protected", found["production-notes-old"].Protected)
	require.False(t, found["old-notes"].Known)

	only, gaps := a.look(a.Fleet(), ledger, "demo")
	require.Empty(t, gaps)
	require.Len(t, only, 3)
	only, _ = a.look(a.Fleet(), ledger, "old")
	require.Len(t, only, 1)
}

func plainTable(name string, more map[string]any) map[string]any {
	table := map[string]any{
		"TableName": name, "BillingMode": "PAY_PER_REQUEST",
		"KeySchema":            []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
	}
	for key, value := range more {
		table[key] = value
	}
	return table
}

func TestAReplacedTableThatWasRetainedIsLikely(t *testing.T) {
	a := openAccounts(t)
	resources := func(name string) string {
		return `"Table":` + fleettest.TableOf(fleettest.Sandbox, name, "Retain", false)
	}
	a.stack(fleettest.Sandbox, "dev-notes", strings.Replace(resources("dev-notes-t"), `"DeletionPolicy"`, `"UpdateReplacePolicy":"Retain","DeletionPolicy"`, 1), ownTags("dev", "notes")...)
	_, err := a.CloudFormation(fleettest.Sandbox).UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("dev-notes"), Tags: ownTags("dev", "notes"),
		TemplateBody: aws.String(`{"Resources":{` + strings.Replace(resources("dev-notes-t-r2"), `"DeletionPolicy"`, `"UpdateReplacePolicy":"Retain","DeletionPolicy"`, 1) + `}}`),
	})
	require.NoError(t, err)
	a.until(fleettest.Sandbox, "dev-notes", func(status string) bool { return status == "UPDATE_COMPLETE" })
	found, gaps := a.look(a.Fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	require.Equal(t, owner.Likely, found["dev-notes-t"].Grade)
	require.Equal(t, "stack dev-notes made it; that stack lives, and does not have it any more", found["dev-notes-t"].Why)
}

func TestAReplicaOfALiveStacksThingIsNeverMoreThanUnsure(t *testing.T) {
	a := openAccounts(t)
	far := stages.Stage{Name: "far", Account: fleettest.Sandbox.Account, Region: "eu-west-1", Tier: stages.Sandbox}
	a.stack(fleettest.Sandbox, "dev-notes", fmt.Sprintf(topic, "dev-notes-topic"), ownTags("dev", "notes")...)
	described, err := a.CloudFormation(fleettest.Sandbox).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("dev-notes")})
	require.NoError(t, err)
	with := func(stack string) []any {
		return append(fleettest.Tagged("dev", "notes"), map[string]any{"Key": "aws:cloudformation:stack-id", "Value": stack})
	}
	a.makes(far, "AWS::SecretsManager::Secret", map[string]any{"Name": "replica", "Tags": with(*described.Stacks[0].StackId)})
	a.makes(far, "AWS::SecretsManager::Secret", map[string]any{"Name": "from-nowhere", "Tags": with("arn:aws:cloudformation:ap-south-1:111111111111:stack/dev-notes/1")})
	a.makes(far, "AWS::SecretsManager::Secret", map[string]any{"Name": "plain", "Tags": fleettest.Tagged("dev", "notes")})
	f := a.Fleet()
	f.Stages = append(f.Stages, far)
	found, gaps := a.look(f, nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	require.Equal(t, owner.Unsure, found["plain"].Grade)
}

func TestWhatIsMadeWhileTheSearchRunsIsNoOrphan(t *testing.T) {
	a := openAccounts(t)
	a.makes(fleettest.Sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "left", "Tags": fleettest.Tagged("demo", "notes")})
	f := a.Fleet()
	deployed := false
	found := map[string]orphan.Orphan{}
	gaps, err := orphan.Search{
		Fleet: f, Found: func(one orphan.Orphan) { found[one.Name] = one },
		Observe: func(event fleet.Event) {
			if event.Text == "looking at tags" && event.Stage.Account == fleettest.Sandbox.Account && !deployed {
				deployed = true // after the stacks were read
				a.stack(fleettest.Neighbour, "demo-notes", fmt.Sprintf(topic, "demo-notes-new"), ownTags("demo", "notes")...)
			}
		},
	}.Run(t.Context())
	require.NoError(t, err)
	require.Empty(t, gaps)
	require.True(t, deployed)
	require.NotContains(t, found, "demo-notes-new")
}

func TestWhatDidNotAnswerIsAGapAndTheOthersAreKept(t *testing.T) {
	for name, test := range map[string]struct {
		fault   rehearsal.Fault
		service string
		lost    bool // nothing of that account can be judged
	}{
		"credentials that expired":       {rehearsal.Fault{Status: 403, Code: "ExpiredToken", Message: "expired"}, "STS", true},
		"a region that is off":           {rehearsal.Fault{Region: "us-east-1", Status: 403, Code: "InvalidClientTokenId"}, "STS", true},
		"access denied on the stacks":    {rehearsal.Fault{Service: "cloudformation", Operation: "ListStacks", Status: 403, Code: "AccessDenied"}, "CloudFormation", true},
		"one stack that cannot be read":  {rehearsal.Fault{Service: "cloudformation", Operation: "ListStackResources", Count: 1, Status: 403, Code: "AccessDenied"}, "CloudFormation", true},
		"access denied on the tags":      {rehearsal.Fault{Service: "tagging", Status: 400, Code: "AccessDeniedException"}, "Resource Groups Tagging API", false},
		"a page's token that expired":    {rehearsal.Fault{Service: "tagging", After: 1, Status: 400, Code: "PaginationTokenExpiredException"}, "Resource Groups Tagging API", false},
		"a token that expires half way":  {rehearsal.Fault{Service: "tagging", After: 1, Status: 400, Code: "ExpiredTokenException"}, "Resource Groups Tagging API", false},
		"access denied on the tables":    {rehearsal.Fault{Service: "dynamodb", Operation: "ListTables", Status: 400, Code: "AccessDeniedException"}, "DynamoDB", false},
		"access denied on the logs":      {rehearsal.Fault{Service: "logs", Status: 400, Code: "AccessDeniedException"}, "CloudWatch Logs", false},
		"access denied on looking at it": {rehearsal.Fault{Service: "cloudcontrolapi", Status: 400, Code: "AccessDeniedException"}, "Cloud Control", false},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.stack(fleettest.Sandbox, "dev-notes", fmt.Sprintf(topic, "dev-notes-topic"), ownTags("dev", "notes")...)
			for i := range 120 {
				a.makes(fleettest.Sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": fmt.Sprintf("demo-notes-%03d", i), "Tags": fleettest.Made(fleettest.Sandbox, "demo", "notes")})
			}
			a.makes(fleettest.Standard, "AWS::SNS::Topic", map[string]any{"TopicName": "other", "Tags": fleettest.Made(fleettest.Standard, "gone", "notes")})
			f := a.Fleet()
			test.fault.Account = fleettest.Sandbox.Account
			a.InjectFault(test.fault)
			found, gaps := a.look(f, nil)
			require.Contains(t, found, "other", "the other accounts are kept")
			require.NotEmpty(t, gaps)
			for _, gap := range gaps {
				require.Equal(t, fleettest.Sandbox.Account, gap.Account)
				require.Equal(t, test.service, gap.Service)
				messages.Provoked(t, gap.Problem)
				require.Contains(t, gap.Problem, test.fault.Code)
			}
			if test.lost {
				require.Len(t, found, 1)
			}
			plan := orphan.PlanDeletion(f, values(found), gaps, true)
			for _, one := range plan.Deletes {
				require.NotEqual(t, fleettest.Sandbox.Account, one.Account, "nothing is deleted where something may be hidden")
			}
		})
	}
}

func TestAnAccountThatNoProfileReachesIsAGap(t *testing.T) {
	a := openAccounts(t)
	a.makes(fleettest.Standard, "AWS::SNS::Topic", map[string]any{"TopicName": "other", "Tags": fleettest.Made(fleettest.Standard, "gone", "notes")})
	f := a.Fleet()
	f.Stages = append(f.Stages, stages.Stage{Name: "far", Account: "999999999999", Region: "us-east-1"})
	found, gaps := a.look(f, nil)
	require.Contains(t, found, "other")
	require.Len(t, gaps, 1)
	require.Equal(t, "far", gaps[0].Stage)
	messages.Provoked(t, gaps[0].Problem)
	require.Contains(t, gaps[0].Problem, "No profile is of account 999999999999")
}

func TestWhatPassesIsWaitedFor(t *testing.T) {
	for name, fault := range map[string]rehearsal.Fault{
		"an account that throttles": {Service: "tagging", Count: 3, Status: 400, Code: "ThrottledException"},
		"a slow page":               {Service: "cloudformation", Delay: 300 * time.Millisecond, Count: 2},
		"a page that breaks off":    {Service: "tagging", After: 1, Count: 1, BreakOff: true},
		"a server's error":          {Service: "cloudformation", Count: 2, Status: 500, Code: "InternalFailure"},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			for i := range 120 {
				a.makes(fleettest.Sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": fmt.Sprintf("demo-notes-%03d", i), "Tags": fleettest.Made(fleettest.Sandbox, "demo", "notes")})
			}
			f := a.Fleet()
			a.InjectFault(fault)
			found, gaps := a.look(f, nil)
			require.Empty(t, gaps)
			require.Len(t, found, 120)
		})
	}
}

func TestADeletionTakesWhatIsInItsWayFirst(t *testing.T) {
	a := openAccounts(t)
	vpc := a.makes(fleettest.Neighbour, "AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16", "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")})
	subnet := a.makes(fleettest.Neighbour, "AWS::EC2::Subnet", map[string]any{"VpcId": vpc.PhysicalID, "CidrBlock": "10.0.0.0/24", "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")})
	group := a.makes(fleettest.Neighbour, "AWS::EC2::SecurityGroup", map[string]any{"VpcId": vpc.PhysicalID, "GroupDescription": "g", "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")})
	role := a.makes(fleettest.Neighbour, "AWS::IAM::Role", map[string]any{"RoleName": "r", "AssumeRolePolicyDocument": map[string]any{"Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "lambda.amazonaws.com"},
	}}}, "ManagedPolicyArns": []any{"arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"}})
	a.makes(fleettest.Neighbour, "AWS::Lambda::Function", map[string]any{
		"FunctionName": "demo-notes-f", "Role": role.Attributes["Arn"], "Runtime": "provided.al2023", "Handler": "bootstrap", "Code": map[string]any{"ZipFile": "x"},
		"VpcConfig": map[string]any{"SubnetIds": []any{subnet.PhysicalID}, "SecurityGroupIds": []any{group.PhysicalID}}, "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes"),
	})
	a.makes(fleettest.Neighbour, "AWS::SecretsManager::Secret", map[string]any{"Name": "demo-notes-secret", "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")})
	a.makes(fleettest.Neighbour, "AWS::Events::Rule", map[string]any{"Name": "demo-notes-rule", "ScheduleExpression": "rate(1 day)", "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")})
	a.makes(fleettest.Neighbour, "AWS::ApiGatewayV2::Api", map[string]any{"Name": "demo-notes-api", "ProtocolType": "HTTP", "Tags": mapOf(fleettest.Made(fleettest.Neighbour, "demo", "notes"))})
	a.makes(fleettest.Neighbour, "AWS::DynamoDB::Table", plainTable("demo-notes-t", map[string]any{"DeletionProtectionEnabled": true, "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")}))
	a.makes(fleettest.Neighbour, "AWS::S3::Bucket", map[string]any{
		"BucketName": "demo-bucket", "VersioningConfiguration": map[string]any{"Status": "Enabled"}, "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes"),
	})
	config, err := a.Env.Config(t.Context(), "team-dev")
	require.NoError(t, err)
	config.Region = fleettest.Neighbour.Region
	bucket := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	for i := range 1100 {
		_, err := bucket.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("demo-bucket"), Key: aws.String(fmt.Sprint(i % 600)), Body: strings.NewReader("x")})
		require.NoError(t, err)
	}
	_, err = bucket.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("demo-bucket"), Key: aws.String("1")})
	require.NoError(t, err)

	f := a.Fleet()
	found, gaps := a.look(f, nil)
	require.Empty(t, gaps)
	require.Len(t, found, 9)
	plan := orphan.PlanDeletion(f, values(found), gaps, false)
	require.Len(t, plan.Deletes, 9, plan.Keeps)
	require.Empty(t, plan.Confirmations, "demo is in the set")
	path := filepath.Join(t.TempDir(), "below", "log.jsonl")
	log, err := orphan.OpenDeletionLog(path)
	require.NoError(t, err)
	steps, err := orphan.Deletion{Fleet: f, Log: log, Poll: time.Millisecond}.Run(t.Context(), plan)
	require.NoError(t, err)
	require.NoError(t, log.Close())
	require.True(t, orphan.AllDeleted(steps), steps)
	left := a.Resources(fleettest.Neighbour.Account, fleettest.Neighbour.Region)
	require.Len(t, left, 1, "the role has no tags of ours")

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	states := map[orphan.StepState]int{}
	for line := range strings.Lines(string(text)) {
		var step orphan.DeletionStep
		require.NoError(t, json.Unmarshal([]byte(line), &step))
		states[step.State]++
	}
	require.Equal(t, map[orphan.StepState]int{orphan.StepBegun: 9, orphan.StepDeleted: 9}, states)
	again, _ := a.look(f, nil)
	require.Empty(t, again)
}

func TestAnInterruptedDeletionIsTakenUp(t *testing.T) {
	a := openAccounts(t)
	for i := range 40 {
		a.makes(fleettest.Neighbour, "AWS::SNS::Topic", map[string]any{"TopicName": fmt.Sprintf("demo-notes-%02d", i), "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")})
	}
	f := a.Fleet()
	found, _ := a.look(f, nil)
	plan := orphan.PlanDeletion(f, values(found), nil, false)
	ctx, interrupt := context.WithCancel(t.Context())
	fix := a.InjectFault(rehearsal.Fault{Service: "cloudcontrolapi", Operation: "DeleteResource", After: 10, Delay: time.Minute})
	go func() {
		// When it hangs, some ten are deleted.
		for ctx.Err() == nil && len(a.Writes(fleettest.Neighbour.Account)) < 10 {
			<-time.After(time.Millisecond)
		}
		interrupt()
	}()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := orphan.OpenDeletionLog(path)
	require.NoError(t, err)
	_, err = orphan.Deletion{Fleet: f, Log: log, Poll: time.Millisecond}.Run(ctx, plan)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, log.Close())
	left := len(a.Resources(fleettest.Neighbour.Account, fleettest.Neighbour.Region))
	require.True(t, left > 0 && left < 40, left)
	fix()

	found, _ = a.look(f, nil)
	// What was asked for before the interruption may still be done after it.
	require.LessOrEqual(t, len(found), left)
	require.GreaterOrEqual(t, len(found), len(a.Resources(fleettest.Neighbour.Account, fleettest.Neighbour.Region)))
	// What the first run has begun may still be under way.
	a.InjectFault(rehearsal.Fault{Service: "cloudcontrolapi", Operation: "DeleteResource", Count: 3, Status: 400, Code: "ConcurrentOperationException"})
	log, err = orphan.OpenDeletionLog(path)
	require.NoError(t, err)
	steps, err := orphan.Deletion{Fleet: f, Log: log, Poll: time.Millisecond}.Run(t.Context(), orphan.PlanDeletion(f, values(found), nil, false))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	require.True(t, orphan.AllDeleted(steps))
	require.Empty(t, a.Resources(fleettest.Neighbour.Account, fleettest.Neighbour.Region))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	begun := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		var step orphan.DeletionStep
		require.NoError(t, json.Unmarshal([]byte(line), &step))
		begun[step.Name] = begun[step.Name] || step.State == orphan.StepBegun
	}
	require.Len(t, begun, 40, "both runs are in one file")
}

func TestTheRitualGuardsStagesThatAreNotInTheSet(t *testing.T) {
	a := openAccounts(t)
	a.makes(fleettest.Sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "old-notes-topic", "Tags": fleettest.Made(fleettest.Sandbox, "old", "notes")})
	a.makes(fleettest.Sandbox, "AWS::DynamoDB::Table", plainTable("old-notes-table", map[string]any{"DeletionProtectionEnabled": true, "Tags": fleettest.Made(fleettest.Sandbox, "old", "notes")}))
	a.makes(fleettest.Protected, "AWS::SNS::Topic", map[string]any{"TopicName": "production-notes-left", "Tags": fleettest.Made(fleettest.Protected, "production", "notes")})
	f := a.Fleet()
	found, gaps := a.look(f, nil)
	plan := orphan.PlanDeletion(f, values(found), gaps, true)
	require.Len(t, plan.Deletes, 1)
	require.Equal(t, []fleet.Confirmation{{Stage: "old", Account: fleettest.Sandbox.Account}}, plan.Confirmations)
	for _, kept := range plan.Keeps {
		require.Contains(t, []string{"stage production is protected", "its deletion protection is on"}, kept.Reason)
	}
	before := len(a.Writes(fleettest.Sandbox.Account))
	for _, wrong := range [][]fleet.Confirmation{nil, {{Stage: "old"}}, {{Stage: "old", Account: fleettest.Protected.Account}}, {{Stage: "dev", Account: fleettest.Sandbox.Account}}} {
		_, err := orphan.Deletion{Fleet: f, Confirmations: wrong}.Run(t.Context(), plan)
		var ritual *fleet.ConfirmationError
		require.ErrorAs(t, err, &ritual)
		messages.Provoked(t, err.Error())
	}
	require.Len(t, a.Writes(fleettest.Sandbox.Account), before)
	steps, err := orphan.Deletion{Fleet: f, Confirmations: plan.Confirmations}.Run(t.Context(), plan)
	require.NoError(t, err)
	require.True(t, orphan.AllDeleted(steps))
}

func TestWhatAStackHasTakenUpSinceThePlanIsKept(t *testing.T) {
	a := openAccounts(t)
	a.makes(fleettest.Neighbour, "AWS::SNS::Topic", map[string]any{"TopicName": "demo-notes-topic", "Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")})
	f := a.Fleet()
	found, _ := a.look(f, nil)
	plan := orphan.PlanDeletion(f, values(found), nil, false)
	require.NoError(t, a.Account(fleettest.Neighbour.Account).Delete(fleettest.Neighbour.Region, "AWS::SNS::Topic", "demo-notes-topic"))
	a.stack(fleettest.Neighbour, "demo-notes", fmt.Sprintf(topic, "demo-notes-topic"), ownTags("demo", "notes")...)
	steps, err := orphan.Deletion{Fleet: f}.Run(t.Context(), plan)
	require.NoError(t, err)
	require.Equal(t, orphan.StepKept, steps[0].State)
	require.Equal(t, "stack demo-notes has it now", steps[0].Problem)
}

func TestFailedStacksAreDeletedByCloudFormation(t *testing.T) {
	a := openAccounts(t)
	a.stack(fleettest.Sandbox, "dev-notes", `"Bad":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"x"}}`, ownTags("dev", "notes")...)
	f := a.Fleet()
	found, gaps := a.look(f, nil)
	require.Equal(t, "it is ROLLBACK_COMPLETE: it can only be deleted", found["dev-notes"].Why)
	steps, err := orphan.Deletion{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), orphan.PlanDeletion(f, values(found), gaps, false))
	require.NoError(t, err)
	require.True(t, orphan.AllDeleted(steps))
	require.False(t, a.Exists(fleettest.Sandbox))
	for _, call := range a.Calls() {
		require.False(t, call.Service == "cloudcontrolapi" && call.Operation == "DeleteResource")
	}
}

func TestAReviewOfADayAgoIsForgotten(t *testing.T) {
	a := openAccounts(t)
	_, err := a.CloudFormation(fleettest.Sandbox).CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: aws.String("dev-notes"), ChangeSetName: aws.String("c"), ChangeSetType: types.ChangeSetTypeCreate,
		TemplateBody: aws.String(`{"Resources":{` + fmt.Sprintf(topic, "t") + `}}`),
	})
	require.NoError(t, err)
	for age, want := range map[time.Duration]int{time.Hour: 0, 25 * time.Hour: 1} {
		found := 0
		_, err := orphan.Search{Fleet: a.Fleet(), Now: time.Now().Add(age), Found: func(orphan.Orphan) { found++ }}.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, found, age)
	}
}

func TestAnAccountThatClosesTellsAllThatItHolds(t *testing.T) {
	a := openAccounts(t)
	far := stages.Stage{Name: "far", Account: fleettest.Sandbox.Account, Region: "eu-west-1"}
	a.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 27)
	a.Deployed(fleettest.Sandbox, "")
	a.stack(far, "far-mail", fmt.Sprintf(topic, "far-mail-topic"), ownTags("far", "mail")...)
	a.makes(far, "AWS::SNS::Topic", map[string]any{"TopicName": "far-notes-left", "Tags": fleettest.Made(far, "far", "notes")})
	toolkit := []any{map[string]any{"Key": "aws:cloudformation:stack-id", "Value": "arn:aws:cloudformation:eu-west-1:111111111111:stack/CDKToolkit/forgotten"}}
	a.makes(far, "AWS::S3::Bucket", map[string]any{"BucketName": "cdk-hnb659fds-assets-111111111111-eu-west-1", "Tags": toolkit})
	a.stack(fleettest.Sandbox, "somebody", fmt.Sprintf(topic, "theirs"))
	// What only looks like it: a name, or copied tags.
	a.makes(far, "AWS::S3::Bucket", map[string]any{"BucketName": "cdk-copied-assets-111111111111-eu-west-1"})
	a.makes(far, "AWS::S3::Bucket", map[string]any{"BucketName": "cdk-hnb659fds-assets-222222222222-eu-west-1", "Tags": toolkit})
	a.stack(far, "far-notes", fmt.Sprintf(topic, "far-notes-topic"))
	a.stack(far, "by-hand", fmt.Sprintf(topic, "by-hand-topic"), ownTags("far", "notes")...)
	a.stack(far, "CDKToolkit", fmt.Sprintf(topic, "toolkit"))
	f := a.Fleet()
	before := len(a.Writes(fleettest.Sandbox.Account))
	list := func() (map[string]orphan.Holding, []fleet.Gap) {
		held := map[string]orphan.Holding{}
		gaps, err := orphan.AccountSearch{Fleet: f, Account: fleettest.Sandbox.Account, Found: func(one orphan.Holding) { held[one.Region+" "+one.Name] = one }}.Run(t.Context())
		require.NoError(t, err)
		return held, gaps
	}
	held, gaps := list()
	require.Empty(t, gaps)
	next := map[string]string{}
	for name, one := range held {
		next[name] = string(one.Kind) + ", " + string(one.Grade) + ": " + one.Next
		require.NotEmpty(t, one.Why, name)
	}
	require.Equal(t, map[string]string{
		"us-east-1 CDKToolkit": "bootstrap, certain: when no other stack is left here: `aws cloudformation delete-stack --region us-east-1 --stack-name CDKToolkit`; its bucket stays",
		"eu-west-1 CDKToolkit": "bootstrap, unsure: find out whose it is, since it is unsure (only its name says that it is a bootstrap, and anybody can choose that); " +
			"if it is yours: when no other stack is left here: `aws cloudformation delete-stack --region eu-west-1 --stack-name CDKToolkit`; its bucket stays",
		"us-east-1 dev-notes": "stack, certain: `roadshow remove dev`",
		"eu-west-1 far-notes": "stack, unsure: find out whose it is, since it is unsure (its tags name no service and no stage); " +
			"if it is yours: `roadshow remove far --account 111111111111 --region eu-west-1`",
		"eu-west-1 by-hand": "stack, unsure: find out whose it is, since it is unsure (it only carries the tags of stage far, whose stack has another name); " +
			"if it is yours: `aws cloudformation delete-stack --region eu-west-1 --stack-name by-hand`",
		"eu-west-1 far-mail":       "stack, certain: in the program of service mail: `roadshow remove far --account 111111111111 --region eu-west-1`",
		"eu-west-1 far-notes-left": "orphan, likely: no stage of the set is here: delete it by hand",
		"eu-west-1 cdk-hnb659fds-assets-111111111111-eu-west-1": "bootstrap, certain: empty it, its older versions too, and delete it: " +
			"`aws s3 rb --force s3://cdk-hnb659fds-assets-111111111111-eu-west-1` leaves the older versions",
		"eu-west-1 cdk-hnb659fds-assets-222222222222-eu-west-1": "bootstrap, unsure: find out whose it is, since it is unsure (stack CDKToolkit made it, and is gone; " +
			"its name is of account 222222222222 and eu-west-1); if it is yours: empty it, its older versions too, and delete it: " +
			"`aws s3 rb --force s3://cdk-hnb659fds-assets-222222222222-eu-west-1` leaves the older versions",
		"eu-west-1 cdk-copied-assets-111111111111-eu-west-1": "bootstrap, unsure: find out whose it is, since it is unsure (only its name says that it is of a bootstrap, " +
			"and anybody can choose that); if it is yours: empty it, its older versions too, and delete it: " +
			"`aws s3 rb --force s3://cdk-copied-assets-111111111111-eu-west-1` leaves the older versions",
	}, next)
	require.Len(t, a.Writes(fleettest.Sandbox.Account), before, "nothing is changed")

	a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Region: "eu-west-1", Status: http.StatusForbidden, Code: "InvalidClientTokenId"})
	held, gaps = list()
	require.Len(t, held, 2)
	require.Equal(t, "eu-west-1", gaps[0].Region)
	require.Empty(t, gaps[0].Stage)
	_, err := orphan.AccountSearch{Fleet: f, Account: "999999999999", Found: func(orphan.Holding) {}}.Run(t.Context())
	var nobody *fleet.NoProfileError
	require.ErrorAs(t, err, &nobody)
	messages.Provoked(t, err.Error())
}
