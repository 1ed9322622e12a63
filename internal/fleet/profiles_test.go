package fleet_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

func TestAProfileIsFoundByItsAccount(t *testing.T) {
	a := openAccounts(t)
	profile, others, err := a.Ask().For(fleettest.Standard)
	require.NoError(t, err)
	require.Equal(t, "team-staging", profile.Name)
	require.Equal(t, "arn:aws:iam::222222222222:user/staging", profile.ARN)
	require.Empty(t, others)
}

func TestOfSeveralProfilesTheSameOneIsAlwaysTaken(t *testing.T) {
	a := openAccounts(t)
	keys := "aws_access_key_id = AKIA111111111111TEST\naws_secret_access_key = planted-secret-of-dev\n"
	a.Write("credentials", "\n[zoe]\n"+keys+"[alice]\n"+keys)
	names := func(stage stages.Stage) string {
		profile, others, err := a.Ask().For(stage)
		require.NoError(t, err)
		all := []string{profile.String()}
		for _, other := range others {
			all = append(all, other.String())
		}
		return strings.Join(all, " ")
	}
	require.Equal(t, "alice team-dev zoe", names(fleettest.Sandbox), "the first by name")
	t.Setenv("AWS_PROFILE", "zoe")
	require.Equal(t, "zoe alice team-dev", names(fleettest.Sandbox), "the one that AWS_PROFILE names")
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA111111111111TEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "planted-secret-of-dev")
	require.Equal(t, "(environment) alice team-dev zoe", names(fleettest.Sandbox), "the credentials of the environment")
	a.Write("credentials", "[dev]\n"+keys)
	require.Equal(t, "dev (environment) alice team-dev zoe", names(fleettest.Sandbox), "the one that is called like the stage")
	require.Equal(t, "team-staging", names(fleettest.Standard), "the environment's credentials are not another account's")
}

func TestWithoutAProfileTheErrorSaysWhatToDo(t *testing.T) {
	a := openAccounts(t)
	elsewhere := stages.Stage{Name: "tools", Account: "444444444444", Region: "us-east-1"}
	_, _, err := a.Ask().For(elsewhere)
	var none *fleet.NoProfileError
	require.ErrorAs(t, err, &none)
	require.EqualError(t, err, "stage tools: profile is none of 3, want one of account 444444444444; add one to the AWS config, as with `aws configure sso --profile tools`")

	a.Write("credentials", "\n[tools]\naws_access_key_id = AKIASTRANGER\naws_secret_access_key = planted-stranger\n")
	_, _, err = a.Ask().For(elsewhere)
	require.EqualError(t, err, "stage tools: profile tools is not usable, want credentials of account 444444444444; renew its access key "+
		"(InvalidClientTokenId: The security token included in the request is invalid.)")
	require.NotContains(t, err.Error(), "planted")
}

func TestOneProfileThatFailsDoesNotKeepTheOthersFromAnswering(t *testing.T) {
	a := openAccounts(t)
	a.Write("config", "\n[profile broken]\nsource_profile = nobody\nrole_arn = arn:aws:iam::111111111111:role/x\n[sso-session corp]\nsso_region = us-east-1\n")
	a.InjectFault(rehearsal.Fault{Account: fleettest.Standard.Account, Service: "sts", Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired"})
	profiles := a.Ask()
	var names []string
	for _, profile := range profiles.All() {
		names = append(names, profile.Name)
	}
	require.Equal(t, []string{"broken", "team-dev", "team-production", "team-staging"}, names)
	_, _, err := profiles.For(fleettest.Protected)
	require.NoError(t, err)
	_, _, err = profiles.For(fleettest.Standard)
	require.ErrorContains(t, err, "not usable now: broken, team-staging")
}
