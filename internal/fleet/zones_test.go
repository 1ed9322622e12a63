package fleet_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stages"
)

// Fn::GetAZs gives the zones that have a default subnet, and all of them where none has one:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-getavailabilityzones.html
func TestDoctorSaysWhichZonesANetworkWouldGet(t *testing.T) {
	for name, tt := range map[string]struct {
		withDefault []string // zones that have a default subnet
		ok          bool
		says        string
	}{
		"no default subnet":           {nil, true, "A network of the stage gets its zones from us-east-1a, us-east-1b, us-east-1c."},
		"a default subnet in each":    {[]string{"a", "b", "c"}, true, "A network of the stage gets its zones from us-east-1a, us-east-1b, us-east-1c."},
		"default subnets in two only": {[]string{"c", "a"}, false, "A network of the stage would get us-east-1a and us-east-1c only, since no other zone of us-east-1 has a default subnet"},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			a.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 33)
			var there []map[string]any
			for _, zone := range tt.withDefault {
				there = append(there, map[string]any{
					"Region": "us-east-1", "Type": "AWS::EC2::Subnet", "PhysicalID": "subnet-default-" + zone,
					"Properties": map[string]any{"AvailabilityZone": "us-east-1" + zone, "DefaultForAz": true, "VpcId": "vpc-default", "CidrBlock": "172.31.0.0/20"},
				})
			}
			document, err := json.Marshal(map[string]any{"Version": 1, "Accounts": map[string]any{fleettest.Sandbox.Account: map[string]any{"Resources": there}}})
			require.NoError(t, err)
			require.NoError(t, a.Server.Load(strings.NewReader(string(document))))
			var found []fleet.Finding
			for _, one := range a.Fleet().Doctor(t.Context(), []stages.Stage{fleettest.Sandbox}) {
				if one.Check == "zones" {
					found = append(found, one)
				}
			}
			require.Len(t, found, 1)
			require.Equal(t, tt.ok, found[0].OK)
			messages.Provoked(t, found[0].String())
			require.Contains(t, found[0].Detail, tt.says)
			require.Equal(t, tt.ok, found[0].Fix == "")
		})
	}
}

func TestDoctorAsksForNoZonesWhereTheDeployedStackUsesNone(t *testing.T) {
	a := openAccounts(t)
	a.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 33)
	a.Deployed(fleettest.Sandbox, "")
	for _, one := range a.Fleet().Doctor(t.Context(), []stages.Stage{fleettest.Sandbox}) {
		require.NotEqual(t, "zones", one.Check)
	}
}
