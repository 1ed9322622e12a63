package fleet_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

func TestASurveySaysWhatEachAccountHas(t *testing.T) {
	a := openAccounts(t)
	a.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 33)
	a.Bootstrapped(fleettest.Protected, "CDKToolkit", "hnb659fds", 21)
	a.Bootstrapped(fleettest.Protected, "another", "special", 25)
	a.Deployed(fleettest.Sandbox, "")
	a.Committed(fleettest.Sandbox, "dev-notes", fleettest.Commit)
	a.InjectFault(rehearsal.Fault{Account: fleettest.Standard.Account, Service: "cloudformation", Status: 403, Code: "AccessDenied", Message: "not you"})

	reports := a.Fleet().Survey(t.Context(), fleettest.Everyone, nil)
	require.Equal(t, "team-dev", reports[0].Profile)
	require.True(t, reports[0].Reachable)
	require.Equal(t, 33, reports[0].Bootstrap)
	require.Equal(t, "dev-notes", reports[0].Deployed.Stack)
	require.Equal(t, "CREATE_COMPLETE", reports[0].Deployed.Status)
	require.Equal(t, fleettest.Commit, reports[0].Deployed.Commit)
	require.False(t, reports[0].Deployed.At.IsZero())

	require.Equal(t, 33, reports[1].Bootstrap, "two stages share an account")
	require.Nil(t, reports[1].Deployed, "and have a stack each")

	require.True(t, reports[2].Reachable)
	messages.Provoked(t, reports[2].Problem)
	require.Contains(t, reports[2].Problem, "not you")

	require.Equal(t, 21, reports[3].Bootstrap)
	special := fleettest.Protected
	special.Qualifier = "special"
	require.Equal(t, 25, a.Fleet().Survey(t.Context(), append(fleettest.Everyone[:0:0], special), nil)[0].Bootstrap, "that of its own qualifier")
	special.Qualifier = "absent"
	require.Zero(t, a.Fleet().Survey(t.Context(), append(fleettest.Everyone[:0:0], special), nil)[0].Bootstrap)
}

func TestAFleetIsWhatTheProgramSays(t *testing.T) {
	synthesized := func(name, qualifier string) assembly.Synthesized {
		return assembly.Synthesized{Stage: assembly.Stage{Name: name, Account: fleettest.Sandbox.Account, Region: "us-east-1"}, Identity: []string{name, fleettest.Sandbox.Account, "us-east-1", qualifier}}
	}
	f := fleet.Of(assembly.Document{
		Service: "notes",
		Set: []assembly.Stage{
			{Name: "dev", Account: fleettest.Sandbox.Account, Region: "us-east-1", Tier: stages.Sandbox},
			{Name: "tools", Account: fleettest.Sandbox.Account, Region: "us-east-1"},
			{Name: "pr-*", Account: fleettest.Sandbox.Account, Region: "us-east-1", Tier: stages.Sandbox, Template: true},
		},
		Stages: []assembly.Synthesized{synthesized("dev", "hnb659fds"), synthesized("tools", "special"), synthesized("pr-1", "hnb659fds")},
	}, nil)
	tools := stages.Stage{Name: "tools", Account: fleettest.Sandbox.Account, Region: "us-east-1", Qualifier: "special"}
	require.Equal(t, []stages.Stage{fleettest.Sandbox, tools, {Name: "pr-1", Account: fleettest.Sandbox.Account, Region: "us-east-1"}}, f.Stages)
	require.Equal(t, []stages.Stage{fleettest.Preview}, f.Templates)

	picked, err := f.Pick("tools", "dev")
	require.NoError(t, err)
	require.Equal(t, []stages.Stage{fleettest.Sandbox, tools}, picked, "in the set's order")
	_, err = f.Pick("deb")
	messages.ErrorContains(t, err, `The set has no stage "deb"`)
	messages.ErrorContains(t, err, `Did you mean "dev"?`)
	known, is := f.Known("pr-Fix_7")
	require.True(t, is)
	require.Equal(t, stages.Sandbox, known.Tier)
	require.Regexp(t, "^pr-fix-7", known.Name)
}

func TestWavesGoByTier(t *testing.T) {
	require.Equal(t, [][]stages.Stage{{fleettest.Sandbox, fleettest.Neighbour}, {fleettest.Standard}, {fleettest.Protected}}, fleet.Waves([]stages.Stage{fleettest.Protected, fleettest.Sandbox, fleettest.Standard, fleettest.Neighbour}))
	require.Equal(t, [][]stages.Stage{{fleettest.Protected}}, fleet.Waves([]stages.Stage{fleettest.Protected}))
}

func TestAnAccountThatThrottlesIsAskedAgain(t *testing.T) {
	a := openAccounts(t)
	a.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 33)
	f := a.Fleet()
	a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "cloudformation", Count: 2, Status: 400, Code: "Throttling", Message: "Rate exceeded"})
	report := f.Survey(t.Context(), fleettest.Everyone[:1], nil)[0]
	require.Empty(t, report.Problem)
	require.Equal(t, 33, report.Bootstrap)
}

func TestAProfileThatBecameAnotherAccountsIsRefused(t *testing.T) {
	a := openAccounts(t)
	a.Deployed(fleettest.Sandbox, "")
	f := a.Fleet()
	plan, err := f.PlanRemoval(t.Context(), fleettest.Sandbox, true)
	require.NoError(t, err)
	before := len(a.Writes(fleettest.Protected.Account))

	// Between the question and the deed, somebody writes production's keys into dev's profile.
	a.Write("credentials", "\n[team-dev]\naws_access_key_id = AKIA333333333333TEST\naws_secret_access_key = planted-secret-of-production\n")
	outcome, err := fleet.Removal{Fleet: f}.Run(t.Context(), plan)
	require.NoError(t, err)
	var wrong *fleet.AccountError
	require.ErrorAs(t, outcome.Err(), &wrong)
	require.Equal(t, fleet.Failed, outcome.State)
	require.Len(t, a.Writes(fleettest.Protected.Account), before)
	require.True(t, a.Exists(fleettest.Sandbox))
}

func TestThePermissionsThatADoctorMissesAreFindingsWithAFix(t *testing.T) {
	a := openAccounts(t)
	a.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 33)
	a.Bootstrapped(fleettest.Protected, "CDKToolkit", "hnb659fds", 5)
	findings := a.Fleet().Doctor(t.Context(), fleettest.Everyone)
	find := func(stage, check string) (found []fleet.Finding) {
		for _, one := range findings {
			if one.Stage == stage && one.Check == check {
				found = append(found, one)
			}
		}
		return found
	}
	require.True(t, find("dev", "credentials")[0].OK)
	require.True(t, find("dev", "bootstrap")[0].OK)
	permissions := find("dev", "permissions")
	require.Len(t, permissions, 6)
	for i, one := range permissions {
		require.Equal(t, i >= 3, one.OK, "the bootstrap's roles are not there, and the user may ask: %+v", one)
	}
	require.Contains(t, permissions[0].Fix, "arn:aws:iam::111111111111:role/cdk-hnb659fds-deploy-role-111111111111-us-east-1")
	require.Equal(t, "Run `roadshow bootstrap staging`.", find("staging", "bootstrap")[0].Fix)
	require.Contains(t, find("production", "bootstrap")[0].Detail, "The bootstrap is version 5; version 6 or newer is needed.")
	for _, one := range findings {
		require.Equal(t, one.OK, one.Fix == "", "%+v", one)
	}
}
