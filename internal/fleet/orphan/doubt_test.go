package orphan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// lambdaFunction is a template's function, and the role that it needs.
func lambdaFunction(name string) string {
	return fmt.Sprintf(`"F":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":%q,"Role":{"Fn::GetAtt":["R","Arn"]},"Runtime":"provided.al2023",
		"Handler":"bootstrap","Code":{"ZipFile":"x"}}},"R":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow",
		"Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}]}}}`, name)
}

// review makes a stack that waits for its first change set.
func (a *accounts) review(stage stages.Stage, name, resources string) {
	a.T.Helper()
	_, err := a.CloudFormation(stage).CreateChangeSet(a.T.Context(), &cloudformation.CreateChangeSetInput{
		StackName: &name, ChangeSetName: aws.String("first"), ChangeSetType: types.ChangeSetTypeCreate, TemplateBody: aws.String(`{"Resources":{` + resources + `}}`),
	})
	require.NoError(a.T, err)
	a.until(stage, name, func(status string) bool { return status == "REVIEW_IN_PROGRESS" })
}

func TestWhatHasChangedHandsSinceThePlanIsKept(t *testing.T) {
	a := openAccounts(t)
	f := a.Fleet()
	ledger := []stages.LedgerName{inLedger(fleettest.Sandbox, stages.LambdaFunction, "dev-notes-create"), inLedger(fleettest.Sandbox, stages.DynamoDBTable, "dev-notes-plain")}
	a.makes(fleettest.Sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-create"})
	a.makes(fleettest.Sandbox, "AWS::DynamoDB::Table", plainTable("dev-notes-plain", nil))
	queues := map[string]rehearsal.Resource{}
	for _, name := range []string{"dev-notes-given", "dev-notes-bare"} {
		queues[name] = a.makes(fleettest.Sandbox, "AWS::SQS::Queue", map[string]any{"QueueName": name, "Tags": fleettest.Made(fleettest.Sandbox, "dev", "notes")})
	}
	a.review(fleettest.Neighbour, "demo-notes", fmt.Sprintf(topic, "demo-notes-topic"))

	found := map[string]orphan.Orphan{}
	gaps, err := orphan.Search{Fleet: f, Ledger: ledger, Now: time.Now().Add(48 * time.Hour), Found: func(one orphan.Orphan) { found[one.Name] = one }}.Run(t.Context())
	require.NoError(t, err)
	require.Empty(t, gaps)
	plan := orphan.PlanDeletion(f, values(found), gaps, true)
	require.Len(t, plan.Deletes, 5, "%+v", plan.Keeps)

	// While somebody reads the plan, others deploy the function that writes those logs, execute the change set, and take over the rest.
	a.stack(fleettest.Sandbox, "somebody", lambdaFunction("dev-notes-create"))
	_, err = a.CloudFormation(fleettest.Sandbox).ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{StackName: aws.String("demo-notes"), ChangeSetName: aws.String("first")})
	require.NoError(t, err)
	a.until(fleettest.Sandbox, "demo-notes", func(status string) bool { return status == "CREATE_COMPLETE" })
	for name, tags := range map[string][]any{"dev-notes-given": fleettest.Tagged("demo", "notes"), "dev-notes-bare": fleettest.Tagged("dev", "notes")[:1]} {
		require.NoError(t, a.Account(fleettest.Sandbox.Account).Delete(fleettest.Sandbox.Region, "AWS::SQS::Queue", queues[name].PhysicalID))
		a.Advance(time.Minute) // for which the name is taken
		a.makes(fleettest.Sandbox, "AWS::SQS::Queue", map[string]any{"QueueName": name, "Tags": tags})
	}

	steps, err := orphan.Deletion{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), plan)
	require.NoError(t, err)
	became := map[string]string{}
	for _, step := range steps {
		became[step.Name] = string(step.State) + " " + step.Problem
	}
	require.Equal(t, map[string]string{
		"/aws/lambda/dev-notes-create": "kept stack somebody has it now",
		"demo-notes":                   "kept it is CREATE_COMPLETE now",
		"dev-notes-given":              "kept it has lost its tag aws:cloudformation:stack-id",
		"dev-notes-bare":               "kept it has lost its tag aws:cloudformation:stack-id",
		"dev-notes-plain":              "deleted ",
	}, became)
}

func TestAStackOfAnotherToolWithANameLikeOursIsUnsure(t *testing.T) {
	a := openAccounts(t)
	release := stages.Stage{Name: "release", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}
	a.stack(release, "release-notes", `"T":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"theirs"}}`)
	a.stack(release, "broken-notes", `"Bad":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"x"}}`)
	a.stack(release, "gone-notes", `"T":{"Type":"AWS::SNS::Topic","DeletionPolicy":"Retain","Properties":{"TopicName":"kept-by-them"}}`)
	a.deletes(release, "gone-notes")
	found, gaps := a.look(a.Fleet(), nil)
	require.Empty(t, gaps)
	for _, name := range []string{"release-notes", "broken-notes", "kept-by-them"} {
		require.Equal(t, owner.Unsure, found[name].Grade, "%s: %s", name, found[name].Why)
	}
}

func TestAStackWhoseFirstDeployFailedWithoutARollbackIsNotCertain(t *testing.T) {
	a := openAccounts(t)
	_, err := a.CloudFormation(fleettest.Sandbox).CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("dev-notes"), TemplateBody: aws.String(`{"Resources":{` + fmt.Sprintf(topic, "dev-notes-topic") + `,"Bad":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"x"}}}}`),
		Tags: ownTags("dev", "notes"), DisableRollback: aws.Bool(true),
	})
	require.NoError(t, err)
	a.until(fleettest.Sandbox, "dev-notes", func(status string) bool { return status == "CREATE_FAILED" })
	found, gaps := a.look(a.Fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	require.Equal(t, owner.Likely, found["dev-notes"].Grade)
	require.Contains(t, found["dev-notes"].Why, "another deploy goes on from there")
}

func TestWhatCarriesAProtectedStagesNameIsProtectedWhereverItIs(t *testing.T) {
	a := openAccounts(t)
	f := a.Fleet()
	moved := stages.Stage{Name: "production", Account: fleettest.Protected.Account, Region: "eu-west-1"}
	f.Templates = append(f.Templates, stages.Stage{Name: "eu-*", Account: fleettest.Protected.Account, Region: "eu-west-1", Tier: stages.Sandbox})
	a.stack(moved, "production-notes", fmt.Sprintf(topic, "production-notes-topic"), ownTags("production", "notes")...)
	a.makes(fleettest.Sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "a-copy", "Tags": fleettest.Tagged("production", "notes")})
	found, gaps := a.look(f, nil)
	require.Empty(t, gaps)
	require.Len(t, found, 2)
	plan := orphan.PlanDeletion(f, values(found), gaps, true)
	require.Empty(t, plan.Deletes)
	for _, kept := range plan.Keeps {
		require.Equal(t, "stage production is protected", kept.Reason)
	}
}

func TestAnAddressIsAnOrphanWhereNoStackHasIt(t *testing.T) {
	a := openAccounts(t)
	left := a.makes(fleettest.Sandbox, "AWS::EC2::EIP", map[string]any{"Domain": "vpc", "Tags": fleettest.Made(fleettest.Sandbox, "demo", "notes")})
	a.stack(fleettest.Sandbox, "dev-notes", `"Address":{"Type":"AWS::EC2::EIP","Properties":{"Domain":"vpc","Tags":[{"Key":"roadshow:service","Value":"notes"},{"Key":"roadshow:stage","Value":"dev"}]}}`, ownTags("dev", "notes")...)
	found, gaps := a.look(a.Fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	one := found[left.Attributes["AllocationId"].(string)]
	require.Equal(t, owner.Certain, one.Grade)
	plan := orphan.PlanDeletion(a.Fleet(), []orphan.Orphan{one}, nil, false)
	require.Contains(t, plan.Keeps[0].Reason, "aws ec2 release-address --allocation-id "+one.Name)
}

// ownKey is the policy of a key that its account can use and change.
var ownKey = map[string]any{"Statement": map[string]any{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}}

func TestAKeyIsKeptWithWhatItMayEncrypt(t *testing.T) {
	a := openAccounts(t)
	a.makes(fleettest.Standard, "AWS::KMS::Key", map[string]any{"KeyPolicy": ownKey, "Tags": fleettest.Made(fleettest.Standard, "staging", "notes")})
	a.makes(fleettest.Standard, "AWS::DynamoDB::Table", plainTable("staging-notes-t", map[string]any{"DeletionProtectionEnabled": true, "Tags": fleettest.Made(fleettest.Standard, "staging", "notes")}))
	a.makes(fleettest.Sandbox, "AWS::KMS::Key", map[string]any{"KeyPolicy": ownKey, "Tags": fleettest.Made(fleettest.Sandbox, "dev", "notes")})
	a.makes(fleettest.Sandbox, "AWS::DynamoDB::Table", plainTable("dev-notes-t", map[string]any{"Tags": fleettest.Made(fleettest.Sandbox, "dev", "notes")}))
	f := a.Fleet()
	found, gaps := a.look(f, nil)
	plan := orphan.PlanDeletion(f, values(found), gaps, true)
	require.Len(t, plan.Deletes, 2)
	require.Len(t, plan.Keeps, 2)
	for _, kept := range plan.Keeps {
		if kept.Type == "AWS::KMS::Key" {
			require.Equal(t, "what is kept of its stage may be encrypted by it", kept.Reason)
		}
	}
	// And where the deletion of what it encrypts fails.
	a.InjectFault(rehearsal.Fault{Service: "dynamodb", Operation: "DeleteTable", Status: 400, Code: "AccessDeniedException"})
	steps, err := orphan.Deletion{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), plan)
	require.NoError(t, err)
	require.Len(t, steps, 2)
	for _, step := range steps {
		require.Equal(t, orphan.StepFailed, step.State, step)
	}
	require.Len(t, a.Resources(fleettest.Sandbox.Account, fleettest.Sandbox.Region), 2)
}

func TestWhatOnlyNamesLeadToIsFoundForEphemeralStagesAndThoseAskedFor(t *testing.T) {
	a := openAccounts(t)
	for _, name := range []string{"pr-417--notes--f", "old-notes-f", "gone-notes-f", "release-notes-f"} {
		a.makes(fleettest.Sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/" + name})
	}
	a.makes(fleettest.Sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "gone-notes-topic", "Tags": fleettest.Tagged("gone", "notes")})
	found, gaps := a.look(a.Fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 3)
	require.Equal(t, "pr-417", found["/aws/lambda/pr-417--notes--f"].Stage)
	require.Equal(t, owner.Unsure, found["/aws/lambda/pr-417--notes--f"].Grade)
	require.Equal(t, "gone", found["/aws/lambda/gone-notes-f"].Stage)
	found, _ = a.look(a.Fleet(), nil, "old")
	require.Len(t, found, 1)
	require.Equal(t, "old", found["/aws/lambda/old-notes-f"].Stage)
}

func TestWhatADeletedStackHasLeftAndTagsTellIsOneRow(t *testing.T) {
	a := openAccounts(t)
	own := `[{"Key":"roadshow:service","Value":"notes"},{"Key":"roadshow:stage","Value":"dev"}]`
	a.stack(fleettest.Sandbox, "dev-notes", `"P":{"Type":"AWS::SSM::Parameter","DeletionPolicy":"Retain","Properties":{"Name":"/dev-notes-p","Type":"String","Value":"1","Tags":{"roadshow:service":"notes","roadshow:stage":"dev"}}},
		"B":{"Type":"AWS::Events::EventBus","DeletionPolicy":"Retain","Properties":{"Name":"dev-notes-bus","Tags":`+own+`}},
		"E":{"Type":"AWS::Events::Rule","DeletionPolicy":"Retain","DependsOn":"B","Properties":{"Name":"dev-notes-rule","EventBusName":"dev-notes-bus","EventPattern":{"source":["a"]},"Tags":`+own+`}}`, ownTags("dev", "notes")...)
	a.deletes(fleettest.Sandbox, "dev-notes")
	found, gaps := a.look(a.Fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 3, "%+v", found)
}

func TestRegionsOfAClosingAccountAreReadWhileOthersReadThem(t *testing.T) {
	a := openAccounts(t)
	for _, region := range []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1"} {
		place := stages.Stage{Name: "far", Account: fleettest.Sandbox.Account, Region: region}
		for i := range 30 {
			a.makes(place, "AWS::SNS::Topic", map[string]any{"TopicName": fmt.Sprintf("left-%d", i), "Tags": fleettest.Tagged(fmt.Sprintf("old-%d", i), "notes")})
			a.stack(place, fmt.Sprintf("other-%d", i), fmt.Sprintf(topic, fmt.Sprintf("theirs-%d", i)))
		}
	}
	for range 3 {
		found := 0
		gaps, err := orphan.AccountSearch{Fleet: a.Fleet(), Account: fleettest.Sandbox.Account, Found: func(orphan.Holding) { found++ }}.Run(t.Context())
		require.NoError(t, err)
		require.Empty(t, gaps)
		require.Equal(t, 180, found)
	}
}

func TestWhatADeletedStackHasLeftBelongsToWhomItsTagsSay(t *testing.T) {
	a := openAccounts(t)
	a.Deployed(fleettest.Neighbour, fleettest.TableOf(fleettest.Neighbour, "demo-notes-t", "Retain", false))
	a.deletes(fleettest.Neighbour, "demo-notes")
	require.NoError(t, a.Account(fleettest.Sandbox.Account).Delete(fleettest.Sandbox.Region, "AWS::DynamoDB::Table", "demo-notes-t"))
	a.makes(fleettest.Sandbox, "AWS::DynamoDB::Table", plainTable("demo-notes-t", map[string]any{"Tags": fleettest.Tagged("production", "notes")}))
	found, gaps := a.look(a.Fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	require.Equal(t, "production", found["demo-notes-t"].Stage)
	require.Equal(t, owner.Unsure, found["demo-notes-t"].Grade)
	require.Equal(t, "stage production is protected", found["demo-notes-t"].Protected)
}

func TestTheLogsOfAFunctionThatNoStackHasAreUnsure(t *testing.T) {
	a := openAccounts(t)
	role := a.makes(fleettest.Sandbox, "AWS::IAM::Role", map[string]any{"RoleName": "r", "AssumeRolePolicyDocument": map[string]any{"Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "lambda.amazonaws.com"},
	}}}})
	a.makes(fleettest.Sandbox, "AWS::Lambda::Function", map[string]any{
		"FunctionName": "dev-notes-f", "Role": role.Attributes["Arn"], "Runtime": "provided.al2023", "Handler": "bootstrap", "Code": map[string]any{"ZipFile": "x"},
	})
	a.makes(fleettest.Sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-f"})
	a.makes(fleettest.Sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-g"})
	found, gaps := a.look(a.Fleet(), []stages.LedgerName{inLedger(fleettest.Sandbox, stages.LambdaFunction, "dev-notes-f"), inLedger(fleettest.Sandbox, stages.LambdaFunction, "dev-notes-g")})
	require.Empty(t, gaps)
	require.Equal(t, owner.Unsure, found["/aws/lambda/dev-notes-f"].Grade)
	require.Contains(t, found["/aws/lambda/dev-notes-f"].Why, "function dev-notes-f, which no stack has, writes it")
	require.Equal(t, owner.Likely, found["/aws/lambda/dev-notes-g"].Grade)
}

func TestWhatBelongsToNoRegionMayBeInAStackOfAnotherRegionThanWasAskedFor(t *testing.T) {
	a := openAccounts(t)
	far := stages.Stage{Name: "far", Account: fleettest.Sandbox.Account, Region: "eu-west-1", Tier: stages.Sandbox}
	role := `"R":{"Type":"AWS::IAM::Role","DeletionPolicy":"Retain","Properties":{"RoleName":"dev-notes-r","AssumeRolePolicyDocument":{"Statement":[]}}}`
	a.stack(fleettest.Sandbox, "dev-notes", role, ownTags("dev", "notes")...)
	a.deletes(fleettest.Sandbox, "dev-notes")
	require.NoError(t, a.Account(fleettest.Sandbox.Account).Delete(fleettest.Sandbox.Region, "AWS::IAM::Role", "dev-notes-r"))
	a.stack(far, "somebody", role)
	f := a.Fleet()
	f.Stages = append(f.Stages, far)
	found, gaps := a.look(f, nil, "dev")
	require.Empty(t, gaps)
	require.Empty(t, found)
}
