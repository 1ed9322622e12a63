package orphan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/orphan"
	"github.com/roadshow-go/roadshow/internal/messages"
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
		inLedger(fleettest.Sandbox, stages.DynamoDBTable, "dev-notes-table"), inLedger(fleettest.Neighbour, stages.DynamoDBTable, "demo-notes-table"),
	)
	ctx := t.Context()
	removal, err := f.PlanRemoval(ctx, fleettest.Sandbox, true)
	require.NoError(t, err)
	var refused *orphan.SweepError
	_, err = orphan.PlanSweep(ctx, f, assembly, fleettest.Sandbox, false, removal)
	require.ErrorAs(t, err, &refused, "a stage that the program does not know is no sandbox")
	messages.Provoked(t, err.Error())
	planned, err := orphan.PlanSweep(ctx, f, assembly, fleettest.Sandbox, true, removal)
	require.NoError(t, err)
	require.True(t, planned.Sweeps(), "%+v", planned)
	require.Equal(t, []orphan.Leftover{
		{Type: "AWS::DynamoDB::Table", Name: "dev-notes-forgotten", Tagged: true, Loses: "0 items, 0 B", Problem: "the program has no such name; delete it by hand"},
		{Type: "AWS::DynamoDB::Table", Name: "dev-notes-table", Tagged: true, Listed: true, Loses: "0 items, 0 B", SwitchesOff: "its deletion protection"},
	}, planned.Rows, "what the removal will leave is in the plan, and what is left already")
	_, err = orphan.Sweep(ctx, f, assembly, planned, time.Millisecond)
	require.ErrorAs(t, err, &refused, "its stack is still there")
	messages.Provoked(t, err.Error())

	_, err = fleet.Removal{Fleet: f, Poll: time.Millisecond}.Run(ctx, removal)
	require.NoError(t, err)
	fleettest.Table(t, a.Server, fleettest.Sandbox, "notes", "dev-notes-new")
	swept, err := orphan.Sweep(ctx, f, assembly, planned, time.Millisecond)
	require.NoError(t, err)
	became := map[string]string{}
	for _, one := range swept {
		became[one.Name] = fmt.Sprint(one.Swept, " ", one.Problem)
		messages.Provoked(t, one.Problem)
	}
	require.Equal(t, map[string]string{
		"dev-notes-forgotten": "false the program has no such name; delete it by hand", "dev-notes-table": "true ",
		"dev-notes-new": "false it was not there when the plan was made; run `roadshow remove dev --sweep` again",
	}, became)
	require.False(t, orphan.AllSwept(swept))
	left, err := orphan.Leftovers(ctx, f, assembly, fleettest.Sandbox)
	require.NoError(t, err)
	require.Len(t, left, 2)
	neighbours, err := orphan.Leftovers(ctx, f, assembly, fleettest.Neighbour)
	require.NoError(t, err)
	require.Len(t, neighbours, 1)
}
