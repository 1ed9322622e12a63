package rehearsal

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever adds a field says here that Save writes it and Load reads it, or why not.
func TestSaveKnowsEveryFieldOfWhatItSaves(t *testing.T) {
	for _, tt := range []struct {
		of    any
		saved []string
		not   []string
	}{
		{
			of:    store{},
			saved: []string{"closed", "resources", "objects", "uploads", "kept"},
			not:   []string{"working", "mu", "accounts", "ahead", "index", "changes", "remembered"}, // locks, the server's own, and what is found again
		},
		{of: Resource{}, saved: []string{
			"Account", "Region", "Type", "PhysicalID", "Name", "Properties", "Attributes", "Stack", "StackID", "LogicalID", "Created", "Changed", "seed",
			"code", "revision",
		}},
		{of: codeImage{}, saved: []string{"sha256", "size"}, not: []string{"content"}}, // which is found again in its bucket
		{of: storedObject{}, saved: []string{"content", "header", "tag", "modified"}},
		{of: upload{}, saved: []string{"bucket", "key", "header", "parts"}},
	} {
		var fields []string
		for field := range reflect.TypeOf(tt.of).Fields() {
			fields = append(fields, field.Name)
		}
		require.ElementsMatch(t, append(tt.saved, tt.not...), fields, "%T: see state.go", tt.of)
	}
}
