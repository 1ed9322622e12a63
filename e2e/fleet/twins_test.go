package fleet_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// TestTwoStagesInOneAccount has two stages and an ephemeral one share an account.
func TestTwoStagesInOneAccount(t *testing.T) {
	t.Parallel()
	w := open(t, program("twins"), 0)
	got := w.must("bootstrap", "--json")
	require.Equal(t, map[string]string{"left": "done", "right": "unchanged"}, states(t, got))
	require.Equal(t, 1, w.calls(devAccount, "ExecuteChangeSet"), "one bootstrap serves both")

	got = w.must("deploy", "--json")
	require.Equal(t, map[string]string{"left": "done", "right": "done"}, states(t, got))
	got = w.must("deploy", "--to", "pr-1", "--json")
	require.Equal(t, map[string]string{"pr-1": "done"}, states(t, got))
	require.Equal(t, 2, w.run("deploy", "--to", "nobody").code)

	require.Contains(t, w.must("expire").stdout, "expired")
	preview := w.table("pr-1--twins--things")
	require.NotEmpty(t, preview)
	require.Contains(t, w.must("expire", "--yes").stdout, "removed")
	require.Empty(t, w.table("pr-1--twins--things"))

	got = w.must("remove", "left", "--yes", "--sweep")
	require.Contains(t, got.stdout, "left: done, 0 left")
	require.True(t, w.holds(devAccount, "AWS::DynamoDB::Table", "right-twins-things"), "the neighbour keeps its own")
	require.Contains(t, w.must("status").stdout, "right  111111111111  right-twins")

	t.Run("credentials that expire half way", func(t *testing.T) {
		w.t = t
		fix := w.Server.InjectFault(rehearsal.Fault{
			Account: devAccount, Service: "cloudformation", Operation: "CreateChangeSet", Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired",
		})
		got := w.run("deploy", "--to", "left")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "sign in again")
		fix()
		w.must("deploy", "--to", "left")
	})

	t.Run("a table that must be replaced under its own name", func(t *testing.T) {
		w.t = t
		defer func(app string) { w.app = app }(w.app)
		app := w.app
		w.app = app + " key"
		got := w.run("deploy", "--to", "left")
		require.Equal(t, 2, got.code, "it is found before it is tried")
		require.Contains(t, got.stderr, "Resource things (AWS::DynamoDB::Table), made at e2e/fleet/testdata/twins/main.go:18: another KeySchema makes it anew")
		require.Contains(t, got.stderr, "Raise Revision in its config")
		require.True(t, w.holds(devAccount, "AWS::DynamoDB::Table", "left-twins-things"), "the old one is still there")
		w.app = app + " key 2"
		w.must("deploy", "--to", "left")
		require.True(t, w.holds(devAccount, "AWS::DynamoDB::Table", "left-twins-things-r2"))
		require.False(t, w.holds(devAccount, "AWS::DynamoDB::Table", "left-twins-things"), "a sandbox keeps nothing")
	})

	t.Run("what somebody else has in the name's place", func(t *testing.T) {
		w.t = t
		w.must("deploy", "--to", "pr-2")
		name := w.table("pr-2--twins--things")
		w.must("remove", "pr-2", "--yes", "--sweep")
		_, err := w.Server.Account(devAccount).Create("us-east-1", "AWS::DynamoDB::Table", map[string]any{
			"TableName": name, "BillingMode": "PAY_PER_REQUEST",
			"KeySchema":            []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
			"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
		})
		require.NoError(t, err)
		got := w.run("deploy", "--to", "pr-2")
		require.Equal(t, 2, got.code)
		require.Contains(t, got.stderr, "DynamoDB table "+name+" exists already. It may be somebody else's: it was made on ")
		require.Contains(t, got.stderr, "Raise the Revision of things, which makes a new one beside it.")
		require.NoError(t, w.Server.Account(devAccount).Delete("us-east-1", "AWS::DynamoDB::Table", name))
		w.must("deploy", "--to", "pr-2")
	})
}

// table is the name of dev's table that begins so; empty where there is none.
func (w *world) table(prefix string) string {
	for _, one := range w.Server.Resources(devAccount, "us-east-1") {
		if one.Type == "AWS::DynamoDB::Table" && strings.HasPrefix(one.Name, prefix) {
			return one.Name
		}
	}
	return ""
}
