package fleet_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/e2e"
)

// repository is a service of its own, in a Git repository that the test makes.
type repository struct {
	t       *testing.T
	folder  string
	environ []string
}

// showHandler is its function; its program is testdata/show, which reads what the commits differ in.
const showHandler = `// Command hello says hello.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() { lambda.Start(func() (string, error) { return "hello", nil }) }
`

// newRepository makes a repository of a module with a function.
func newRepository(w *world) *repository {
	r := &repository{t: w.t, folder: w.t.TempDir(), environ: w.Environ(
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
	)}
	const module = "github.com/roadshow-go/roadshow"
	requirements, err := os.ReadFile(filepath.Join(checkout, "go.mod"))
	require.NoError(w.t, err)
	sums, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	require.NoError(w.t, err)
	r.write("go.mod", strings.Replace(string(requirements), "module "+module, "module example.com/show", 1))
	r.write("go.sum", string(sums))
	r.write("hello/main.go", showHandler)
	r.write(".gitignore", "cdk.out/\n.roadshow/\n")
	r.git("init", "-q", "-b", "main")
	return r
}

func (r *repository) write(name, text string) {
	r.t.Helper()
	file := filepath.Join(r.folder, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(r.t, os.WriteFile(file, []byte(text), 0o600))
}

// memory changes what the program makes.
func (r *repository) memory(megabytes string) { r.write("memory", megabytes) }

// git runs Git, and returns what it says.
func (r *repository) git(arguments ...string) string {
	r.t.Helper()
	command := exec.Command("git", arguments...)
	command.Dir, command.Env = r.folder, r.environ
	output, err := command.CombinedOutput()
	require.NoError(r.t, err, "git %v: %s", arguments, output)
	return strings.TrimSpace(string(output))
}

// commit commits everything, and returns the commit.
func (r *repository) commit(message string) string {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-qm", message)
	return r.git("rev-parse", "HEAD")
}

// TestEachStageIsComparedWithTheCommitThatItWasDeployedFrom deploys two commits, changes an account by hand,
// deploys what is not committed, and has the command tell each from the others.
func TestEachStageIsComparedWithTheCommitThatItWasDeployedFrom(t *testing.T) {
	t.Parallel()
	w := open(t, "", 0)
	r := newRepository(w)
	w.dir = r.folder
	started := filepath.Join(w.folder, "started")
	r.write("cdk.json", `{"app": "touch `+started+`; exec sleep 60"}`)
	r.memory("128")
	slow := r.commit("a program that does not end")
	r.write("cdk.json", `{"app": "exec `+program("show")+`"}`)
	r.memory("256")
	first := r.commit("one")
	w.bootstrap()
	w.must("deploy", "--to", "dev", "--to", "staging")

	// compare runs the command, which leaves the repository as it was.
	compare := func(want int) (map[string]stageParity, []commitParity, string) {
		t.Helper()
		before := r.git("status", "--porcelain", "--branch") + r.git("worktree", "list") + r.git("branch", "--all")
		got := w.run("parity", "--deployed", "--json")
		require.Equal(t, want, got.code, got.stderr)
		require.Equal(t, before, r.git("status", "--porcelain", "--branch")+r.git("worktree", "list")+r.git("branch", "--all"))
		w.noCheckoutIsLeft()
		var read struct {
			Deployed []stageParity
			Commits  []commitParity
		}
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &read), got.stdout)
		found := map[string]stageParity{}
		for _, one := range read.Deployed {
			found[one.Stage] = one
		}
		return found, read.Commits, got.stderr
	}
	found, commits, _ := compare(0)
	require.Equal(t, "identical", found["dev"].State)
	require.Equal(t, "identical", found["staging"].State)
	require.Equal(t, "absent", found["production"].State)
	require.Empty(t, commits, "the program's own commit is not made twice")

	r.memory("512")
	second := r.commit("two")
	w.must("deploy", "--to", "dev")
	found, commits, talk := compare(0)
	require.Equal(t, "identical", found["dev"].State)
	require.Equal(t, second, found["dev"].Commit)
	require.Equal(t, "behind", found["staging"].State)
	require.Equal(t, first, found["staging"].Commit)
	require.Equal(t, 1, found["staging"].Behind)
	require.NotEmpty(t, found["staging"].Changes, "what the program would change")
	require.Empty(t, found["staging"].Drift)
	require.Equal(t, []commitParity{{Commit: first, Stages: []string{"staging"}, Behind: 1, Verdict: &verdict{Identical: true}}}, commits)
	require.Contains(t, talk, "commit "+first[:9]+" of staging: checking it out")

	w.byHand("team-staging", "staging-show", map[string]string{`"MemorySize": *256`: `"MemorySize": 300`})
	found, _, _ = compare(1)
	require.Equal(t, "identical", found["dev"].State)
	require.Equal(t, "drifted", found["staging"].State)
	require.Len(t, found["staging"].Drift, 1)
	require.Regexp(t, `^Resources\.helloFunction\w+\.Properties\.MemorySize$`, found["staging"].Drift[0].Path)
	require.Regexp(t, `(?m)^staging +222222222222 +drifted +`+first[:9]+` +1 commit behind, 1 change to its commit's$`, w.run("parity", "--deployed").stdout)

	r.write("README.md", "What nobody deploys.\n")
	third := r.commit("three")
	uploads := w.calls(devAccount, "PutObject")
	require.Contains(t, w.cdk("dev", "deploy"), "(no changes)")
	require.Contains(t, w.cdk("dev", "diff", "--fail"), "There were no differences")
	require.Equal(t, uploads, w.calls(devAccount, "PutObject"), "a commit alone is no reason to upload a template")
	found, _, _ = compare(1)
	require.Equal(t, second, found["dev"].Commit, "the stack's commit stays known")

	r.memory("1024")
	w.must("deploy", "--to", "dev")
	found, _, _ = compare(1)
	require.Equal(t, third+"-dirty", found["dev"].Commit)
	require.Equal(t, "identical", found["dev"].State, "as long as the changes are there")
	r.git("checkout", "-q", ".")
	found, _, _ = compare(1)
	require.Equal(t, "dirty", found["dev"].State)
	require.Contains(t, found["dev"].Problem, "deployed with changes that were not committed")
	r.memory("1024")
	fourth := r.commit("four")
	require.Contains(t, w.cdk("dev", "deploy"), "(no changes)")
	r.memory("256")
	found, _, _ = compare(1)
	require.Equal(t, fourth, found["dev"].Commit, "what was deployed before it was committed has its commit as soon as that is deployed")
	r.git("checkout", "-q", ".")

	t.Run("a clone that does not have the commit", func(t *testing.T) {
		defer func(dir string) { w.dir = dir }(w.dir)
		w.t, w.dir = t, filepath.Join(t.TempDir(), "shallow")
		r.git("clone", "-q", "--depth", "1", "file://"+r.folder, w.dir)
		got := w.run("parity", "--deployed")
		require.Equal(t, 2, got.code)
		require.Contains(t, got.stdout, "Stage staging: Commit "+first+" cannot be used: it is not in this repository.\n  This clone is shallow: run `git fetch --unshallow`")
		require.Contains(t, got.stderr, "1 of 3 stages could not be determined")
		require.Regexp(t, `(?m)^dev +111111111111 +identical `, got.stdout, "what can be told is")
	})

	t.Run("an interruption", func(t *testing.T) {
		w.t = t
		w.byHand("team-staging", "staging-show", map[string]string{`"MemorySize": *300`: `"MemorySize": 301`})
		w.recordCommit("team-staging", "staging-show", slow)
		var talk bytes.Buffer
		command := w.command(t.Context(), "parity", "--deployed")
		command.Stdout, command.Stderr = &talk, &talk
		require.NoError(t, command.Start())
		require.Eventually(t, func() bool {
			_, err := os.Stat(started)
			return err == nil
		}, 2*time.Minute, 10*time.Millisecond)
		require.Contains(t, r.git("worktree", "list"), "roadshow-commit-")
		require.NoError(t, command.Process.Signal(os.Interrupt))
		require.ErrorAs(t, command.Wait(), new(*exec.ExitError))
		require.Equal(t, 2, command.ProcessState.ExitCode())
		require.Contains(t, talk.String(), "roadshow: interrupted\n")
		require.NotContains(t, r.git("worktree", "list"), "roadshow-commit-")
		w.noCheckoutIsLeft()
	})
}

// stageParity, commitParity and verdict are what the command's JSON says.
type (
	stageParity struct {
		Stage, State, Commit, Problem string
		Behind                        int
		Drift, Changes                []struct{ Path string }
	}
	commitParity struct {
		Commit  string
		Stages  []string
		Behind  int
		Verdict *verdict
	}
	verdict struct{ Identical bool }
)

// cdk runs the real cdk command in the program's folder, and wants it to end well.
func (w *world) cdk(profile string, arguments ...string) string {
	w.t.Helper()
	arguments = append([]string{e2e.CDK(checkout)}, append(arguments, "--profile", profile)...)
	result, err := e2e.Run(w.t.Context(), e2e.Child{
		Command: arguments, Dir: w.dir, Environ: w.Environ("CI=true", "NO_COLOR=1", "CDK_REQUIRE_APPROVAL=never", "CDK_VALIDATION=false"),
	})
	w.t.Logf("%s\n%s", strings.Join(arguments, " "), result.Output)
	require.NoError(w.t, err)
	return result.Output
}

// recordCommit has a stack's template be of another commit.
func (w *world) recordCommit(profile, stack, commit string) {
	w.t.Helper()
	config, err := w.Config(w.t.Context(), profile)
	require.NoError(w.t, err)
	template, err := cloudformation.NewFromConfig(config).GetTemplate(w.t.Context(), &cloudformation.GetTemplateInput{StackName: &stack})
	require.NoError(w.t, err)
	digest := regexp.MustCompile(`"roadshow:digest": "([0-9a-f]+)"`).FindStringSubmatch(*template.TemplateBody)
	require.NotNil(w.t, digest)
	_, err = s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("cdk-hnb659fds-assets-222222222222-us-east-1"), Key: aws.String(digest[1] + ".commit"), Body: strings.NewReader(commit),
	})
	require.NoError(w.t, err)
}

func (w *world) noCheckoutIsLeft() {
	w.t.Helper()
	for _, folder := range []string{"roadshow-commit-*", "roadshow-deployed-*", "roadshow-ask-*"} {
		left, err := filepath.Glob(filepath.Join(w.folder, "tmp", folder))
		require.NoError(w.t, err)
		require.Empty(w.t, left)
	}
}
