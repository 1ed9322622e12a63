package fleet_test

import (
	"encoding/json"

	"github.com/stretchr/testify/require"
)

// waitForQuota takes bootstrapped accounts, of which production may have too few DAX nodes, from the refusal to the deploy.
func (w *world) waitForQuota() {
	t := w.t
	production := w.Server.Account(productionAccount)
	require.NoError(t, production.SetQuota("us-east-1", "dax", "L-AB139030", 2))
	dev := w.Server.Account(devAccount)
	require.NoError(t, dev.SetQuota("us-east-1", "lambda", "L-B99A9384", 10))
	before := w.changes()

	got := w.run("quotas")
	require.Equal(t, 1, got.code)
	require.Regexp(t, `production +333333333333 +us-east-1 +DAX nodes +3 +0 +2 +does not fit`, got.stdout)
	require.Regexp(t, `Lambda concurrent executions +1000 +10 < production, new account +1000 +1000`, got.stdout)

	got = w.run("deploy", "--yes")
	require.Equal(t, 2, got.code)
	require.Contains(t, got.stderr, "Stage production: DAX nodes: the deploy needs 3, 0 are used, and the limit is 2.\n    Run `roadshow quotas production --request`.")
	require.Equal(t, before, w.changes(), "no stage was changed, not even those that fit")

	// What it says is what happens.
	require.NoError(t, dev.SetQuota("us-east-1", "dynamodb", "L-F98FE922", 0))
	got = w.run("deploy", "--to", "dev", "--despite-quotas", "--json")
	require.Equal(t, 1, got.code)
	require.Equal(t, map[string]string{"dev": "failed"}, states(t, got))
	require.Contains(t, got.stderr, "Stage dev: DynamoDB tables: the deploy needs 1, 0 are used, and the limit is 0")
	require.Contains(t, got.stdout, "Subscriber limit exceeded")
	require.NoError(t, dev.SetQuota("us-east-1", "dynamodb", "L-F98FE922", 2500))

	got = w.run("quotas", "--request", "--yes", "--json")
	require.Equal(t, 1, got.code)
	var read struct {
		Increases []struct {
			Service string
			Desired float64
			Request struct{ ID, Status string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &read), got.stdout)
	require.Len(t, read.Increases, 1)
	require.Equal(t, 50.0, read.Increases[0].Desired)
	require.Equal(t, "PENDING", read.Increases[0].Request.Status)
	require.Contains(t, w.run("deploy", "--yes").stderr, "Wait for AWS's decision on the request for 50 (PENDING)")

	require.NoError(t, production.DecideQuotaRequest(read.Increases[0].Request.ID, true))
	require.NoError(t, dev.SetQuota("us-east-1", "lambda", "L-B99A9384", 1000))
	require.Zero(t, w.run("quotas").code)
	got = w.run("deploy", "--to", "production", "--json")
	require.Equal(t, map[string]string{"production": "declined"}, states(t, got), "it is begun, and waits for an approval")
	require.Zero(t, w.calls(productionAccount, "ExecuteChangeSet"))
}
