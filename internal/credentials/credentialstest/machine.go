// Package credentialstest is a machine with every kind of credentials, for tests: two AWS files, and on loopback all services
// that give credentials.
package credentialstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Machine is a home of its own, with the two AWS files and every service that gives credentials, on loopback.
type Machine struct {
	// T is the test, Home the folder of the two files, URL where the services answer, Calls what they were asked.
	T     *testing.T
	Home  string
	URL   string
	Calls []string

	mu sync.Mutex
}

// The secrets that each service of a [Machine] gives.
const (
	STSSecret, SSOSecret, ECSSecret, EC2Secret, SigninSecret = "secret/of/STS/PLANTED", "secret/of/SSO/PLANTED", "secret/of/ECS/PLANTED", "secret/of/EC2/PLANTED", "secret/of/signin/PLANTED"
)

// New is a machine with these two AWS files. This process has no other way to credentials until the test ends.
func New(t *testing.T, config, credentials string) *Machine {
	t.Helper()
	m := &Machine{T: t, Home: t.TempDir()}
	server := httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(server.Close)
	m.URL = server.URL
	for _, name := range []string{
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AMAZON_ACCESS_KEY_ID", "AMAZON_SECRET_ACCESS_KEY",
		"AMAZON_SESSION_TOKEN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_LOGIN_CACHE_DIRECTORY", "AWS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", m.Home)
	t.Setenv("USERPROFILE", m.Home)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(m.Home, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(m.Home, "credentials"))
	t.Setenv("AWS_ENDPOINT_URL", m.URL)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", m.URL)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	m.File("config", config)
	m.File("credentials", credentials)
	return m
}

// File writes a file of the home.
func (m *Machine) File(name, text string) string {
	m.T.Helper()
	path := filepath.Join(m.Home, name)
	require.NoError(m.T, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(m.T, os.WriteFile(path, []byte(strings.ReplaceAll(text, "HOME", m.Home)), 0o600))
	return path
}

// Command is a script of the home that can be run.
func (m *Machine) Command(script string) (path string) {
	m.T.Helper()
	path = m.File("bin/cdk", script)
	require.NoError(m.T, os.Chmod(path, 0o700))
	return path
}

// serve is STS, the portal of IAM Identity Center, sign-in, the metadata of an instance and the credentials of a container.
func (m *Machine) serve(out http.ResponseWriter, in *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
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
		m.Calls = append(m.Calls, "EC2")
		fmt.Fprint(out, "role")
	case path == "/latest/meta-data/iam/security-credentials/role":
		answer(given(EC2Secret))
	case path == "/ecs":
		m.Calls = append(m.Calls, "ECS "+in.Header.Get("Authorization"))
		answer(given(ECSSecret))
	case path == "/token": // https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
		var asked struct{ GrantType, RefreshToken string }
		require.NoError(m.T, json.NewDecoder(in.Body).Decode(&asked))
		m.Calls = append(m.Calls, "OIDC "+asked.GrantType+" "+asked.RefreshToken)
		if asked.RefreshToken != RefreshToken {
			out.Header().Set("X-Amzn-Errortype", "InvalidGrantException")
			out.WriteHeader(http.StatusBadRequest)
			answer(map[string]any{"error": "invalid_grant", "error_description": "Invalid grant provided"})
			return
		}
		answer(map[string]any{"accessToken": "sso-renewed-PLANTED", "tokenType": "Bearer", "expiresIn": 3600, "refreshToken": "sso-next-refresh-PLANTED"})
	case path == "/v1/token": // https://docs.aws.amazon.com/signin/latest/APIReference/API_CreateOAuth2Token.html
		var asked struct{ GrantType, RefreshToken string }
		require.NoError(m.T, json.NewDecoder(in.Body).Decode(&asked))
		m.Calls = append(m.Calls, "signin "+asked.GrantType+" "+asked.RefreshToken)
		answer(map[string]any{
			"accessToken": map[string]any{"accessKeyId": "ASIASIGNIN", "secretAccessKey": SigninSecret, "sessionToken": "token/of/" + SigninSecret},
			"tokenType":   "aws_sigv4", "expiresIn": 900, "refreshToken": "login-next-refresh-PLANTED",
		})
	case path == "/federation/credentials":
		m.Calls = append(m.Calls, "SSO "+in.Header.Get("X-Amz-Sso_bearer_token")+" "+in.URL.RawQuery)
		answer(map[string]any{"roleCredentials": map[string]any{
			"accessKeyId": "ASIASSO", "secretAccessKey": SSOSecret, "sessionToken": "token/of/" + SSOSecret, "expiration": time.Now().Add(time.Hour).UnixMilli(),
		}})
	default:
		require.NoError(m.T, in.ParseForm())
		action := in.Form.Get("Action")
		line := action + " " + in.Form.Get("RoleArn")
		for _, name := range []string{"SerialNumber", "TokenCode", "ExternalId", "WebIdentityToken"} {
			if value := in.Form.Get(name); value != "" {
				line += " " + value
			}
		}
		if action == "GetCallerIdentity" { // whoever asks is of this account
			fmt.Fprint(out, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
				<Arn>arn:aws:iam::`+Account+`:user/ada</Arn><UserId>AIDA</UserId><Account>`+Account+`</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
			return
		}
		m.Calls = append(m.Calls, line)
		fmt.Fprintf(out, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>ASIASTS</AccessKeyId>
			<SecretAccessKey>%[2]s</SecretAccessKey><SessionToken>token/of/%[2]s</SessionToken><Expiration>%[3]s</Expiration></Credentials></%[1]sResult></%[1]sResponse>`,
			action, STSSecret, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}
}

// Code is what a person does who is asked for the code of a device.
func (m *Machine) Code(profile, device string) string {
	m.Calls = append(m.Calls, "asked for "+device+" of "+profile)
	return "123456"
}

// SignedIn is the cached token of `aws sso login`, for a session or a start URL.
func (m *Machine) SignedIn(of string) {
	m.T.Helper()
	m.token(of, fmt.Sprintf(`{"accessToken":"sso-access-PLANTED","expiresAt":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
}

// SignedOut is one that is over, and the token that renews it.
func (m *Machine) SignedOut(of, refresh string) (path string) {
	m.T.Helper()
	return m.token(of, fmt.Sprintf(`{"accessToken":"sso-access-PLANTED","expiresAt":%q,"refreshToken":%q,"clientId":"x","clientSecret":"sso-client-PLANTED"}`,
		time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), refresh))
}

func (m *Machine) token(of, text string) (path string) {
	m.T.Helper()
	sum := sha1.Sum([]byte(of))
	return m.File(".aws/sso/cache/"+hex.EncodeToString(sum[:])+".json", text)
}

// LoggedIn is the cached session of `aws login`, which ends after a while.
func (m *Machine) LoggedIn(session string, after time.Duration) {
	m.T.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(m.T, err)
	encoded, err := x509.MarshalECPrivateKey(key)
	require.NoError(m.T, err)
	text, err := json.Marshal(map[string]any{
		"accessToken": map[string]any{
			"accessKeyId": "ASIA", "secretAccessKey": SigninSecret, "sessionToken": "login-session-PLANTED", "accountId": Account,
			"expiresAt": time.Now().Add(after).UTC().Format(time.RFC3339),
		},
		"tokenType": "urn:aws:params:oauth:token-type:access_token_sigv4", "clientId": "arn:aws:signin:::devtools/same-device",
		"refreshToken": "login-refresh-PLANTED", "dpopKey": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})),
	})
	require.NoError(m.T, err)
	sum := sha256.Sum256([]byte(session))
	m.File(".aws/login/cache/"+hex.EncodeToString(sum[:])+".json", string(text))
}

// Account is whose credentials all of them are, RefreshToken what the sign-in is renewed with.
const Account, RefreshToken = "111111111111", "sso-refresh-PLANTED"

// Base is the profile base, whose keys roles are assumed with.
const Base = "[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = secret/of/base/PLANTED\n"

// Kind is one kind of credentials, and what comes of it.
type Kind struct {
	// Config and Credentials are the two AWS files, Setup what else the machine has.
	Config, Credentials string
	Setup               func(m *Machine)
	// Profile is whose credentials they are; empty for "dev". Ambient is the kind of those that are in no file.
	Profile, Ambient string
	// Secret is the secret that comes of it, and Calls what the services were asked on the way.
	Secret string
	Calls  []string
	// Account is what the settings alone name.
	Account string
	// Unreadable tells that the cdk command does not find the profile, Person that somebody is asked for a code.
	Unreadable, Person bool
}

// Kinds has a row of docs/credentials.md each.
var Kinds = map[string]Kind{
	"access keys": {Credentials: strings.ReplaceAll(Base, "base]", "dev]"), Secret: "secret/of/base/PLANTED"},
	"access keys in the config file": {
		Config: "[profile dev]\naws_access_key_id = AKIA\naws_secret_access_key = secret/of/config/PLANTED\n", Secret: "secret/of/config/PLANTED",
	},
	"a name with a blank": {
		Config:  `[profile "acme dev"]` + "\naws_access_key_id = AKIA\naws_secret_access_key = secret/of/config/PLANTED\n",
		Profile: "acme dev", Secret: "secret/of/config/PLANTED", Unreadable: true,
	},
	"a role": {
		Config:      "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\nexternal_id = other\n",
		Credentials: Base, Secret: STSSecret, Calls: []string{"AssumeRole arn:aws:iam::111111111111:role/x other"}, Account: "111111111111",
	},
	"a chain of roles": {
		Config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = middle\n" +
			"[profile middle]\nrole_arn = arn:aws:iam::222222222222:role/y\nsource_profile = base\n",
		Credentials: Base, Secret: STSSecret, Account: "111111111111",
		Calls: []string{"AssumeRole arn:aws:iam::222222222222:role/y", "AssumeRole arn:aws:iam::111111111111:role/x"},
	},
	"a role of the profile's own keys": {
		Config:      "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = dev\n",
		Credentials: strings.ReplaceAll(Base, "base]", "dev]"), Secret: STSSecret, Calls: []string{"AssumeRole arn:aws:iam::111111111111:role/x"}, Account: "111111111111",
	},
	"a role by MFA": {
		Config:      "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nsource_profile = base\nmfa_serial = arn:aws:iam::999999999999:mfa/ada\n",
		Credentials: Base, Secret: STSSecret, Account: "111111111111", Person: true,
		Calls: []string{"asked for arn:aws:iam::999999999999:mfa/ada of dev", "AssumeRole arn:aws:iam::111111111111:role/x arn:aws:iam::999999999999:mfa/ada 123456"},
	},
	"a role of an instance": {
		Config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\ncredential_source = Ec2InstanceMetadata\n",
		Secret: STSSecret, Calls: []string{"EC2", "AssumeRole arn:aws:iam::111111111111:role/x"}, Account: "111111111111",
	},
	"a role of the environment": {
		Config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\ncredential_source = Environment\n",
		Setup: func(m *Machine) {
			m.T.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
			m.T.Setenv("AWS_SECRET_ACCESS_KEY", "secret/of/environment/PLANTED")
		},
		Secret: STSSecret, Calls: []string{"AssumeRole arn:aws:iam::111111111111:role/x"}, Account: "111111111111",
	},
	"a role of a container": {
		Config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\ncredential_source = EcsContainer\n",
		Setup:  func(m *Machine) { m.T.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", m.URL+"/ecs") },
		Secret: STSSecret, Calls: []string{"ECS ", "AssumeRole arn:aws:iam::111111111111:role/x"}, Account: "111111111111",
	},
	"a web identity": {
		Config: "[profile dev]\nrole_arn = arn:aws:iam::111111111111:role/x\nweb_identity_token_file = HOME/token\n",
		Setup:  func(m *Machine) { m.File("token", "web-identity-PLANTED") },
		Secret: STSSecret, Calls: []string{"AssumeRoleWithWebIdentity arn:aws:iam::111111111111:role/x web-identity-PLANTED"}, Account: "111111111111",
	},
	"a credential_process": {
		Config: "[profile dev]\ncredential_process = cat HOME/printed\n",
		Setup: func(m *Machine) {
			m.File("printed", `{"Version":1,"AccessKeyId":"AKIA","SecretAccessKey":"secret/of/process/PLANTED"}`)
		},
		Secret: "secret/of/process/PLANTED",
	},
	"an sso-session": {
		Config: "[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = admin\n[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n",
		Setup:  func(m *Machine) { m.SignedIn("corp") },
		Secret: SSOSecret, Calls: []string{"SSO sso-access-PLANTED account_id=111111111111&role_name=admin"}, Account: "111111111111",
	},
	"an sso-session in quotes": {
		Config: "[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = admin\n[sso-session \"corp\"]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n",
		Setup:  func(m *Machine) { m.SignedIn("corp") },
		Secret: SSOSecret, Calls: []string{"SSO sso-access-PLANTED account_id=111111111111&role_name=admin"}, Account: "111111111111",
	},
	"a sign-in without a session": {
		Config: "[profile dev]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\nsso_account_id = 111111111111\nsso_role_name = admin\n",
		Setup:  func(m *Machine) { m.SignedIn("https://corp.awsapps.com/start") },
		Secret: SSOSecret, Calls: []string{"SSO sso-access-PLANTED account_id=111111111111&role_name=admin"}, Account: "111111111111",
	},
	"an sso-session that is over": {
		Config: "[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = admin\n[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n",
		Setup:  func(m *Machine) { m.SignedOut("corp", RefreshToken) },
		Secret: SSOSecret, Calls: []string{"OIDC refresh_token " + RefreshToken, "SSO sso-renewed-PLANTED account_id=111111111111&role_name=admin"}, Account: "111111111111",
	},
	"aws login": {
		Config: "[profile dev]\nlogin_session = arn:aws:iam::111111111111:user/ada\n", Account: "111111111111", Secret: SigninSecret,
		Setup: func(m *Machine) { m.LoggedIn("arn:aws:iam::111111111111:user/ada", time.Hour) },
	},
	"an aws login that is over": {
		Config: "[profile dev]\nlogin_session = arn:aws:iam::111111111111:user/ada\n", Account: "111111111111", Secret: SigninSecret,
		Setup: func(m *Machine) { m.LoggedIn("arn:aws:iam::111111111111:user/ada", -time.Hour) },
		Calls: []string{"signin refresh_token login-refresh-PLANTED"},
	},
	"the environment's keys": {
		Setup: func(m *Machine) {
			m.T.Setenv("AWS_PROFILE", "leftover")
			m.T.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
			m.T.Setenv("AWS_SECRET_ACCESS_KEY", "secret/of/environment/PLANTED")
		},
		Ambient: "environment", Secret: "secret/of/environment/PLANTED",
	},
	"the environment's web identity": {
		Setup: func(m *Machine) {
			m.T.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", m.File("token", "web-identity-PLANTED"))
			m.T.Setenv("AWS_ROLE_ARN", "arn:aws:iam::111111111111:role/ci")
		},
		Ambient: "environment", Secret: STSSecret, Calls: []string{"AssumeRoleWithWebIdentity arn:aws:iam::111111111111:role/ci web-identity-PLANTED"},
	},
	"a container's role": {
		Setup: func(m *Machine) {
			m.T.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", m.URL+"/ecs")
			m.T.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", m.File("pod-token", "pod-token-PLANTED"))
		},
		Ambient: "container", Secret: ECSSecret, Calls: []string{"ECS pod-token-PLANTED"},
	},
	"an instance's role": {Ambient: "instance", Secret: EC2Secret, Calls: []string{"EC2"}},
}
