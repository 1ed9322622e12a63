package fleet_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// TestTwoStagesInOneAccount has two stages share an account; TestTheLifeOfAFleet has an ephemeral one there.
func TestTwoStagesInOneAccount(t *testing.T) {
	t.Parallel()
	w := open(t, program("twins"), 0)
	got := w.must("bootstrap", "--json")
	require.Equal(t, map[string]string{"left": "done", "right": "unchanged"}, states(t, got))
	require.Equal(t, 1, w.calls(devAccount, "ExecuteChangeSet"), "one bootstrap serves both")

	got = w.must("deploy", "--json")
	require.Equal(t, map[string]string{"left": "done", "right": "done"}, states(t, got))
	require.Equal(t, 2, w.run("deploy", "--to", "nobody").code)
	require.Regexp(t, `(?m)^right +111111111111 +right-twins`, w.must("status").stdout)

	app := w.app
	t.Run("a table that must be replaced under its own name", func(t *testing.T) {
		w.t = t
		w.app = app + " key"
		got := w.run("deploy", "--to", "left")
		require.Equal(t, 2, got.code, "it is found before it is tried")
		require.Contains(t, got.stderr, "Resource things (AWS::DynamoDB::Table), made at e2e/fleet/testdata/twins/main.go:18: another KeySchema makes it anew")
		require.Contains(t, got.stderr, "Raise Revision in its config")
		require.True(t, w.holds(devAccount, "AWS::DynamoDB::Table", "left-twins-things"), "the old one is still there")
	})

	t.Run("credentials that expire half way", func(t *testing.T) {
		w.t = t
		fix := w.Server.InjectFault(rehearsal.Fault{
			Account: devAccount, Service: "cloudformation", Operation: "CreateChangeSet", Status: 403, Code: "ExpiredToken", Message: "The security token included in the request is expired",
		})
		w.app = app + " key 2"
		got := w.run("deploy", "--to", "left")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "sign in again")
		fix()
		w.must("deploy", "--to", "left")
		require.True(t, w.holds(devAccount, "AWS::DynamoDB::Table", "left-twins-things-r2"), "the revision was raised")
		require.False(t, w.holds(devAccount, "AWS::DynamoDB::Table", "left-twins-things"), "a sandbox keeps nothing")
	})

	t.Run("one stage is removed, and the neighbour keeps its own", func(t *testing.T) {
		w.t = t
		require.Contains(t, w.must("remove", "left", "--yes", "--sweep").stdout, "left: done, 0 left")
		require.False(t, w.holds(devAccount, "AWS::DynamoDB::Table", "left-twins-things-r2"))
		require.True(t, w.holds(devAccount, "AWS::DynamoDB::Table", "right-twins-things"))
	})

	t.Run("what somebody else has in the name's place", func(t *testing.T) {
		w.t, w.app = t, app
		_, err := w.Server.Account(devAccount).Create("us-east-1", "AWS::DynamoDB::Table", map[string]any{
			"TableName": "left-twins-things", "BillingMode": "PAY_PER_REQUEST",
			"KeySchema":            []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
			"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
		})
		require.NoError(t, err)
		got := w.run("deploy", "--to", "left")
		require.Equal(t, 2, got.code)
		require.Contains(t, got.stderr, "DynamoDB table left-twins-things exists already. It may be somebody else's: it was made on ")
		require.Contains(t, got.stderr, "Raise the Revision of things, which makes a new one beside it.")
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
