package fleet_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/stages"
)

func TestAnExpiryIsToldByTheDateOfTheAnswersAndNotByThisMachinesClock(t *testing.T) {
	for name, tt := range map[string]struct {
		ahead   time.Duration
		expired bool
	}{
		"this machine is right":     {0, false},
		"this machine is days late": {50 * time.Hour, true},
		"this machine is too early": {-50 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.Deployed(stages.Stage{Name: "pr-1", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}, "", fleettest.Tag("roadshow:time-to-live", "48h0m0s"))
			a.DateAhead(tt.ahead)
			f := a.Fleet()
			found, err := f.EphemeralStages(t.Context())
			require.NoError(t, err)
			require.Len(t, found, 1)
			require.Equal(t, tt.expired, found[0].Expired)
			require.WithinDuration(t, time.Now().Add(tt.ahead), f.Now(), 5*time.Second, "whatever else has an age is told by it too")
		})
	}
}
