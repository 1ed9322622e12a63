package stacktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/elsewhere"
	"github.com/roadshow-go/roadshow/internal/kernel"
	"github.com/roadshow-go/roadshow/internal/reads"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stages"
)

// againVariable names the folder that a second run of a test writes its templates to.
const againVariable = "ROADSHOW_STACKTEST_AGAIN"

// dateVariable has that run see another date.
const dateVariable = "ROADSHOW_STACKTEST_DATE"

// aloneVariable names the folder of a process that makes one stage only, which aloneStageVariable
// names.
const (
	aloneVariable      = "ROADSHOW_STACKTEST_ALONE"
	aloneStageVariable = "ROADSHOW_STACKTEST_ALONE_STAGE"
)

// againLimit ends a second run that hangs.
const againLimit = 5 * time.Minute

// RequireParity fails the test where the stages of the app differ in anything that is not declared,
// and says where, with both values and the Go line that made it.
//
// It compares in this process, every stage playing its own part and others'; and then with a second
// process that runs this test once more, up to this call, with another environment, time zone,
// HOME, working folder and date: what both sides of a comparison read alike shows there. For each
// stage, one more process begins with that stage, as a deploy does: what the program keeps of the
// first stage that it defines shows there. So the test should do little else before, and must not
// need a folder or a variable of its own.
//
// It also reads the code of the definition, and fails where that reads something besides its stage
// (the environment, the time, a file, the order of a map) and no comment says why that makes no
// difference:
//
//	verbose := os.Getenv("VERBOSE") //roadshow:acknowledge decides what is logged
func RequireParity(t *testing.T, app stack.App) {
	t.Helper()
	if outdir := os.Getenv(againVariable); outdir != "" {
		elsewhere.Enter()
		require.NoError(t, kernel.Start(), "before the folder changes, from which Node is looked for")
		t.Chdir(t.TempDir())
		synthesize := func() error {
			_, err := app.Synthesize(stack.Synthesis{Outdir: outdir, Nested: true, StubFunctions: true})
			return err
		}
		if os.Getenv(dateVariable) != "" {
			require.NoError(t, elsewhere.OnAnotherDayOf(t, synthesize))
			return
		}
		require.NoError(t, synthesize())
		return
	}
	if outdir := os.Getenv(aloneVariable); outdir != "" {
		stage, err := app.Stages.Find(os.Getenv(aloneStageVariable))
		require.NoError(t, err)
		_, err = app.Synthesize(stack.Synthesis{Stages: []stages.Stage{stage}, Outdir: outdir, StubFunctions: true})
		require.NoError(t, err)
		return
	}
	var report *reads.Report
	var unread error
	var reading sync.WaitGroup
	environ := os.Environ() // the CDK changes it for a while
	reading.Go(func() { report, unread = readCode(t.Context(), app, environ) })
	verdict, err := app.Prove(t.Context(), stack.Proof{
		Exhaustive: true,
		Again: func(ctx context.Context, outdir string) error {
			if reading.Wait(); unread != nil {
				return unread
			}
			return runAgain(ctx, t, outdir, environ, report)
		},
		Alone: func(ctx context.Context, stage stages.Stage, outdir string) error {
			environment := append(slices.Clone(environ), aloneVariable+"="+outdir, aloneStageVariable+"="+stage.Name)
			return runThisTest(ctx, t, environment, func(command func() *exec.Cmd) error { return command().Run() })
		},
	})
	reading.Wait()
	require.NoError(t, err, "parity could not be told")
	require.NoError(t, unread, "the code of "+app.Service+" could not be read")
	report.Apply(verdict)
	switch {
	case !verdict.Identical():
		require.FailNow(t, "the stages of "+app.Service+" are not identical", verdict.String())
	case len(verdict.Unproven()) > 0:
		require.FailNow(t, "it cannot be proven that the stages of "+app.Service+" are identical", verdict.String())
	case len(verdict.BadAcknowledgements) > 0:
		require.FailNow(t, app.Service+" acknowledges what it does not read, or gives no reason", verdict.String())
	}
}

// runAgain runs the current test in another process, elsewhere: otherwise in all that the code is
// seen to read.
func runAgain(ctx context.Context, t *testing.T, outdir string, environ []string, report *reads.Report) error {
	asked, err := json.Marshal(elsewhere.Context(nil, report.Context))
	if err != nil {
		return err
	}
	environment := append(elsewhere.Environment(environ, t.TempDir(), report.Variables), againVariable+"="+outdir, "CDK_CONTEXT_JSON="+string(asked))
	if report.AllowsOtherDate() {
		environment = append(environment, dateVariable+"=another")
	}
	if err := runThisTest(ctx, t, environment, elsewhere.Run); err != nil {
		return fmt.Errorf("the second process: %w", err)
	}
	return nil
}

// runThisTest runs the current test in another process with this environment.
func runThisTest(ctx context.Context, t *testing.T, environment []string, run func(func() *exec.Cmd) error) error {
	ctx, cancel := context.WithTimeout(ctx, againLimit)
	defer cancel()
	var test []string
	for part := range strings.SplitSeq(t.Name(), "/") {
		test = append(test, "^"+regexp.QuoteMeta(part)+"$")
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	var output bytes.Buffer
	if err := run(func() *exec.Cmd {
		command := exec.CommandContext(ctx, executable, "-test.run="+strings.Join(test, "/"), "-test.count=1")
		command.Env = environment
		command.Stdout, command.Stderr = &output, &output
		return command
	}); err != nil {
		return fmt.Errorf("%w\n%s", err, output.Bytes())
	}
	return nil
}

// RequireOnlyIn fails the test unless exactly the selected stages of the app have resources of a
// type.
//
//	stacktest.RequireOnlyIn(t, app, "AWS::DAX::Cluster", Production)
func RequireOnlyIn(t *testing.T, app stack.App, cfnType string, selector stages.Selector) {
	t.Helper()
	var want, got []string
	for _, stage := range app.Stages.Stages() {
		if stages.Selects(selector, stage) {
			want = append(want, stage.Name)
		}
		if len(Synth(t, app, stage).Resources(cfnType)) > 0 {
			got = append(got, stage.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(t, want, got, "the stages that have resources of type %s", cfnType)
}

// goldenFile is where a stage's golden stands.
func goldenFile(app stack.App, stage stages.Stage) string {
	return filepath.Join("testdata", app.Service+"."+stage.Name+".golden.json")
}
