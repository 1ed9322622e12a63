//go:build bench

package ourstest

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

var dev = stages.Stage{Name: "s01", Account: "100000000001", Region: "us-east-1"}

func app(memory int) stack.App {
	return stack.App{Service: "bench", Stages: stages.Set{dev}, Define: func(s *stack.Stack) {
		items := stack.NewTable(s, "items", stack.TableConfig{PartitionKey: stack.StringKey("id")})
		stack.NewFunction(s, "f001", stack.FunctionConfig{
			Package: "./functions/f001", Memory: memory, Access: []stack.Grant{items.ReadWrite()},
		})
	}}
}

func TestTemplates(t *testing.T) {
	count, err := strconv.Atoi(os.Getenv("BENCH_TESTS"))
	require.NoError(t, err)
	for i := range count {
		memory := 256 + i
		t.Run(fmt.Sprint(memory), func(t *testing.T) {
			template := stacktest.Synth(t, app(memory), dev)
			require.Len(t, template.Resources("AWS::DynamoDB::Table"), 1)
			function := template.Resource(t, "AWS::Lambda::Function", "f001")
			require.EqualValues(t, memory, function.Properties["MemorySize"])
			require.Equal(t, "provided.al2023", function.Properties["Runtime"])
			if file := os.Getenv("BENCH_TEMPLATE"); file != "" {
				require.NoError(t, os.WriteFile(file, template.JSON, 0o600))
			}
		})
	}
}
