package fleet

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/tiers.md has a row for each type that a removal may leave, and says of each whether a deploy takes it up.
func TestTheDocsSayWhatIsTakenUp(t *testing.T) {
	page, err := os.ReadFile("../../docs/tiers.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| [A-Z][^|]* \\| `(AWS::[A-Za-z0-9:]+)` \\|[^|]*\\|[^|]*\\| (yes|no) \\|$").FindAllStringSubmatch(string(page), -1)
	require.Len(t, rows, 6)
	for _, row := range rows {
		require.Equal(t, importedByName[row[1]], row[2] == "yes", row[1])
	}
}
