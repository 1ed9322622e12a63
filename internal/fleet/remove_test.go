package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/stages"
)

func TestRemovingAStageInEachTier(t *testing.T) {
	for _, test := range []struct {
		stage         stages.Stage
		policy        string
		deletes, keep int
		ritual        bool
	}{
		{sandbox, "Delete", 2, 0, false},
		{standard, "Retain", 1, 1, false},
		{protected, "Retain", 1, 1, true},
	} {
		t.Run(test.stage.Tier.String(), func(t *testing.T) {
			a := openAccounts(t)
			a.deployed(test.stage, tableOf(test.stage, test.stage.Name+"-notes-table", test.policy, test.policy == "Retain"))
			f := a.fleet()
			plan, err := f.PlanRemoval(t.Context(), test.stage, true)
			require.NoError(t, err)
			require.Len(t, plan.Deletes, test.deletes)
			require.Len(t, plan.Stays, test.keep)
			require.Empty(t, plan.Blocks)
			require.Equal(t, test.ritual, plan.Ritual)
			before := len(a.writes(test.stage.Account))

			removal := fleet.Removal{Fleet: f, Poll: time.Millisecond}
			if test.ritual {
				for _, wrong := range []fleet.Ritual{{}, {Stage: test.stage.Name}, {Stage: test.stage.Name, Account: sandbox.Account}, {Stage: "dev", Account: test.stage.Account}} {
					removal.Ritual = wrong
					_, err := removal.Run(t.Context(), plan)
					var ritual *fleet.RitualError
					require.ErrorAs(t, err, &ritual)
				}
				require.Len(t, a.writes(test.stage.Account), before, "nothing was changed")
				removal.Ritual = fleet.Ritual{Stage: test.stage.Name, Account: test.stage.Account}
			}
			outcome, err := removal.Run(t.Context(), plan)
			require.NoError(t, err)
			require.Equal(t, fleet.Done, outcome.State, outcome.Problem)
			require.False(t, a.exists(test.stage))

			again, err := f.PlanRemoval(t.Context(), test.stage, true)
			require.NoError(t, err)
			require.Empty(t, again.Status)
			outcome, err = fleet.Removal{Fleet: f, Ritual: removal.Ritual}.Run(t.Context(), again)
			require.NoError(t, err)
			require.Equal(t, fleet.Unchanged, outcome.State, "again there is nothing to do")

			left, err := f.Leftovers(t.Context(), ledgerOf(), test.stage)
			require.NoError(t, err)
			require.Len(t, left, test.keep)
			_, err = f.Sweep(t.Context(), ledgerOf(), test.stage, true)
			var refused *fleet.SweepError
			if test.stage.Tier == stages.Sandbox {
				require.NoError(t, err)
			} else {
				require.ErrorAs(t, err, &refused)
			}
		})
	}
}

func TestAStageThatTheProgramDoesNotKnowNeedsTheRitual(t *testing.T) {
	a := openAccounts(t)
	old := stages.Stage{Name: "old", Account: sandbox.Account, Region: sandbox.Region}
	a.deployed(old, "")
	f := a.fleet()
	_, known := f.Known("old")
	require.False(t, known)
	plan, err := f.PlanRemoval(t.Context(), old, false)
	require.NoError(t, err)
	_, err = fleet.Removal{Fleet: f}.Run(t.Context(), plan)
	require.EqualError(t, err, "stage old: confirmation is not given, want its name and its account's id, because it is not in the set; "+
		"write --confirm old/111111111111, or type both in a terminal")
	require.True(t, a.exists(old))
}

func TestWhatWouldFailHalfWayIsNotBegun(t *testing.T) {
	a := openAccounts(t)
	a.deployed(sandbox, tableOf(sandbox, "dev-notes-table", "Delete", true))
	f := a.fleet()
	plan, err := f.PlanRemoval(t.Context(), sandbox, true)
	require.NoError(t, err)
	require.Len(t, plan.Blocks, 1)
	before := len(a.writes(sandbox.Account))
	_, err = fleet.Removal{Fleet: f}.Run(t.Context(), plan)
	var blocked *fleet.BlockedError
	require.ErrorAs(t, err, &blocked)
	require.ErrorContains(t, err, "dev-notes-table has deletion protection")
	require.Len(t, a.writes(sandbox.Account), before)
}

func TestASweepDeletesWhatHasBothTheTagsAndAName(t *testing.T) {
	a := openAccounts(t)
	// One that the ledger has, one that it has not, and one of a neighbour in the same account.
	a.deployed(sandbox, tableOf(sandbox, "dev-notes-table", "Retain", true))
	table(t, a.Server, sandbox, "notes", "dev-notes-forgotten")
	table(t, a.Server, neighbour, "notes", "demo-notes-table")
	f := a.fleet()
	assembly := ledgerOf(
		stages.LedgerName{Stage: "dev", Account: sandbox.Account, Region: sandbox.Region, Name: "dev-notes-table"},
		stages.LedgerName{Stage: "demo", Account: sandbox.Account, Region: sandbox.Region, Name: "demo-notes-table"},
	)
	_, err := f.Sweep(t.Context(), assembly, sandbox, true)
	var refused *fleet.SweepError
	require.ErrorAs(t, err, &refused, "its stack is still there")

	plan, err := f.PlanRemoval(t.Context(), sandbox, true)
	require.NoError(t, err)
	_, err = fleet.Removal{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), plan)
	require.NoError(t, err)
	_, err = f.Sweep(t.Context(), assembly, sandbox, false)
	require.ErrorAs(t, err, &refused, "a stage that the program does not know is no sandbox")

	swept, err := f.Sweep(t.Context(), assembly, sandbox, true)
	require.NoError(t, err)
	require.Equal(t, []fleet.Leftover{
		{Type: "AWS::DynamoDB::Table", Name: "dev-notes-forgotten", Tagged: true, Problem: "the program has no such name; delete it by hand"},
		{Type: "AWS::DynamoDB::Table", Name: "dev-notes-table", Tagged: true, Listed: true, Swept: true},
	}, swept)
	require.False(t, fleet.AllSwept(swept))
	left, err := f.Leftovers(t.Context(), assembly, sandbox)
	require.NoError(t, err)
	require.Len(t, left, 1)
	neighbours, err := f.Leftovers(t.Context(), assembly, neighbour)
	require.NoError(t, err)
	require.Len(t, neighbours, 1)
}

func TestEphemeralStagesExpireByTheTagOfTheirStack(t *testing.T) {
	a := openAccounts(t)
	for name, ttl := range map[string]string{"pr-1": "1h0m0s", "pr-2": "72h0m0s", "spike-1": "1h0m0s"} {
		a.deployed(stages.Stage{Name: name, Account: sandbox.Account, Region: sandbox.Region}, "", tag("roadshow:time-to-live", ttl))
	}
	a.deployed(sandbox, "")
	found, err := a.fleet().EphemeralStages(t.Context(), time.Now().Add(2*time.Hour))
	require.NoError(t, err)
	require.Len(t, found, 3)
	byName := map[string]fleet.Ephemeral{}
	for _, one := range found {
		byName[one.Stage] = one
	}
	require.True(t, byName["pr-1"].Expired && byName["pr-1"].Removable)
	require.Equal(t, "pr-*", byName["pr-1"].Template)
	require.False(t, byName["pr-2"].Expired)
	require.Equal(t, "pr-2", found[2].Stage, "those first that expire first")
	require.True(t, byName["spike-1"].Expired)
	require.False(t, byName["spike-1"].Removable, "no template says that it is a sandbox")
}
