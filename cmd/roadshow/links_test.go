package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
)

func TestLinksAreWrittenAndThenUpToDate(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("go.mod", []byte("module example.com/service\n\ngo 1.26\n"), 0o600))
	require.NoError(t, os.Mkdir("cdk.out", 0o755))
	granted := []assembly.Link{{ID: "notes", Of: `table "notes"`, Variable: "NOTES_TABLE"}}
	links := func(arguments ...string) (code int, stdout string) {
		var out, talk bytes.Buffer
		code = run(t.Context(), append([]string{"links", "--app", "cdk.out"}, arguments...), &out, &talk)
		require.Empty(t, talk.String())
		return code, out.String()
	}
	assemble := func() {
		require.NoError(t, assembly.Write("cdk.out", assembly.Document{Service: "notes", Stages: []assembly.Synthesized{{
			Stage: assembly.Stage{Name: "dev"}, Functions: []assembly.Function{{Construct: "get", Package: "./get", Links: granted}},
		}}}))
	}
	assemble()

	code, stdout := links("--check")
	assert.Equal(t, exitFinding, code)
	assert.Equal(t, "get/links/links.go\n", stdout)
	assert.NoDirExists(t, "get")

	code, stdout = links()
	assert.Equal(t, exitWell, code)
	assert.Equal(t, "get/links/links.go\n", stdout)
	assert.FileExists(t, "get/links/links.go")

	code, stdout = links("--check", "--json")
	assert.Equal(t, exitWell, code)
	assert.JSONEq(t, `{"service": "notes", "changed": []}`, stdout)

	granted = nil
	assemble()
	code, _ = links()
	assert.Equal(t, exitWell, code)
	assert.NoDirExists(t, "get/links", "nothing is granted, nothing is left")
}
