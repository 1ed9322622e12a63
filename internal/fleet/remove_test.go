package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

func TestRemovingAStageInEachTier(t *testing.T) {
	for _, test := range []struct {
		stage         stages.Stage
		policy        string
		deletes, keep int
		ritual        bool
	}{
		{fleettest.Sandbox, "Delete", 2, 0, false},
		{fleettest.Standard, "Retain", 1, 1, false},
		{fleettest.Protected, "Retain", 1, 1, true},
	} {
		t.Run(test.stage.Tier.String(), func(t *testing.T) {
			a := openAccounts(t)
			a.Deployed(test.stage, fleettest.TableOf(test.stage, test.stage.Name+"-notes-table", test.policy, test.policy == "Retain"))
			f := a.Fleet()
			plan, err := f.PlanRemoval(t.Context(), test.stage, true)
			require.NoError(t, err)
			require.Len(t, plan.Deletes, test.deletes)
			require.Len(t, plan.Stays, test.keep)
			require.Empty(t, plan.Blocks)
			require.Equal(t, test.ritual, plan.NeedsConfirmation)
			before := len(a.Writes(test.stage.Account))

			removal := fleet.Removal{Fleet: f, Poll: time.Millisecond}
			if test.ritual {
				for _, wrong := range []fleet.Confirmation{{}, {Stage: test.stage.Name}, {Stage: test.stage.Name, Account: fleettest.Sandbox.Account}, {Stage: "dev", Account: test.stage.Account}} {
					removal.Confirmation = wrong
					_, err := removal.Run(t.Context(), plan)
					var ritual *fleet.ConfirmationError
					require.ErrorAs(t, err, &ritual)
					messages.Provoked(t, err.Error())
				}
				require.Len(t, a.Writes(test.stage.Account), before, "nothing was changed")
				removal.Confirmation = fleet.Confirmation{Stage: test.stage.Name, Account: test.stage.Account}
			}
			outcome, err := removal.Run(t.Context(), plan)
			require.NoError(t, err)
			messages.Provoked(t, outcome.Problem)
			require.Equal(t, fleet.Done, outcome.State, outcome.Problem)
			require.False(t, a.Exists(test.stage))

			again, err := f.PlanRemoval(t.Context(), test.stage, true)
			require.NoError(t, err)
			require.Empty(t, again.Status)
			outcome, err = fleet.Removal{Fleet: f, Confirmation: removal.Confirmation}.Run(t.Context(), again)
			require.NoError(t, err)
			require.Equal(t, fleet.Unchanged, outcome.State, "again there is nothing to do")

			left, err := orphan.Leftovers(t.Context(), f, fleettest.LedgerOf(), test.stage)
			require.NoError(t, err)
			require.Len(t, left, test.keep)
			_, err = orphan.PlanSweep(t.Context(), f, fleettest.LedgerOf(), test.stage, true, again)
			var refused *orphan.SweepError
			if test.stage.Tier == stages.Sandbox {
				require.NoError(t, err)
			} else {
				require.ErrorAs(t, err, &refused)
				messages.Provoked(t, err.Error())
			}
		})
	}
}

func TestAStageThatTheProgramDoesNotKnowNeedsTheRitual(t *testing.T) {
	a := openAccounts(t)
	old := stages.Stage{Name: "old", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}
	a.Deployed(old, "")
	f := a.Fleet()
	_, known := f.Known("old")
	require.False(t, known)
	plan, err := f.PlanRemoval(t.Context(), old, false)
	require.NoError(t, err)
	_, err = fleet.Removal{Fleet: f}.Run(t.Context(), plan)
	messages.EqualError(t, err, "Stage old is not in the set and was not confirmed, so nothing was changed.\n"+
		"Pass --confirm old/111111111111, its name and its account's id, or type both in a terminal.")
	require.True(t, a.Exists(old))
}

func TestWhatWouldFailHalfWayIsNotBegun(t *testing.T) {
	a := openAccounts(t)
	a.Deployed(fleettest.Sandbox, fleettest.TableOf(fleettest.Sandbox, "dev-notes-table", "Delete", true))
	f := a.Fleet()
	plan, err := f.PlanRemoval(t.Context(), fleettest.Sandbox, true)
	require.NoError(t, err)
	require.Len(t, plan.Blocks, 1)
	before := len(a.Writes(fleettest.Sandbox.Account))
	_, err = fleet.Removal{Fleet: f}.Run(t.Context(), plan)
	var blocked *fleet.BlockedError
	require.ErrorAs(t, err, &blocked)
	messages.ErrorContains(t, err, "dev-notes-table has deletion protection")
	require.Len(t, a.Writes(fleettest.Sandbox.Account), before)
}

func TestEphemeralStagesExpireByTheTagOfTheirStack(t *testing.T) {
	a := openAccounts(t)
	for name, ttl := range map[string]string{"pr-1": "1h0m0s", "pr-2": "72h0m0s", "spike-1": "1h0m0s"} {
		a.Deployed(stages.Stage{Name: name, Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}, "", fleettest.Tag("roadshow:time-to-live", ttl))
	}
	a.Deployed(fleettest.Sandbox, "")
	a.DateAhead(2 * time.Hour)
	found, err := a.Fleet().EphemeralStages(t.Context())
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
