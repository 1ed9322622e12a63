package rehearsal_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

func TestAFaultCanStrikeALaterRequest(t *testing.T) {
	server := start(t)
	server.InjectFault(rehearsal.Fault{Service: "sts", After: 2, Count: 1, Code: "Throttling"})
	client := sts.NewFromConfig(as(server, dev))
	for _, code := range []string{"", "", "Throttling", ""} {
		_, err := client.GetCallerIdentity(t.Context(), nil)
		if code == "" {
			require.NoError(t, err)
		} else {
			requireCode(t, err, code)
		}
	}
}

func TestAnAnswerCanBreakOffInTheMiddle(t *testing.T) {
	server := start(t)
	server.InjectFault(rehearsal.Fault{Service: "sts", BreakOff: true})
	config := as(server, dev)
	cut := 0
	config.HTTPClient = client(func(request *http.Request) (*http.Response, error) {
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(response.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.NotEmpty(t, body)
		cut++
		return nil, err
	})
	_, err := sts.NewFromConfig(config).GetCallerIdentity(t.Context(), nil)
	require.Error(t, err)
	require.Positive(t, cut)
	for _, call := range server.Calls() {
		require.Equal(t, http.StatusOK, call.Status)
	}
}

// client is an HTTP client of one function.
type client func(*http.Request) (*http.Response, error)

func (c client) Do(request *http.Request) (*http.Response, error) { return c(request) }
