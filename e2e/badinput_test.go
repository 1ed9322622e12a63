package e2e

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// mistaken is the program of testdata/badinput, built once.
var mistaken = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(folder, "badinput")
	return binary, Build(interrupted, preparing(), binary, "./e2e/testdata/badinput")
})

// selected is what the program says before it defines anything.
const selected = "roadshow: notes, stage dev (account 111111111111, us-east-1, sandbox)\n" +
	"roadshow: notes, stage production (account 333333333333, us-east-1, standard)\n"

// mistake is one run of the mistaken program.
type mistake struct {
	// dir is the working folder; the checkout where it is empty.
	dir     string
	environ []string
	want    string
}

// require runs the program and requires its whole output, its exit code, and that nothing was written.
func (m mistake) require(t *testing.T) {
	t.Helper()
	binary, err := mistaken()
	require.NoError(t, err)
	outdir := filepath.Join(t.TempDir(), "cdk.out")
	environ, err := preparing().BuildEnviron(append([]string{
		"CDK_OUTDIR=" + outdir, `CDK_CONTEXT_JSON={"stage":"all"}`, "CDK_VALIDATION=false",
	}, m.environ...)...)
	require.NoError(t, err)
	if m.dir == "" {
		m.dir = checkout
	}
	result, err := Run(interrupted, Child{Command: []string{binary}, Dir: m.dir, Environ: environ})
	requireExit(t, err, 1)
	require.Equal(t, m.want, result.Output)
	requireNoFiles(t, outdir)
}

func requireExit(t *testing.T, err error, code int) {
	t.Helper()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, code, exit.ExitCode())
}

// requireNoFiles requires that a synthesis that failed left no file that a deploy could take.
func requireNoFiles(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			require.True(t, entry.IsDir(), "%s is left", path)
		}
		return err
	})
	require.True(t, err == nil || errors.Is(err, fs.ErrNotExist), err)
}

func TestEachMistakeIsOneMessageAndWritesNothing(t *testing.T) {
	t.Parallel()
	at := "\nroadshow: e2e/testdata/badinput/main.go:"
	for name, want := range map[string]string{
		"account": `
roadshow: stage "production": Account is "33333333333"; it must be the 12 digits of an AWS account id.
` +
			"`aws sts get-caller-identity --profile …` prints it; keep leading zeros.\n",
		"empty name": `
roadshow: stage 2 of the set: Name is ""; it must be a lower-case DNS label of at most 32 characters.
Write Name: "dev".
`,
		"doubled name": `
roadshow: stage 2 of the set: Name is "dev" again; it must be a name of its own.
Rename or remove one of the two.
`,
		"region": `
roadshow: stage "production": Region is "us-esat-1"; it must be the code of an AWS region.
Write Region: "us-east-1".
`,
		"partition key": selected + `
roadshow: table "notes": PartitionKey is missing; it must be a key (e2e/testdata/badinput/main.go:38).
Write PartitionKey: stack.StringKey("id").
See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
`,
		"library": selected + at + `42: function package ./e2e/testdata/functions/library is package library; it must be a main package.` +
			"\nWrite package main with a func main that calls lambda.Start, or name the folder that has one.\n",
		"no package": selected + at + `42: function package ./functions/creat-note is a folder that does not exist; it must be a main package.` +
			"\nWrite an existing folder, from the module root, not from the working directory.\n",
		"broken": selected + `
roadshow: function package ./e2e/testdata/functions/broken: the code does not compile.
Fix what go says:
# github.com/roadshow-go/roadshow/e2e/testdata/functions/broken
e2e/testdata/functions/broken/main.go:5:2: undefined: handle
e2e/testdata/functions/broken/main.go:5:9: undefined: undefined
`,
		"crash": selected + at +
			`42: "create-note" in stage dev: runtime error: invalid memory address or nil pointer dereference` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mistake{environ: []string{"MISTAKE=" + name}, want: want}.require(t)
		})
	}
}

func TestTheCommandShowsWhatTheCompilerSaysAndNoTrace(t *testing.T) {
	t.Parallel()
	binary, err := mistaken()
	require.NoError(t, err)
	outdir := filepath.Join(t.TempDir(), "cdk.out")
	environ, err := preparing().BuildEnviron("CI=true", "NO_COLOR=1", "MISTAKE=broken", "CDK_OUTPUT="+outdir)
	require.NoError(t, err)
	result, err := Run(interrupted, Child{
		Command: []string{CDK(checkout), "synth", "--app", binary, "-c", "stage=dev"}, Dir: checkout, Environ: environ,
	})
	requireExit(t, err, 1)
	require.Contains(t, result.Output, "e2e/testdata/functions/broken/main.go:5:2: undefined: handle\n")
	require.NotContains(t, result.Output, "goroutine ")
	require.NotContains(t, result.Output, "    at ", "nor one of Node's")
	requireNoFiles(t, outdir)
}

// outside is a folder without the checkout's node_modules above it, and a PATH with the given programs only.
func outside(t *testing.T, programs ...string) (dir, path string) {
	t.Helper()
	dir, path = t.TempDir(), t.TempDir()
	for _, program := range programs {
		found, err := exec.LookPath(program)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(found, filepath.Join(path, program)))
	}
	return dir, "PATH=" + path
}

const nodeAdvice = "; the CDK needs version 22 or newer.\nRun `npm ci` in the folder of package.json, which installs the pinned one.\n"

func TestWithoutNodeTheMessageSaysHowToGetIt(t *testing.T) {
	t.Parallel()
	dir, path := outside(t)
	mistake{dir: dir, environ: []string{path}, want: selected + "\nroadshow: Node is not found" + nodeAdvice}.require(t)
}

func TestAnOldNodeIsRefusedByItsVersion(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the old Node is a shell script")
	}
	t.Parallel()
	dir, path := outside(t)
	_, folder, _ := strings.Cut(path, "=")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "node"), []byte("#!/bin/sh\necho v18.20.4\n"), 0o755))
	mistake{dir: dir, environ: []string{path}, want: selected + "\nroadshow: Node is v18.20.4" + nodeAdvice}.require(t)
}

func TestAModuleThatCannotBeDownloadedIsNamed(t *testing.T) {
	t.Parallel()
	dir, path := outside(t, "go")
	for name, text := range map[string]string{
		"go.mod": "module example.com/service\n\ngo 1.26\n\nrequire example.com/missing v1.0.0\n",
		"go.sum": "example.com/missing v1.0.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n" +
			"example.com/missing v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
		"functions/create-note/main.go": "package main\n\nimport \"example.com/missing\"\n\nfunc main() { missing.Do() }\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	binary, err := mistaken()
	require.NoError(t, err)
	outdir := filepath.Join(dir, "cdk.out")
	node := filepath.Join(checkout, "node_modules", ".bin", "node")
	environ, err := preparing().BuildEnviron(path, "JSII_NODE="+node, "GOPROXY=http://127.0.0.1:1", "GONOSUMDB=*", "GOFLAGS=",
		"CDK_OUTDIR="+outdir, `CDK_CONTEXT_JSON={"stage":"all"}`, "CDK_VALIDATION=false")
	require.NoError(t, err)
	result, err := Run(interrupted, Child{Command: []string{binary}, Dir: dir, Environ: environ})
	requireExit(t, err, 1)
	require.Contains(t, result.Output, "\nroadshow: function package ./functions/create-note: a Go module is not in the module cache, and cannot be downloaded.\n"+
		"Check the network, the proxy and GOPROXY, or run go mod download where there is a network.\n")
	require.Contains(t, result.Output, "example.com/missing")
	require.NotContains(t, result.Output, "goroutine ")
	requireNoFiles(t, outdir)
}

// makeTarget runs a target of the Makefile in a folder that has nothing but what the target reads, and returns
// what it prints; it must fail, and leave nothing half installed.
func makeTarget(t *testing.T, target string, environ ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"Makefile", "package.json", "package-lock.json", "go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(checkout, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	// Empty caches, and whatever is downloaded from is a port where nobody listens.
	environ, err := preparing().BuildEnviron(append([]string{
		"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "npm_config_registry=http://127.0.0.1:1", "npm_config_fetch_retries=0",
		"npm_config_cache=" + t.TempDir(), "GOMODCACHE=" + t.TempDir(), "GOPROXY=http://127.0.0.1:1", "GOFLAGS=-modcacherw",
	}, environ...)...)
	require.NoError(t, err)
	result, err := Run(interrupted, Child{Command: []string{"make", target}, Dir: dir, Environ: environ})
	requireExit(t, err, 2)
	require.NoDirExists(t, filepath.Join(dir, "node_modules"))
	return result.Output
}

func TestMakeSaysWhatIsMissingOnTheMachine(t *testing.T) {
	t.Parallel()
	_, path := outside(t, "bash")
	for name, tt := range map[string]struct {
		target  string
		environ []string
		want    string
	}{
		"no npm": {
			"node_modules/.package-lock.json",
			[]string{path},
			"npm: command is not found, want npm 10 or newer; install Node, which brings it: https://nodejs.org\n",
		},
		"no network for npm": {
			"node_modules/.package-lock.json",
			nil,
			"\nnpm: installation is incomplete, want the packages of package-lock.json; check the network, or npm's registry\n",
		},
		"no Go": {"modules", []string{path}, "go: command is not found, want Go 1.26 or newer; install it: https://go.dev/dl\n"},
		"no network for Go": {
			"modules",
			nil,
			"\ngo: download is incomplete, want the modules of go.sum; check the network, or GOPROXY\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, makeTarget(t, tt.target, tt.environ...), tt.want)
		})
	}
}
