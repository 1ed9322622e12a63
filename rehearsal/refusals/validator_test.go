package refusals

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// validator is AWS's own, which comes inside aws-cdk-lib, unpacked from the module of the CDK.
// https://github.com/aws-cloudformation/cloudformation-validate
func validator(t *testing.T) string {
	t.Helper()
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-cdk-go/awscdk/v2").Output()
	require.NoError(t, err)
	archives, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(module)), "jsii", "aws-cdk-lib-*.tgz"))
	require.NoError(t, err)
	require.Len(t, archives, 1)
	archive, err := os.Open(archives[0])
	require.NoError(t, err)
	defer archive.Close()
	unpacked, err := gzip.NewReader(archive)
	require.NoError(t, err)
	const inside = "package/node_modules/@aws/cloudformation-validate/"
	folder := t.TempDir()
	for reader := tar.NewReader(unpacked); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		name, wanted := strings.CutPrefix(header.Name, inside)
		if !wanted || strings.Contains(name, "/") || strings.HasSuffix(name, ".txt") {
			continue
		}
		content, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), content, 0o600))
	}
	return folder
}

// validated runs the validator over templates and gives the rules that each breaks.
func validated(t *testing.T, templates map[string]string) map[string][]string {
	t.Helper()
	node, err := filepath.Abs("../../node_modules/.bin/node")
	require.NoError(t, err)
	if _, err := os.Stat(node); err != nil {
		t.Skip("Node is not installed: make test installs it")
	}
	input, err := json.Marshal(templates)
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), node, "testdata/validate.js", validator(t))
	command.Stdin = bytes.NewReader(input)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	require.NoError(t, err, problems.String())
	var found map[string][]string
	require.NoError(t, json.Unmarshal(output, &found))
	return found
}

// What AWS's own validator finds without an account is marked with its rules; what it does not find, only a service does.
func TestAWSsOwnValidatorFindsTheRowsThatAreMarkedAndNothingInTheGoldens(t *testing.T) {
	all, templates := book(t), map[string]string{}
	for _, row := range all {
		templates[row.ID] = row.Template
	}
	for _, folder := range []string{".", "stack", "examples/*"} {
		paths, err := filepath.Glob(filepath.Join("../..", folder, "testdata", "*.golden.json"))
		require.NoError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			templates[path] = string(text)
		}
	}
	found := validated(t, templates)
	var marks strings.Builder
	for _, row := range all {
		if rules := found[row.ID]; len(rules) > 0 {
			fmt.Fprintf(&marks, "%s %s\n", row.ID, strings.Join(rules, " "))
		}
		delete(found, row.ID)
	}
	for path, rules := range found {
		assert.Empty(t, rules, path)
	}
	const golden = "testdata/validator.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(marks.String()), 0o600))
	}
	written, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(written), marks.String(), "run go test ./rehearsal/refusals -update")
}
