package fleet_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// orphaned is what the command says is left behind: grade, type, name and stage of each.
func orphaned(t *testing.T, got answer) (rows []string) {
	t.Helper()
	whole := false
	for line := range strings.Lines(got.stdout) {
		var read struct {
			Orphan  *struct{ Grade, Type, Name, Stage string }
			Summary *struct{ Gaps int }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &read), line)
		if read.Orphan != nil {
			rows = append(rows, strings.Join([]string{read.Orphan.Grade, read.Orphan.Type, read.Orphan.Name, read.Orphan.Stage}, " "))
		}
		whole = whole || read.Summary != nil && read.Summary.Gaps == 0
	}
	require.True(t, whole, "the last line says that nothing is missing")
	slices.Sort(rows)
	return rows
}

// TestWhatIsLeftBehindIsNamedAndNothingElse deploys with the real cdk command, and leaves behind what a year of work
// does: a table that stays by policy, a failed stack, a stack of a stage that is not in the set any more.
func TestWhatIsLeftBehindIsNamedAndNothingElse(t *testing.T) {
	t.Parallel()
	w := open(t, prepared(), 0)
	w.bootstrap()
	w.deployed(devAccount, stagingAccount)
	require.Empty(t, orphaned(t, w.must("orphans", "--json")), "what is deployed is no orphan")

	w.must("remove", "staging", "--yes")
	fix := w.Server.InjectFault(rehearsal.Fault{
		Account: productionAccount, ResourceType: "AWS::ApiGatewayV2::Stage", Operation: "Create", Code: "GeneralServiceException", Message: "no stage for you",
	})
	require.Equal(t, 1, w.run("deploy", "--yes", "--to", "production").code)
	fix()

	// Of a stage that went long ago, without anybody noticing, there is a queue.
	_, err := w.Server.Account(devAccount).Create("us-east-1", "AWS::SQS::Queue", map[string]any{"QueueName": "gone-notes-jobs", "Tags": []any{
		map[string]any{"Key": "roadshow:stage", "Value": "gone"},
		map[string]any{"Key": "roadshow:service", "Value": "notes"},
		map[string]any{"Key": "aws:cloudformation:stack-id", "Value": "arn:aws:cloudformation:us-east-1:" + devAccount + ":stack/gone-notes/forgotten"},
	}})
	require.NoError(t, err)

	// The program of the next year calls dev's account by another name.
	next := filepath.Join(w.folder, "next")
	require.NoError(t, os.CopyFS(next, os.DirFS(untouched())))
	document, err := assembly.Read(next)
	require.NoError(t, err)
	for i := range document.Set {
		if document.Set[i].Name == "dev" {
			document.Set[i].Name = "trial"
		}
	}
	document.Stages = slices.DeleteFunc(document.Stages, func(one assembly.Synthesized) bool { return one.Name == "dev" })
	document.Ledger = slices.DeleteFunc(document.Ledger, func(one stages.LedgerName) bool { return one.Stage == "dev" })
	require.NoError(t, assembly.Write(next, document))
	w.app = next
	got := w.run("orphans", "--json")
	require.Equal(t, 1, got.code)
	want := []string{
		"certain AWS::CloudFormation::Stack production-notes production",
		"certain AWS::DynamoDB::Table staging-notes-notes staging",
		"certain AWS::SQS::Queue gone-notes-jobs gone",
		"likely AWS::CloudFormation::Stack dev-notes dev",
	}
	require.Equal(t, want, orphaned(t, got))

	// The deletion is killed while it deletes dev's stack, before the queue's turn, and is run again.
	log := filepath.Join(w.folder, "deleted.jsonl")
	arguments := []string{"orphans", "--delete", "--likely", "--yes", "--confirm", "dev/" + devAccount, "--confirm", "gone/" + devAccount, "--log", log}
	stay := w.Server.InjectFault(rehearsal.Fault{Account: devAccount, ResourceType: "AWS::Lambda::Function", Operation: "Delete", Delay: 10 * time.Second})
	command := w.command(t.Context(), arguments...)
	var talk bytes.Buffer
	command.Stdout, command.Stderr = &talk, &talk
	require.NoError(t, command.Start())
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(log)
		return bytes.Contains(text, []byte(`"state":"begun","account":"`+devAccount+`"`)) && w.calls(devAccount, "DeleteStack") > 0
	}, time.Minute, 5*time.Millisecond, "%s", &talk)
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	stay()
	require.True(t, w.holds(devAccount, "AWS::SQS::Queue", "gone-notes-jobs"))
	// What CloudFormation was doing then goes on without us.
	require.Equal(t, 1, w.run(arguments...).code, "but for what is protected")
	require.False(t, w.holds(devAccount, "AWS::SQS::Queue", "gone-notes-jobs"))
	require.Eventually(t, func() bool { return !w.holds(devAccount, "AWS::DynamoDB::Table", "dev-notes-notes") }, 2*time.Minute, 100*time.Millisecond)
	require.Equal(t, want[:1], orphaned(t, w.run("orphans", "--json")))
	require.False(t, w.holds(stagingAccount, "AWS::DynamoDB::Table", "staging-notes-notes"))
	require.Zero(t, w.calls(productionAccount, "DeleteStack"), "a protected stage is never touched")
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Contains(t, string(text), `"state":"deleted","account":"`+stagingAccount)
}
