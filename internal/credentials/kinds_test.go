package credentials

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/awsconfig"
	"github.com/roadshow-go/roadshow/internal/redact"
)

// machine is a home of its own, with the two AWS files and every service that gives credentials, on loopback.
type machine struct {
	t     *testing.T
	home  string
	url   string
	calls []string
	chain *Chain
}

// The secrets that each service of a [machine] gives.
const (
	stsSecret, ssoSecret, ecsSecret, ec2Secret, signinSecret = "secret/of/STS/PLANTED", "secret/of/SSO/PLANTED", "secret/of/ECS/PLANTED", "secret/of/EC2/PLANTED", "secret/of/signin/PLANTED"
)

func newMachine(t *testing.T, config, credentials string) *machine {
	t.Helper()
	m := &machine{t: t, home: t.TempDir()}
	server := httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(server.Close)
	m.url = server.URL
	for _, name := range []string{
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AMAZON_ACCESS_KEY_ID", "AMAZON_SECRET_ACCESS_KEY",
		"AMAZON_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_LOGIN_CACHE_DIRECTORY", "AWS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", m.home)
	t.Setenv("USERPROFILE", m.home)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(m.home, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(m.home, "credentials"))
	t.Setenv("AWS_ENDPOINT_URL", m.url)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", m.url)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	m.file("config", config)
	m.file("credentials", credentials)
	m.chain = &Chain{Redactor: redact.New()}
	return m
}

// file writes a file of the home.
func (m *machine) file(name, text string) string {
	m.t.Helper()
	path := filepath.Join(m.home, name)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(m.t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "HOME", m.home)), 0o600))
	return path
}

// serve is STS, the portal of IAM Identity Center, sign-in, the metadata of an instance and the credentials of a container.
func (m *machine) serve(out http.ResponseWriter, in *http.Request) {
	given := func(secret string) map[string]any {
		return map[string]any{
			"AccessKeyId": "ASIAGIVEN", "SecretAccessKey": secret, "Token": "token/of/" + secret, "Code": "Success", "LastUpdated": "2026-01-01T00:00:00Z",
			"Expiration": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		}
	}
	answer := func(value any) { _ = json.NewEncoder(out).Encode(value) }
	switch path := in.URL.Path; {
	case path == "/latest/api/token":
		out.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
		fmt.Fprint(out, "imds-token")
	case path == "/latest/meta-data/iam/security-credentials/":
		m.calls = append(m.calls, "EC2")
		fmt.Fprint(out, "role")
	case path == "/latest/meta-data/iam/security-credentials/role":
		answer(given(ec2Secret))
	case path == "/ecs":
		m.calls = append(m.calls, "ECS "+in.Header.Get("Authorization"))
		answer(given(ecsSecret))
	case path == "/federation/credentials":
		m.calls = append(m.calls, "SSO "+in.Header.Get("X-Amz-Sso_bearer_token")+" "+in.URL.RawQuery)
		answer(map[string]any{"roleCredentials": map[string]any{
			"accessKeyId": "ASIASSO", "secretAccessKey": ssoSecret, "sessionToken": "token/of/" + ssoSecret, "expiration": time.Now().Add(time.Hour).UnixMilli(),
		}})
	default:
		require.NoError(m.t, in.ParseForm())
		action := in.Form.Get("Action")
		line := action + " " + in.Form.Get("RoleArn")
		for _, name := range []string{"SerialNumber", "TokenCode", "ExternalId", "WebIdentityToken"} {
			if value := in.Form.Get(name); value != "" {
				line += " " + value
			}
		}
		m.calls = append(m.calls, line)
		fmt.Fprintf(out, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>ASIASTS</AccessKeyId>
			<SecretAccessKey>%[2]s</SecretAccessKey><SessionToken>token/of/%[2]s</SessionToken><Expiration>%[3]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
			action, stsSecret, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}
}

// retrieve is the secret that a source gives.
func (m *machine) retrieve(source Source) (string, error) {
	m.t.Helper()
	config, err := m.chain.Config(m.t.Context(), source, "us-east-1")
	if err != nil {
		return "", err
	}
	given, err := config.Credentials.Retrieve(m.t.Context())
	return given.SecretAccessKey, err
}

// of is the source of a profile.
func (m *machine) of(name string) Source {
	m.t.Helper()
	for _, source := range m.chain.Profiles() {
		if source.Name == name {
			return source
		}
	}
	return Source{Name: name}
}

// signedIn is the cached token of `aws sso login`, for a session or a start URL.
func (m *machine) signedIn(of string) {
	m.t.Helper()
	sum := sha1.Sum([]byte(of))
	m.file(".aws/sso/cache/"+hex.EncodeToString(sum[:])+".json", fmt.Sprintf(`{"accessToken":"sso-access-PLANTED","expiresAt":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
}

const base = "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret/of/base/PLANTED\n"

// kinds has a row of docs/credentials.md each.
var kinds = map[string]struct {
	config, credentials string
	setup               func(m *machine)
	source              Source // by default the profile dev
	want                string // the secret
	calls               []string
	account             string // by the settings alone
	unreadable          bool   // for the cdk command
	person              bool
}{
	"access keys": {credentials: strings.ReplaceAll(base, "base]", "dev]"), want: "secret/of/base/PLANTED"},
	"access keys in the config file": {
		config: "[profile dev]\naws_access_key_id = AKIA\naws_secret_access_key = secret/of/config/PLANTED\n", want: "secret/of/config/PLANTED",
	},
	"a name with a blank": {
		config: `[profile "acme dev"]` + "\naws_access_key_id = AKIA\naws_secret_access_key = secret/of/config/PLANTED\n",
		source: Source{Kind: Keys, Name: "acme dev"}, want: "secret/of/config/PLANTED", unreadable: true,
	},
	"a role": {
		config:      "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\nexternal_id = other\n",
		credentials: base, want: stsSecret, calls: []string{"AssumeRole arn:aws:iam::111111111111:role/x other"}, account: "111111111111",
	},
	"a chain of roles": {
		config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = middle\n" +
			"[profile middle]\nrole_arn = arn:aws:iam::222222222222:role/y\nsource_profile = base\n",
		credentials: base, want: stsSecret, account: "111111111111",
		calls: []string{"AssumeRole arn:aws:iam::222222222222:role/y", "AssumeRole arn:aws:iam::111111111111:role/x"},
	},
	"a role of the profile's own keys": {
		config:      "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = dev\n",
		credentials: strings.ReplaceAll(base, "base]", "dev]"), want: stsSecret, calls: []string{"AssumeRole arn:aws:iam::111111111111:role/x"}, account: "111111111111",
	},
	"a role by MFA": {
		config:      "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\nmfa_serial = arn:aws:iam::999999999999:mfa/ada\n",
		credentials: base, want: stsSecret, account: "111111111111", person: true,
		setup: func(m *machine) {
			m.chain.MFA = func(_ context.Context, source Source, device string) (string, error) {
				m.calls = append(m.calls, "asked for "+device+" of "+source.Name)
				return "123456", nil
			}
		},
		calls: []string{"asked for arn:aws:iam::999999999999:mfa/ada of dev", "AssumeRole arn:aws:iam::111111111111:role/x arn:aws:iam::999999999999:mfa/ada 123456"},
	},
	"a role of an instance": {
		config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\ncredential_source = Ec2InstanceMetadata\n",
		want:   stsSecret, calls: []string{"EC2", "AssumeRole arn:aws:iam::111111111111:role/x"}, account: "111111111111",
	},
	"a role of the environment": {
		config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\ncredential_source = Environment\n",
		setup: func(m *machine) {
			m.t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
			m.t.Setenv("AWS_SECRET_ACCESS_KEY", "secret/of/environment/PLANTED")
		},
		want: stsSecret, calls: []string{"AssumeRole arn:aws:iam::111111111111:role/x"}, account: "111111111111",
	},
	"a role of a container": {
		config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\ncredential_source = EcsContainer\n",
		setup:  func(m *machine) { m.t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", m.url+"/ecs") },
		want:   stsSecret, calls: []string{"ECS ", "AssumeRole arn:aws:iam::111111111111:role/x"}, account: "111111111111",
	},
	"a web identity": {
		config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nweb_identity_token_file = HOME/token\n",
		setup:  func(m *machine) { m.file("token", "web-identity-PLANTED") },
		want:   stsSecret, calls: []string{"AssumeRoleWithWebIdentity arn:aws:iam::111111111111:role/x web-identity-PLANTED"}, account: "111111111111",
	},
	"a credential_process": {
		config: "[profile dev]\ncredential_process = cat HOME/printed\n",
		setup: func(m *machine) {
			m.file("printed", `{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"secret/of/process/PLANTED"}`)
		},
		want: "secret/of/process/PLANTED",
	},
	"an sso-session": {
		config: "[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = admin\n[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n",
		setup:  func(m *machine) { m.signedIn("corp") },
		want:   ssoSecret, calls: []string{"SSO sso-access-PLANTED account_id=111111111111&role_name=admin"}, account: "111111111111",
	},
	"an sso-session in quotes": {
		config: "[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = admin\n[sso-session \"corp\"]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n",
		setup:  func(m *machine) { m.signedIn("corp") },
		want:   ssoSecret, calls: []string{"SSO sso-access-PLANTED account_id=111111111111&role_name=admin"}, account: "111111111111",
	},
	"a sign-in without a session": {
		config: "[profile dev]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\nsso_account_id = 111111111111\nsso_role_name = admin\n",
		setup:  func(m *machine) { m.signedIn("https://corp.awsapps.com/start") },
		want:   ssoSecret, calls: []string{"SSO sso-access-PLANTED account_id=111111111111&role_name=admin"}, account: "111111111111",
	},
	"aws login": {
		config: "[profile dev]\nlogin_session = arn:aws:iam::111111111111:user/ada\n", account: "111111111111", want: signinSecret,
		setup: func(m *machine) {
			sum := sha256.Sum256([]byte("arn:aws:iam::111111111111:user/ada"))
			m.file(".aws/login/cache/"+hex.EncodeToString(sum[:])+".json", fmt.Sprintf(`{"accessToken":{"accessKeyId":"ASIA","secretAccessKey":%q,"sessionToken":"login-session-PLANTED",
				"accountId":"111111111111","expiresAt":%q},"tokenType":"urn:aws:params:oauth:token-type:access_token_sigv4","clientId":"arn:aws:signin:::devtools/same-device",
				"refreshToken":"login-refresh-PLANTED","dpopKey":"login-dpop-PLANTED-key"}`, signinSecret, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
		},
	},
	"the environment's keys": {
		setup: func(m *machine) {
			m.t.Setenv("AWS_PROFILE", "leftover")
			m.t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
			m.t.Setenv("AWS_SECRET_ACCESS_KEY", "secret/of/environment/PLANTED")
		},
		source: Source{Kind: Environment}, want: "secret/of/environment/PLANTED",
	},
	"the environment's web identity": {
		setup: func(m *machine) {
			m.t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", m.file("token", "web-identity-PLANTED"))
			m.t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::111111111111:role/ci")
		},
		source: Source{Kind: Environment}, want: stsSecret, calls: []string{"AssumeRoleWithWebIdentity arn:aws:iam::111111111111:role/ci web-identity-PLANTED"},
	},
	"a container's role": {
		setup: func(m *machine) {
			m.t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", m.url+"/ecs")
			m.t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", m.file("pod-token", "pod-token-PLANTED"))
		},
		source: Source{Kind: Container}, want: ecsSecret, calls: []string{"ECS pod-token-PLANTED"},
	},
	"an instance's role": {source: Source{Kind: Instance}, want: ec2Secret, calls: []string{"EC2"}},
}

func TestEachKindOfCredentialsIsFoundAsTheCdkCommandFindsIt(t *testing.T) {
	for name, tt := range kinds {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, tt.config, tt.credentials)
			if tt.setup != nil {
				tt.setup(m)
			}
			source := tt.source
			if source == (Source{}) {
				source = m.of("dev")
				require.NotEqual(t, Unknown, source.Kind)
			} else if source.Name == "" {
				require.Contains(t, Ambient(), source)
			}
			secret, err := m.retrieve(source)
			require.NoError(t, err)
			require.Equal(t, tt.want, secret)
			require.Equal(t, tt.calls, m.calls)
			require.Equal(t, tt.account, m.chain.Account(source))
			require.Equal(t, !tt.unreadable, m.chain.Readable(source))
			require.Equal(t, tt.person, m.chain.NeedsPerson(source))
			secret, err = m.retrieve(source)
			require.NoError(t, err)
			require.Equal(t, tt.want, secret)
			require.Equal(t, tt.calls, m.calls, "nobody is asked a second time")
			require.NotContains(t, m.chain.Redactor.Text("it says "+secret), secret, "the redactor knows it now")
		})
	}
}

func TestTheDocsHaveARowForEachKind(t *testing.T) {
	page, err := os.ReadFile("../../docs/credentials.md")
	require.NoError(t, err)
	for name := range kinds {
		require.Contains(t, string(page), "| "+name+" |")
	}
}

func TestWhatGivesNoCredentialsSaysWhyAndWhatToDo(t *testing.T) {
	const sso = "[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = admin\n"
	for name, tt := range map[string]struct {
		config, credentials, printed, want string
	}{
		"nobody to ask for a code": {
			config:      "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\nmfa_serial = arn:aws:iam::999999999999:mfa/ada\n",
			credentials: base,
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
			m.file("printed", tt.printed)
			_, err := m.retrieve(m.of("dev"))
			var wrong *Error
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, strings.ReplaceAll(tt.want, "HOME", m.home), wrong.Error())
			for cause := error(wrong); cause != nil; cause = errors.Unwrap(cause) {
				require.NotContains(t, cause.Error(), "PLANTED")
			}
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
	m := newMachine(t, "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\n[profile ops]\naws_access_key_id = A\naws_secret_access_key = secret/of/ops/PLANTED\n", base)
	for _, name := range []string{"dev", "ops"} {
		_, err := m.retrieve(m.of(name))
		require.NoError(t, err)
	}
	before := len(m.calls)
	m.chain.Refresh()
	_, err := m.retrieve(m.of("dev"))
	require.NoError(t, err)
	require.Len(t, m.calls, before, "nothing has changed")
	m.file("credentials", strings.ReplaceAll(base, "AKIABASE", "AKIAOTHERBASE"))
	m.chain.Refresh()
	_, err = m.retrieve(m.of("dev"))
	require.NoError(t, err)
	require.Len(t, m.calls, before+1, "its source has")
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
	require.Empty(t, m.calls)
}
