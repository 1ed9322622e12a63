package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDemoDeploysThreeStagesShowsWhatTheirAccountsHoldAndUsesThem(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(folder, "demo")
	require.NoError(t, Build(interrupted, preparing(), binary, "./e2e/demo"))
	environ, err := preparing().BuildEnviron()
	require.NoError(t, err)
	result, err := Run(interrupted, Child{Command: []string{binary, "-folder", filepath.Join(folder, "demonstration")}, Dir: checkout, Environ: environ})
	t.Log(result.Output)
	require.NoError(t, err)
	for _, stage := range []string{dev, staging, production} {
		require.Contains(t, result.Output, "✓ npx cdk bootstrap --profile "+stage+" ")
		require.Contains(t, result.Output, "✓ npx cdk deploy --profile "+stage+" ")
	}
	require.Contains(t, result.Output, "│ table     │ dev-notes-notes      │ staging-notes-notes  │ production-notes-notes │\n")
	require.Contains(t, result.Output, "│ functions │ create-note  256 MiB │ create-note  256 MiB │ create-note 1024 MiB   │\n")
	require.Contains(t, result.Output, "│           │ seed-notes   256 MiB │ seed-notes   256 MiB │                        │\n")
	require.Contains(t, result.Output, "│ DAX       │ no                   │ no                   │ yes, 3 nodes           │\n")
	for _, stage := range []string{dev, staging, production} {
		require.Regexp(t, `✓ POST http://127\.0\.0\.1:\d+/notes .* and read back in `+stage+` alone\n`, result.Output)
	}
	require.Regexp(t, `get-note may not dynamodb:PutItem on table notes; grant notes\.Write\(\) \(app\.go:\d+\)\n`, result.Output)
	require.Contains(t, result.Output, "Nothing is left running.\n")
	require.Contains(t, result.Output, "roadshow rehearse")
	require.NotContains(t, result.Output, "\x1b", "there is no terminal to write over, nor to color")
}
