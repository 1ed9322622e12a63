package e2e

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/modproxy"
	"github.com/roadshow-go/roadshow/stages"
)

// startedFolder is where a new service begins; its node_modules are the checkout's, which is above it.
func startedFolder() string { return filepath.Join(folder, "started") }

// install is the README's own line, which takes the only version that there is: the packed one.
const install = "go install github.com/roadshow-go/roadshow/cmd/roadshow@latest"

// installed is the command that it makes.
func installed() string { return filepath.Join(folder, "bin", "roadshow") }

// withoutDebugging has the go command link in half the time: nobody debugs what a test has built.
const withoutDebugging = "GOFLAGS=-ldflags=-w"

// prepareStarted installs the command from a packed module, has it begin a service in an empty folder, and
// fetches the service's modules, as the service's README says.
func prepareStarted(ctx context.Context) error {
	if elsewhere() {
		return nil // the accounts of the service are examples
	}
	proxy, err := modproxy.Pack(checkout, filepath.Join(folder, "proxy"), ".")
	if err != nil {
		return err
	}
	modules, err := proxy.Environ()
	if err != nil {
		return err
	}
	environ, err := preparing().BuildEnviron(append(modules, withoutDebugging, "GOBIN="+filepath.Dir(installed()))...)
	if err != nil {
		return err
	}
	if err := os.Mkdir(startedFolder(), 0o755); err != nil {
		return err
	}
	for _, command := range [][]string{
		strings.Fields(install),
		{installed(), "init", "hello", "--module", "example.com/hello"},
		{"go", "mod", "tidy"},
	} {
		if _, err := Run(ctx, Child{Command: command, Dir: startedFolder(), Environ: environ}); err != nil {
			return err
		}
	}
	return nil
}

// The first minute of a new user: what was written says what is typed, and that works.
func TestANewServiceIsTestedAndDeployedAsItsREADMESays(t *testing.T) {
	if elsewhere() {
		t.Skip("on the rehearsal only: the accounts of a new service are examples")
	}
	t.Parallel()
	r := newRig(t)
	// Whatever it needs is there: nothing may be asked of a module proxy.
	environ := r.Environ("CI=true", "NO_COLOR=1", "GOPROXY=off", withoutDebugging, "CDK_REQUIRE_APPROVAL=never")
	run := func(command ...string) (string, error) {
		ctx, cancel := context.WithTimeout(interrupted, r.patience)
		defer cancel()
		result, err := Run(ctx, Child{Command: command, Dir: startedFolder(), Environ: environ})
		t.Logf("%s (%.1fs)\n%s", strings.Join(command, " "), result.Took.Seconds(), result.Output)
		return result.Output, err
	}
	must := func(command ...string) string {
		t.Helper()
		output, err := run(command...)
		require.NoError(t, err)
		return output
	}
	project, err := os.ReadFile(filepath.Join(checkout, "README.md"))
	require.NoError(t, err)
	require.Contains(t, string(project), "\n"+install+"\n")
	_, version, _ := strings.Cut(must(installed(), "--version"), "roadshow version ")
	version, _, _ = strings.Cut(version, ",")
	mod, err := os.ReadFile(filepath.Join(startedFolder(), "go.mod"))
	require.NoError(t, err)
	require.Contains(t, string(mod), "\tgithub.com/roadshow-go/roadshow "+version+"\n", "the service requires the command's own version")

	readme, err := os.ReadFile(filepath.Join(startedFolder(), "README.md"))
	require.NoError(t, err)
	_, typed, _ := strings.Cut(string(readme), "```sh\n")
	typed, _, _ = strings.Cut(typed, "\n```")
	lines := strings.Split(typed, "\n")
	require.Equal(t, []string{"go mod tidy && npm install", "go test . -update", "npx cdk deploy --profile dev"}, lines)

	must("go", "vet", "./...")
	must(strings.Fields(lines[1])...)
	for _, stage := range r.program.Stages {
		require.FileExists(t, filepath.Join(startedFolder(), "testdata", "hello."+stage.Name+".golden.json"))
	}
	require.Contains(t, must("go", "test", "./..."), "ok  \texample.com/hello/functions/hello\t")

	r.bootstrap(t)
	for _, stage := range r.program.Stages {
		if stage.Name == staging {
			continue // as dev
		}
		output := must(strings.Fields(strings.ReplaceAll(lines[2], dev, stage.Name))...)
		require.Contains(t, output, "✅  hello ("+stage.Name+"-hello)\n")
		require.Equal(t, stage.Name == production, slices.Contains(r.resources(stage, stage.Name+"-hello"), "AWS::CloudWatch::Alarm"))
		require.Contains(t, r.resources(stage, stage.Name+"-hello"), "AWS::Lambda::Function")
	}
	r.askedNothingUnknown(t)
}

// resources are the types of what a stack holds.
func (r *rig) resources(stage stages.Stage, stack string) []string {
	var types []string
	for _, one := range r.Server.Resources(stage.Account, stage.Region) {
		if one.Stack == stack {
			types = append(types, one.Type)
		}
	}
	return types
}
