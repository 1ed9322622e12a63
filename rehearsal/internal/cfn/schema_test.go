package cfn

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/intrinsic"
	"github.com/roadshow-go/roadshow/internal/spec"
	"github.com/roadshow-go/roadshow/rehearsal/refusals"
)

var update = flag.Bool("update", false, "write the goldens anew")

// againstSchema is what AWS's schema of resource types, the npm package @aws-cdk/aws-service-spec, has against a template
// as it is written: unknown types, properties and attributes, missing properties, and values of another kind.
func againstSchema(body string) (problems []string) {
	read, err := parseTemplate(body)
	switch {
	case err != nil && strings.Contains(err.Error(), "does not support attribute type"):
		return []string{err.Error()}
	case err != nil:
		return nil // that is no template, which the schema does not speak of
	}
	problems = read.unknownTypes("us-east-1")
	for _, id := range sortedKeys(read.resources) {
		declared := read.resources[id]
		properties, _ := asWritten(declared.properties).(map[string]any)
		if table, known := spec.Lookup(declared.typeName); known {
			if _, err := checkProperties(id, table, properties); err != nil {
				problems = append(problems, err.Error())
			}
		}
	}
	return problems
}

// asWritten is a value in which each intrinsic function is a value that is not known.
func asWritten(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if _, _, calls := intrinsic.Function(value); calls {
			return intrinsic.Unknown{Node: value}
		}
		result := make(map[string]any, len(value))
		for key, inner := range value {
			result[key] = asWritten(inner)
		}
		return result
	case []any:
		result := make([]any, len(value))
		for i, inner := range value {
			result[i] = asWritten(inner)
		}
		return result
	}
	return value
}

// What AWS's schema finds in a template without an account is marked in the book; in the goldens it finds nothing.
func TestAWSsSchemaFindsTheRowsThatAreMarkedAndNothingInTheGoldens(t *testing.T) {
	book, err := refusals.Load()
	require.NoError(t, err)
	var marks strings.Builder
	for _, row := range book {
		if len(againstSchema(row.Template)) > 0 {
			fmt.Fprintf(&marks, "%s aws-service-spec\n", row.ID)
		}
	}
	const golden = "../../refusals/testdata/schema.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(marks.String()), 0o600))
	}
	written, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(written), marks.String(), "run go test ./rehearsal/internal/cfn -update")

	checked := 0
	for _, folder := range []string{".", "stack", "examples/*"} {
		paths, err := filepath.Glob(filepath.Join("../../..", folder, "testdata", "*.golden.json"))
		require.NoError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Empty(t, againstSchema(string(text)), path)
			checked++
		}
	}
	assert.Greater(t, checked, 9)
}
