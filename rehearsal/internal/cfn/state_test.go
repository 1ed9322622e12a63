package cfn

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whoever adds a field says here that State has it, or why not.
func TestStateKnowsEveryFieldOfAStack(t *testing.T) {
	for _, tt := range []struct {
		of    any
		saved []string
		not   []string
	}{
		{
			of: stack{},
			saved: []string{
				"place", "id", "name", "status", "reason", "created", "updated", "deleted", "settings", "resources", "outputs", "imports", "events",
				"changeSets", "changeSetID", "disableRollback", "retainExceptOnCreate", "protection", "discarded", "before",
			},
			not: []string{"gone", "operation"}, // deleted says it, and none runs
		},
		{of: settings{}, saved: []string{"template", "parameters", "tags", "capabilities", "topics", "roleARN"}},
		{of: parameterValue{}, saved: []string{"given", "resolved"}},
		{of: resource{}, saved: []string{
			"logicalID", "typeName", "physicalID", "exists", "changed", "imported", "status", "reason", "updated", "description", "template", "declared", "properties",
			"attributes", "metadata", "deletionPolicy", "updateReplacePolicy", "dependsOn",
		}},
		{of: departure{}, saved: []string{"resource", "policy", "last"}},
		{of: changeSet{}, saved: []string{"shown", "settings"}, not: []string{"plan"}}, // which the settings come to
		{of: plan{}, saved: []string{"template", "parameters", "tags", "topics", "adoptions"}, not: []string{"conditions", "graph"}},
	} {
		var fields []string
		for field := range reflect.TypeOf(tt.of).Fields() {
			fields = append(fields, field.Name)
		}
		require.ElementsMatch(t, append(tt.saved, tt.not...), fields, "%T: see state.go", tt.of)
	}
}

func TestValuesComeBackAsTheyWere(t *testing.T) {
	scalars := rapid.OneOf(
		rapid.Map(rapid.String(), func(v string) any { return v }), rapid.Map(rapid.Bool(), func(v bool) any { return v }),
		rapid.Map(rapid.Int64(), func(v int64) any { return v }), rapid.Map(rapid.Float64(), func(v float64) any { return v }),
		rapid.Map(rapid.Int64(), func(v int64) any { return float64(v) }), // whole, and a float64 all the same
	)
	lists := rapid.Map(rapid.SliceOf(scalars), func(v []any) any { return append([]any{}, v...) })
	objects := rapid.Map(rapid.MapOf(rapid.String(), rapid.OneOf(scalars, lists)), func(v map[string]any) any { return v })
	rapid.Check(t, func(t *rapid.T) {
		values := Values{"scalar": scalars.Draw(t, "scalar"), "list": lists.Draw(t, "list"), "object": objects.Draw(t, "object")}
		text, err := json.Marshal(values)
		require.NoError(t, err)
		var read Values
		require.NoError(t, json.Unmarshal(text, &read))
		require.Equal(t, values, read)
	})
}
