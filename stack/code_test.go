package stack_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// digests are that of the code, and the one in the logical id of a function's version.
var digests = regexp.MustCompile(`\b[0-9a-f]{64}\b|[0-9a-f]{32}\b`)

func TestATemplateWithStubsIsTheRealOneButForTheDigestsOfTheCode(t *testing.T) {
	app := stack.App{Service: "shop", Stages: set, Define: func(s *stack.Stack) {
		taken := stack.FunctionConfig{Prebuilt: &stack.PrebuiltConfig{Path: "./stack/testdata", Runtime: "nodejs24.x", Handler: "index.handler"}}
		traced := taken
		traced.Tracing = true
		kept := taken
		kept.ProvisionedConcurrency = 1
		stack.NewFunction(s, "taken", taken)
		stack.NewFunction(s, "traced", traced)
		stack.NewFunction(s, "kept", kept)
	}}
	written := map[bool]string{}
	for _, stub := range []bool{false, true} {
		outdir := t.TempDir()
		document, err := app.Synthesize(stack.Synthesis{Stages: []stages.Stage{dev}, Outdir: outdir, StubFunctions: stub})
		require.NoError(t, err)
		template, err := os.ReadFile(filepath.Join(outdir, document.Stages[0].File))
		require.NoError(t, err)
		require.Regexp(t, digests, string(template))
		written[stub] = digests.ReplaceAllString(string(template), "DIGEST")
	}
	require.Equal(t, written[false], written[true])
}
