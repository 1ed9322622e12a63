package credentials

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/awsconfig"
	"github.com/roadshow-go/roadshow/internal/credentials/credentialstest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/internal/redact"
)

// machine is that of [credentialstest], and the chain of its credentials.
type machine struct {
	*credentialstest.Machine
	chain *Chain
}

func newMachine(t *testing.T, config, credentials string) *machine {
	t.Helper()
	m := &machine{Machine: credentialstest.New(t, config, credentials)}
	m.chain = &Chain{Redactor: redact.New()}
	return m
}

// retrieve is the secret that a source gives.
func (m *machine) retrieve(source Source) (string, error) {
	m.T.Helper()
	config, err := m.chain.Config(m.T.Context(), source, "us-east-1")
	if err != nil {
		return "", err
	}
	given, err := config.Credentials.Retrieve(m.T.Context())
	return given.SecretAccessKey, err
}

// of is the source of a profile.
func (m *machine) of(name string) Source {
	m.T.Helper()
	for _, source := range m.chain.Profiles() {
		if source.Name == name {
			return source
		}
	}
	return Source{Name: name}
}

func TestEachKindOfCredentialsIsFoundAsTheCdkCommandFindsIt(t *testing.T) {
	for name, tt := range credentialstest.Kinds {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, tt.Config, tt.Credentials)
			if tt.Setup != nil {
				tt.Setup(m.Machine)
			}
			m.chain.MFA = func(_ context.Context, source Source, device string) (string, error) {
				return m.Code(source.Name, device), nil
			}
			source := m.of(orDefault(tt.Profile, "dev"))
			if tt.Ambient != "" {
				source = Source{Kind: Kind(tt.Ambient)}
				require.Contains(t, Ambient(), source)
			}
			require.NotEqual(t, Unknown, source.Kind)
			secret, err := m.retrieve(source)
			require.NoError(t, err)
			require.Equal(t, tt.Secret, secret)
			require.Equal(t, tt.Calls, m.Calls)
			require.Equal(t, tt.Account, m.chain.Account(source))
			require.Equal(t, !tt.Unreadable, m.chain.Readable(source))
			require.Equal(t, tt.Person, m.chain.NeedsPerson(source))
			secret, err = m.retrieve(source)
			require.NoError(t, err)
			require.Equal(t, tt.Secret, secret)
			require.Equal(t, tt.Calls, m.Calls, "nobody is asked a second time")
			require.NotContains(t, m.chain.Redactor.Text("it says "+secret), secret, "the redactor knows it now")
		})
	}
}

// corp are profiles of one sign-in.
const corp = "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n" +
	"[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = admin\n" +
	"[profile staging]\nsso_session = corp\nsso_account_id = 222222222222\nsso_role_name = admin\n" +
	"[profile production]\nsso_session = corp\nsso_account_id = 333333333333\nsso_role_name = admin\n"

func TestOneSignInIsRenewedOnceForAllItsProfilesAndItsNewTokensStayHidden(t *testing.T) {
	m := newMachine(t, corp, "")
	path := m.SignedOut("corp", credentialstest.RefreshToken)
	var all sync.WaitGroup
	for _, name := range []string{"dev", "staging", "production"} {
		all.Go(func() {
			secret, err := m.retrieve(m.of(name))
			assert.NoError(t, err)
			assert.Equal(t, credentialstest.SSOSecret, secret)
		})
	}
	all.Wait()
	renewals := 0
	for _, call := range m.Calls {
		if strings.HasPrefix(call, "OIDC ") {
			renewals++
			require.Equal(t, "OIDC refresh_token "+credentialstest.RefreshToken, call)
		}
	}
	require.Equal(t, 1, renewals)
	require.Len(t, m.Calls, 4)
	cached, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, token := range []string{"sso-renewed-PLANTED", "sso-next-refresh-PLANTED", "sso-client-PLANTED"} {
		require.Contains(t, string(cached), token, "the next command finds it, and so does the cdk command")
		require.NotContains(t, m.chain.Redactor.Text("it says "+token), token)
	}
}

func TestASignInThatCannotBeRenewedSaysHowToSignIn(t *testing.T) {
	for name, refresh := range map[string]string{"refused": "sso-old-PLANTED", "without a token for it": ""} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, corp, "")
			m.SignedOut("corp", refresh)
			_, err := m.retrieve(m.of("dev"))
			var wrong *Error
			require.ErrorAs(t, err, &wrong)
			messages.EqualError(t, wrong, "Profile dev ("+m.Home+"/config:4) is not signed in. Run `aws sso login --profile dev`.")
		})
	}
}

func TestTheDocsHaveARowForEachKindAndNoOther(t *testing.T) {
	page, err := os.ReadFile("../../docs/credentials.md")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(page), "\n|---|---|---|\n")
	var rows []string
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| ") {
			break
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		rows = append(rows, kind)
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(credentialstest.Kinds)), rows)
}

func TestWhatGivesNoCredentialsSaysWhyAndWhatToDo(t *testing.T) {
	const sso = "[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = admin\n"
	for name, tt := range map[string]struct {
		config, credentials, printed, want string
	}{
		"nobody to ask for a code": {
			config:      "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\nmfa_serial = arn:aws:iam::999999999999:mfa/ada\n",
			credentials: credentialstest.Base,
			want: "Profile dev (HOME/config:4) needs a code of the MFA device arn:aws:iam::999999999999:mfa/ada, and there is no terminal to ask for it in. " +
				"Run this in a terminal, or set credentials in the environment that have one, as `aws sts get-session-token` gives them.",
		},
		"a notice before the JSON": {
			config: "[profile dev]\ncredential_process = cat HOME/printed --token PLANTED 2>/dev/null; cat HOME/printed\n", printed: `Welcome! {"Version":1,"SecretAccessKey":"secret/PLANTED"}`,
			want: "Profile dev (HOME/config:2) has a credential_process that prints something else than one JSON object. Run its credential_process yourself, and see what it prints.",
		},
		"a process that fails": {
			config: "[profile dev]\ncredential_process = echo PLANTED >&2; exit 3\n",
			want:   "Profile dev (HOME/config:2) has a credential_process that failed (exit status 3). Run its credential_process yourself, and see what it prints.",
		},
		"a process that is not there": {
			config: "[profile dev]\ncredential_process = /nowhere/PLANTED\n",
			want:   "Profile dev (HOME/config:2) has a credential_process that failed (exit status 127). Run its credential_process yourself, and see what it prints.",
		},
		"a process that prints without end": {
			config: "[profile dev]\ncredential_process = yes PLANTED\n",
			want:   "Profile dev (HOME/config:2) has a credential_process that prints more than 1 MB, which are no credentials. Run its credential_process yourself, and see what it prints.",
		},
		"credentials that have expired": {
			config: "[profile dev]\ncredential_process = cat HOME/printed\n", printed: `{"Version":1,"AccessKeyId":"A","SecretAccessKey":"secret/PLANTED","Expiration":"2020-01-01T00:00:00Z"}`,
			want: "Profile dev (HOME/config:2) has a credential_process that prints credentials which have expired. Run its credential_process yourself, and see what it prints.",
		},
		"another version": {
			config: "[profile dev]\ncredential_process = cat HOME/printed\n", printed: `{"Version":2,"AccessKeyId":"A","SecretAccessKey":"secret/PLANTED"}`,
			want: "Profile dev (HOME/config:2) has a credential_process whose JSON has another Version than 1. Run its credential_process yourself, and see what it prints.",
		},
		"a session that is not there": {config: sso, want: "Profile dev (HOME/config:1) names the sso-session corp, which is not in HOME/config. Write it, as with `aws configure sso-session`."},
		"a session without its region": {
			config: sso + "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\n",
			want:   "Profile dev (HOME/config:1) lacks sso_region. Write that, as with `aws configure sso --profile dev`.",
		},
		"a session that is not signed in": {
			config: sso + "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n",
			want:   "Profile dev (HOME/config:1) is not signed in. Run `aws sso login --profile dev`.",
		},
		"aws login, not signed in": {
			config: "[profile dev]\nlogin_session = arn:aws:iam::111111111111:user/ada\n",
			want:   "Profile dev (HOME/config:1) is not signed in. Run `aws login --profile dev`.",
		},
		"a source that is not there": {
			config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = nobody\n",
			want:   "Profile dev (HOME/config:3) has the source_profile nobody, which is in no file. Write the name of a profile that is.",
		},
		"a circle": {
			config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = b\n[profile b]\nrole_arn = arn:aws:iam::111111111111:role/y\nsource_profile = c\n" +
				"[profile c]\nrole_arn = arn:aws:iam::111111111111:role/z\nsource_profile = b\n",
			want: "Profile c (HOME/config:9) is its own source at last: b, c, b. Write a source_profile that has credentials.",
		},
		"a role and nothing to assume it with": {
			config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\n",
			want:   "Profile dev (HOME/config:1) has a role_arn, and nothing to assume the role with. Write a source_profile, a credential_source or a web_identity_token_file.",
		},
		"half a key": {
			credentials: "[dev]\naws_access_key_id = AKIA\n",
			want:        "Profile dev (HOME/credentials:1) has an access key without its secret. Write its aws_secret_access_key.",
		},
		"half a key, the other one": {
			credentials: "[dev]\naws_secret_access_key = secret/PLANTED\n",
			want:        "Profile dev (HOME/credentials:1) has a secret without its access key. Write its aws_access_key_id.",
		},
		"no credentials": {
			config: "[profile dev]\nregion = us-east-1\n",
			want:   "Profile dev (HOME/config:1) has no credentials. Write some, as with `aws configure --profile dev`.",
		},
		"two sources of a role": {
			config:      "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\ncredential_source = Environment\n",
			credentials: credentialstest.Base,
			want:        "Profile dev (HOME/config:1) has a source_profile and a credential_source. Leave one of them out.",
		},
		"a source of a role that is none": {
			config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\ncredential_source = Moon\n",
			want:   "Profile dev (HOME/config:3) has the credential_source Moon, which is none of Ec2InstanceMetadata, EcsContainer and Environment. Write one of these.",
		},
		"an environment without keys": {
			config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\ncredential_source = Environment\n",
			want:   "Profile dev (HOME/config:3) takes the environment's credentials, and AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set. Set both.",
		},
		"a process that prints half a key": {
			config: "[profile dev]\ncredential_process = cat HOME/printed\n", printed: `{"Version":1,"AccessKeyId":"A"}`,
			want: "Profile dev (HOME/config:2) has a credential_process whose JSON lacks AccessKeyId or SecretAccessKey. Run its credential_process yourself, and see what it prints.",
		},
		"a process that prints no time": {
			config: "[profile dev]\ncredential_process = cat HOME/printed\n", printed: `{"Version":1,"AccessKeyId":"A","SecretAccessKey":"secret/PLANTED","Expiration":"tomorrow"}`,
			want: "Profile dev (HOME/config:2) has a credential_process whose JSON has an Expiration that is no time of RFC 3339. Run its credential_process yourself, and see what it prints.",
		},
		"no profile of this name": {want: "Profile dev is not in HOME/config or HOME/credentials. Write one of the profiles there first."},
		"a token that is not there": {
			config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nweb_identity_token_file = HOME/nowhere\n",
			want:   "Profile dev (HOME/config:1) has a web identity whose token file cannot be read (stat HOME/nowhere: no such file or directory). Correct its path.",
		},
		"a container that is none": {
			config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\ncredential_source = EcsContainer\n",
			want: "Profile dev (HOME/config:1) takes the role of a container, and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and AWS_CONTAINER_CREDENTIALS_FULL_URI are not set. " +
				"Use it in a task of ECS or a pod of EKS.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, tt.config, tt.credentials)
			m.File("printed", tt.printed)
			_, err := m.retrieve(m.of("dev"))
			var wrong *Error
			require.ErrorAs(t, err, &wrong)
			messages.EqualError(t, wrong, strings.ReplaceAll(tt.want, "HOME", m.Home))
			for cause := error(wrong); cause != nil; cause = errors.Unwrap(cause) {
				require.NotContains(t, cause.Error(), "PLANTED")
			}
		})
	}
}

func TestWhatAWSAnswersAboutCredentialsIsSaidWithWhatToDo(t *testing.T) {
	of := func(kind Kind) Source { return Source{Kind: kind, Name: "dev"} }
	at := awsconfig.Place{File: "config", Line: 1}
	for name, tt := range map[string]struct {
		source Source
		err    error
		want   string
	}{
		"too late":               {of(Keys), context.DeadlineExceeded, "Profile dev (config:1) did not answer in time. Check the network."},
		"a process that waits":   {of(Process), context.DeadlineExceeded, "Profile dev (config:1) did not answer in time. Run its credential_process yourself, and see what it waits for."},
		"a network that is down": {of(Keys), errors.New("dial tcp: no route to host"), "Profile dev (config:1) gives no credentials (dial tcp: no route to host). Check the network, and the profile's settings."},
		"a code that is wrong": {
			of(Role), &smithy.GenericAPIError{Code: "AccessDenied", Message: "MultiFactorAuthentication failed with invalid MFA one time pass code."},
			"Profile dev (config:1) has an MFA code that AWS does not take (AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code.). Run this again with the device's next code.",
		},
		"expired": {
			of(Keys), &smithy.GenericAPIError{Code: "ExpiredToken", Message: "The security token included in the request is expired"},
			"Profile dev (config:1) has credentials that are expired (ExpiredToken: The security token included in the request is expired). Sign in again, or write new keys.",
		},
		"refused": {
			of(Keys), &smithy.GenericAPIError{Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."},
			"Profile dev (config:1) is refused by AWS (InvalidClientTokenId: The security token included in the request is invalid.). Renew its access key.",
		},
		"a login that was ended": {
			of(Login), &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "The session has ended"},
			"Profile dev (config:1) is not signed in any more (AccessDeniedException: The session has ended). Run `aws login --profile dev`.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			messages.EqualError(t, Explain(t.Context(), tt.source, at, tt.err), tt.want)
		})
	}
}

func TestAProfileOfThousandsCostsNoReadingOfItsOwn(t *testing.T) {
	var config strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&config, "[profile team-%05d]\nregion = eu-west-1\naws_access_key_id = AKIA%012d\naws_secret_access_key = planted%033d\n", i, i, i)
	}
	m := newMachine(t, config.String(), "")
	loads := 0
	m.chain.Load = func() *awsconfig.Files { loads++; return awsconfig.Load() }
	for _, source := range m.chain.Profiles() {
		secret, err := m.retrieve(source)
		require.NoError(t, err)
		require.NotEmpty(t, secret)
	}
	require.Equal(t, 1, loads, "the files are read once")
	require.Len(t, m.chain.settings, 1, "and the SDK reads the settings of all once")
}

func TestAfterAChangeOfTheFilesOnlyWhatTheyNowSayIsUsed(t *testing.T) {
	m := newMachine(t, "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\n[profile ops]\naws_access_key_id = A\naws_secret_access_key = secret/of/ops/PLANTED\n", credentialstest.Base)
	for _, name := range []string{"dev", "ops"} {
		_, err := m.retrieve(m.of(name))
		require.NoError(t, err)
	}
	before := len(m.Calls)
	m.chain.Refresh()
	_, err := m.retrieve(m.of("dev"))
	require.NoError(t, err)
	require.Len(t, m.Calls, before, "nothing has changed")
	m.File("credentials", strings.ReplaceAll(credentialstest.Base, "AKIABASE", "AKIAOTHERBASE"))
	m.chain.Refresh()
	_, err = m.retrieve(m.of("dev"))
	require.NoError(t, err)
	require.Len(t, m.Calls, before+1, "its source has")
}

func TestAnInstanceIsNotAskedWhereThatIsDisabledAndForTwoSecondsElsewhere(t *testing.T) {
	m := newMachine(t, "", "")
	require.Contains(t, Ambient(), Source{Kind: Instance})
	for _, disabled := range []string{"true", "TRUE", "1"} {
		t.Setenv("AWS_EC2_METADATA_DISABLED", disabled)
		require.NotContains(t, Ambient(), Source{Kind: Instance}, "as the cdk command takes it")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false")
	require.Contains(t, Ambient(), Source{Kind: Instance})
	require.Equal(t, 2*time.Second, InstanceLimit)
	require.Empty(t, m.Calls)
}
