package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestASecretThatIsKnownIsHiddenHoweverItIsWritten(t *testing.T) {
	const secret = `s3cr"et/with+all=\of<it>`
	r := New(secret)
	quoted, err := json.Marshal(secret)
	require.NoError(t, err)
	for name, text := range map[string]string{
		"as it is": secret, "in a URL": url.QueryEscape(secret), "in JSON": string(quoted[1 : len(quoted)-1]),
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, "a "+Hidden+" b", r.Text("a "+text+" b")) })
	}
	require.Equal(t, secret, New().Text(secret), "another one does not know it")
	var none *Redactor
	none.Learn(secret)
	require.Equal(t, "a b", none.Text("a b"), "none is as good as one that knows none")
}

func TestWhatIsWrittenLikeACredentialIsHiddenWhoeversItIs(t *testing.T) {
	for name, text := range map[string]string{
		"a setting":                 "aws_secret_access_key = wJalrXUtnPLANTED",
		"JSON":                      `{"SecretAccessKey":"wJalr/PLANTED","SessionToken": "FwoGPLANTED=="}`,
		"JSON in JSON":              `"{\"SecretAccessKey\":\"wJalr/PLANTED\"}"`,
		"XML of STS":                "<SecretAccessKey>wJalr+PLANTED</SecretAccessKey><SessionToken>FwoGPLANTED</SessionToken>",
		"a variable":                "export AWS_SESSION_TOKEN=FwoGPLANTED",
		"a header":                  "x-amz-security-token:FwoGPLANTED",
		"a signed URL":              "https://b.s3.amazonaws.com/x?X-Amz-Credential=PLANTED%2F2026&X-Amz-Signature=PLANTED01&X-Amz-Security-Token=PLANTED%3D",
		"a bearer token":            "Authorization: Bearer PLANTEDPLANTED",
		"a token of the web":        "token eyJhbGciOiJIUzI1NiJ9.eyJQTEFOVEVEPLANTED.abcPLANTED",
		"a private key":             "-----BEGIN EC PRIVATE KEY-----\nMHcPLANTED\n-----END EC PRIVATE KEY-----",
		"an access key's id":        "AKIAPLANTEDPLANTED01",
		"a sign-in's refresh token": `{"refreshToken": "PLANTEDPLANTED", "clientSecret":"PLANTEDPLANTED"}`,
		"a dump of Go":              `SecretAccessKey:(*string)"PLANTEDPLANTED"`,
	} {
		t.Run(name, func(t *testing.T) { require.NotContains(t, New().Text(text), "PLANTED") })
	}
	for _, plain := range []string{
		"stage dev: version is 5, want 6", "commit 0123456789abcdef0123456789abcdef01234567", "arn:aws:iam::111111111111:role/cdk-hnb659fds-deploy-role-111111111111-us-east-1",
		"the session token is expired", "dev-notes-table", "AssetHash: 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0",
	} {
		require.Equal(t, plain, New().Text(plain))
	}
}

func TestEachLineOfAPrivateKeyIsASecret(t *testing.T) {
	r := New("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIPLANTEDPLANTEDPLANTED\nAoGBAPLANTEDPLANTEDPLANTED\n-----END EC PRIVATE KEY-----\n")
	require.NotContains(t, r.Text("  MHcCAQEEIPLANTEDPLANTEDPLANTED\n  AoGBAPLANTEDPLANTEDPLANTED"), "PLANTED")
}

func TestNoSecretIsSplitInAStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(rapid.StringMatching(`[A-Za-z0-9/+=]{8,60}`), 1, 5).Draw(t, "secrets")
		r := New(secrets...)
		var out bytes.Buffer
		stream := r.Stream(&out)
		text := ""
		for i, secret := range secrets {
			text += fmt.Sprintf("line %d has %s in it\n", i, secret)
		}
		for text != "" {
			n := rapid.IntRange(1, len(text)).Draw(t, "piece")
			_, err := stream.Write([]byte(text[:n]))
			require.NoError(t, err)
			text = text[n:]
		}
		require.NoError(t, stream.Close())
		for _, secret := range secrets {
			if !strings.Contains("line has in it "+Hidden, secret) {
				require.NotContains(t, out.String(), secret)
			}
		}
	})
}

func TestATextThatIsNotSearchedForAFormHoldsNoneOfIt(t *testing.T) {
	fragments := []string{
		"secret", "SECRET", "ſecret", "Key", "\u212aey", "access", "_", "-", "session", "token", "to\u212aen", "Password", "paſſword", "=", ":", ">", `"`, `\`, " ",
		"X-Amz-", "x-amz-ſignature=", "Signature=", "Bearer ", "baſic ", "BASIC", "eyJhbGci.", "-----BEGIN PRIVATE KEY-----", "AKIA", "ASIA", "ABCDEFGH0123",
		"0123456789abcdef", "é", "\xff",
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(fragments), 0, 12).Draw(t, "fragments"), "")
		want := text
		for _, form := range forms {
			want = form.pattern.ReplaceAllString(want, "${1}"+Hidden)
		}
		require.Equal(t, want, New().Text(text))
	})
}
