package fleet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAFleetIsPackedOnceAndSaved deploys an assembly, and goes on in accounts that were saved and loaded.
func TestAFleetIsPackedOnceAndSaved(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "assembly")
	require.NoError(t, os.CopyFS(ready, os.DirFS(prepared())))
	for _, stage := range []string{"dev", "staging", "production"} { // what another test has packed there
		require.NoError(t, os.RemoveAll(filepath.Join(ready, "assembly-"+stage, ".cache")))
	}
	first := open(t, ready, 0)
	first.bootstrap()
	first.must("deploy", "--yes")

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

	before := first.must("status", "--json").stdout
	var state bytes.Buffer
	require.NoError(t, first.Server.Save(&state))
	require.NoError(t, first.Server.Close())

	second := open(t, ready, 0)
	require.NoError(t, second.Server.Load(bytes.NewReader(state.Bytes())))
	require.JSONEq(t, before, second.must("status", "--check", "--json").stdout)
	for _, stage := range []string{"dev", "staging", "production"} {
		require.NoError(t, os.RemoveAll(filepath.Join(ready, "assembly-"+stage, ".cache")))
	}
	require.Equal(t, map[string]string{"dev": "unchanged", "staging": "unchanged", "production": "unchanged"}, states(t, second.must("deploy", "--json")))
	require.NoDirExists(t, filepath.Join(ready, "assembly-dev", ".cache"), "what is deployed is not packed")
	require.Zero(t, second.calls(devAccount, "ExecuteChangeSet"))
}
