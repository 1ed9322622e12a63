package fleet_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

const logOnly = `{"Resources":{"L":{"Type":"AWS::Logs::LogGroup"}}}`

// living are the tags of an ephemeral stage of an hour.
func living(stage string) []types.Tag {
	return append(ownTags(stage, "notes"), fleettest.Tag("roadshow:time-to-live", "1h0m0s"))
}

// expired lists the ephemeral stages two hours later, by AWS's clock.
func (a *accounts) expired(f *fleet.Fleet) map[string]fleet.Ephemeral {
	a.T.Helper()
	found, err := f.EphemeralStages(a.T.Context())
	require.NoError(a.T, err)
	byStack := map[string]fleet.Ephemeral{}
	for _, one := range found {
		byStack[one.Stack] = one
	}
	return byStack
}

func TestExpireRemovesTheStackThatItLookedAtAndNotTheOneWithTheStagesName(t *testing.T) {
	a := openAccounts(t)
	pr := stages.Stage{Name: "pr-1", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}
	// A stack that only carries the expired tags, and the stage's own, which a colleague has just
	// deployed for good.
	a.stack(pr, "a-copy", logOnly, living("pr-1")...)
	a.stack(pr, "pr-1--notes", logOnly, append(ownTags("pr-1", "notes"), fleettest.Tag("roadshow:time-to-live", "876000h0m0s"))...)
	a.DateAhead(2 * time.Hour)
	f := a.Fleet()
	found := a.expired(f)
	require.True(t, found["a-copy"].Expired)
	require.False(t, found["a-copy"].Removable)
	require.Equal(t, "it only carries the tags of stage pr-1, whose stack has another name", found["a-copy"].Reason)
	require.False(t, found["pr-1--notes"].Expired)
	for _, one := range found {
		outcome := fleet.Expiry{Fleet: f, Poll: time.Millisecond}.Remove(t.Context(), one)
		messages.Provoked(t, outcome.Problem)
		require.Equal(t, fleet.Kept, outcome.State, outcome.Problem)
	}
	require.Equal(t, types.StackStatusCreateComplete, a.describe(pr, "pr-1--notes").StackStatus)
	require.Equal(t, types.StackStatusCreateComplete, a.describe(pr, "a-copy").StackStatus)
}

func TestExpireKeepsAStageThatAColleagueHasDeployedSinceTheLook(t *testing.T) {
	for name, meanwhile := range map[string]func(t *testing.T, client *cloudformation.Client){
		"again": func(t *testing.T, client *cloudformation.Client) {
			_, err := client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
				StackName: aws.String("pr-1--notes"), TemplateBody: aws.String(`{"Resources":{"M":{"Type":"AWS::Logs::LogGroup"}}}`), Tags: living("pr-1"),
			})
			require.NoError(t, err)
			require.NoError(t, cloudformation.NewStackUpdateCompleteWaiter(client, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
				o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
			}).Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("pr-1--notes")}, time.Minute))
		},
		"anew, after it was removed": func(t *testing.T, client *cloudformation.Client) {
			_, err := client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: aws.String("pr-1--notes")})
			require.NoError(t, err)
			require.NoError(t, cloudformation.NewStackDeleteCompleteWaiter(client, func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
				o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
			}).Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("pr-1--notes")}, time.Minute))
			_, err = client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("pr-1--notes"), TemplateBody: aws.String(logOnly), Tags: living("pr-1")})
			require.NoError(t, err)
			waiter := cloudformation.NewStackCreateCompleteWaiter(client, func(o *cloudformation.StackCreateCompleteWaiterOptions) {
				o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
			})
			require.NoError(t, waiter.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("pr-1--notes")}, time.Minute))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			pr := stages.Stage{Name: "pr-1", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}
			a.stack(pr, "pr-1--notes", logOnly, living("pr-1")...)
			client := a.CloudFormation(pr)
			a.DateAhead(2 * time.Hour)
			f := a.Fleet()
			one := a.expired(f)["pr-1--notes"]
			require.True(t, one.Expired && one.Removable, one.Reason)
			meanwhile(t, client)
			outcome := fleet.Expiry{Fleet: f, Poll: time.Millisecond}.Remove(t.Context(), one)
			messages.Provoked(t, outcome.Problem)
			require.Contains(t, []fleet.State{fleet.Kept, fleet.Unchanged}, outcome.State, outcome.Problem)
			answer, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("pr-1--notes")})
			require.NoError(t, err, "what the colleague has deployed is there")
			require.Len(t, answer.Stacks, 1)
		})
	}
}

func TestExpireRemovesNothingThatSomebodyHasToBeAskedFor(t *testing.T) {
	for name, tt := range map[string]struct {
		stage, stack string
		tags         []types.Tag
		also         func(a *accounts, place stages.Stage)
		listed       bool
		reason       string // that it is not removable, or why it was kept
	}{
		"a stage of the set, whatever its tags say": {stage: "demo", stack: "demo-notes", tags: living("demo")},
		"another program's stack": {
			stage: "pr-1", stack: "pr-1--notes", tags: append(living("pr-1"), fleettest.Tag("roadshow:program", "example.com/other")), listed: true,
			reason: "program example.com/other",
		},
		"a stage that no template makes": {stage: "spike-1", stack: "spike-1--notes", tags: living("spike-1"), listed: true, reason: "no template that makes it"},
		"a stage with termination protection": {
			stage: "pr-1", stack: "pr-1--notes", tags: living("pr-1"), listed: true, reason: "is protected",
			also: func(a *accounts, place stages.Stage) {
				_, err := a.CloudFormation(place).UpdateTerminationProtection(a.T.Context(), &cloudformation.UpdateTerminationProtectionInput{
					StackName: aws.String("pr-1--notes"), EnableTerminationProtection: aws.Bool(true),
				})
				require.NoError(a.T, err)
			},
		},
		"a stage with what another service imports": {
			stage: "pr-1", stack: "pr-1--notes", tags: living("pr-1"), listed: true, reason: "has what others import (service mail of stage pr-1)",
			also: func(a *accounts, place stages.Stage) {
				a.stack(place, "pr-1--mail", importing("/pr-1/notes"), ownTags("pr-1", "mail")...)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			place := stages.Stage{Name: tt.stage, Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}
			a.stack(place, tt.stack, `{"Resources":{"P":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/pr-1/notes","Type":"String","Value":"1"}}}}`, tt.tags...)
			if tt.also != nil {
				tt.also(a, place)
			}
			a.DateAhead(2 * time.Hour)
			f := a.Fleet()
			f.Program = "example.com/notes"
			one, listed := a.expired(f)[tt.stack]
			require.Equal(t, tt.listed, listed)
			if listed {
				outcome := fleet.Expiry{Fleet: f, Poll: time.Millisecond}.Remove(t.Context(), one)
				require.Equal(t, fleet.Kept, outcome.State)
				messages.Provoked(t, outcome.Problem)
				require.Contains(t, outcome.Problem, tt.reason)
			}
			require.Equal(t, types.StackStatusCreateComplete, a.describe(place, tt.stack).StackStatus)
		})
	}
}

func TestAnExpiredStageOfASandboxIsRemoved(t *testing.T) {
	a := openAccounts(t)
	pr := stages.Stage{Name: "pr-1", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}
	a.stack(pr, "pr-1--notes", logOnly, living("pr-1")...)
	a.DateAhead(2 * time.Hour)
	f := a.Fleet()
	f.Stages, f.Made = append(f.Stages, pr), []string{"pr-1"} // as where it was synthesized
	outcome := fleet.Expiry{Fleet: f, Poll: time.Millisecond}.Remove(t.Context(), a.expired(f)["pr-1--notes"])
	messages.Provoked(t, outcome.Problem)
	require.Equal(t, fleet.Done, outcome.State, outcome.Problem)
	_, err := a.CloudFormation(pr).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("pr-1--notes")})
	messages.ErrorContains(t, err, "does not exist")
}
