// Package stacktest is the test kit for programs built on package stack: it synthesizes a stage in
// a test, reads its template as plain Go values, and compares it with a golden file. It needs no
// AWS account, compiles no function, and finds the pinned Node by itself.
//
// The CDK's runtime is not safe for concurrent use: tests that synthesize must not call t.Parallel.
package stacktest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// update is `go test ./... -update`: goldens are written instead of compared.
var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// Template is a stage's CloudFormation template.
type Template struct {
	// Stage is the stage it was synthesized for.
	Stage stages.Stage
	// Assembly is what the program recorded beside the template: names, choices, functions.
	Assembly *stack.Assembly
	// JSON is the template as the CDK wrote it.
	JSON []byte
	// Body is the whole template.
	Body map[string]any
	// TerminationProtection tells whether CloudFormation will refuse to delete the stack.
	TerminationProtection bool

	index     sync.Once
	resources []listed
}

// listed is a resource that is decoded when it is asked for.
type listed struct {
	logicalID, cfnType string
	json               []byte
}

// Resource is one resource of a template.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html
type Resource struct {
	// LogicalID is its name in the template.
	LogicalID string `json:"-"`
	// Type is its CloudFormation type.
	Type string
	// Properties are as in the template: intrinsic functions are maps such as {"Ref": …}.
	Properties map[string]any
	// DeletionPolicy and UpdateReplacePolicy say what survives; empty is CloudFormation's default.
	DeletionPolicy, UpdateReplacePolicy string
	// DependsOn lists logical ids.
	DependsOn []string
}

// Synth synthesizes one stage of the app, or an understudy. The test fails where the app does not
// synthesize.
func Synth(t testing.TB, app stack.App, stage stages.Stage) *Template {
	t.Helper()
	template, err := TrySynth(t, app, stage)
	require.NoError(t, err)
	return template
}

// TrySynth is [Synth] for a test of what the app refuses.
func TrySynth(t testing.TB, app stack.App, stage stages.Stage) (*Template, error) {
	t.Helper()
	outdir := t.TempDir()
	document, err := app.Synthesize(stack.Synthesis{Stages: []stages.Stage{stage}, Outdir: outdir, StubFunctions: true})
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(outdir, filepath.FromSlash(document.Stages[0].File)))
	require.NoError(t, err)
	template := &Template{Stage: stage, Assembly: document, JSON: data, TerminationProtection: document.Stages[0].TerminationProtection}
	require.NoError(t, json.Unmarshal(data, &template.Body))
	return template, nil
}

// Resources lists the template's resources of a type, by logical id; of every type where it is
// empty.
func (template *Template) Resources(cfnType string) []Resource {
	template.index.Do(template.list)
	var found []Resource
	for _, listed := range template.resources {
		if cfnType != "" && listed.cfnType != cfnType {
			continue
		}
		resource := Resource{LogicalID: listed.logicalID}
		if err := json.Unmarshal(listed.json, &resource); err != nil {
			panic(err) // Synth has read it before
		}
		found = append(found, resource)
	}
	return found
}

// list finds the resources once. Each call of Resources decodes its own of them: a test may change
// what it got.
func (template *Template) list() {
	var parsed struct{ Resources map[string]json.RawMessage }
	if err := json.Unmarshal(template.JSON, &parsed); err != nil {
		panic(err)
	}
	for logicalID, text := range parsed.Resources {
		var resource struct{ Type string }
		if err := json.Unmarshal(text, &resource); err != nil {
			panic(err)
		}
		template.resources = append(template.resources, listed{logicalID, resource.Type, text})
	}
	slices.SortFunc(template.resources, func(a, b listed) int { return strings.Compare(a.logicalID, b.logicalID) })
}

// Resource is the one resource of a type whose logical id begins with the component's id. The test
// fails where there is none, or more than one.
func (template *Template) Resource(t testing.TB, cfnType, id string) Resource {
	t.Helper()
	prefix := strings.ReplaceAll(id, "-", "")
	found := slices.DeleteFunc(template.Resources(cfnType), func(r Resource) bool { return !strings.HasPrefix(r.LogicalID, prefix) })
	require.Lenf(t, found, 1, "resources of type %s whose logical id begins with %q in stage %s", cfnType, prefix, template.Stage)
	return found[0]
}

// RequireGolden compares the template of every stage of the app with
// testdata/SERVICE.STAGE.golden.json, which `go test -update` writes. A golden is the contract of
// what is deployed: a changed logical id in it replaces a resource. Functions are not compiled: the
// digest of their code stands for their package.
func RequireGolden(t *testing.T, app stack.App) {
	t.Helper()
	for _, stage := range app.Stages.Stages() {
		t.Run(stage.Name, func(t *testing.T) {
			template := Synth(t, app, stage)
			var text bytes.Buffer
			require.NoError(t, json.Indent(&text, bytes.TrimSpace(template.JSON), "", "  "))
			text.WriteByte('\n')
			golden := goldenFile(app, stage)
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				require.NoError(t, os.WriteFile(golden, text.Bytes(), 0o644))
				return
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "no golden yet: go test -update writes it; read it before you commit it")
			require.Equal(t, string(want), text.String(), "the template of stage %s differs from %s; where that is meant: go test -update", stage, golden)
		})
	}
}
