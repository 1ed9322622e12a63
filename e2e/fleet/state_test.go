package fleet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAFleetIsPackedOnceAndSaved looks at what the first deploy has packed, and goes on in accounts that were saved and
// loaded.
func TestAFleetIsPackedOnceAndSaved(t *testing.T) {
	t.Parallel()
	ready := packed()
	w := open(t, ready, 0)
	w.deployed()

	zips, err := filepath.Glob(filepath.Join(ready, "assembly-dev", ".cache", "*.zip"))
	require.NoError(t, err)
	require.Len(t, zips, 4)
	shared := 0
	for _, zip := range zips {
		for _, stage := range []string{"staging", "production"} {
			here, err := os.Stat(zip)
			require.NoError(t, err)
			there, err := os.Stat(filepath.Join(ready, "assembly-"+stage, ".cache", filepath.Base(zip)))
			if err == nil && os.SameFile(here, there) {
				shared++
			}
		}
	}
	require.Equal(t, 7, shared, "one function is not in production")

	require.JSONEq(t, shown.stdout, w.must("status", "--check", "--json").stdout)
	for _, stage := range []string{"dev", "staging", "production"} {
		require.NoError(t, os.RemoveAll(filepath.Join(ready, "assembly-"+stage, ".cache")))
	}
	got := w.must("deploy", "--json")
	require.Equal(t, map[string]string{"dev": "unchanged", "staging": "unchanged", "production": "unchanged"}, states(t, got))
	require.Equal(t, 3, strings.Count(got.stdout, `"name": "ApiURL"`), "each stage's outputs")
	require.NoDirExists(t, filepath.Join(ready, "assembly-dev", ".cache"), "what is deployed is not packed")
	for _, account := range []string{devAccount, stagingAccount, productionAccount} {
		require.Zero(t, w.calls(account, "ExecuteChangeSet"), "nothing was to be done")
	}
}
