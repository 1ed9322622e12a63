package fleet_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

func TestASurveySaysWhatEachAccountHas(t *testing.T) {
	a := openAccounts(t)
	a.bootstrapped(sandbox, "CDKToolkit", "hnb659fds", 33)
	a.bootstrapped(protected, "CDKToolkit", "hnb659fds", 21)
	a.bootstrapped(protected, "another", "special", 25)
	a.deployed(sandbox, "")
	a.InjectFault(rehearsal.Fault{Account: standard.Account, Service: "cloudformation", Status: 403, Code: "AccessDenied", Message: "not you"})

	reports := a.fleet().Survey(t.Context(), everyone, nil)
	require.Equal(t, "team-dev", reports[0].Profile)
	require.True(t, reports[0].Reachable)
	require.Equal(t, 33, reports[0].Bootstrap)
	require.Equal(t, "dev-notes", reports[0].Deployed.Stack)
	require.Equal(t, "CREATE_COMPLETE", reports[0].Deployed.Status)
	require.Equal(t, "0123456789abcdef0123456789abcdef01234567", reports[0].Deployed.Commit)
	require.False(t, reports[0].Deployed.At.IsZero())

	require.Equal(t, 33, reports[1].Bootstrap, "two stages share an account")
	require.Nil(t, reports[1].Deployed, "and have a stack each")

	require.True(t, reports[2].Reachable)
	require.Contains(t, reports[2].Problem, "not you")

	require.Equal(t, 21, reports[3].Bootstrap)
	special := protected
	special.Qualifier = "special"
	require.Equal(t, 25, a.fleet().Survey(t.Context(), append(everyone[:0:0], special), nil)[0].Bootstrap, "that of its own qualifier")
	special.Qualifier = "absent"
	require.Zero(t, a.fleet().Survey(t.Context(), append(everyone[:0:0], special), nil)[0].Bootstrap)
}

func TestAFleetIsWhatTheProgramSays(t *testing.T) {
	synthesized := func(name, qualifier string) assembly.Synthesized {
		return assembly.Synthesized{Stage: assembly.Stage{Name: name, Account: sandbox.Account, Region: "us-east-1"}, Identity: []string{name, sandbox.Account, "us-east-1", qualifier}}
	}
	f := fleet.Of(assembly.Document{
		Service: "notes",
		Set: []assembly.Stage{
			{Name: "dev", Account: sandbox.Account, Region: "us-east-1", Tier: stages.Sandbox},
			{Name: "tools", Account: sandbox.Account, Region: "us-east-1"},
			{Name: "pr-*", Account: sandbox.Account, Region: "us-east-1", Tier: stages.Sandbox, Template: true},
		},
		Stages: []assembly.Synthesized{synthesized("dev", "hnb659fds"), synthesized("tools", "special"), synthesized("pr-1", "hnb659fds")},
	}, nil)
	tools := stages.Stage{Name: "tools", Account: sandbox.Account, Region: "us-east-1", Qualifier: "special"}
	require.Equal(t, []stages.Stage{sandbox, tools, {Name: "pr-1", Account: sandbox.Account, Region: "us-east-1"}}, f.Stages)
	require.Equal(t, []stages.Stage{preview}, f.Templates)

	picked, err := f.Pick("tools", "dev")
	require.NoError(t, err)
	require.Equal(t, []stages.Stage{sandbox, tools}, picked, "in the set's order")
	_, err = f.Pick("deb")
	require.EqualError(t, err, `stage: name is "deb", want one of dev, tools, pr-1; write one of these`)
	known, is := f.Known("pr-Fix_7")
	require.True(t, is)
	require.Equal(t, stages.Sandbox, known.Tier)
	require.Regexp(t, "^pr-fix-7", known.Name)
}

func TestWavesGoByTier(t *testing.T) {
	require.Equal(t, [][]stages.Stage{{sandbox, neighbour}, {standard}, {protected}}, fleet.Waves([]stages.Stage{protected, sandbox, standard, neighbour}))
	require.Equal(t, [][]stages.Stage{{protected}}, fleet.Waves([]stages.Stage{protected}))
}

func TestAnAccountThatThrottlesIsAskedAgain(t *testing.T) {
	a := openAccounts(t)
	a.bootstrapped(sandbox, "CDKToolkit", "hnb659fds", 33)
	f := a.fleet()
	a.InjectFault(rehearsal.Fault{Account: sandbox.Account, Service: "cloudformation", Count: 2, Status: 400, Code: "Throttling", Message: "Rate exceeded"})
	report := f.Survey(t.Context(), everyone[:1], nil)[0]
	require.Empty(t, report.Problem)
	require.Equal(t, 33, report.Bootstrap)
}

func TestAProfileThatBecameAnotherAccountsIsRefused(t *testing.T) {
	a := openAccounts(t)
	a.deployed(sandbox, "")
	f := a.fleet()
	plan, err := f.PlanRemoval(t.Context(), sandbox, true)
	require.NoError(t, err)
	before := len(a.writes(protected.Account))

	// Between the question and the deed, somebody writes production's keys into dev's profile.
	a.write("credentials", "\n[team-dev]\naws_access_key_id = AKIA333333333333TEST\naws_secret_access_key = planted-secret-of-production\n")
	outcome, err := fleet.Removal{Fleet: f}.Run(t.Context(), plan)
	require.NoError(t, err)
	var wrong *fleet.AccountError
	require.ErrorAs(t, outcome.Err(), &wrong)
	require.Equal(t, fleet.Failed, outcome.State)
	require.Len(t, a.writes(protected.Account), before)
	require.True(t, a.exists(sandbox))
}

func TestThePermissionsThatADoctorMissesAreFindingsWithAFix(t *testing.T) {
	a := openAccounts(t)
	a.bootstrapped(sandbox, "CDKToolkit", "hnb659fds", 33)
	a.bootstrapped(protected, "CDKToolkit", "hnb659fds", 5)
	findings := a.fleet().Doctor(t.Context(), everyone)
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
	require.Equal(t, "run `roadshow bootstrap staging`", find("staging", "bootstrap")[0].Fix)
	require.Contains(t, find("production", "bootstrap")[0].Detail, "version is 5, want 6 or newer")
	for _, one := range findings {
		require.Equal(t, one.OK, one.Fix == "", "%+v", one)
	}
}

func tag(key, value string) types.Tag {
	return types.Tag{Key: aws.String(key), Value: aws.String(value)}
}
