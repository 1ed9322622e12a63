package fleet_test

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/credentials/credentialstest"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	programs "github.com/roadshow-go/roadshow/internal/program"
)

// handed is what docs/credentials.md says that the cdk command gets for each kind of credentials.
func handed(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/credentials.md")
	require.NoError(t, err)
	rows := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, " | "); len(cells) == 3 {
			rows[strings.TrimPrefix(cells[0], "| ")] = strings.TrimSuffix(strings.TrimSpace(cells[2]), " |")
		}
	}
	return rows
}

// environment is the command that prints what it was started with. The values of secrets are compared, and not shown.
const environment = "#!/bin/sh\necho \"arguments: $*\"\nenv > \"$SEEN\"\n"

func TestTheCdkCommandIsStartedWithTheCredentialsThatTheDocsSayForEachKind(t *testing.T) {
	rows := handed(t)
	for name, kind := range credentialstest.Kinds {
		t.Run(name, func(t *testing.T) {
			m := credentialstest.New(t, kind.Config, kind.Credentials)
			if kind.Setup != nil {
				kind.Setup(m)
			}
			if kind.Ambient != "instance" && !strings.Contains(kind.Config, "Ec2InstanceMetadata") {
				t.Setenv("AWS_EC2_METADATA_DISABLED", "true") // an instance's role comes before what the cdk command cannot read
			}
			profiles := fleet.NewProfiles(fleet.ProfileOptions{MFA: func(_ context.Context, profile, device string) (string, error) {
				return m.Code(profile, device), nil
			}})
			profile, _, err := profiles.For(t.Context(), fleettest.Sandbox)
			require.NoError(t, err)
			require.Equal(t, fleettest.Sandbox.Account, profile.Account)
			of := cmp.Or(kind.Profile, "dev")
			if kind.Ambient != "" {
				of = "(" + kind.Ambient + ")"
			}
			require.Equal(t, of, profile.String(), "the fleet chooses it by itself")
			require.Equal(t, kind.Calls, m.Calls)

			seen := filepath.Join(m.Home, "seen")
			t.Setenv("SEEN", seen)
			t.Setenv("AWS_PROFILE", "leftover")
			before := variables(t, os.Environ())
			lines, err := fleet.CDK{Command: m.Command(environment), Dir: m.Home}.Run(t.Context(), profiles, profile, "deploy")
			require.NoError(t, err)
			started, err := os.ReadFile(seen)
			require.NoError(t, err)
			got := variables(t, strings.Split(string(started), "\n"))
			require.Empty(t, got["AWS_PROFILE"])
			require.Equal(t, kind.Calls, m.Calls, "nobody is asked a second time")

			switch gets := rows[name]; {
			case gets == "`--profile`":
				require.Equal(t, []string{"arguments: deploy --profile " + of}, lines)
				for _, variable := range programs.CredentialVariables {
					if variable != "AWS_CONFIG_FILE" && variable != "AWS_SHARED_CREDENTIALS_FILE" {
						require.Emptyf(t, got[variable], "%s would win over the profile", variable)
					}
				}
				for _, file := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
					require.Equal(t, before[file], got[file])
				}
			case strings.HasPrefix(gets, "the credentials, in its environment"):
				require.Equal(t, []string{"arguments: deploy"}, lines)
				require.True(t, got["AWS_SECRET_ACCESS_KEY"] == kind.Secret, "the secret is the one that was given")
				require.NotEmpty(t, got["AWS_ACCESS_KEY_ID"])
				require.Equal(t, os.DevNull, got["AWS_CONFIG_FILE"])
				require.Equal(t, os.DevNull, got["AWS_SHARED_CREDENTIALS_FILE"])
			case gets == "the variables, and no files":
				require.Equal(t, []string{"arguments: deploy"}, lines)
				given := 0
				for _, variable := range programs.CredentialVariables {
					if before[variable] != "" && variable != "AWS_CONFIG_FILE" && variable != "AWS_SHARED_CREDENTIALS_FILE" {
						given++
						require.Truef(t, before[variable] == got[variable], "%s is handed on", variable)
					}
				}
				require.NotZero(t, given)
				require.Equal(t, os.DevNull, got["AWS_CONFIG_FILE"])
				require.Equal(t, os.DevNull, got["AWS_SHARED_CREDENTIALS_FILE"])
			case gets == "no files":
				require.Equal(t, []string{"arguments: deploy"}, lines)
				require.Equal(t, "false", got["AWS_EC2_METADATA_DISABLED"])
				require.Equal(t, before["AWS_EC2_METADATA_SERVICE_ENDPOINT"], got["AWS_EC2_METADATA_SERVICE_ENDPOINT"])
				require.Equal(t, os.DevNull, got["AWS_CONFIG_FILE"])
				require.Equal(t, os.DevNull, got["AWS_SHARED_CREDENTIALS_FILE"])
			default:
				t.Fatalf("docs/credentials.md says %q of it", gets)
			}
		})
	}
}

// variables are those of an environment that are about credentials.
func variables(t *testing.T, environ []string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, variable := range environ {
		if name, value, is := strings.Cut(variable, "="); is && strings.HasPrefix(name, "AWS_") {
			all[name] = value
		}
	}
	return all
}
