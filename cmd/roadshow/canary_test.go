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
	server.InjectFault(rehearsal.Fault{
		Account: accounts["dev"], Service: "cloudformation", Status: 403, Code: "AccessDenied", Message: "not with " + planted + "111111111111, nor " + c.secrets[1],
	})
	t.Chdir(work)
	for _, arguments := range [][]string{
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
	} {
		t.Run(strings.Join(arguments, " "), func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), append(arguments, "--app", assembled("")), &stdout, &stderr)
			require.NotZero(t, code+len(stdout.Bytes()), "something was said")
			c.absent(t, stdout.String())
			c.absent(t, stderr.String())
			require.NotContains(t, stdout.String()+stderr.String(), "\x1b")
		})
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

// absent fails where a text has one of the secrets.
func (c *canaries) absent(t *testing.T, text string) {
	t.Helper()
	for _, secret := range c.secrets {
		if at := strings.Index(text, secret); at >= 0 {
			t.Fatalf("%q is in it: …%s…", secret, text[max(0, at-120):at])
		}
	}
}
