package stacktest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/links"
	"github.com/roadshow-go/roadshow/stack"
)

// RequireLinks fails the test where the packages that `roadshow links` writes for the app's
// functions are not as its grants are now. `go test -update` writes them, as does go generate.
func RequireLinks(t *testing.T, app stack.App) {
	t.Helper()
	document, err := app.Synthesize(stack.Synthesis{Outdir: t.TempDir(), Nested: true, StubFunctions: true})
	require.NoError(t, err)
	files, err := links.Generate(*document)
	require.NoError(t, err)
	root, err := gobuild.ModuleRoot(".")
	require.NoError(t, err)
	if *update {
		_, err := links.Write(root, files)
		require.NoError(t, err)
	}
	stale, err := links.Stale(root, files)
	require.NoError(t, err)
	require.Empty(t, stale, "these are not what the functions are granted; run go generate, or go test -update")
}
