package fleet_test

import (
	"testing"

	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/stages"
)

// accounts are those of [fleettest], with what these tests do in them.
type accounts struct{ *fleettest.Accounts }

// openAccounts are the accounts of some stages, or of one stage of each tier.
func openAccounts(t *testing.T, some ...stages.Stage) *accounts {
	t.Helper()
	return &accounts{fleettest.Open(t, some...)}
}
