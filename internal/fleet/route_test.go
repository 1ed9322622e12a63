package fleet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// role makes a role of a bootstrap in a stage's account, which trusts another account.
func (a *accounts) role(stage stages.Stage, name, trusted string) {
	a.T.Helper()
	stack := name + "-role"
	template := fmt.Sprintf(`{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"cdk-hnb659fds-%s-role-%s-%s","AssumeRolePolicyDocument":{
		"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":%q}}]}}}}}`, name, stage.Account, stage.Region, trusted)
	_, err := a.CloudFormation(stage).CreateStack(a.T.Context(), &cloudformation.CreateStackInput{
		StackName: &stack, TemplateBody: aws.String(template), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	require.NoError(a.T, err)
	a.Settle(stage, stack)
}

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
				a.role(fleettest.Standard, role, trusted)
			}
			reports := a.from(fleettest.Sandbox.Account).Survey(t.Context(), fleettest.Everyone, nil)
			require.Empty(t, reports[0].Through, "its own account needs no role")
			require.True(t, reports[0].Reachable)
			require.Equal(t, tt.want, reports[2].Through)
			require.Equal(t, tt.want != "", reports[2].Reachable)
			require.Equal(t, "team-dev", reports[2].Profile)
			if tt.want == "" {
				require.Contains(t, reports[2].Problem, "Stage staging: Role "+lookup+" or "+deploy+" does not admit account 111111111111 (profile team-dev): AccessDenied")
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
	require.Contains(t, report.Problem, "No profile is of account 222222222222, or of 444444444444, which may deploy to it. Add one")
}

func TestADeployingAccountThatBecameAnotherIsRefused(t *testing.T) {
	a := openAccounts(t)
	a.role(fleettest.Standard, "lookup", fleettest.Sandbox.Account)
	a.role(fleettest.Standard, "deploy", fleettest.Sandbox.Account)
	f := a.from(fleettest.Sandbox.Account)
	require.True(t, f.Survey(t.Context(), []stages.Stage{fleettest.Standard}, nil)[0].Reachable)
	a.Write("credentials", "\n[team-dev]\naws_access_key_id = AKIA333333333333TEST\naws_secret_access_key = planted-secret-of-production\n")
	report := f.Survey(t.Context(), []stages.Stage{fleettest.Standard}, nil)[0]
	require.False(t, report.Reachable)
	require.Contains(t, report.Problem, "Stage staging: The credentials are of account 333333333333, and the stage is in account 111111111111.")
}

func TestARoleWhoseServiceDoesNotAnswerIsNoMatterOfTrust(t *testing.T) {
	a := openAccounts(t)
	f := a.from(fleettest.Sandbox.Account)
	a.InjectFault(rehearsal.Fault{Service: "sts", Operation: "AssumeRole", Status: 403, Code: "ExpiredToken", Message: "it is expired"})
	report := f.Survey(t.Context(), []stages.Stage{fleettest.Standard}, nil)[0]
	require.Contains(t, report.Problem, "Stage staging: STS refuses: ExpiredToken: it is expired.")
	require.NotContains(t, report.Problem, "--trust")
}
