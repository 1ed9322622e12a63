package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

const account = "444444444444"

// another is a rehearsal that plays the other endpoint.
func another(t *testing.T) *rehearsal.Server {
	t.Helper()
	server, err := rehearsal.Start(rehearsal.Config{Accounts: []rehearsal.Account{{ID: account, AccessKeyID: "AKIAOTHER", SecretAccessKey: "other"}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "other")
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_PROFILE", "")
	t.Chdir("../..")
	return server
}

// some are a program, and refusals of several moments.
const some = `^program/(notes|messaging)$|^refusal/(lambda-memory|cloudformation-circle|sqs-name-taken|dynamodb-two-index-changes|kms-policy-lockout)$`

func TestAnEndpointThatAnswersAsTheRehearsalAgreesAndHoldsNothingAfterwards(t *testing.T) {
	server := another(t)
	var out, complaints bytes.Buffer
	code := run(t.Context(), []string{"--account", account, "--endpoint", server.URL(), "--only", some}, &out, &complaints)
	require.Equal(t, agrees, code, "%s%s", out.String(), complaints.String())
	assert.Contains(t, out.String(), "7 cases were tried, 0 differ.")
	assert.Empty(t, server.Resources(account, "us-east-1"), "it removes what it made")
}

// altered is an endpoint that answers with another text.
func altered(t *testing.T, server *rehearsal.Server, old, replacement string) string {
	t.Helper()
	at, err := url.Parse(server.URL())
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at); r.Out.Host = r.In.Host },
		ModifyResponse: func(answer *http.Response) error {
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				return err
			}
			body = []byte(strings.ReplaceAll(string(body), old, replacement))
			answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
			return nil
		},
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	return front.URL
}

func TestAnEndpointThatAnswersOtherwiseIsShownWithBothAnswers(t *testing.T) {
	for name, tt := range map[string]struct{ only, old, replacement, says string }{
		"the words of a refusal": {"lambda-memory$", "MemorySize", "Size", "the words of the refusal"},
		"the status of a stack":  {"program/notes", "<StackStatus>CREATE_COMPLETE", "<StackStatus>UPDATE_COMPLETE", "where it ends"},
		"the shape of an id":     {"program/notes", "<PhysicalResourceId>", "<PhysicalResourceId>x9-", "the id of judge-program"},
		"an output":              {"program/notes", "<OutputValue>", "<OutputValue>more9", "output judge-program"},
	} {
		t.Run(name, func(t *testing.T) {
			server := another(t)
			var out, complaints bytes.Buffer
			code := run(t.Context(), []string{"--account", account, "--endpoint", altered(t, server, tt.old, tt.replacement), "--only", tt.only}, &out, &complaints)
			assert.Equal(t, differs, code, "%s%s", out.String(), complaints.String())
			assert.Contains(t, out.String(), tt.says)
			assert.Contains(t, out.String(), "the rehearsal:")
		})
	}
}

// A region that is off refuses every call, also the question whether there is a stack.
func TestARegionThatIsOffIsAnAnswerAndEndsNothing(t *testing.T) {
	server := another(t)
	server.InjectFault(rehearsal.Fault{Region: "eu-north-1", Service: "cloudformation", Status: http.StatusForbidden, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid."})
	var out, complaints bytes.Buffer
	code := run(t.Context(), []string{"--account", account, "--endpoint", server.URL(), "--only", "dax-region$"}, &out, &complaints)
	assert.Equal(t, differs, code, "%s%s", out.String(), complaints.String())
	assert.Contains(t, out.String(), "1 cases were tried, 1 differ.")
	assert.Contains(t, out.String(), "The security token included in the request is invalid.")
}

func TestNothingIsDeployedWhereNoAccountAndNoEndpointAreNamed(t *testing.T) {
	server := another(t)
	for name, tt := range map[string]struct {
		arguments []string
		says      string
	}{
		"nothing":                         {nil, "no account is named"},
		"no account":                      {[]string{"--endpoint", server.URL()}, "no account is named"},
		"no endpoint":                     {[]string{"--account", account}, "no endpoint is named"},
		"an endpoint and AWS":             {[]string{"--account", account, "--endpoint", server.URL(), "--aws"}, "no endpoint is named"},
		"an account of other credentials": {[]string{"--account", "555555555555", "--endpoint", server.URL()}, "the credentials are of account 444444444444"},
		"no case":                         {[]string{"--account", account, "--endpoint", server.URL(), "--only", "^none$"}, "no case matches"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, complaints bytes.Buffer
			assert.Equal(t, undetermined, run(t.Context(), tt.arguments, &out, &complaints))
			assert.Contains(t, complaints.String(), tt.says)
			assert.Empty(t, server.Resources(account, "us-east-1"))
		})
	}
}
