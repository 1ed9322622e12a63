package refusals

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/offered"
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

// deployed is a template, and the region that it is for.
type deployed struct {
	Template string `json:"template"`
	Region   string `json:"region"`
}

// askValidator runs a script of testdata with AWS's validator, and gives its answer.
func askValidator(t *testing.T, script string, question any) (answer map[string][]string) {
	t.Helper()
	node, err := filepath.Abs("../../node_modules/.bin/node")
	require.NoError(t, err)
	if _, err := os.Stat(node); err != nil {
		t.Skip("Node is not installed: make test installs it")
	}
	input, err := json.Marshal(question)
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), node, filepath.Join("testdata", script), validator(t))
	command.Stdin = bytes.NewReader(input)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	require.NoError(t, err, problems.String())
	require.NoError(t, json.Unmarshal(output, &answer))
	return answer
}

// Which types of the templates a region lacks is as AWS's schema of that region says.
func TestTheRegionsThatLackATypeAreThoseOfAWSsSchema(t *testing.T) {
	made := map[string]bool{}
	for _, path := range goldenFiles(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		var template struct {
			Resources map[string]struct{ Type string }
		}
		require.NoError(t, json.Unmarshal(text, &template))
		for _, resource := range template.Resources {
			made[resource.Type] = true
		}
	}
	delete(made, "AWS::CDK::Metadata") // it has a condition on the region
	types := slices.Sorted(maps.Keys(made))
	lacking := askValidator(t, "lacking.js", types)
	require.NotEmpty(t, lacking)
	for _, name := range types {
		assert.ElementsMatch(t, lacking[name], offered.Lacking(name), name)
	}
}

// daxNodesByRegion are the node types that internal/offered has, all in the region with all of them, and one of each family in
// those that lack one.
func daxNodesByRegion() map[string][]string {
	byRegion := map[string][]string{"us-east-1": offered.DAXNodes("us-east-1")}
	for _, region := range []string{"cn-northwest-1", "eu-central-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-2"} {
		families := map[string]bool{}
		for _, kind := range offered.DAXNodes(region) {
			if family := strings.Split(kind, ".")[1]; !families[family] {
				families[family] = true
				byRegion[region] = append(byRegion[region], kind)
			}
		}
	}
	return byRegion
}

// goldenFiles are the templates that this project's programs make.
func goldenFiles(t *testing.T) (files []string) {
	t.Helper()
	for _, folder := range []string{".", "stack", "examples/*"} {
		paths, err := filepath.Glob(filepath.Join("../..", folder, "testdata", "*.golden.json"))
		require.NoError(t, err)
		files = append(files, paths...)
	}
	require.Greater(t, len(files), 9)
	return files
}

// What AWS's own validator finds without an account is marked with its rules; what it does not find, only a service does.
func TestAWSsOwnValidatorFindsTheRowsThatAreMarkedAndNothingInTheGoldens(t *testing.T) {
	all, templates := book(t), map[string]deployed{}
	for _, row := range all {
		templates[row.ID] = deployed{row.Template, row.Region}
	}
	for _, path := range goldenFiles(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		templates[path] = deployed{string(text), "us-east-1"}
	}
	dax := daxNodesByRegion()
	for region, kinds := range dax {
		resources := map[string]any{}
		for i, kind := range kinds {
			resources[fmt.Sprintf("Node%d", i)] = map[string]any{"Type": "AWS::DAX::Cluster", "Properties": map[string]any{
				"IAMRoleARN": "arn:aws:iam::111111111111:role/dax", "NodeType": kind, "ReplicationFactor": 1,
			}}
		}
		text, err := json.Marshal(map[string]any{"Resources": resources})
		require.NoError(t, err)
		templates["node types of DAX in "+region] = deployed{string(text), region}
	}
	found := askValidator(t, "validate.js", templates)
	assert.Contains(t, found["dax-node-type"], "E3672", "the rule that knows the node types of DAX")
	assert.Contains(t, found["dax-node-type-region"], "E3672", "and those of a region")
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
