package fleet_test

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
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// tagged are the tags of a stage and a service, for a resource of the console.
func tagged(stage, service string) []any {
	return []any{map[string]any{"Key": "roadshow:stage", "Value": stage}, map[string]any{"Key": "roadshow:service", "Value": service}}
}

// makes creates a resource as a person would.
func (a *accounts) makes(stage stages.Stage, kind string, properties map[string]any) rehearsal.Resource {
	a.t.Helper()
	made, err := a.Account(stage.Account).Create(stage.Region, kind, properties)
	require.NoError(a.t, err)
	return made
}

// stack creates a stack with these resources, as JSON members, and waits until it stands or is rolled back.
func (a *accounts) stack(stage stages.Stage, name, resources string, tags ...types.Tag) {
	a.t.Helper()
	client := a.cloudFormation(stage)
	_, err := client.CreateStack(a.t.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: aws.String(`{"Resources":{` + resources + `}}`), Tags: tags,
		Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	require.NoError(a.t, err)
	a.until(stage, name, func(status string) bool { return !strings.HasSuffix(status, "_IN_PROGRESS") })
}

func (a *accounts) until(stage stages.Stage, name string, done func(status string) bool) {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		answer, err := a.cloudFormation(stage).DescribeStacks(a.t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		return err != nil || done(string(answer.Stacks[0].StackStatus))
	}, time.Minute, 5*time.Millisecond)
}

func (a *accounts) deletes(stage stages.Stage, name string) {
	a.t.Helper()
	_, err := a.cloudFormation(stage).DeleteStack(a.t.Context(), &cloudformation.DeleteStackInput{StackName: &name})
	require.NoError(a.t, err)
	a.until(stage, name, func(status string) bool { return status == "DELETE_COMPLETE" })
}

func ownTags(stage, service string) []types.Tag {
	return []types.Tag{tag("roadshow:stage", stage), tag("roadshow:service", service)}
}

const topic = `"Topic":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":%q}}`

// look searches, and gives the rows by name.
func (a *accounts) look(f *fleet.Fleet, ledger []stages.LedgerName, names ...string) (map[string]fleet.Orphan, []fleet.Gap) {
	a.t.Helper()
	found := map[string]fleet.Orphan{}
	gaps, err := fleet.Search{Fleet: f, Ledger: ledger, Names: names, Found: func(one fleet.Orphan) {
		require.NotContains(a.t, found, one.Name)
		found[one.Name] = one
	}}.Run(a.t.Context())
	require.NoError(a.t, err)
	return found, gaps
}

func values(found map[string]fleet.Orphan) (all []fleet.Orphan) {
	for _, one := range found {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b fleet.Orphan) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func inLedger(stage stages.Stage, kind stages.Kind, name string) stages.LedgerName {
	return stages.LedgerName{Stage: stage.Name, Account: stage.Account, Region: stage.Region, Service: "notes", Kind: kind.Title, Name: name}
}

func TestWhatIsLeftBehindIsGradedByItsEvidence(t *testing.T) {
	a := openAccounts(t)
	ledger := []stages.LedgerName{
		inLedger(sandbox, stages.DynamoDBTable, "dev-notes-table"), inLedger(sandbox, stages.LambdaFunction, "dev-notes-create"),
		inLedger(sandbox, stages.DynamoDBTable, "dev-notes-terraform"), inLedger(sandbox, stages.DynamoDBTable, "dev-notes-foreign"),
		inLedger(sandbox, stages.LambdaFunction, "dev-notes-alive"), inLedger(sandbox, stages.S3Bucket, "dev-notes-files-111111111111-us-east-1-an"),
	}
	old := stages.Stage{Name: "old", Account: sandbox.Account, Region: sandbox.Region}

	// Of dev, which has a stack again: what a deleted stack has left, what a hand has tagged, and names.
	a.deployed(sandbox, tableOf(sandbox, "dev-notes-table", "Retain", false))
	a.deletes(sandbox, "dev-notes")
	a.stack(sandbox, "dev-notes", fmt.Sprintf(topic, "dev-notes-topic")+`,"Logs":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/dev-notes-alive"}}`, ownTags("dev", "notes")...)
	a.makes(sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "by-hand", "Tags": tagged("dev", "notes")})
	a.makes(sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-create"})
	a.makes(sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-renamed"})
	a.makes(sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-billing-create"})
	a.makes(sandbox, "AWS::DynamoDB::Table", plainTable("dev-notes-terraform", map[string]any{"Tags": []any{map[string]any{"Key": "managed-by", "Value": "terraform"}}}))
	a.makes(sandbox, "AWS::S3::Bucket", map[string]any{"BucketName": "dev-notes-files-111111111111-us-east-1-an", "BucketNamespace": "account-regional"})
	// A stack that nobody here knows has a table with a name of the ledger, and a function whose logs have one.
	a.stack(sandbox, "somebody", `"T":`+strings.ReplaceAll(tableOf(sandbox, "dev-notes-foreign", "Delete", false), "roadshow:", "else:"))
	// Of a demo that is gone for good: everything with its tags.
	a.deployed(neighbour, tableOf(neighbour, "demo-notes-table", "Retain", true))
	a.deletes(neighbour, "demo-notes")
	a.makes(neighbour, "AWS::SQS::Queue", map[string]any{"QueueName": "demo-notes-jobs", "Tags": tagged("demo", "notes")})
	a.makes(neighbour, "AWS::SSM::Parameter", map[string]any{"Name": "/demo", "Type": "String", "Value": "1", "Tags": map[string]any{"roadshow:stage": "demo", "roadshow:service": "notes"}})
	lingering := a.makes(neighbour, "AWS::SNS::Topic", map[string]any{"TopicName": "demo-notes-gone", "Tags": tagged("demo", "notes")})
	// Of a stage that the set does not have any more, a failed stack, and other services, one of which is gone.
	a.stack(old, "old-notes", fmt.Sprintf(topic, "old-notes-topic"), ownTags("old", "notes")...)
	a.stack(standard, "staging-notes", `"Bad":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"x"}}`)
	a.stack(sandbox, "dev-billing", fmt.Sprintf(topic, "dev-billing-topic"), ownTags("dev", "billing")...)
	a.makes(sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "dev-billing-more", "Tags": tagged("dev", "billing")})
	a.makes(sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "dev-mail-topic", "Tags": tagged("dev", "mail")})
	a.makes(protected, "AWS::DynamoDB::Table", plainTable("production-notes-old", map[string]any{"Tags": tagged("production", "notes")}))
	a.LingerTags(sandbox.Account, sandbox.Region)
	require.NoError(t, a.Account(sandbox.Account).Delete(sandbox.Region, lingering.Type, lingering.PhysicalID))

	found, gaps := a.look(a.fleet(), ledger)
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
	require.Empty(t, table.Protected, "a sandbox's deletion protection is taken off")
	require.Nil(t, found["demo-notes-jobs"].Created, "of a queue AWS does not say")
	require.Equal(t, "the messages in it", found["demo-notes-jobs"].Loses)
	require.Equal(t, "nothing: it is empty", found["dev-notes-files-111111111111-us-east-1-an"].Loses)
	require.Equal(t, "stage production is protected", found["production-notes-old"].Protected)
	require.False(t, found["old-notes"].Known)

	only, gaps := a.look(a.fleet(), ledger, "demo")
	require.Empty(t, gaps)
	require.Len(t, only, 3)
	only, _ = a.look(a.fleet(), ledger, "old")
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
	resources := func(name string) string { return `"Table":` + tableOf(sandbox, name, "Retain", false) }
	a.stack(sandbox, "dev-notes", strings.Replace(resources("dev-notes-t"), `"DeletionPolicy"`, `"UpdateReplacePolicy":"Retain","DeletionPolicy"`, 1), ownTags("dev", "notes")...)
	_, err := a.cloudFormation(sandbox).UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: aws.String("dev-notes"), Tags: ownTags("dev", "notes"),
		TemplateBody: aws.String(`{"Resources":{` + strings.Replace(resources("dev-notes-t-r2"), `"DeletionPolicy"`, `"UpdateReplacePolicy":"Retain","DeletionPolicy"`, 1) + `}}`),
	})
	require.NoError(t, err)
	a.until(sandbox, "dev-notes", func(status string) bool { return status == "UPDATE_COMPLETE" })
	found, gaps := a.look(a.fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	require.Equal(t, fleet.Likely, found["dev-notes-t"].Grade)
	require.Equal(t, "stack dev-notes made it and does not have it any more", found["dev-notes-t"].Why)
}

func TestAReplicaOfALiveStacksThingIsNeverMoreThanUnsure(t *testing.T) {
	a := openAccounts(t)
	far := stages.Stage{Name: "far", Account: sandbox.Account, Region: "eu-west-1", Tier: stages.Sandbox}
	a.stack(sandbox, "dev-notes", fmt.Sprintf(topic, "dev-notes-topic"), ownTags("dev", "notes")...)
	described, err := a.cloudFormation(sandbox).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("dev-notes")})
	require.NoError(t, err)
	with := func(stack string) []any {
		return append(tagged("dev", "notes"), map[string]any{"Key": "aws:cloudformation:stack-id", "Value": stack})
	}
	a.makes(far, "AWS::SecretsManager::Secret", map[string]any{"Name": "replica", "Tags": with(*described.Stacks[0].StackId)})
	a.makes(far, "AWS::SecretsManager::Secret", map[string]any{"Name": "from-nowhere", "Tags": with("arn:aws:cloudformation:ap-south-1:111111111111:stack/dev-notes/1")})
	a.makes(far, "AWS::SecretsManager::Secret", map[string]any{"Name": "plain", "Tags": tagged("dev", "notes")})
	f := a.fleet()
	f.Stages = append(f.Stages, far)
	found, gaps := a.look(f, nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	require.Equal(t, fleet.Unsure, found["plain"].Grade)
}

func TestWhatIsMadeWhileTheSearchRunsIsNoOrphan(t *testing.T) {
	a := openAccounts(t)
	a.makes(sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "left", "Tags": tagged("demo", "notes")})
	f := a.fleet()
	deployed := false
	found := map[string]fleet.Orphan{}
	gaps, err := fleet.Search{
		Fleet: f, Found: func(one fleet.Orphan) { found[one.Name] = one },
		Observe: func(event fleet.Event) {
			if event.Text == "looking at tags" && event.Stage.Account == sandbox.Account && !deployed {
				deployed = true // after the stacks were read
				a.stack(neighbour, "demo-notes", fmt.Sprintf(topic, "demo-notes-new"), ownTags("demo", "notes")...)
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
			a.stack(sandbox, "dev-notes", fmt.Sprintf(topic, "dev-notes-topic"), ownTags("dev", "notes")...)
			for i := range 120 {
				a.makes(sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": fmt.Sprintf("demo-notes-%03d", i), "Tags": tagged("demo", "notes")})
			}
			a.makes(standard, "AWS::SNS::Topic", map[string]any{"TopicName": "other", "Tags": tagged("gone", "notes")})
			f := a.fleet()
			test.fault.Account = sandbox.Account
			a.InjectFault(test.fault)
			found, gaps := a.look(f, nil)
			require.Contains(t, found, "other", "the other accounts are kept")
			require.NotEmpty(t, gaps)
			for _, gap := range gaps {
				require.Equal(t, sandbox.Account, gap.Account)
				require.Equal(t, test.service, gap.Service)
				require.Contains(t, gap.Problem, test.fault.Code)
			}
			if test.lost {
				require.Len(t, found, 1)
			}
			plan := f.PlanDeletion(values(found), gaps, true)
			for _, one := range plan.Deletes {
				require.NotEqual(t, sandbox.Account, one.Account, "nothing is deleted where something may be hidden")
			}
		})
	}
}

func TestAnAccountThatNoProfileReachesIsAGap(t *testing.T) {
	a := openAccounts(t)
	a.makes(standard, "AWS::SNS::Topic", map[string]any{"TopicName": "other", "Tags": tagged("gone", "notes")})
	f := a.fleet()
	f.Stages = append(f.Stages, stages.Stage{Name: "far", Account: "999999999999", Region: "us-east-1"})
	found, gaps := a.look(f, nil)
	require.Contains(t, found, "other")
	require.Len(t, gaps, 1)
	require.Equal(t, "far", gaps[0].Stage)
	require.Contains(t, gaps[0].Problem, "want one of account 999999999999")
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
				a.makes(sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": fmt.Sprintf("demo-notes-%03d", i), "Tags": tagged("demo", "notes")})
			}
			f := a.fleet()
			a.InjectFault(fault)
			found, gaps := a.look(f, nil)
			require.Empty(t, gaps)
			require.Len(t, found, 120)
		})
	}
}

func TestADeletionTakesWhatIsInItsWayFirst(t *testing.T) {
	a := openAccounts(t)
	vpc := a.makes(neighbour, "AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16", "Tags": tagged("demo", "notes")})
	subnet := a.makes(neighbour, "AWS::EC2::Subnet", map[string]any{"VpcId": vpc.PhysicalID, "CidrBlock": "10.0.0.0/24", "Tags": tagged("demo", "notes")})
	group := a.makes(neighbour, "AWS::EC2::SecurityGroup", map[string]any{"VpcId": vpc.PhysicalID, "GroupDescription": "g", "Tags": tagged("demo", "notes")})
	role := a.makes(neighbour, "AWS::IAM::Role", map[string]any{"RoleName": "r", "AssumeRolePolicyDocument": map[string]any{"Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "lambda.amazonaws.com"},
	}}}})
	a.makes(neighbour, "AWS::Lambda::Function", map[string]any{
		"FunctionName": "demo-notes-f", "Role": role.Attributes["Arn"], "Runtime": "provided.al2023", "Handler": "bootstrap", "Code": map[string]any{"ZipFile": "x"},
		"VpcConfig": map[string]any{"SubnetIds": []any{subnet.PhysicalID}, "SecurityGroupIds": []any{group.PhysicalID}}, "Tags": tagged("demo", "notes"),
	})
	a.makes(neighbour, "AWS::SecretsManager::Secret", map[string]any{"Name": "demo-notes-secret", "Tags": tagged("demo", "notes")})
	a.makes(neighbour, "AWS::Events::Rule", map[string]any{"Name": "demo-notes-rule", "ScheduleExpression": "rate(1 day)", "Tags": tagged("demo", "notes")})
	a.makes(neighbour, "AWS::ApiGatewayV2::Api", map[string]any{"Name": "demo-notes-api", "ProtocolType": "HTTP", "Tags": map[string]any{"roadshow:stage": "demo", "roadshow:service": "notes"}})
	a.makes(neighbour, "AWS::DynamoDB::Table", plainTable("demo-notes-t", map[string]any{"DeletionProtectionEnabled": true, "Tags": tagged("demo", "notes")}))
	a.makes(neighbour, "AWS::S3::Bucket", map[string]any{
		"BucketName": "demo-bucket", "VersioningConfiguration": map[string]any{"Status": "Enabled"}, "Tags": tagged("demo", "notes"),
	})
	config, err := a.env.Config(t.Context(), "team-dev")
	require.NoError(t, err)
	config.Region = neighbour.Region
	bucket := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	for i := range 1100 {
		_, err := bucket.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("demo-bucket"), Key: aws.String(fmt.Sprint(i % 600)), Body: strings.NewReader("x")})
		require.NoError(t, err)
	}
	_, err = bucket.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("demo-bucket"), Key: aws.String("1")})
	require.NoError(t, err)

	f := a.fleet()
	found, gaps := a.look(f, nil)
	require.Empty(t, gaps)
	require.Len(t, found, 9)
	plan := f.PlanDeletion(values(found), gaps, false)
	require.Len(t, plan.Deletes, 9, plan.Keeps)
	require.Empty(t, plan.Rituals, "demo is in the set")
	path := filepath.Join(t.TempDir(), "below", "log.jsonl")
	log, err := fleet.OpenDeletionLog(path)
	require.NoError(t, err)
	steps, err := fleet.Deletion{Fleet: f, Log: log, Poll: time.Millisecond}.Run(t.Context(), plan)
	require.NoError(t, err)
	require.NoError(t, log.Close())
	require.True(t, fleet.AllDeleted(steps), steps)
	left := a.Resources(neighbour.Account, neighbour.Region)
	require.Len(t, left, 1, "the role has no tags of ours")

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	states := map[fleet.StepState]int{}
	for line := range strings.Lines(string(text)) {
		var step fleet.DeletionStep
		require.NoError(t, json.Unmarshal([]byte(line), &step))
		states[step.State]++
	}
	require.Equal(t, map[fleet.StepState]int{fleet.StepBegun: 9, fleet.StepDeleted: 9}, states)
	again, _ := a.look(f, nil)
	require.Empty(t, again)
}

func TestAnInterruptedDeletionIsTakenUp(t *testing.T) {
	a := openAccounts(t)
	for i := range 40 {
		a.makes(neighbour, "AWS::SNS::Topic", map[string]any{"TopicName": fmt.Sprintf("demo-notes-%02d", i), "Tags": tagged("demo", "notes")})
	}
	f := a.fleet()
	found, _ := a.look(f, nil)
	plan := f.PlanDeletion(values(found), nil, false)
	ctx, interrupt := context.WithCancel(t.Context())
	mend := a.InjectFault(rehearsal.Fault{Service: "cloudcontrolapi", Operation: "DeleteResource", After: 10, Delay: time.Minute})
	go func() {
		// When it hangs, some ten are deleted.
		for ctx.Err() == nil && len(a.writes(neighbour.Account)) < 10 {
			<-time.After(time.Millisecond)
		}
		interrupt()
	}()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := fleet.OpenDeletionLog(path)
	require.NoError(t, err)
	_, err = fleet.Deletion{Fleet: f, Log: log, Poll: time.Millisecond}.Run(ctx, plan)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, log.Close())
	left := len(a.Resources(neighbour.Account, neighbour.Region))
	require.True(t, left > 0 && left < 40, left)
	mend()

	found, _ = a.look(f, nil)
	// What was asked for before the interruption may still be done after it.
	require.LessOrEqual(t, len(found), left)
	require.GreaterOrEqual(t, len(found), len(a.Resources(neighbour.Account, neighbour.Region)))
	// What the first run has begun may still be under way.
	a.InjectFault(rehearsal.Fault{Service: "cloudcontrolapi", Operation: "DeleteResource", Count: 3, Status: 400, Code: "ConcurrentOperationException"})
	log, err = fleet.OpenDeletionLog(path)
	require.NoError(t, err)
	steps, err := fleet.Deletion{Fleet: f, Log: log, Poll: time.Millisecond}.Run(t.Context(), f.PlanDeletion(values(found), nil, false))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	require.True(t, fleet.AllDeleted(steps))
	require.Empty(t, a.Resources(neighbour.Account, neighbour.Region))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	begun := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		var step fleet.DeletionStep
		require.NoError(t, json.Unmarshal([]byte(line), &step))
		begun[step.Name] = begun[step.Name] || step.State == fleet.StepBegun
	}
	require.Len(t, begun, 40, "both runs are in one file")
}

func TestTheRitualGuardsStagesThatAreNotInTheSet(t *testing.T) {
	a := openAccounts(t)
	a.makes(sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "old-notes-topic", "Tags": tagged("old", "notes")})
	a.makes(sandbox, "AWS::DynamoDB::Table", plainTable("old-notes-table", map[string]any{"DeletionProtectionEnabled": true, "Tags": tagged("old", "notes")}))
	a.makes(protected, "AWS::SNS::Topic", map[string]any{"TopicName": "production-notes-left", "Tags": tagged("production", "notes")})
	f := a.fleet()
	found, gaps := a.look(f, nil)
	plan := f.PlanDeletion(values(found), gaps, true)
	require.Len(t, plan.Deletes, 1)
	require.Equal(t, []fleet.Ritual{{Stage: "old", Account: sandbox.Account}}, plan.Rituals)
	for _, kept := range plan.Keeps {
		require.Contains(t, []string{"stage production is protected", "its deletion protection is on"}, kept.Reason)
	}
	before := len(a.writes(sandbox.Account))
	for _, wrong := range [][]fleet.Ritual{nil, {{Stage: "old"}}, {{Stage: "old", Account: protected.Account}}, {{Stage: "dev", Account: sandbox.Account}}} {
		_, err := fleet.Deletion{Fleet: f, Rituals: wrong}.Run(t.Context(), plan)
		var ritual *fleet.RitualError
		require.ErrorAs(t, err, &ritual)
	}
	require.Len(t, a.writes(sandbox.Account), before)
	steps, err := fleet.Deletion{Fleet: f, Rituals: plan.Rituals}.Run(t.Context(), plan)
	require.NoError(t, err)
	require.True(t, fleet.AllDeleted(steps))
}

func TestWhatAStackHasTakenUpSinceThePlanIsKept(t *testing.T) {
	a := openAccounts(t)
	a.makes(neighbour, "AWS::SNS::Topic", map[string]any{"TopicName": "demo-notes-topic", "Tags": tagged("demo", "notes")})
	f := a.fleet()
	found, _ := a.look(f, nil)
	plan := f.PlanDeletion(values(found), nil, false)
	require.NoError(t, a.Account(neighbour.Account).Delete(neighbour.Region, "AWS::SNS::Topic", "demo-notes-topic"))
	a.stack(neighbour, "demo-notes", fmt.Sprintf(topic, "demo-notes-topic"), ownTags("demo", "notes")...)
	steps, err := fleet.Deletion{Fleet: f}.Run(t.Context(), plan)
	require.NoError(t, err)
	require.Equal(t, fleet.StepKept, steps[0].State)
	require.Equal(t, "stack demo-notes has it now", steps[0].Problem)
}

func TestFailedStacksAreDeletedByCloudFormation(t *testing.T) {
	a := openAccounts(t)
	a.stack(sandbox, "dev-notes", `"Bad":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"x"}}`)
	f := a.fleet()
	found, gaps := a.look(f, nil)
	require.Equal(t, "it is ROLLBACK_COMPLETE: it can only be deleted", found["dev-notes"].Why)
	steps, err := fleet.Deletion{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), f.PlanDeletion(values(found), gaps, false))
	require.NoError(t, err)
	require.True(t, fleet.AllDeleted(steps))
	require.False(t, a.exists(sandbox))
	for _, call := range a.Calls() {
		require.False(t, call.Service == "cloudcontrolapi" && call.Operation == "DeleteResource")
	}
}

func TestAReviewOfADayAgoIsForgotten(t *testing.T) {
	a := openAccounts(t)
	_, err := a.cloudFormation(sandbox).CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: aws.String("dev-notes"), ChangeSetName: aws.String("c"), ChangeSetType: types.ChangeSetTypeCreate,
		TemplateBody: aws.String(`{"Resources":{` + fmt.Sprintf(topic, "t") + `}}`),
	})
	require.NoError(t, err)
	for age, want := range map[time.Duration]int{time.Hour: 0, 25 * time.Hour: 1} {
		found := 0
		_, err := fleet.Search{Fleet: a.fleet(), Now: time.Now().Add(age), Found: func(fleet.Orphan) { found++ }}.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, found, age)
	}
}

func TestAnAccountThatClosesTellsAllThatItHolds(t *testing.T) {
	a := openAccounts(t)
	far := stages.Stage{Name: "far", Account: sandbox.Account, Region: "eu-west-1"}
	a.bootstrapped(sandbox, "CDKToolkit", "hnb659fds", 27)
	a.deployed(sandbox, "")
	a.stack(far, "far-mail", fmt.Sprintf(topic, "far-mail-topic"), ownTags("far", "mail")...)
	a.makes(far, "AWS::SNS::Topic", map[string]any{"TopicName": "far-notes-left", "Tags": tagged("far", "notes")})
	a.makes(far, "AWS::S3::Bucket", map[string]any{"BucketName": "cdk-hnb659fds-assets-111111111111-eu-west-1"})
	a.stack(sandbox, "somebody", fmt.Sprintf(topic, "theirs"))
	f := a.fleet()
	before := len(a.writes(sandbox.Account))
	list := func() (map[string]fleet.Holding, []fleet.Gap) {
		held := map[string]fleet.Holding{}
		gaps, err := fleet.AccountSearch{Fleet: f, Account: sandbox.Account, Found: func(one fleet.Holding) { held[one.Name] = one }}.Run(t.Context())
		require.NoError(t, err)
		return held, gaps
	}
	held, gaps := list()
	require.Empty(t, gaps)
	next := map[string]string{}
	for name, one := range held {
		next[name] = string(one.Kind) + ": " + one.Next
	}
	require.Equal(t, map[string]string{
		"CDKToolkit":     "bootstrap: when no other stack is left here: `aws cloudformation delete-stack --region us-east-1 --stack-name CDKToolkit`; its bucket stays",
		"dev-notes":      "stack: `roadshow remove dev`",
		"far-mail":       "stack: in the program of service mail: `roadshow remove far --account 111111111111 --region eu-west-1`",
		"far-notes-left": "orphan: no stage of the set is here: delete it by hand",
		"cdk-hnb659fds-assets-111111111111-eu-west-1": "bootstrap: empty it, its older versions too, and delete it: " +
			"`aws s3 rb --force s3://cdk-hnb659fds-assets-111111111111-eu-west-1` leaves the older versions",
	}, next)
	require.Len(t, a.writes(sandbox.Account), before, "nothing is changed")

	a.InjectFault(rehearsal.Fault{Account: sandbox.Account, Region: "eu-west-1", Status: http.StatusForbidden, Code: "InvalidClientTokenId"})
	held, gaps = list()
	require.Len(t, held, 2)
	require.Equal(t, "eu-west-1", gaps[0].Region)
	require.Empty(t, gaps[0].Stage)
	_, err := fleet.AccountSearch{Fleet: f, Account: "999999999999", Found: func(fleet.Holding) {}}.Run(t.Context())
	var nobody *fleet.NoProfileError
	require.ErrorAs(t, err, &nobody)
}
