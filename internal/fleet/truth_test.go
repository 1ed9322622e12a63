package fleet_test

import (
	"fmt"
	"os"
	"path/filepath"
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

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/fleet/quota"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

const deployedCommit = "0123456789abcdef0123456789abcdef01234567"

// withFunction is a template with one function, and a log group whose retention tells two versions of it apart.
func withFunction(retention int) string {
	return fmt.Sprintf(`{"Metadata":{"roadshow:commit":%q},"Resources":{
		"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"/notes/dev","RetentionInDays":%d}},
		"Role":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}]}}},
		"Fn":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"dev-notes-fn","Handler":"bootstrap","Runtime":"provided.al2023",
			"Role":{"Fn::GetAtt":["Role","Arn"]},"Code":{"S3Bucket":"assets","S3Key":"code.zip"}}}}}`, deployedCommit, retention)
}

// program is an assembly that makes this template for dev.
func program(t *testing.T, template string) fleet.Assembly {
	ready := fleet.Assembly{Dir: t.TempDir(), Document: assembly.Document{Service: "notes", Commit: deployedCommit}}
	require.NoError(t, os.WriteFile(filepath.Join(ready.Dir, "dev.template.json"), []byte(template), 0o600))
	ready.Document.Stages = []assembly.Synthesized{{
		Stage: assembly.Stage{Name: "dev", Account: fleettest.Sandbox.Account, Region: fleettest.Sandbox.Region}, Role: "dev", File: "dev.template.json", StackName: "dev-notes",
	}}
	return ready
}

// history is what happened to a stage before it is looked at.
type history string

const (
	never       history = "nothing was ever deployed"
	deployed    history = "the program is deployed"
	failedFirst history = "the first deploy failed"
	rolledBack  history = "a later deploy was rolled back"
	waiting     history = "the first change set was never executed"
	functionCut history = "the function was deleted by hand"
)

var histories = []history{never, deployed, failedFirst, rolledBack, waiting, functionCut}

// happen brings dev's account to where a history leads.
func (a *accounts) happen(t require.TestingT, what history) {
	if what == never {
		return
	}
	ctx, stack := a.T.Context(), aws.String("dev-notes")
	_, err := a.Account(fleettest.Sandbox.Account).Create("us-east-1", "AWS::S3::Bucket", map[string]any{"BucketName": "assets"})
	require.NoError(t, err)
	config, err := a.Env.Config(ctx, "team-dev")
	require.NoError(t, err)
	config.Region = "us-east-1"
	_, err = s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String("assets"), Key: aws.String("code.zip"), Body: strings.NewReader("code"),
	})
	require.NoError(t, err)
	client := a.CloudFormation(fleettest.Sandbox)
	if what == waiting {
		_, err := client.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{
			StackName: stack, ChangeSetName: aws.String("first"), ChangeSetType: types.ChangeSetTypeCreate, TemplateBody: aws.String(withFunction(7)),
			Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		})
		require.NoError(t, err)
		return
	}
	broken := func(operation string) {
		a.InjectFault(rehearsal.Fault{ResourceType: "AWS::Logs::LogGroup", Operation: operation, Count: 1, Status: 400, Code: "LimitExceededException"})
	}
	if what == failedFirst {
		broken("Create")
	}
	_, err = client.CreateStack(ctx, &cloudformation.CreateStackInput{
		StackName: stack, TemplateBody: aws.String(withFunction(7)), Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	})
	require.NoError(t, err)
	a.settled(t, client)
	switch what {
	case rolledBack:
		broken("Update")
		_, err = client.UpdateStack(ctx, &cloudformation.UpdateStackInput{
			StackName: stack, TemplateBody: aws.String(withFunction(14)), Capabilities: []types.Capability{types.CapabilityCapabilityIam},
		})
		require.NoError(t, err)
		a.settled(t, client)
	case functionCut:
		require.NoError(t, a.Account(fleettest.Sandbox.Account).Delete("us-east-1", "AWS::Lambda::Function", "dev-notes-fn"))
	}
}

// settled waits until the stack is not being changed any more.
func (a *accounts) settled(t require.TestingT, client *cloudformation.Client) {
	for ctx := a.T.Context(); ; {
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

// looks are the verbs that say what an account has, each reduced to what it claims: "" claims nothing, and
// otherwise the text is a claim that everything is as it should be.
var looks = map[string]func(t *testing.T, a *accounts) (claim string){
	"status": func(t *testing.T, a *accounts) string {
		live := a.Fleet().Status(t.Context(), program(t, withFunction(7)), t.TempDir(), []stages.Stage{fleettest.Sandbox})[0]
		if live.Current() {
			require.Equal(t, len(live.Functions), live.SameFunctions())
			return "current"
		}
		if live.SameFunctions() > 0 && live.Deployed.Condition != fleet.ConditionSound && live.Deployed.Status == "ROLLBACK_COMPLETE" {
			return "a function is the same"
		}
		return ""
	},
	"stages": func(t *testing.T, a *accounts) string {
		report := a.Fleet().Survey(t.Context(), []stages.Stage{fleettest.Sandbox}, nil)[0]
		if report.Problem == "" && report.Deployed != nil && report.Deployed.Condition == fleet.ConditionSound {
			return "deployed"
		}
		return ""
	},
	"parity --deployed": func(t *testing.T, a *accounts) string {
		found, _, err := fleet.Comparison{Fleet: a.Fleet(), Program: program(t, withFunction(7)), Project: t.TempDir()}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
		require.NoError(t, err)
		if state := found[0].State; state == fleet.ParityIdentical || state == fleet.ParityBehind {
			return string(state)
		}
		return ""
	},
	"doctor": func(t *testing.T, a *accounts) string {
		for _, finding := range a.Fleet().Doctor(t.Context(), []stages.Stage{fleettest.Sandbox}) {
			if finding.Check == "stack" && finding.OK && finding.Detail != "Nothing is deployed yet." {
				return finding.Detail
			}
		}
		return ""
	},
}

func TestAStackWhoseFirstDeployFailedIsNeitherCurrentNorDeployedNorIdentical(t *testing.T) {
	a := openAccounts(t)
	a.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 33)
	a.happen(t, failedFirst)
	for verb, look := range looks {
		require.Empty(t, look(t, a), verb)
	}
	found, _, err := fleet.Comparison{Fleet: a.Fleet(), Program: program(t, withFunction(7)), Project: t.TempDir()}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
	require.NoError(t, err)
	require.Equal(t, fleet.ParityFailed, found[0].State)
	require.Equal(t, "Stage dev does not run what stack dev-notes says: it is ROLLBACK_COMPLETE, its first deploy failed and was rolled back, "+
		"so it has no resource. Run `roadshow deploy --to dev`.", found[0].Problem)
}

// Random accounts: every history, with every call that a verb makes denied or cut off in turn. A claim needs an
// account in which the program is deployed, and that answered everything it was asked.
func TestNothingIsClaimedThatWasNotSeen(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	rapid.Check(t, func(rt *rapid.T) {
		a := openAccounts(t)
		defer a.Close()
		a.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 33)
		what := rapid.SampledFrom(histories).Draw(rt, "history")
		a.happen(rt, what)
		verbs := []string{"status", "stages", "parity --deployed", "doctor"}
		verb := rapid.SampledFrom(verbs).Draw(rt, "verb")

		before := len(a.Calls())
		claim := looks[verb](t, a)
		require.Equal(rt, what == deployed, claim != "", "%s of an account in which %s claims %q", verb, what, claim)

		var asked []rehearsal.Call
		for _, call := range a.Calls()[before:] {
			if call.Account == fleettest.Sandbox.Account && !slices.ContainsFunc(asked, func(known rehearsal.Call) bool { return known.Operation == call.Operation }) {
				asked = append(asked, call)
			}
		}
		if verb == "doctor" { // what it asks for other verbs, and for a deploy, are findings of their own
			asked = slices.DeleteFunc(asked, func(call rehearsal.Call) bool {
				return call.Service != "lambda" && call.Operation != "GetTemplate" && call.Operation != "ListStackResources"
			})
		}
		if len(asked) == 0 {
			return
		}
		cut := rapid.SampledFrom(asked).Draw(rt, "the call that fails")
		fault := rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: cut.Service, Operation: cut.Operation}
		if rapid.Bool().Draw(rt, "it is cut off") {
			fault.BreakOff = true
		} else {
			fault.Status, fault.Code, fault.Message = 403, "AccessDenied", "not you"
		}
		a.InjectFault(fault)
		require.Empty(rt, looks[verb](t, a), "%s claims what %s did not say", verb, cut.Operation)
	})
}

func TestQuotasSayWhatTheyCouldNotSee(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	a := openAccounts(t)
	a.happen(t, deployed)
	wanted := strings.Replace(withFunction(7), `"Resources":{`, `"Resources":{"Table":`+fleettest.TableOf(fleettest.Sandbox, "dev-notes-table", "Delete", false)+",", 1)
	look := func() (seen bool) {
		report, err := quota.Survey{Fleet: a.Fleet(), Assembly: program(t, wanted), Needed: true}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
		require.NoError(t, err)
		seen = len(report.Gaps) == 0
		for _, row := range report.Quotas {
			for _, place := range row.Places {
				seen = seen && place.Verdict != quota.Unknown
			}
		}
		return seen
	}
	before := len(a.Calls())
	require.True(t, look())
	asked := map[string]rehearsal.Call{}
	for _, call := range a.Calls()[before:] {
		asked[call.Service+" "+call.Operation] = call
	}
	require.Greater(t, len(asked), 4)
	for name, call := range asked {
		t.Run(name, func(t *testing.T) {
			remove := a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: call.Service, Operation: call.Operation, BreakOff: true})
			defer remove()
			require.False(t, look(), "what %s did not say counts as seen", name)
		})
	}
}
