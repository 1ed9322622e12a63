package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// url is where the API of a stage is served on this machine.
func (r *rig) url(t *testing.T, stage string) string {
	t.Helper()
	apis, err := r.Server.APIs()
	require.NoError(t, err)
	for _, api := range apis {
		if api.Account == r.stage(t, stage).Account && api.Stage != "" {
			return api.URL
		}
	}
	require.Fail(t, "stage "+stage+" serves no API")
	return ""
}

// requests sends a request to the API of a stage and reads its answer.
func requests(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content)
}

// answer asks the stages that have no DAX, which the rehearsal does not serve.
func (r *rig) answer(t *testing.T) {
	r.onlyRehearsed(t, "AWS gives an API an address on the internet")
	type note struct{ ID, Text string }
	written := map[string]note{}
	for _, stage := range []string{dev, staging} {
		url := r.url(t, stage)
		status, content := requests(t, "POST", url+"/notes", fmt.Sprintf(`{"text":"of %s"}`, stage))
		require.Equal(t, http.StatusCreated, status, content)
		var made note
		require.NoError(t, json.Unmarshal([]byte(content), &made))
		assert.Equal(t, "of "+stage, made.Text)
		written[stage] = made

		status, content = requests(t, "GET", url+"/notes/"+made.ID, "")
		require.Equal(t, http.StatusOK, status, content)
		status, content = requests(t, "GET", url+"/nothing", "")
		require.Equal(t, http.StatusNotFound, status, content)
	}
	status, _ := requests(t, "GET", r.url(t, staging)+"/notes/"+written[dev].ID, "")
	assert.Equal(t, http.StatusNotFound, status, "staging has no note of dev")
	_, content := requests(t, "GET", r.url(t, dev)+"/notes", "")
	assert.Contains(t, content, written[dev].ID)
	assert.NotContains(t, content, written[staging].ID)
}
