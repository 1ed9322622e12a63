package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/quota"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// fleetWorld is the accounts in which these verbs look, without a program that has to be run.
type fleetWorld struct{ *fleettest.Accounts }

// openFleet has a bootstrap in dev's account, whose roles admit that account itself.
func openFleet(t *testing.T) *fleetWorld {
	t.Helper()
	w := &fleetWorld{fleettest.Open(t)}
	w.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 33)
	w.Roles(fleettest.Sandbox, fleettest.Sandbox.Account, "deploy", "file-publishing", "lookup")
	return w
}

// history is what happened to a stage before it is looked at.
type history string

const (
	never       history = "nothing was ever deployed"
	done        history = "the program is deployed"
	failedFirst history = "the first deploy failed"
	rolledBack  history = "a later deploy was rolled back"
	waiting     history = "the first change set was never executed"
	functionCut history = "the function was deleted by hand"
)

var histories = []history{never, done, failedFirst, rolledBack, waiting, functionCut}

// happen brings dev's account to where a history leads.
func (w *fleetWorld) happen(t require.TestingT, what history) {
	if what == never {
		return
	}
	ctx, stack := w.T.Context(), aws.String("dev-notes")
	_, err := w.Account(fleettest.Sandbox.Account).Create("us-east-1", "AWS::S3::Bucket", map[string]any{"BucketName": "assets"})
	require.NoError(t, err)
	config, err := w.Env.Config(ctx, "team-dev")
	require.NoError(t, err)
	config.Region = "us-east-1"
	_, err = s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String("assets"), Key: aws.String("code.zip"), Body: strings.NewReader("code"),
	})
	require.NoError(t, err)
	w.Committed(fleettest.Sandbox, "retention-7", fleettest.Commit)
	client := w.CloudFormation(fleettest.Sandbox)
	if what == waiting {
		_, err := client.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{
			StackName: stack, ChangeSetName: aws.String("first"), ChangeSetType: types.ChangeSetTypeCreate, TemplateBody: aws.String(fleettest.WithFunction(7)),
			Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		})
		require.NoError(t, err)
		return
	}
	broken := func(operation string) {
		w.InjectFault(rehearsal.Fault{ResourceType: "AWS::Logs::LogGroup", Operation: operation, Count: 1, Status: 400, Code: "LimitExceededException"})
	}
	if what == failedFirst {
		broken("Create")
	}
	_, err = client.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: stack, TemplateBody: aws.String(fleettest.WithFunction(7)), Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	require.NoError(t, err)
	w.settled(t, client)
	switch what {
	case rolledBack:
		broken("Update")
		_, err = client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: stack, TemplateBody: aws.String(fleettest.WithFunction(14)), Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		})
		require.NoError(t, err)
		w.settled(t, client)
	case functionCut:
		require.NoError(t, w.Account(fleettest.Sandbox.Account).Delete("us-east-1", "AWS::Lambda::Function", "dev-notes-fn"))
	}
}

// settled waits until the stack is not being changed any more.
func (w *fleetWorld) settled(t require.TestingT, client *cloudformation.Client) {
	for ctx := w.T.Context(); ; {
		answer, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("dev-notes")})
		require.NoError(t, err)
		if !strings.HasSuffix(string(answer.Stacks[0].StackStatus), "_IN_PROGRESS") {
			return
		}
		select {
		case <-ctx.Done():
			require.NoError(t, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

// looked is what a verb says of an account: the claim that the program is deployed there, empty where it does not claim that,
// and the exit code.
type looked struct {
	claim string
	exit  int
}

func judged(claim string, found answer) looked {
	exit, _ := exitCode(found.judge())
	return looked{claim, exit}
}

// looks are the verbs that say what an account has.
var looks = map[string]func(t *testing.T, w *fleetWorld) looked{
	"status": func(t *testing.T, w *fleetWorld) looked {
		live := w.Fleet().Status(t.Context(), fleettest.Program(t, fleettest.WithFunction(7)), t.TempDir(), []stages.Stage{fleettest.Sandbox})
		claim := ""
		switch one := live[0]; {
		case one.Current():
			require.Equal(t, len(one.Functions), one.SameFunctions())
			claim = "current"
		case one.SameFunctions() > 0 && one.Deployed.Status == "ROLLBACK_COMPLETE":
			claim = "a function is the same"
		}
		return judged(claim, statuses{Stages: live})
	},
	"stages": func(t *testing.T, w *fleetWorld) looked {
		found := w.Fleet().Survey(t.Context(), []stages.Stage{fleettest.Sandbox}, nil)
		claim := ""
		if deployed := found[0].Deployed; found[0].Problem == "" && deployed != nil && deployed.Condition == fleet.ConditionSound {
			claim = "deployed"
		}
		return judged(claim, listedStages{Stages: found})
	},
	"parity --deployed": func(t *testing.T, w *fleetWorld) looked {
		found, commits, err := fleet.Comparison{
			Fleet: w.Fleet(), Program: fleettest.Program(t, fleettest.WithFunction(7)), Project: t.TempDir(),
		}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
		require.NoError(t, err)
		claim := ""
		if state := found[0].State; state == fleet.ParityIdentical || state == fleet.ParityBehind {
			claim = string(state)
		}
		exit, _ := exitCode((&deployedParity{Stages: found, Commits: commits}).judge())
		return looked{claim, exit}
	},
	"doctor": func(t *testing.T, w *fleetWorld) looked {
		findings := w.Fleet().Doctor(t.Context(), []stages.Stage{fleettest.Sandbox})
		claim := ""
		for _, finding := range findings {
			if finding.Check == "stack" && finding.OK && finding.Detail != "Nothing is deployed yet." {
				claim = finding.Detail
			}
		}
		return judged(claim, examined{findings})
	},
	// Of quotas the claim is that all of them suffice: one deploys what the program has, and a table beside it.
	"quotas": func(t *testing.T, w *fleetWorld) looked {
		wanted := strings.Replace(fleettest.WithFunction(7), `"Resources":{`, `"Resources":{"Table":`+fleettest.TableOf(fleettest.Sandbox, "dev-notes-table", "Delete", false)+",", 1)
		report, err := quota.Survey{Fleet: w.Fleet(), Assembly: fleettest.Program(t, wanted), Needed: true}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
		require.NoError(t, err)
		return judged("", quotas{Quotas: report.Quotas, Gaps: report.Gaps, report: report})
	},
}

func TestAStackWhoseFirstDeployFailedIsNeitherCurrentNorDeployedNorIdentical(t *testing.T) {
	w := openFleet(t)
	w.happen(t, failedFirst)
	for verb, look := range looks {
		require.Empty(t, look(t, w).claim, verb)
	}
	require.Equal(t, exitFinding, looks["status"](t, w).exit)
	require.Equal(t, exitFinding, looks["parity --deployed"](t, w).exit)
	require.Equal(t, exitFinding, looks["doctor"](t, w).exit)
	found, _, err := fleet.Comparison{Fleet: w.Fleet(), Program: fleettest.Program(t, fleettest.WithFunction(7)), Project: t.TempDir()}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
	require.NoError(t, err)
	require.Equal(t, fleet.ParityFailed, found[0].State)
	require.Equal(t, "Stage dev does not run what stack dev-notes says: it is ROLLBACK_COMPLETE, its first deploy failed and was rolled back, "+
		"so it has no resource. Run `roadshow deploy --to dev`.", found[0].Problem)
}

// Random accounts: every history, with every call that a verb makes denied or cut off in turn. A claim needs an
// account in which the program is deployed; and neither a claim of what was cut off nor exit code 0 is left then. That only
// holds where the verb needs the answer: each asks for nothing that it does not need.
func TestNothingIsClaimedAndNothingIsWellThatWasNotSeen(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	rapid.Check(t, func(rt *rapid.T) {
		w := openFleet(t)
		defer w.Close()
		what := rapid.SampledFrom(histories).Draw(rt, "history")
		w.happen(rt, what)
		verb := rapid.SampledFrom([]string{"status", "stages", "parity --deployed", "doctor", "quotas"}).Draw(rt, "verb")

		before := len(w.Calls())
		whole := looks[verb](t, w)
		require.Equal(rt, what == done && verb != "quotas", whole.claim != "", "%s of an account in which %s claims %q", verb, what, whole.claim)
		if what == done {
			require.Zero(rt, whole.exit, "%s of an account that has all, and says all", verb)
		}
		asked := map[string]rehearsal.Call{}
		for _, call := range w.Calls()[before:] {
			if call.Account == fleettest.Sandbox.Account {
				asked[call.Service+" "+call.Operation] = call
			}
		}
		cut := asked[rapid.SampledFrom(sortedKeys(asked)).Draw(rt, "the call that fails")]
		fault := rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: cut.Service, Operation: cut.Operation}
		if rapid.Bool().Draw(rt, "it is cut off") {
			fault.BreakOff = true
		} else {
			fault.Status, fault.Code, fault.Message = 403, "AccessDenied", "not you"
		}
		w.InjectFault(fault)
		blind := looks[verb](t, w)
		require.NotZero(rt, blind.exit, "%s of an account in which %s ends well, and %s did not answer", verb, what, cut.Operation)
		if seenBy := []string{"GetObject", "AssumeRole", "ListServiceQuotas", "ListStacks", "GetResources", "DescribeSubnets", "DescribeAvailabilityZones"}; !slices.Contains(seenBy, cut.Operation) {
			require.Empty(rt, blind.claim, "%s claims what %s did not say", verb, cut.Operation)
		}
	})
}

// Each call of each verb, where all is as it should be.
func TestNoVerbEndsWellWhereOneOfItsCallsDidNotAnswer(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	w := openFleet(t)
	w.happen(t, done)
	for _, verb := range sortedKeys(looks) {
		before := len(w.Calls())
		require.Zero(t, looks[verb](t, w).exit, verb)
		asked := map[string]rehearsal.Call{}
		for _, call := range w.Calls()[before:] {
			asked[call.Service+" "+call.Operation] = call
		}
		if verb != "quotas" {
			require.Contains(t, asked, "s3 GetObject", "%s reads the commit", verb)
		}
		for _, name := range sortedKeys(asked) {
			call := asked[name]
			for how, fault := range map[string]rehearsal.Fault{"cut off": {BreakOff: true}, "denied": {Status: 403, Code: "AccessDenied", Message: "not you"}} {
				t.Run(verb+", "+name+" "+how, func(t *testing.T) {
					fault.Account, fault.Service, fault.Operation = fleettest.Sandbox.Account, call.Service, call.Operation
					remove := w.InjectFault(fault)
					defer remove()
					require.NotZero(t, looks[verb](t, w).exit)
				})
			}
		}
	}
}

func sortedKeys[V any](of map[string]V) []string { return slices.Sorted(maps.Keys(of)) }
