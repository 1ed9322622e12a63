package rehearsal_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

const (
	dev        = "111111111111"
	production = "333333333333"
	region     = "us-east-1"
)

// start serves two accounts for one test.
func start(t *testing.T) *rehearsal.Server {
	t.Helper()
	server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{
		{ID: dev, AccessKeyID: "AKIADEV", SecretAccessKey: "dev secret", UserName: "dev"},
		{ID: production, AccessKeyID: "AKIAPRODUCTION", SecretAccessKey: "production secret", UserName: "production"},
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return server
}

// as is the configuration of an SDK client of an account. It names the endpoint
// outright, so that no client can reach beyond loopback, and does not retry.
func as(server *rehearsal.Server, account string) aws.Config {
	keys := map[string][2]string{
		dev:        {"AKIADEV", "dev secret"},
		production: {"AKIAPRODUCTION", "production secret"},
	}[account]
	return with(server, credentials.NewStaticCredentialsProvider(keys[0], keys[1], ""))
}

func with(server *rehearsal.Server, provider aws.CredentialsProvider) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(server.URL()), Credentials: provider,
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
		HTTPClient: plain{awshttp.NewBuildableClient()},
	}
}

// plain sends request bodies that have no WriteTo. The SDK closes a body as soon
// as the answer's headers are there, which on loopback may be before net/http has
// looked for the body's end. The closed body's WriteTo then fails with io.EOF, and
// net/http closes the connection in the middle of the answer ("use of closed
// network connection"); its Read says the same, and means the end.
type plain struct{ aws.HTTPClient }

func (p plain) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.HTTPClient.Do(r)
}

// requireCode checks the code of an error that AWS would send.
func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.ErrorCode(), refusal.ErrorMessage())
}
