package fleet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// keysOf are the settings of an access key of an account of these tests.
func keysOf(stage stages.Stage) string {
	return fmt.Sprintf("aws_access_key_id = AKIA%sTEST\naws_secret_access_key = planted-secret-of-%s\n", stage.Account, stage.Name)
}

// strangers makes profiles that run a command which leaves a mark, and returns what lists the marks.
func (a *accounts) strangers(names ...string) (ran func() []string) {
	a.T.Helper()
	folder := a.T.TempDir()
	for _, name := range names {
		a.Write("config", fmt.Sprintf("\n[profile %s]\ncredential_process = touch %s && false\n", name, filepath.Join(folder, name)))
	}
	return func() (marks []string) {
		found, err := os.ReadDir(folder)
		require.NoError(a.T, err)
		for _, mark := range found {
			marks = append(marks, mark.Name())
		}
		return marks
	}
}

func TestAProfileIsFoundByItsAccount(t *testing.T) {
	a := openAccounts(t)
	profile, others, err := a.Ask().For(t.Context(), fleettest.Standard)
	require.NoError(t, err)
	require.Equal(t, "team-staging", profile.Name)
	require.Equal(t, "arn:aws:iam::222222222222:user/staging", profile.ARN)
	require.Empty(t, others)
}

func TestTheLikeliestProfileIsTakenAndAlwaysTheSame(t *testing.T) {
	a := openAccounts(t)
	a.Write("credentials", "\n[zoe]\n"+keysOf(fleettest.Sandbox)+"[alice]\n"+keysOf(fleettest.Sandbox))
	names := func(stage stages.Stage) string {
		profile, others, err := a.Ask().For(t.Context(), stage)
		require.NoError(t, err)
		all := []string{profile.String()}
		for _, other := range others {
			all = append(all, other.String())
		}
		return strings.Join(all, " ")
	}
	require.Equal(t, "team-dev", names(fleettest.Sandbox), "the one whose name has the stage's in it")
	require.Equal(t, "alice team-dev zoe", names(stages.Stage{Name: "other", Account: fleettest.Sandbox.Account}), "the first by name")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA111111111111TEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "planted-secret-of-dev")
	require.Equal(t, "(environment)", names(fleettest.Sandbox), "the credentials of the environment")
	t.Setenv("AWS_PROFILE", "zoe")
	require.Equal(t, "zoe", names(fleettest.Sandbox), "the one that AWS_PROFILE names")
	a.Write("credentials", "[dev]\n"+keysOf(fleettest.Sandbox))
	require.Equal(t, "dev", names(fleettest.Sandbox), "the one that is called like the stage")
	require.Equal(t, "team-staging", names(fleettest.Standard), "the environment's credentials are not another account's")
}

func TestAProfileThatIsCalledLikeTheStageIsAskedAloneAndNoStrangersCommandRuns(t *testing.T) {
	a := openAccounts(t)
	ran := a.strangers("alice", "bob", "carol")
	a.Write("credentials", "\n[dev]\n"+keysOf(fleettest.Sandbox))
	profile, _, err := a.Ask().For(t.Context(), fleettest.Sandbox)
	require.NoError(t, err)
	require.Equal(t, "dev", profile.Name)
	require.Empty(t, ran())
	require.Len(t, a.Calls(), 1, "one question, of one profile")
}

func TestAfterAMissEverythingIsAskedAndStrangersCommandsLast(t *testing.T) {
	a := openAccounts(t)
	ran := a.strangers("alice", "bob")
	_, _, err := a.Ask().For(t.Context(), stages.Stage{Name: "tools", Account: "444444444444", Region: "us-east-1"})
	require.Error(t, err)
	require.Equal(t, []string{"alice", "bob"}, ran())
	require.Len(t, a.Calls(), 3, "and each profile with keys")
}

func TestAProfileWhoseSettingsNameAnotherAccountIsNeverAsked(t *testing.T) {
	a := openAccounts(t)
	a.Replace("credentials", "")
	a.Replace("config", "[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = nobody\n"+
		"[profile admin]\nsso_account_id = 333333333333\n[profile ada]\nlogin_session = arn:aws:iam::444444444444:user/ada\n")
	_, _, err := a.Ask().For(t.Context(), fleettest.Sandbox)
	messages.EqualError(t, err, "Stage dev: No profile is of account 111111111111. Add one to "+a.Folder+"/config, as with `aws configure sso --profile dev`.\n"+
		"Of other accounts: ada (444444444444), admin (333333333333), dev (222222222222).")
	require.Empty(t, a.Calls())
}

func TestWithoutAProfileTheErrorSaysWhatToDo(t *testing.T) {
	a := openAccounts(t)
	elsewhere := stages.Stage{Name: "tools", Account: "444444444444", Region: "us-east-1"}
	_, _, err := a.Ask().For(t.Context(), elsewhere)
	var none *fleet.NoProfileError
	require.ErrorAs(t, err, &none)
	messages.EqualError(t, err, "Stage tools: No profile is of account 444444444444. Add one to "+a.Folder+"/config, as with `aws configure sso --profile tools`.\n"+
		"Of other accounts: team-dev (111111111111), team-production (333333333333), team-staging (222222222222).")

	a.Write("credentials", "\n[tools]\naws_access_key_id = AKIASTRANGER\naws_secret_access_key = planted-stranger\n")
	_, _, err = a.Ask().For(t.Context(), elsewhere)
	messages.ErrorContains(t, err, "Stage tools: No profile is of account 444444444444.\nProfile tools ("+a.Folder+"/credentials:14) is refused by AWS "+
		"(InvalidClientTokenId: The security token included in the request is invalid.). Renew its access key.")
	messages.Provoked(t, err.Error())
	require.NotContains(t, err.Error(), "planted")
}

func TestOneProfileThatFailsDoesNotKeepTheOthersFromAnswering(t *testing.T) {
	a := openAccounts(t)
	a.Write("config", "\n[profile broken]\nsource_profile = nobody\nrole_arn = arn:aws:iam::222222222222:role/x\n[sso-session corp]\nsso_region = us-east-1\n")
	a.InjectFault(rehearsal.Fault{Account: fleettest.Standard.Account, Service: "sts", Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired"})
	profiles := a.Ask()
	_, _, err := profiles.For(t.Context(), fleettest.Protected)
	require.NoError(t, err)
	_, _, err = profiles.For(t.Context(), fleettest.Standard)
	messages.ErrorContains(t, err, "has the source_profile nobody, which is in no file")
	messages.ErrorContains(t, err, "has credentials that are expired (ExpiredToken:")
}

func TestOfTwoProfilesTheOneThatTheCdkCommandCanReadIsTaken(t *testing.T) {
	a := openAccounts(t)
	a.Replace("credentials", "")
	a.Replace("config", `[profile "acme staging"]`+"\n"+keysOf(fleettest.Standard)+"[profile usable]\n"+keysOf(fleettest.Standard))
	profile, _, err := a.Ask().For(t.Context(), fleettest.Standard)
	require.NoError(t, err)
	require.Equal(t, "usable", profile.Name)
	require.Len(t, a.Calls(), 1)

	a.Replace("config", `[profile "acme staging"]`+"\n"+keysOf(fleettest.Standard))
	profile, _, err = a.Ask().For(t.Context(), fleettest.Standard)
	require.NoError(t, err)
	require.Equal(t, "acme staging", profile.Name, "it is better than none")
}

func TestALeftoverOfAWSPROFILEKeepsNoKeysFromBeingUsedAndIsNamedWhereNothingFits(t *testing.T) {
	a := openAccounts(t)
	a.Replace("credentials", "")
	a.Replace("config", "")
	t.Setenv("AWS_PROFILE", "leftover")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA111111111111TEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "planted-secret-of-dev")
	profile, _, err := a.Ask().For(t.Context(), fleettest.Sandbox)
	require.NoError(t, err)
	require.Equal(t, "(environment)", profile.String())
	_, _, err = a.Ask().For(t.Context(), fleettest.Standard)
	messages.ErrorContains(t, err, "AWS_PROFILE is leftover, and no such profile is in "+a.Folder+"/config or "+a.Folder+"/credentials.")

	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	_, _, err = a.Ask().For(t.Context(), fleettest.Sandbox)
	messages.ErrorContains(t, err, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not.")
}
