package fleet_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
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
	a.t.Helper()
	_, err := a.cloudFormation(stage).CreateChangeSet(a.t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: &name, ChangeSetName: aws.String("first"), ChangeSetType: types.ChangeSetTypeCreate, TemplateBody: aws.String(`{"Resources":{` + resources + `}}`),
	})
	require.NoError(a.t, err)
	a.until(stage, name, func(status string) bool { return status == "REVIEW_IN_PROGRESS" })
}

func TestWhatHasChangedHandsSinceThePlanIsKept(t *testing.T) {
	a := openAccounts(t)
	f := a.fleet()
	ledger := []stages.LedgerName{inLedger(sandbox, stages.LambdaFunction, "dev-notes-create"), inLedger(sandbox, stages.DynamoDBTable, "dev-notes-plain")}
	a.makes(sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-create"})
	a.makes(sandbox, "AWS::DynamoDB::Table", plainTable("dev-notes-plain", nil))
	queues := map[string]rehearsal.Resource{}
	for _, name := range []string{"dev-notes-given", "dev-notes-bare"} {
		queues[name] = a.makes(sandbox, "AWS::SQS::Queue", map[string]any{"QueueName": name, "Tags": tagged("dev", "notes")})
	}
	a.review(neighbour, "demo-notes", fmt.Sprintf(topic, "demo-notes-topic"))

	found := map[string]fleet.Orphan{}
	gaps, err := fleet.Search{Fleet: f, Ledger: ledger, Now: time.Now().Add(48 * time.Hour), Found: func(one fleet.Orphan) { found[one.Name] = one }}.Run(t.Context())
	require.NoError(t, err)
	require.Empty(t, gaps)
	plan := f.PlanDeletion(values(found), gaps, true)
	require.Len(t, plan.Deletes, 5, "%+v", plan.Keeps)

	// While somebody reads the plan, others deploy the function that writes those logs, execute the change set, and take over the rest.
	a.stack(sandbox, "somebody", lambdaFunction("dev-notes-create"))
	_, err = a.cloudFormation(sandbox).ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{StackName: aws.String("demo-notes"), ChangeSetName: aws.String("first")})
	require.NoError(t, err)
	a.until(sandbox, "demo-notes", func(status string) bool { return status == "CREATE_COMPLETE" })
	for name, tags := range map[string][]any{"dev-notes-given": tagged("demo", "notes"), "dev-notes-bare": tagged("dev", "notes")[:1]} {
		require.NoError(t, a.Account(sandbox.Account).Delete(sandbox.Region, "AWS::SQS::Queue", queues[name].PhysicalID))
		a.makes(sandbox, "AWS::SQS::Queue", map[string]any{"QueueName": name, "Tags": tags})
	}

	steps, err := fleet.Deletion{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), plan)
	require.NoError(t, err)
	became := map[string]string{}
	for _, step := range steps {
		became[step.Name] = string(step.State) + " " + step.Problem
	}
	require.Equal(t, map[string]string{
		"/aws/lambda/dev-notes-create": "kept stack somebody has it now",
		"demo-notes":                   "kept it is CREATE_COMPLETE now",
		"dev-notes-given":              "kept its tags are others now: stage demo, service notes",
		"dev-notes-bare":               "kept its tags are others now: stage dev, no service",
		"dev-notes-plain":              "deleted ",
	}, became)
}

func TestAStackOfAnotherToolWithANameLikeOursIsUnsure(t *testing.T) {
	a := openAccounts(t)
	release := stages.Stage{Name: "release", Account: sandbox.Account, Region: sandbox.Region}
	a.stack(release, "release-notes", `"T":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":"theirs"}}`)
	a.stack(release, "broken-notes", `"Bad":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"x"}}`)
	a.stack(release, "gone-notes", `"T":{"Type":"AWS::SNS::Topic","DeletionPolicy":"Retain","Properties":{"TopicName":"kept-by-them"}}`)
	a.deletes(release, "gone-notes")
	found, gaps := a.look(a.fleet(), nil)
	require.Empty(t, gaps)
	for _, name := range []string{"release-notes", "broken-notes", "kept-by-them"} {
		require.Equal(t, fleet.Unsure, found[name].Grade, "%s: %s", name, found[name].Why)
	}
}

func TestAStackWhoseFirstDeployFailedWithoutARollbackIsNotCertain(t *testing.T) {
	a := openAccounts(t)
	_, err := a.cloudFormation(sandbox).CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("dev-notes"), TemplateBody: aws.String(`{"Resources":{` + fmt.Sprintf(topic, "dev-notes-topic") + `,"Bad":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"x"}}}}`),
		Tags: ownTags("dev", "notes"), DisableRollback: aws.Bool(true),
	})
	require.NoError(t, err)
	a.until(sandbox, "dev-notes", func(status string) bool { return status == "CREATE_FAILED" })
	found, gaps := a.look(a.fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	require.Equal(t, fleet.Likely, found["dev-notes"].Grade)
	require.Contains(t, found["dev-notes"].Why, "another deploy goes on from there")
}

func TestWhatCarriesAProtectedStagesNameIsProtectedWhereverItIs(t *testing.T) {
	a := openAccounts(t)
	f := a.fleet()
	moved := stages.Stage{Name: "production", Account: protected.Account, Region: "eu-west-1"}
	f.Templates = append(f.Templates, stages.Stage{Name: "eu-*", Account: protected.Account, Region: "eu-west-1", Tier: stages.Sandbox})
	a.stack(moved, "production-notes", fmt.Sprintf(topic, "production-notes-topic"), ownTags("production", "notes")...)
	a.makes(sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "a-copy", "Tags": tagged("production", "notes")})
	found, gaps := a.look(f, nil)
	require.Empty(t, gaps)
	require.Len(t, found, 2)
	plan := f.PlanDeletion(values(found), gaps, true)
	require.Empty(t, plan.Deletes)
	for _, kept := range plan.Keeps {
		require.Equal(t, "stage production is protected", kept.Reason)
	}
}

func TestAnAddressIsAnOrphanWhereNoStackHasIt(t *testing.T) {
	a := openAccounts(t)
	left := a.makes(sandbox, "AWS::EC2::EIP", map[string]any{"Domain": "vpc", "Tags": tagged("demo", "notes")})
	a.stack(sandbox, "dev-notes", `"Address":{"Type":"AWS::EC2::EIP","Properties":{"Domain":"vpc","Tags":[{"Key":"roadshow:service","Value":"notes"},{"Key":"roadshow:stage","Value":"dev"}]}}`, ownTags("dev", "notes")...)
	found, gaps := a.look(a.fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	one := found[left.Attributes["AllocationId"].(string)]
	require.Equal(t, fleet.Certain, one.Grade)
	plan := a.fleet().PlanDeletion([]fleet.Orphan{one}, nil, false)
	require.Contains(t, plan.Keeps[0].Reason, "aws ec2 release-address --allocation-id "+one.Name)
}

func TestAKeyIsKeptWithWhatItMayEncrypt(t *testing.T) {
	a := openAccounts(t)
	a.makes(standard, "AWS::KMS::Key", map[string]any{"KeyPolicy": map[string]any{}, "Tags": tagged("staging", "notes")})
	a.makes(standard, "AWS::DynamoDB::Table", plainTable("staging-notes-t", map[string]any{"DeletionProtectionEnabled": true, "Tags": tagged("staging", "notes")}))
	a.makes(sandbox, "AWS::KMS::Key", map[string]any{"KeyPolicy": map[string]any{}, "Tags": tagged("dev", "notes")})
	a.makes(sandbox, "AWS::DynamoDB::Table", plainTable("dev-notes-t", map[string]any{"Tags": tagged("dev", "notes")}))
	f := a.fleet()
	found, gaps := a.look(f, nil)
	plan := f.PlanDeletion(values(found), gaps, true)
	require.Len(t, plan.Deletes, 2)
	require.Len(t, plan.Keeps, 2)
	for _, kept := range plan.Keeps {
		if kept.Type == "AWS::KMS::Key" {
			require.Equal(t, "what is kept of its stage may be encrypted by it", kept.Reason)
		}
	}
	// And where the deletion of what it encrypts fails.
	a.InjectFault(rehearsal.Fault{Service: "dynamodb", Operation: "DeleteTable", Status: 400, Code: "AccessDeniedException"})
	steps, err := fleet.Deletion{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), plan)
	require.NoError(t, err)
	require.Len(t, steps, 2)
	for _, step := range steps {
		require.Equal(t, fleet.StepFailed, step.State, step)
	}
	require.Len(t, a.Resources(sandbox.Account, sandbox.Region), 2)
}

func TestWhatOnlyNamesLeadToIsFoundForEphemeralStagesAndThoseAskedFor(t *testing.T) {
	a := openAccounts(t)
	for _, stage := range []string{"pr-417", "old", "gone", "release"} {
		a.makes(sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/" + stage + "-notes-f"})
	}
	a.makes(sandbox, "AWS::SNS::Topic", map[string]any{"TopicName": "gone-notes-topic", "Tags": tagged("gone", "notes")})
	found, gaps := a.look(a.fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 3)
	require.Equal(t, "pr-417", found["/aws/lambda/pr-417-notes-f"].Stage)
	require.Equal(t, fleet.Unsure, found["/aws/lambda/pr-417-notes-f"].Grade)
	require.Equal(t, "gone", found["/aws/lambda/gone-notes-f"].Stage)
	found, _ = a.look(a.fleet(), nil, "old")
	require.Len(t, found, 1)
	require.Equal(t, "old", found["/aws/lambda/old-notes-f"].Stage)
}

func TestWhatADeletedStackHasLeftAndTagsTellIsOneRow(t *testing.T) {
	a := openAccounts(t)
	own := `[{"Key":"roadshow:service","Value":"notes"},{"Key":"roadshow:stage","Value":"dev"}]`
	a.stack(sandbox, "dev-notes", `"P":{"Type":"AWS::SSM::Parameter","DeletionPolicy":"Retain","Properties":{"Name":"/dev-notes-p","Type":"String","Value":"1","Tags":{"roadshow:service":"notes","roadshow:stage":"dev"}}},
		"B":{"Type":"AWS::Events::EventBus","DeletionPolicy":"Retain","Properties":{"Name":"dev-notes-bus","Tags":`+own+`}},
		"E":{"Type":"AWS::Events::Rule","DeletionPolicy":"Retain","DependsOn":"B","Properties":{"Name":"dev-notes-rule","EventBusName":"dev-notes-bus","EventPattern":{"source":["a"]},"Tags":`+own+`}}`, ownTags("dev", "notes")...)
	a.deletes(sandbox, "dev-notes")
	found, gaps := a.look(a.fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 3, "%+v", found)
}

func TestRegionsOfAClosingAccountAreReadWhileOthersReadThem(t *testing.T) {
	a := openAccounts(t)
	for _, region := range []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1"} {
		place := stages.Stage{Name: "far", Account: sandbox.Account, Region: region}
		for i := range 30 {
			a.makes(place, "AWS::SNS::Topic", map[string]any{"TopicName": fmt.Sprintf("left-%d", i), "Tags": tagged(fmt.Sprintf("old-%d", i), "notes")})
			a.stack(place, fmt.Sprintf("other-%d", i), fmt.Sprintf(topic, fmt.Sprintf("theirs-%d", i)))
		}
	}
	for range 3 {
		found := 0
		gaps, err := fleet.AccountSearch{Fleet: a.fleet(), Account: sandbox.Account, Found: func(fleet.Holding) { found++ }}.Run(t.Context())
		require.NoError(t, err)
		require.Empty(t, gaps)
		require.Equal(t, 180, found)
	}
}

func TestWhatADeletedStackHasLeftBelongsToWhomItsTagsSay(t *testing.T) {
	a := openAccounts(t)
	a.deployed(neighbour, tableOf(neighbour, "demo-notes-t", "Retain", false))
	a.deletes(neighbour, "demo-notes")
	require.NoError(t, a.Account(sandbox.Account).Delete(sandbox.Region, "AWS::DynamoDB::Table", "demo-notes-t"))
	a.makes(sandbox, "AWS::DynamoDB::Table", plainTable("demo-notes-t", map[string]any{"Tags": tagged("production", "notes")}))
	found, gaps := a.look(a.fleet(), nil)
	require.Empty(t, gaps)
	require.Len(t, found, 1)
	require.Equal(t, "production", found["demo-notes-t"].Stage)
	require.Equal(t, fleet.Unsure, found["demo-notes-t"].Grade)
	require.Equal(t, "stage production is protected", found["demo-notes-t"].Protected)
}

func TestTheLogsOfAFunctionThatNoStackHasAreUnsure(t *testing.T) {
	a := openAccounts(t)
	role := a.makes(sandbox, "AWS::IAM::Role", map[string]any{"RoleName": "r", "AssumeRolePolicyDocument": map[string]any{"Statement": []any{map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "lambda.amazonaws.com"},
	}}}})
	a.makes(sandbox, "AWS::Lambda::Function", map[string]any{
		"FunctionName": "dev-notes-f", "Role": role.Attributes["Arn"], "Runtime": "provided.al2023", "Handler": "bootstrap", "Code": map[string]any{"ZipFile": "x"},
	})
	a.makes(sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-f"})
	a.makes(sandbox, "AWS::Logs::LogGroup", map[string]any{"LogGroupName": "/aws/lambda/dev-notes-g"})
	found, gaps := a.look(a.fleet(), []stages.LedgerName{inLedger(sandbox, stages.LambdaFunction, "dev-notes-f"), inLedger(sandbox, stages.LambdaFunction, "dev-notes-g")})
	require.Empty(t, gaps)
	require.Equal(t, fleet.Unsure, found["/aws/lambda/dev-notes-f"].Grade)
	require.Contains(t, found["/aws/lambda/dev-notes-f"].Why, "function dev-notes-f, which no stack has, writes it")
	require.Equal(t, fleet.Likely, found["/aws/lambda/dev-notes-g"].Grade)
}

func TestWhatBelongsToNoRegionMayBeInAStackOfAnotherRegionThanWasAskedFor(t *testing.T) {
	a := openAccounts(t)
	far := stages.Stage{Name: "far", Account: sandbox.Account, Region: "eu-west-1", Tier: stages.Sandbox}
	role := `"R":{"Type":"AWS::IAM::Role","DeletionPolicy":"Retain","Properties":{"RoleName":"dev-notes-r","AssumeRolePolicyDocument":{"Statement":[]}}}`
	a.stack(sandbox, "dev-notes", role, ownTags("dev", "notes")...)
	a.deletes(sandbox, "dev-notes")
	require.NoError(t, a.Account(sandbox.Account).Delete(sandbox.Region, "AWS::IAM::Role", "dev-notes-r"))
	a.stack(far, "somebody", role)
	f := a.fleet()
	f.Stages = append(f.Stages, far)
	found, gaps := a.look(f, nil, "dev")
	require.Empty(t, gaps)
	require.Empty(t, found)
}
