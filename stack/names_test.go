package stack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// TestANameIsMarkedWhereItsStageHasNoSuchComponent holds every name of the ledger to the templates: what is not marked
// is in its stage's, and what is marked is not.
func TestANameIsMarkedWhereItsStageHasNoSuchComponent(t *testing.T) {
	outdir := t.TempDir()
	document, err := app(func(s *stack.Stack) {
		stack.NewTable(s, "orders", stack.TableConfig{PartitionKey: stack.StringKey("id"), DAX: &stack.DAXConfig{Stages: stages.Only(production)}})
		stack.NewTable(s, "audit", stack.TableConfig{PartitionKey: stack.StringKey("id"), Stages: stages.Except(dev)})
		report := stack.NewFunction(s, "report", stack.FunctionConfig{Package: "./functions/f", Stages: stages.Except(staging)})
		stack.NewFunction(s, "show", stack.FunctionConfig{Package: "./functions/f"})
		stack.NewSchedule(s, "daily", stack.ScheduleConfig{Rate: time.Hour, Stages: stages.Except(dev)}).Triggers(report)
		stack.NewQueue(s, "work", stack.QueueConfig{Stages: stages.Only(dev)})
		stack.NewBucket(s, "files", stack.BucketConfig{Stages: stages.Only(staging)})
	}).Synthesize(stack.Synthesis{Outdir: outdir, StubFunctions: true})
	require.NoError(t, err)
	templates := map[string]string{}
	for _, one := range document.Stages {
		text, err := os.ReadFile(filepath.Join(outdir, filepath.FromSlash(one.File)))
		require.NoError(t, err)
		templates[one.Name] = string(text)
	}
	absent := 0
	for _, name := range document.Ledger {
		if name.Kind == stages.Stack.Title {
			continue
		}
		text := `"` + name.Name + `"`
		if name.Kind == stages.DAXCluster.Title { // its table is called alike
			text = `"ClusterName": ` + text
		}
		assert.Equal(t, !strings.Contains(templates[name.Stage], text), name.Absent, "%s %s of stage %s", name.Kind, name.Name, name.Stage)
		if name.Absent {
			absent++
		}
	}
	assert.Positive(t, absent)
}
