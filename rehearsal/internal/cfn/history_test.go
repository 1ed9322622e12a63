package cfn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/rehearsal/internal/cfn"
)

// drawQueues makes a template of up to four queues that may stand on each other, with names that may change.
func drawQueues(t *rapid.T) string {
	resources := map[string]any{}
	for i := range 4 {
		if !rapid.Bool().Draw(t, "present") && i > 0 {
			continue
		}
		properties := map[string]any{"DelaySeconds": rapid.IntRange(0, 3).Draw(t, "delay")}
		if rapid.Bool().Draw(t, "named") {
			properties["QueueName"] = fmt.Sprintf("q%d-%d", i, rapid.IntRange(1, 2).Draw(t, "revision"))
		}
		if rapid.Bool().Draw(t, "fifo") {
			properties["FifoQueue"] = true // immutable: replaces, also where the name stays
		}
		resource := map[string]any{"Type": "AWS::SQS::Queue", "Properties": properties}
		if before := fmt.Sprintf("Q%d", i-1); resources[before] != nil && rapid.Bool().Draw(t, "depends") {
			properties["RedrivePolicy"] = map[string]any{"target": map[string]any{"Ref": before}}
		}
		resources[fmt.Sprintf("Q%d", i)] = resource
	}
	body, err := json.Marshal(map[string]any{"Resources": resources})
	require.NoError(t, err)
	return string(body)
}

// stable are the states in which the account holds exactly what the stack lists.
var stable = []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE"}

func TestWhateverFailsNothingIsLeftBehindOrLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench(t)
		ctx := context.Background()
		var id string
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			b.fake.mu.Lock()
			clear(b.fake.fail)
			b.fake.mu.Unlock()
			for _, verb := range []string{"create", "update"} {
				if rapid.IntRange(0, 2).Draw(rt, "fails") == 0 {
					b.fake.setFailure(fmt.Sprintf("%s Q%d", verb, rapid.IntRange(0, 3).Draw(rt, "which")), "no")
				}
			}
			in := b.input(drawQueues(rt))
			require.NoError(rt, ignoreMissingStack(b.engine.DeleteChangeSet(dev, in.StackName, in.ChangeSetName)))
			made, err := b.engine.CreateChangeSet(ctx, dev, in)
			require.NoError(rt, err)
			id = made.StackID
			set, err := b.engine.DescribeChangeSet(dev, "", made.ChangeSetID)
			require.NoError(rt, err)
			if set.Status == "FAILED" {
				continue
			}
			require.NoError(rt, b.engine.ExecuteChangeSet(ctx, dev, cfn.ExecuteChangeSetInput{
				ChangeSetName: made.ChangeSetID, DisableRollback: rapid.Bool().Draw(rt, "no rollback"),
			}))
			b.wait()
			s := b.stack(id)
			b.fake.mu.Lock()
			clear(b.fake.fail) // so that every way back works
			b.fake.mu.Unlock()
			if s.Status == "UPDATE_ROLLBACK_FAILED" {
				require.NoError(rt, b.engine.ContinueUpdateRollback(ctx, dev, id, nil))
				b.wait()
			} else if strings.HasSuffix(s.Status, "E_FAILED") && rapid.Bool().Draw(rt, "roll back later") {
				_, err := b.engine.RollbackStack(ctx, dev, id, false)
				require.NoError(rt, err)
				b.wait()
			}
			s = b.stack(id)
			require.False(rt, strings.HasSuffix(s.Status, "_IN_PROGRESS"), s.Status)
			if slices.Contains(stable, s.Status) {
				requireAccountIsStack(rt, b, id)
			}
			if s.Status == "ROLLBACK_COMPLETE" {
				b.delete(id)
			}
		}
		b.delete(id)
		require.Equal(rt, "DELETE_COMPLETE", b.stack(id).Status)
		require.Empty(rt, b.fake.names())
	})
}

func requireAccountIsStack(rt *rapid.T, b *bench, id string) {
	resources, err := b.engine.DescribeStackResources(dev, id, "")
	require.NoError(rt, err)
	listed := []string{}
	for _, r := range resources {
		if r.Status != "DELETE_COMPLETE" {
			listed = append(listed, r.PhysicalID)
		}
	}
	slices.Sort(listed)
	require.Equal(rt, b.fake.names(), listed)
}
