package rehearse

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/gobuild"
)

func TestTheProgramOfADeployedBinaryIsFoundByItsDigest(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":                    "module example.com/notes\n\ngo 1.26\n",
		"functions/create/main.go":  "package main\n\nfunc main() { println(\"create\") }\n",
		"functions/list/main.go":    "package main\n\nfunc main() { println(\"list\") }\n",
		"functions/unused/other.go": "package broken!\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	}
	deployed, err := gobuild.Build(t.Context(), root, []gobuild.Function{{Package: "./functions/create"}, {Package: "./functions/list"}}, gobuild.Options{})
	require.NoError(t, err)
	document := assembly.Document{Service: "notes", Stages: []assembly.Synthesized{{Functions: []assembly.Function{
		{Package: "./functions/create", Digest: deployed[0].Digest},
		{Package: "./functions/list", Digest: deployed[1].Digest},
		{Package: "./dist.zip", Digest: "f00d", Prebuilt: true},
	}}}}
	build := Build(root, document, gobuild.Options{})
	for i, want := range []string{"create\n", "list\n"} {
		path, err := build(t.Context(), deployed[i].Digest)
		require.NoError(t, err)
		output, err := exec.Command(path).CombinedOutput()
		require.NoError(t, err)
		assert.Equal(t, want, string(output))
	}
	_, err = build(t.Context(), "f00d")
	require.ErrorContains(t, err, "no function: the assembly of notes has none with this binary; synthesize and deploy again")
}
