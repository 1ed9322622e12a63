package e2e

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// transcript is what a process has written so far, safe to read while it goes on.
type transcript struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(text []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.text.Write(text)
}

func (w *transcript) String() string {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.text.String()
}

// watch is a cdk watch under way.
type watch struct {
	folder  string // whose files it watches
	program string // the program that it runs; a link
	said    *transcript
	end     func() error
	rig     *rig
}

// watch starts cdk watch in a folder of its own with the cdk.json of the checkout, in which nobody else changes files;
// the program runs in the checkout.
func (r *rig) watch(t *testing.T, app string, arguments ...string) *watch {
	t.Helper()
	w := &watch{folder: filepath.Join(r.place.Folder, "watched"), program: filepath.Join(r.place.Folder, "program"), said: &transcript{}, rig: r}
	require.NoError(t, os.MkdirAll(w.folder, 0o755))
	text, err := os.ReadFile(filepath.Join(checkout, "cdk.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(w.folder, "cdk.json"), text, 0o600))
	w.runs(t, app)

	ctx, cancel := context.WithTimeout(interrupted, r.patience)
	done := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Child{
			Command: append([]string{CDK(checkout), "watch", "--no-logs", "--profile", r.profiles[dev]}, arguments...), Dir: w.folder, Also: w.said,
			Environ: r.Environ("CI=true", "NO_COLOR=1", "CDK_REQUIRE_APPROVAL=never", "CDK_OUTPUT="+filepath.Join(w.folder, "cdk.out"),
				"CDK_APP=cd "+checkout+" && "+w.program, "CDK_VALIDATION=false"),
		})
		done <- err
	}()
	w.end = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = w.end() })
	return w
}

// runs has the watch run another program from now on.
func (w *watch) runs(t *testing.T, app string) {
	t.Helper()
	next := w.program + ".next"
	require.NoError(t, os.Symlink(app, next))
	require.NoError(t, os.Rename(next, w.program))
}

// change changes a file of the folder.
func (w *watch) change(t *testing.T, name string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(w.folder, name), []byte("package main\n"), 0o600))
}

func (w *watch) says(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(w.said.String(), text) }, w.rig.patience, 10*time.Millisecond, "%q: %v", text, w.said)
}

func TestWatchDeploysWhenAFileChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.onlyRehearsed(t, "a watch is stopped while it may be deploying")
	r.bootstrap(t)
	w := r.watch(t, notesBinary(), "--no-hotswap")
	w.says(t, "✅  notes (dev-notes)\n")
	w.change(t, "main.go")
	w.says(t, "main.go")
	w.says(t, "✅  notes (dev-notes) (no changes)")
	require.ErrorIs(t, w.end(), context.Canceled)
}

// function is what an account's Lambda says of a function of notes.
func (r *rig) function(t *testing.T, stage, name string) *lambda.GetFunctionConfigurationOutput {
	t.Helper()
	got, err := lambda.NewFromConfig(r.config(t, stage)).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{
		FunctionName: aws.String(stage + "-notes-" + name),
	})
	require.NoError(t, err)
	return got
}

// template is what CloudFormation keeps of a stage's stack.
func (r *rig) template(t *testing.T, stage string) string {
	t.Helper()
	got, err := cloudformation.NewFromConfig(r.config(t, stage)).GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: aws.String(stage + "-notes")})
	require.NoError(t, err)
	return *got.TemplateBody
}

// hotswapping are the calls that change what runs, without CloudFormation.
var hotswapping = []string{"UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias"}

// since are the calls that change what runs, by CloudFormation or without it, after those before.
func (r *rig) since(t *testing.T, before []rehearsal.Call) []string {
	t.Helper()
	var names []string
	for _, call := range r.calls()[len(before):] {
		if slices.Contains(hotswapping, call.Operation) || call.Operation == "ExecuteChangeSet" {
			require.Equal(t, r.stage(t, dev).Account, call.Account, "%+v", call)
			require.Less(t, call.Status, 300, "%+v", call)
			names = append(names, call.Operation)
		}
	}
	return names
}

func TestAWatchHotswapsAFunctionAndADeployTakesItUp(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.onlyRehearsed(t, "a watch is stopped while it may be deploying")
	r.deployed(t)
	changed := r.variant(t, "swapped")
	was, other := r.function(t, dev, "list-notes"), r.function(t, dev, "get-note")
	require.NotEqual(t, was.CodeSha256, other.CodeSha256)
	template, elsewhere := r.template(t, dev), r.holdings(t, production)

	// A watch deploys once when it starts, and then what changes.
	before := r.calls()
	w := r.watch(t, notesBinary())
	w.says(t, "✨  Total time")
	w.runs(t, changed)
	w.change(t, "main.go")
	w.says(t, "dev-notes-list-notes")
	w.says(t, "hotswapped!")
	require.ErrorIs(t, w.end(), context.Canceled)
	require.Equal(t, []string{"UpdateFunctionCode", "UpdateFunctionConfiguration"}, r.since(t, before))
	is := r.function(t, dev, "list-notes")
	require.Equal(t, other.CodeSha256, is.CodeSha256)
	require.Equal(t, "swapped", is.Environment.Variables["MODE"])
	require.Equal(t, "dev-notes-notes", is.Environment.Variables["NOTES_TABLE"])
	require.Equal(t, template, r.template(t, dev), "CloudFormation does not know")
	require.Equal(t, elsewhere, r.holdings(t, production))

	// What is taken back in the code is no change to CloudFormation, and stays in the account.
	require.Contains(t, r.must(t, command{stage: dev}, "deploy"), "(no changes)")
	require.Equal(t, other.CodeSha256, r.function(t, dev, "list-notes").CodeSha256)

	// A deploy of what was hotswapped is one; from then on the account is what the template says, also back.
	before = r.calls()
	r.must(t, command{stage: dev, app: changed}, "deploy")
	require.Equal(t, []string{"ExecuteChangeSet"}, r.since(t, before))
	require.NotEqual(t, template, r.template(t, dev))
	require.Equal(t, other.CodeSha256, r.function(t, dev, "list-notes").CodeSha256)
	r.must(t, command{stage: dev}, "deploy")
	back := r.function(t, dev, "list-notes")
	require.Equal(t, was.CodeSha256, back.CodeSha256)
	require.Equal(t, was.Environment, back.Environment)
	require.Equal(t, template, r.template(t, dev))
	r.askedNothingUnknown(t)
}

// A hotswap publishes the version that a deploy would publish, and Lambda does not publish the same one twice.
// https://github.com/aws/aws-cdk/issues/28237
func TestADeployOfWhatWasHotswappedIsRefusedWhereAFunctionHasAVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.onlyRehearsed(t, "it leaves a stack that cannot be updated")
	first, second, third := r.variant(t, "provisioned"), r.variant(t, "provisioned-swapped"), r.variant(t, "provisioned-described")
	r.bootstrap(t)
	r.must(t, command{stage: dev, app: first}, "deploy")

	before := r.calls()
	r.must(t, command{stage: dev, app: second}, "deploy", "--hotswap")
	require.Equal(t, []string{"UpdateFunctionCode", "PublishVersion", "UpdateAlias"}, r.since(t, before))
	alias, err := lambda.NewFromConfig(r.config(t, dev)).GetAlias(t.Context(), &lambda.GetAliasInput{
		FunctionName: aws.String("dev-notes-list-notes"), Name: aws.String("live"),
	})
	require.NoError(t, err)
	require.Equal(t, "2", *alias.FunctionVersion)

	output, err := r.cdk(t, command{stage: dev, app: second}, "deploy")
	require.Error(t, err)
	require.Contains(t, output, "Version already exists: [arn:aws:lambda:us-east-1:111111111111:function:dev-notes-list-notes:2]")
	r.must(t, command{stage: dev, app: third}, "deploy")
	require.Equal(t, r.function(t, dev, "get-note").CodeSha256, r.function(t, dev, "list-notes").CodeSha256)
	r.askedNothingUnknown(t)
}
