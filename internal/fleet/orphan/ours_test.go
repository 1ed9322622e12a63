package orphan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/fleet/owner"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

const tableARN = "arn:aws:dynamodb:us-east-1:111111111111:table/demo-notes-t"

// retained deploys and removes demo, of which a table stays.
func (a *accounts) retained(guarded bool) {
	a.T.Helper()
	a.Deployed(fleettest.Neighbour, fleettest.TableOf(fleettest.Neighbour, "demo-notes-t", "Retain", guarded))
	a.deletes(fleettest.Neighbour, "demo-notes")
}

func (a *accounts) tags(tags map[string]string, gone ...string) {
	a.T.Helper()
	client := resourcegroupstaggingapi.NewFromConfig(a.Config(fleettest.Neighbour))
	_, err := client.TagResources(a.T.Context(), &resourcegroupstaggingapi.TagResourcesInput{ResourceARNList: []string{tableARN}, Tags: tags})
	require.NoError(a.T, err)
	if len(gone) > 0 {
		_, err = client.UntagResources(a.T.Context(), &resourcegroupstaggingapi.UntagResourcesInput{ResourceARNList: []string{tableARN}, TagKeys: gone})
		require.NoError(a.T, err)
	}
}

func (a *accounts) guarded(name string) bool {
	a.T.Helper()
	answer, err := dynamodb.NewFromConfig(a.Config(fleettest.Sandbox)).DescribeTable(a.T.Context(), &dynamodb.DescribeTableInput{TableName: &name})
	require.NoError(a.T, err)
	return *answer.Table.DeletionProtectionEnabled
}

// TestADeletionTakesNothingThatMayBeSomebodyElses goes through what orphans --delete once called
// certain.
func TestADeletionTakesNothingThatMayBeSomebodyElses(t *testing.T) {
	ledger := []stages.LedgerName{inLedger(fleettest.Neighbour, stages.DynamoDBTable, "demo-notes-t")}
	far := stages.Stage{Name: "far", Account: fleettest.Sandbox.Account, Region: "eu-west-1"}
	role := `"R":{"Type":"AWS::IAM::Role","DeletionPolicy":"Retain","Properties":{"RoleName":"demo-notes-r","AssumeRolePolicyDocument":{"Statement":[]}}}`
	for name, tt := range map[string]struct {
		prepare   func(t *testing.T, a *accounts)
		thing     string
		why       string
		protected bool
	}{
		"a retained table that carries another tool's tags beside ours": {func(_ *testing.T, a *accounts) {
			a.retained(false)
			a.tags(map[string]string{"managed-by": "terraform"})
		}, "demo-notes-t", "it carries the tag managed-by=terraform, which its stack did not have", false},
		"a retained table that carries another tool's tags and none of ours": {func(_ *testing.T, a *accounts) {
			a.retained(false)
			a.tags(map[string]string{"managed-by": "terraform"}, "roadshow:stage", "roadshow:service")
		}, "demo-notes-t", "it carries the tag managed-by=terraform, which its stack did not have", false},
		"a table that was made after the stack was deleted": {func(t *testing.T, a *accounts) {
			a.retained(false)
			require.NoError(t, a.Account(fleettest.Sandbox.Account).Delete("us-east-1", "AWS::DynamoDB::Table", "demo-notes-t"))
			a.Advance(time.Hour)
			a.makes(fleettest.Neighbour, "AWS::DynamoDB::Table", plainTable("demo-notes-t", map[string]any{"Tags": fleettest.Tagged("demo", "notes")}))
		}, "demo-notes-t", "after stack demo-notes was deleted on", false},
		"a role that a stack in a region outside the set has": {func(t *testing.T, a *accounts) {
			a.stack(fleettest.Neighbour, "demo-notes", role, ownTags("demo", "notes")...)
			a.deletes(fleettest.Neighbour, "demo-notes")
			require.NoError(t, a.Account(fleettest.Sandbox.Account).Delete("us-east-1", "AWS::IAM::Role", "demo-notes-r"))
			a.stack(far, "somebody", role)
		}, "demo-notes-r", "it belongs to no region, and only those of the set were asked whether a stack has it", false},
		"a table made by hand, with copied tags and deletion protection": {func(_ *testing.T, a *accounts) {
			a.makes(fleettest.Neighbour, "AWS::DynamoDB::Table", plainTable("by-hand", map[string]any{"DeletionProtectionEnabled": true, "Tags": fleettest.Tagged("demo", "notes")}))
		}, "by-hand", "only its tags say that it is of stage demo, and anybody can write those", true},
		"a table that a stack with the stage's name has left, which was another team's": {func(_ *testing.T, a *accounts) {
			a.stack(fleettest.Neighbour, "demo-notes", `"T":`+fleettest.TableOf(fleettest.Neighbour, "demo-notes-t", "Retain", false), fleettest.Tag("team", "payments"))
			a.deletes(fleettest.Neighbour, "demo-notes")
		}, "demo-notes-t", "of that stack: its tags name no service and no stage", false},
		"a retained table whose tags could not be asked for": {func(_ *testing.T, a *accounts) {
			a.retained(false)
			a.tags(map[string]string{"team": "payments"}, "roadshow:stage", "roadshow:service")
			a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "tagging", After: 1, Status: 400, Code: "AccessDeniedException"})
		}, "demo-notes-t", "its tags could not be asked for", false},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			tt.prepare(t, a)
			f := a.Fleet()
			found, gaps := a.look(f, ledger)
			require.Contains(t, found, tt.thing)
			one := found[tt.thing]
			require.Equal(t, owner.Unsure, one.Grade, one.Why)
			require.Contains(t, one.Why, tt.why)
			planned := orphan.PlanDeletion(f, []orphan.Orphan{one}, nil, true)
			require.Empty(t, planned.Deletes, "not even with --likely, and without the gaps %v", gaps)
			steps, err := orphan.Deletion{Fleet: f}.Run(t.Context(), planned)
			require.NoError(t, err)
			require.Empty(t, steps)
			require.True(t, !tt.protected || a.guarded(tt.thing), "its protection is on")
		})
	}
}

func TestAProtectionIsSwitchedOffOnlyAsPlannedAndIsOnAgainWhereTheDeletionFails(t *testing.T) {
	for name, tt := range map[string]struct {
		guarded bool
		change  func(t *testing.T, a *accounts)
		state   orphan.StepState
		problem string
	}{
		"the deletion is refused": {true, func(_ *testing.T, a *accounts) {
			a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "dynamodb", Operation: "DeleteTable", Status: 400, Code: "AccessDeniedException"})
		}, orphan.StepFailed, "AccessDeniedException"},
		"somebody has switched it on since the plan": {false, func(t *testing.T, a *accounts) {
			on := true
			name := "demo-notes-t"
			_, err := dynamodb.NewFromConfig(a.Config(fleettest.Sandbox)).UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: &on})
			require.NoError(t, err)
		}, orphan.StepKept, "its deletion protection was switched"},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.retained(tt.guarded)
			f := a.Fleet()
			found, gaps := a.look(f, nil)
			require.Equal(t, tt.guarded, found["demo-notes-t"].SwitchesOff != "")
			planned := orphan.PlanDeletion(f, values(found), gaps, false)
			require.Len(t, planned.Deletes, 1, "%+v", planned.Keeps)
			tt.change(t, a)
			steps, err := orphan.Deletion{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), planned)
			require.NoError(t, err)
			require.Len(t, steps, 1)
			require.Equal(t, tt.state, steps[0].State)
			messages.Provoked(t, steps[0].Problem)
			require.Contains(t, steps[0].Problem, tt.problem)
			require.True(t, a.guarded("demo-notes-t"))
		})
	}
}

func TestWhatHasChangedSinceThePlanIsKeptAndSaid(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(t *testing.T, a *accounts)
		problem string
	}{
		"a colleague has tagged it": {func(_ *testing.T, a *accounts) { a.tags(map[string]string{"keep": "yes"}) }, "it has a new tag now: keep=yes"},
		"it was made anew by hand": {func(t *testing.T, a *accounts) {
			require.NoError(t, a.Account(fleettest.Sandbox.Account).Delete("us-east-1", "AWS::DynamoDB::Table", "demo-notes-t"))
			a.Advance(time.Hour)
			a.makes(fleettest.Neighbour, "AWS::DynamoDB::Table", plainTable("demo-notes-t", map[string]any{"Tags": fleettest.Made(fleettest.Neighbour, "demo", "notes")}))
		}, "it was made anew on "},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.retained(false)
			f := a.Fleet()
			found, gaps := a.look(f, nil)
			planned := orphan.PlanDeletion(f, values(found), gaps, false)
			tt.change(t, a)
			steps, err := orphan.Deletion{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), planned)
			require.NoError(t, err)
			require.Equal(t, orphan.StepKept, steps[0].State)
			messages.Provoked(t, steps[0].Problem)
			require.Contains(t, steps[0].Problem, tt.problem)
			require.Len(t, a.Resources(fleettest.Sandbox.Account, "us-east-1"), 1)
		})
	}
	t.Run("a failed stack was deployed again, and failed again", func(t *testing.T) {
		a := openAccounts(t)
		bad := `"Bad":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"x"}}`
		a.stack(fleettest.Sandbox, "dev-notes", bad, ownTags("dev", "notes")...)
		f := a.Fleet()
		found, gaps := a.look(f, nil)
		planned := orphan.PlanDeletion(f, values(found), gaps, false)
		require.Len(t, planned.Deletes, 1)
		a.deletes(fleettest.Sandbox, "dev-notes")
		a.stack(fleettest.Sandbox, "dev-notes", bad, ownTags("dev", "notes")...)
		steps, err := orphan.Deletion{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), planned)
		require.NoError(t, err)
		require.Equal(t, orphan.StepGone, steps[0].State, "the very stack of the plan is gone, and the new one is left alone")
		name := "dev-notes"
		_, err = a.CloudFormation(fleettest.Sandbox).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		require.NoError(t, err)
	})
}

func TestASweepTakesNothingThatIsUnsure(t *testing.T) {
	a := openAccounts(t)
	a.Deployed(fleettest.Sandbox, fleettest.TableOf(fleettest.Sandbox, "dev-notes-t", "Retain", false))
	a.makes(fleettest.Sandbox, "AWS::SQS::Queue", map[string]any{"QueueName": "dev-notes-f", "Tags": fleettest.Tagged("dev", "notes")})
	a.makes(fleettest.Sandbox, "AWS::DynamoDB::Table", plainTable("dev-notes-old", map[string]any{"Tags": append(fleettest.Made(fleettest.Sandbox, "dev", "notes"), map[string]any{"Key": "team", "Value": "payments"})}))
	f := a.Fleet()
	ctx := t.Context()
	ready := fleettest.LedgerOf(inLedger(fleettest.Sandbox, stages.LambdaFunction, "dev-notes-f"),
		inLedger(fleettest.Sandbox, stages.DynamoDBTable, "dev-notes-t"), inLedger(fleettest.Sandbox, stages.DynamoDBTable, "dev-notes-old"))
	removal, err := f.PlanRemoval(ctx, fleettest.Sandbox, true)
	require.NoError(t, err)
	planned, err := orphan.PlanSweep(ctx, f, ready, fleettest.Sandbox, true, removal)
	require.NoError(t, err)
	problems := map[string]string{}
	for _, row := range planned.Rows {
		problems[row.Name] = row.Problem
	}
	require.Equal(t, map[string]string{
		"dev-notes-t": "", "dev-notes-f": "the program has no such name; delete it by hand",
		"dev-notes-old": "it is unsure: stack dev-notes made it, and is gone; it carries the tag team=payments, and nobody knows whether its stack had that",
	}, problems, "a queue with the name of a function has no name of the ledger")
	outcome, err := fleet.Removal{Fleet: f, Poll: time.Millisecond}.Run(ctx, removal)
	require.NoError(t, err)
	require.Equal(t, fleet.Done, outcome.State)
	swept, err := orphan.Sweep(ctx, f, ready, planned, time.Millisecond)
	require.NoError(t, err)
	for _, one := range swept {
		require.Equal(t, one.Name == "dev-notes-t", one.Swept, fmt.Sprintf("%+v", one))
	}
	require.Len(t, swept, 3)
}
