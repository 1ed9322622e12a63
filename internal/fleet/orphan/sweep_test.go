package orphan_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/stages"
)

func TestASweepDeletesWhatHasBothTheTagsAndAName(t *testing.T) {
	a := openAccounts(t)
	// One that the ledger has, one that it has not, and one of a neighbour in the same account.
	a.Deployed(fleettest.Sandbox, fleettest.TableOf(fleettest.Sandbox, "dev-notes-table", "Retain", true))
	fleettest.Table(t, a.Server, fleettest.Sandbox, "notes", "dev-notes-forgotten")
	fleettest.Table(t, a.Server, fleettest.Neighbour, "notes", "demo-notes-table")
	f := a.Fleet()
	assembly := fleettest.LedgerOf(
		stages.LedgerName{Stage: "dev", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region, Name: "dev-notes-table"},
		stages.LedgerName{Stage: "demo", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region, Name: "demo-notes-table"},
	)
	_, err := orphan.Sweep(t.Context(), f, assembly, fleettest.Sandbox, true)
	var refused *orphan.SweepError
	require.ErrorAs(t, err, &refused, "its stack is still there")

	plan, err := f.PlanRemoval(t.Context(), fleettest.Sandbox, true)
	require.NoError(t, err)
	_, err = fleet.Removal{Fleet: f, Poll: time.Millisecond}.Run(t.Context(), plan)
	require.NoError(t, err)
	_, err = orphan.Sweep(t.Context(), f, assembly, fleettest.Sandbox, false)
	require.ErrorAs(t, err, &refused, "a stage that the program does not know is no sandbox")

	swept, err := orphan.Sweep(t.Context(), f, assembly, fleettest.Sandbox, true)
	require.NoError(t, err)
	require.Equal(t, []orphan.Leftover{
		{Type: "AWS::DynamoDB::Table", Name: "dev-notes-forgotten", Tagged: true, Problem: "the program has no such name; delete it by hand"},
		{Type: "AWS::DynamoDB::Table", Name: "dev-notes-table", Tagged: true, Listed: true, Swept: true},
	}, swept)
	require.False(t, orphan.AllSwept(swept))
	left, err := orphan.Leftovers(t.Context(), f, assembly, fleettest.Sandbox)
	require.NoError(t, err)
	require.Len(t, left, 1)
	neighbours, err := orphan.Leftovers(t.Context(), f, assembly, fleettest.Neighbour)
	require.NoError(t, err)
	require.Len(t, neighbours, 1)
}
