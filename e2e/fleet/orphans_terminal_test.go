//go:build linux

package fleet_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAPersonDeletesOrphansWithATypedConfirmation types what a deletion wants for a stage that is not in the set: a wrong account
// first, then a no, then what is right.
func TestAPersonDeletesOrphansWithATypedConfirmation(t *testing.T) {
	t.Parallel()
	w := open(t, prepared(), 0)
	_, err := w.Server.Account(devAccount).Create("us-east-1", "AWS::SQS::Queue", map[string]any{"QueueName": "gone-notes-jobs", "Tags": []any{
		map[string]any{"Key": "roadshow:stage", "Value": "gone"},
		map[string]any{"Key": "roadshow:service", "Value": "notes"},
		map[string]any{"Key": "aws:cloudformation:stack-id", "Value": "arn:aws:cloudformation:us-east-1:" + devAccount + ":stack/gone-notes/forgotten"},
	}})
	require.NoError(t, err)
	remove := []string{"orphans", "--delete", "--log", filepath.Join(w.folder, "deleted.jsonl")}
	const name, account, sure = "Stage gone is not in the set. Type its name:", "Type the id of its account:", "Delete these 1? Type yes to confirm:"

	seen, code := w.inTerminal([][2]string{{name, "gone"}, {account, productionAccount}, {"That is not " + devAccount, escape}}, remove...)
	require.Equal(t, 2, code)
	require.Contains(t, seen, "plan: 1 deleted, 0 kept")
	_, code = w.inTerminal([][2]string{{name, "gone"}, {account, devAccount}, {sure, "no"}}, remove...)
	require.Equal(t, 1, code)
	require.True(t, w.holds(devAccount, "AWS::SQS::Queue", "gone-notes-jobs"))
	_, code = w.inTerminal([][2]string{{name, "gone"}, {account, devAccount}, {sure, "yes"}}, remove...)
	require.Zero(t, code)
	require.False(t, w.holds(devAccount, "AWS::SQS::Queue", "gone-notes-jobs"))
}
