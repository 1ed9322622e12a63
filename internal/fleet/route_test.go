package fleet_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// from is the fleet as somebody sees it who has a profile of dev's account and no other.
func (a *accounts) from(account string) *fleet.Fleet {
	a.T.Helper()
	for file, text := range map[string]string{
		"config":      "[profile team-dev]\nregion = us-east-1\n",
		"credentials": "[team-dev]\naws_access_key_id = AKIA111111111111TEST\naws_secret_access_key = planted-secret-of-dev\n",
	} {
		require.NoError(a.T, os.WriteFile(filepath.Join(a.Folder, file), []byte(text), 0o600))
	}
	f := a.Fleet()
	f.DeployFrom = []string{account}
	return f
}

func TestAnAccountIsReadByTheFirstRoleThatAdmitsWhoDeploys(t *testing.T) {
	const lookup, deploy = "arn:aws:iam::222222222222:role/cdk-hnb659fds-lookup-role-222222222222-us-east-1", "arn:aws:iam::222222222222:role/cdk-hnb659fds-deploy-role-222222222222-us-east-1"
	for name, tt := range map[string]struct {
		roles map[string]string // and whom each trusts
		want  string
	}{
		"both":                    {map[string]string{"lookup": fleettest.Sandbox.Account, "deploy": fleettest.Sandbox.Account}, lookup},
		"the deploy role only":    {map[string]string{"lookup": fleettest.Protected.Account, "deploy": fleettest.Sandbox.Account}, deploy},
		"another account's trust": {map[string]string{"lookup": fleettest.Protected.Account, "deploy": fleettest.Protected.Account}, ""},
		"no bootstrap":            {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			for role, trusted := range tt.roles {
				a.Roles(fleettest.Standard, trusted, role)
			}
			reports := a.from(fleettest.Sandbox.Account).Survey(t.Context(), fleettest.Everyone, nil)
			require.Empty(t, reports[0].Through, "its own account needs no role")
			require.True(t, reports[0].Reachable)
			require.Equal(t, tt.want, reports[2].Through)
			require.Equal(t, tt.want != "", reports[2].Reachable)
			require.Equal(t, "team-dev", reports[2].Profile)
			if tt.want == "" {
				messages.Provoked(t, reports[2].Problem)
				require.Contains(t, reports[2].Problem, "Stage staging: Role "+lookup+" or "+deploy+" does not admit account 111111111111 (profile team-dev): AccessDenied")
				messages.Provoked(t, reports[2].Problem)
				require.Contains(t, reports[2].Problem, "\nRun `cdk bootstrap --trust 111111111111 --cloudformation-execution-policies arn:aws:iam::aws:policy/AdministratorAccess aws://222222222222/us-east-1` with credentials of account 222222222222")
			}
		})
	}
}

func TestAProfileOfItsOwnComesBeforeADeployingAccount(t *testing.T) {
	a := openAccounts(t)
	f := a.Fleet()
	f.DeployFrom = []string{fleettest.Protected.Account}
	report := f.Survey(t.Context(), []stages.Stage{fleettest.Standard}, nil)[0]
	require.Equal(t, "team-staging", report.Profile)
	require.Empty(t, report.Through)

	f = a.from("444444444444")
	report = f.Survey(t.Context(), []stages.Stage{fleettest.Standard}, nil)[0]
	messages.Provoked(t, report.Problem)
	require.Contains(t, report.Problem, "No profile is of account 222222222222, or of 444444444444, which may deploy to it. Add one")
}

func TestADeployingAccountThatBecameAnotherIsRefused(t *testing.T) {
	a := openAccounts(t)
	a.Roles(fleettest.Standard, fleettest.Sandbox.Account, "lookup", "deploy")
	f := a.from(fleettest.Sandbox.Account)
	require.True(t, f.Survey(t.Context(), []stages.Stage{fleettest.Standard}, nil)[0].Reachable)
	a.Write("credentials", "\n[team-dev]\naws_access_key_id = AKIA333333333333TEST\naws_secret_access_key = planted-secret-of-production\n")
	report := f.Survey(t.Context(), []stages.Stage{fleettest.Standard}, nil)[0]
	require.False(t, report.Reachable)
	messages.Provoked(t, report.Problem)
	require.Contains(t, report.Problem, "Stage staging: The credentials are of account 333333333333, and the stage is in account 111111111111.")
}

func TestARoleWhoseServiceDoesNotAnswerIsNoMatterOfTrust(t *testing.T) {
	a := openAccounts(t)
	f := a.from(fleettest.Sandbox.Account)
	a.InjectFault(rehearsal.Fault{Service: "sts", Operation: "AssumeRole", Status: 403, Code: "ExpiredToken", Message: "it is expired"})
	report := f.Survey(t.Context(), []stages.Stage{fleettest.Standard}, nil)[0]
	messages.Provoked(t, report.Problem)
	require.Contains(t, report.Problem, "Stage staging: STS refuses: ExpiredToken: it is expired.")
	messages.Provoked(t, report.Problem)
	require.NotContains(t, report.Problem, "--trust")
}

// The lookup role of a bootstrap has an explicit Deny of kms:Decrypt, and the bucket of the assets is encrypted: see
// LookupRole and StagingBucket in lib/api/bootstrap/bootstrap-template.yaml of the aws-cdk package.
func TestThroughTheLookupRoleTheCommitIsReadByTheDeployRoleOrByNobody(t *testing.T) {
	ask := func(a *accounts) (report fleet.StageReport, roles []string) {
		report = a.from(fleettest.Sandbox.Account).Survey(a.T.Context(), []stages.Stage{fleettest.Standard}, nil)[0]
		require.Empty(a.T, report.Problem)
		require.Contains(a.T, report.Through, "-lookup-role-")
		for _, call := range a.Calls() {
			if call.Operation == "GetObject" {
				roles = append(roles, call.Role)
			}
		}
		return report, roles
	}
	open := func(t *testing.T) *accounts {
		a := openAccounts(t)
		a.Deployed(fleettest.Standard, "")
		a.Committed(fleettest.Standard, "staging-notes", fleettest.Commit)
		return a
	}
	t.Run("the deploy role admits who asks", func(t *testing.T) {
		a := open(t)
		a.Roles(fleettest.Standard, fleettest.Sandbox.Account, "lookup", "deploy")
		report, roles := ask(a)
		require.Equal(t, fleettest.Commit, report.Deployed.Commit)
		require.Equal(t, []string{"arn:aws:iam::222222222222:role/cdk-hnb659fds-deploy-role-222222222222-us-east-1"}, roles)
		require.False(t, report.Unseen())
	})
	t.Run("it does not: nobody asks, and nothing is claimed", func(t *testing.T) {
		a := open(t)
		a.Roles(fleettest.Standard, fleettest.Sandbox.Account, "lookup")
		a.Roles(fleettest.Standard, fleettest.Protected.Account, "deploy")
		report, roles := ask(a)
		require.Empty(t, report.Deployed.Commit)
		require.Empty(t, report.Deployed.CommitProblem)
		require.Equal(t, "the lookup role of a bootstrap may not decrypt the bucket in which it is recorded, and the deploy role, which may, "+
			"does not admit profile team-dev", report.Deployed.CommitUnasked)
		require.Empty(t, roles)
		require.False(t, report.Unseen(), "what nobody asked for is not missing")
	})
	t.Run("it is asked, and S3 refuses", func(t *testing.T) {
		a := open(t)
		a.Roles(fleettest.Standard, fleettest.Sandbox.Account, "lookup", "deploy")
		a.InjectFault(rehearsal.Fault{Account: fleettest.Standard.Account, Service: "s3", Operation: "GetObject", Status: 403, Code: "AccessDenied", Message: "Access Denied"})
		report, _ := ask(a)
		require.Contains(t, report.Deployed.CommitProblem, "S3 does not say whether a commit is recorded")
		require.True(t, report.Unseen())
	})
}
