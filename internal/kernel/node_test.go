package kernel

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

func TestANodeThatIsMissingOrDoesNotRunIsSaidWithHowToInstallIt(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	_, _, err := askNode("node")
	messages.EqualError(t, err, "Node is not found; the CDK needs version 22 or newer.\nRun `npm ci` in the folder of package.json, which installs the pinned one.")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "node"), []byte("#!/bin/sh\nexit 3\n"), 0o700))
	_, _, err = askNode("node")
	messages.ErrorContains(t, err, "Node is unknown ("+filepath.Join(dir, "node")+" --version: exit status 3)")
}
