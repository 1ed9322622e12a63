package repotest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
)

// unprovoked is how many messages no test provokes yet; testdata/messages.unprovoked lists them. It never rises: whoever
// writes a message writes a test that provokes it.
const unprovoked = 77

// cannot are the messages that no test can provoke, by what is in them, and why.
var cannot = map[string]string{
	"cmd/roadshow/root.go: some did not answer":                        "it ends a verb that has said who did not answer, and is not printed",
	"cmd/roadshow/root.go: the command ended with exit code %d":        "the command has said why by itself, and this is not printed",
	"stack/network.go: HTTPS, by the gateways":                         "it is the description of a security group",
	"stack/record.go: %s does not list the template":                   "the CDK would have to leave out its own template",
	"internal/gobuild/package.go: function packages: go list answered": "the go command would have to print what is not JSON",
	"internal/gobuild/module.go: module root from %s: %w":              "the working folder would have to be gone",
	"parity/prove.go: there are %d values and %d meanings":             "a program of ours would have to record values without their meaning",
	"internal/gobuild/cache.go: the binary is of %s":                   "it has a function built again, and is not printed",
}

func TestEveryMessageHasAnExampleThatATestProvokes(t *testing.T) {
	examples, err := messages.Read(root)
	require.NoError(t, err)
	forms, err := messages.Forms(root)
	require.NoError(t, err)
	require.NotEmpty(t, forms)
	listed, err := messages.Unprovoked(root)
	require.NoError(t, err)
	require.LessOrEqual(t, len(listed), unprovoked, "there are fewer tests of messages than before")
	require.GreaterOrEqual(t, len(listed), unprovoked, "some messages are provoked now: write the smaller number")
	used := map[string]bool{}
	for _, form := range forms {
		name := form.String()
		has := slices.ContainsFunc(examples, func(one messages.Example) bool { return form.Builds(one.Text) })
		excused := ""
		for text := range cannot {
			if strings.Contains(name, text) {
				excused = text
			}
		}
		used[name], used[excused] = true, true
		switch {
		case has && slices.Contains(listed, name):
			t.Errorf("a test provokes this now; take it out of testdata/messages.unprovoked: %s", name)
		case !has && excused == "" && !slices.Contains(listed, name):
			t.Errorf("%s:%d: no example of this message is in %s; provoke it in a test, by package messages, and run `make golden`: %s", form.File, form.Line, messages.Golden, name)
		}
	}
	for _, name := range listed {
		assert.Truef(t, used[name], "the source does not build this any more; take it out of testdata/messages.unprovoked: %s", name)
	}
	for text, reason := range cannot {
		assert.Truef(t, used[text], "nothing has %q any more (%s)", text, reason)
	}
	for _, one := range examples {
		assert.Truef(t, slices.ContainsFunc(forms, func(form messages.Form) bool { return form.Builds(one.Text) }),
			"%s: the source builds this message no more; run `make golden`:\n%s", messages.Golden, one.Text)
	}
}

// TestTheTestsThatTheGoldenOfMessagesNamesAreThere keeps an example from outliving its test.
func TestTheTestsThatTheGoldenOfMessagesNamesAreThere(t *testing.T) {
	examples, err := messages.Read(root)
	require.NoError(t, err)
	tests := map[string]bool{}
	for _, file := range sources(t) {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		folder, err := filepath.Rel(root, filepath.Dir(file))
		require.NoError(t, err)
		for _, declared := range parsed.Decls {
			if function, is := declared.(*ast.FuncDecl); is {
				tests[filepath.ToSlash(folder)+" "+function.Name.Name] = true
			}
		}
	}
	for _, one := range examples {
		folder, name, _ := strings.Cut(one.By, " ")
		name, _, _ = strings.Cut(name, "/")
		if folder == "cmd/roadshow" && !strings.HasPrefix(name, "Test") {
			name = "TestScripts"
		}
		assert.Truef(t, tests[folder+" "+name], "%s names a test that is gone: %s; run `make golden`", messages.Golden, one.By)
	}
}
