package main

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/redact"
	"github.com/roadshow-go/roadshow/rehearsal"
)

// canaries plants secrets, each once.
type canaries struct {
	t       *testing.T
	secrets []string
	config  strings.Builder
	keys    strings.Builder
	home    string
}

// secret is one more.
func (c *canaries) secret() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "canary %d", len(c.secrets)))
	c.secrets = append(c.secrets, fmt.Sprintf("PLANTED%03d/%s", len(c.secrets), hex.EncodeToString(sum[:12])))
	return c.secrets[len(c.secrets)-1]
}

// file writes a file of the home, and returns its path.
func (c *canaries) file(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.home, name)
	require.NoError(c.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(c.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// plant fills every place that a credential can come from.
func (c *canaries) plant() {
	later := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	for i := range 40 { // keys, with and without a session, which AWS does not know
		fmt.Fprintf(&c.keys, "[keys-%d]\naws_access_key_id = AKIASTRANGER%04d\naws_secret_access_key = %s\naws_session_token = %s\n", i, i, c.secret(), c.secret())
	}
	for i := range 20 {
		fmt.Fprintf(&c.config, "[profile inline-%d]\naws_access_key_id = AKIAINLINE%04d\naws_secret_access_key = %s\n", i, i, c.secret())
	}
	for i := range 10 { // a notice before the JSON, of a profile whose output is in the SDK's own error
		fmt.Fprintf(&c.config, "[profile notice-%d]\ncredential_process = cat %s\n", i,
			c.file(fmt.Sprintf("notice-%d", i), fmt.Sprintf(`Welcome back! {"Version":1,"AccessKeyId":"AKIANOTICE","SecretAccessKey":%q,"SessionToken":%q}`, c.secret(), c.secret())))
	}
	for i := range 10 { // a failure that says too much
		fmt.Fprintf(&c.config, "[profile failing-%d]\ncredential_process = cat %s >&2; exit 3\n", i, c.file(fmt.Sprintf("failing-%d", i), "wrong password: "+c.secret()))
	}
	for i := range 10 { // a secret in the command line itself
		fmt.Fprintf(&c.config, "[profile line-%d]\ncredential_process = /nowhere/tool --key %s\n", i, c.secret())
	}
	for i := range 10 { // a good answer, which AWS refuses
		fmt.Fprintf(&c.config, "[profile process-%d]\ncredential_process = cat %s\n", i,
			c.file(fmt.Sprintf("process-%d", i), fmt.Sprintf(`{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":%q,"SessionToken":%q}`, c.secret(), c.secret())))
	}
	for i := range 5 { // sign-ins, whose portal does not answer
		session := fmt.Sprintf("corp-%d", i)
		fmt.Fprintf(&c.config, "[profile sso-%d]\nsso_session = %s\nsso_account_id = 333333333333\nsso_role_name = admin\n[sso-session %s]\nsso_region = us-east-1\nsso_start_url = https://x.awsapps.com/start\n",
			i, session, session)
		sum := sha1.Sum([]byte(session))
		c.file(".aws/sso/cache/"+hex.EncodeToString(sum[:])+".json", fmt.Sprintf(`{"accessToken":%q,"refreshToken":%q,"clientId":"x","clientSecret":%q,"expiresAt":%q}`,
			c.secret(), c.secret(), c.secret(), later))
	}
	for i := range 5 {
		session := fmt.Sprintf("arn:aws:iam::333333333333:user/ada-%d", i)
		fmt.Fprintf(&c.config, "[profile login-%d]\nlogin_session = %s\n", i, session)
		sum := sha256.Sum256([]byte(session))
		c.file(".aws/login/cache/"+hex.EncodeToString(sum[:])+".json", fmt.Sprintf(`{"accessToken":{"accessKeyId":"ASIA","secretAccessKey":%q,"sessionToken":%q,"accountId":"333333333333","expiresAt":%q},
			"clientId":"x","refreshToken":%q,"dpopKey":%q}`, c.secret(), c.secret(), later, c.secret(), c.secret()))
	}
	for i := range 5 {
		fmt.Fprintf(&c.config, "[profile token-%d]\nrole_arn = arn:aws:iam::333333333333:role/x\nweb_identity_token_file = %s\n", i, c.file(fmt.Sprintf("token-%d", i), c.secret()))
	}
	for range 5 { // lines that no tool reads
		fmt.Fprintf(&c.config, "[broken]\naws_secret_access_key: %s\n[profile broken\naws_secret_access_key = %s\n[profile broken]\naws_secret_access_key %s\n", c.secret(), c.secret(), c.secret())
	}
}

func TestNoneOfTwoHundredSecretsIsInAnythingThatIsWritten(t *testing.T) {
	c := &canaries{t: t, home: t.TempDir()}
	work := t.TempDir()
	server, environment, err := openAccounts(filepath.Join(c.home, "files"))
	require.NoError(t, err)
	defer server.Close()
	for _, variable := range environment.Environ() {
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			t.Setenv(name, value)
		}
	}
	t.Setenv("HOME", c.home)
	c.plant()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
	t.Setenv("AWS_SECRET_ACCESS_KEY", c.secret())
	t.Setenv("AWS_SESSION_TOKEN", c.secret())
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL()+"/nowhere")
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", c.secret())
	// dev is reached, staging is refused by STS in words that have its own secret, production by nobody: everything is asked.
	keys := "[dev]\naws_access_key_id = AKIA111111111111SHOW\naws_secret_access_key = " + planted + "111111111111\n" +
		"[staging]\naws_access_key_id = AKIA222222222222SHOW\naws_secret_access_key = " + planted + "222222222222\n"
	c.secrets = append(c.secrets, planted+"111111111111", planted+"222222222222")
	require.GreaterOrEqual(t, len(c.secrets), 200)
	for variable, text := range map[string]string{"AWS_CONFIG_FILE": c.config.String(), "AWS_SHARED_CREDENTIALS_FILE": keys + c.keys.String()} {
		require.NoError(t, os.WriteFile(os.Getenv(variable), []byte(text), 0o600))
	}
	server.InjectFault(rehearsal.Fault{
		Account: accounts["staging"], Service: "sts", Status: 403, Code: "SignatureDoesNotMatch",
		Message: "The Canonical String for this request should have been\nhost:sts\nx-amz-security-token:" + c.secrets[0] + "\n" + planted + "222222222222\x1b[2J",
	})
	answers := server.InjectFault(rehearsal.Fault{
		Account: accounts["dev"], Service: "cloudformation", Status: 403, Code: "AccessDenied", Message: "not with " + planted + "111111111111, nor " + c.secrets[1],
	})
	t.Chdir(work)
	c.say(t, [][]string{
		{"stages"},
		{"stages", "--json"},
		{"status"},
		{"status", "--json"},
		{"doctor"},
		{"doctor", "--json"},
		{"deploy", "--yes"},
		{"deploy", "--yes", "--json"},
		{"orphans"},
		{"orphans", "--json"},
		{"expire"},
		{"expire", "--json"},
		{"quotas", "--json"},
		{"costs", "--payer", "notice-1"},
		{"remove", "dev", "--yes"},
	})

	// Now dev answers, and refuses to delete most of what it has, in words that have secrets; one thing goes.
	answers()
	require.NoError(t, server.Load(strings.NewReader(leavings)))
	for _, refused := range []rehearsal.Fault{
		{Service: "cloudcontrolapi", Operation: "DeleteResource"},
		{Service: "cloudformation", Operation: "DeleteStack"},
	} {
		refused.Account, refused.Status, refused.Code = accounts["dev"], 400, "AccessDeniedException"
		refused.Message = "not with " + planted + "111111111111, nor " + c.secrets[1] + "\x1b[2J"
		server.InjectFault(refused)
	}
	said := c.say(t, [][]string{
		{"orphans", "--delete", "--yes", "--log", "first.jsonl"},
		{"orphans", "--delete", "--yes", "--json"},
		{"remove", "dev", "--yes", "--sweep"},
		{"remove", "dev", "--yes", "--sweep", "--json"},
		{"expire", "--yes"},
		{"expire", "--yes", "--json"},
	})
	for command, text := range said {
		require.Contains(t, text, redact.Hidden, "%s has told what AWS said, without the secrets", command)
	}
	for log, states := range map[string][]string{"first.jsonl": {"begun", "deleted", "failed"}, deletionLog: {"begun", "failed"}} {
		text, err := os.ReadFile(filepath.Join(work, filepath.FromSlash(log)))
		require.NoError(t, err)
		for _, state := range states {
			require.Contains(t, string(text), `"state":"`+state+`"`, log)
		}
		require.Contains(t, string(text), redact.Hidden, log)
	}
	for _, folder := range []string{work, assembled("")} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				c.absent(t, string(text))
			}
			return err
		}))
	}
}

// leavings are what an account has to delete: what a stage has left, a stage's stack, and one that has expired.
const leavings = `{"Version": 1, "Accounts": {"111111111111": {
  "Resources": [
    {"Region": "us-east-1", "Type": "AWS::SQS::Queue", "Properties": {"QueueName": "pr-7-show-jobs",
      "Tags": [{"Key": "aws:cloudformation:stack-id", "Value": "arn:aws:cloudformation:us-east-1:111111111111:stack/pr-7--show/forgotten"},
        {"Key": "roadshow:stage", "Value": "pr-7"}, {"Key": "roadshow:service", "Value": "show"}]}},
    {"Region": "us-east-1", "Type": "AWS::DynamoDB::Table", "Created": "2025-01-02T03:04:05Z", "Properties": {"TableName": "pr-7-show-left",
      "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
      "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
      "Tags": [{"Key": "aws:cloudformation:stack-id", "Value": "arn:aws:cloudformation:us-east-1:111111111111:stack/pr-7--show/forgotten"},
        {"Key": "roadshow:stage", "Value": "pr-7"}, {"Key": "roadshow:service", "Value": "show"}]}}],
  "Stacks": [
    {"Region": "us-east-1", "Name": "dev-show", "Status": "CREATE_COMPLETE", "Created": "2025-01-02T03:04:05Z", "Settings": {
      "Template": "{\"Resources\":{\"Log\":{\"Type\":\"AWS::Logs::LogGroup\"}}}",
      "Tags": [{"Key": "roadshow:service", "Value": "show"}, {"Key": "roadshow:stage", "Value": "dev"}]}},
    {"Region": "us-east-1", "Name": "pr-1--show", "Status": "CREATE_COMPLETE", "Created": "2025-01-02T03:04:05Z", "Settings": {
      "Template": "{\"Resources\":{\"Log\":{\"Type\":\"AWS::Logs::LogGroup\"}}}",
      "Tags": [{"Key": "roadshow:service", "Value": "show"}, {"Key": "roadshow:stage", "Value": "pr-1"}, {"Key": "roadshow:time-to-live", "Value": "48h0m0s"}]}}]
}}}`

// say runs commands, none of which says a secret, and returns what each has said.
func (c *canaries) say(t *testing.T, commands [][]string) map[string]string {
	t.Helper()
	said := map[string]string{}
	for _, arguments := range commands {
		command := strings.Join(arguments, " ")
		t.Run(command, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), append(arguments, "--app", assembled("")), &stdout, &stderr)
			require.NotZero(t, code+len(stdout.Bytes()), "something was said")
			said[command] = stdout.String() + stderr.String()
			c.absent(t, said[command])
			require.NotContains(t, said[command], "\x1b")
		})
	}
	return said
}

// absent fails where a text has one of the secrets.
func (c *canaries) absent(t *testing.T, text string) {
	t.Helper()
	for _, secret := range c.secrets {
		if at := strings.Index(text, secret); at >= 0 {
			t.Fatalf("%q is in it: …%s…", secret, text[max(0, at-120):at])
		}
	}
}
