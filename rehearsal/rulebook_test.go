package rehearsal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal/internal/rules"
	"github.com/roadshow-go/roadshow/rehearsal/refusals"
)

// A rule without a row has no source: it is what we made up. A rule's row has its id, and what further rows it has add to it.
func TestEveryRuleStandsInTheBook(t *testing.T) {
	book, err := refusals.Load()
	require.NoError(t, err)
	for _, id := range rules.IDs() {
		found := false
		for _, row := range book {
			found = found || row.ID == id || strings.HasPrefix(row.ID, id+"-")
		}
		assert.True(t, found, "the rule %s has no row in rehearsal/refusals/table", id)
	}
}
