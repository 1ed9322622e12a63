package fleet_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// made is what a program makes at a commit: one log group a stage, of these names.
func made(t *testing.T, commit string, logs map[string]string) fleet.Assembly {
	t.Helper()
	ready := fleet.Assembly{Dir: t.TempDir(), Document: assembly.Document{Service: "notes", Commit: commit}}
	for _, stage := range fleettest.Everyone {
		file := stage.Name + ".template.json"
		template := `{"Resources":{"Log":{"Type":"AWS::Logs::LogGroup","Properties":{"LogGroupName":"` + logs[stage.Name] + `"}}}}`
		require.NoError(t, os.WriteFile(filepath.Join(ready.Dir, file), []byte(template), 0o600))
		ready.Document.Stages = append(ready.Document.Stages, assembly.Synthesized{Stage: assembly.Stage{Name: stage.Name}, Role: stage.Name, File: file})
	}
	return ready
}

func TestWhatIsDeployedIsComparedWithItsCommit(t *testing.T) {
	const deployed = fleettest.Commit
	asIs := map[string]string{"dev": "/notes/dev", "demo": "/notes/demo"}
	longer := map[string]string{"dev": "/notes/dev", "demo": "/notes/demo-longer"}
	a := openAccounts(t)
	a.Deployed(fleettest.Sandbox, "")
	a.Deployed(fleettest.Neighbour, "")
	a.Committed(fleettest.Sandbox, "dev-notes", deployed)
	a.Committed(fleettest.Neighbour, "demo-notes", deployed)
	a.InjectFault(rehearsal.Fault{Account: fleettest.Protected.Account, Service: "cloudformation", Status: 403, Code: "AccessDenied", Message: "not you"})
	f := a.Fleet()

	for name, tt := range map[string]struct {
		program string
		makes   map[string]string // what the program makes now
		made    map[string]string // what the recorded commit makes
		err     error
		want    []fleet.ParityState // of dev and demo
		asked   int
	}{
		"the program's commit":             {deployed, asIs, nil, nil, []fleet.ParityState{"identical", "identical"}, 0},
		"the program's, changed by hand":   {deployed, longer, nil, nil, []fleet.ParityState{"identical", "drifted"}, 0},
		"another, which makes it":          {"fedcba9", longer, asIs, nil, []fleet.ParityState{"identical", "behind"}, 1},
		"another, which makes another":     {"fedcba9", longer, longer, nil, []fleet.ParityState{"identical", "drifted"}, 1},
		"another, but it is the program's": {"fedcba9", asIs, longer, nil, []fleet.ParityState{"identical", "identical"}, 1},
		"with changes since":               {deployed + "-dirty", longer, asIs, nil, []fleet.ParityState{"identical", "behind"}, 1},
		"a commit that is not here":        {"fedcba9", longer, nil, errors.New("it is not here"), []fleet.ParityState{"identical", "unknown"}, 1},
		"a program of no repository":       {"", longer, asIs, nil, []fleet.ParityState{"identical", "behind"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			found, commits, err := fleet.Comparison{
				Fleet: f, Program: made(t, tt.program, tt.makes), Project: t.TempDir(),
				Make: func(_ context.Context, commit string) (fleet.Made, error) {
					asked++
					require.Equal(t, deployed, commit)
					return fleet.Made{Assembly: made(t, deployed, tt.made), Verdict: &parity.Verdict{}}, tt.err
				},
			}.Run(t.Context(), fleettest.Everyone)
			require.NoError(t, err)
			var states []fleet.ParityState
			for _, one := range found {
				states = append(states, one.State)
			}
			require.Equal(t, append(tt.want, fleet.ParityAbsent, fleet.ParityUnknown), states)
			require.Equal(t, tt.asked, asked, "two stages at one commit cost one checkout")
			require.Len(t, commits, tt.asked)
			messages.Provoked(t, found[3].Problem)
			require.Contains(t, found[3].Problem, "not you")
			require.Equal(t, -1, found[0].Behind, "no repository knows the commits")
			switch found[1].State {
			case fleet.ParityBehind:
				require.Equal(t, `Resources.Log.Properties.LogGroupName: "/notes/demo-longer" instead of "/notes/demo"`, found[1].Changes[0].String())
				require.Empty(t, found[1].Drift)
			case fleet.ParityDrifted:
				require.Equal(t, `Resources.Log.Properties.LogGroupName: "/notes/demo-longer" instead of "/notes/demo"`, found[1].Drift[0].String())
				messages.Provoked(t, found[1].Problem)
				require.Contains(t, found[1].Problem, "Stage demo is not what its commit makes")
			case fleet.ParityUnknown:
				require.Equal(t, "Stage demo: it is not here", found[1].Problem)
			}
		})
	}
	_, _, err := fleet.Comparison{Fleet: f, Program: fleet.Assembly{Dir: t.TempDir()}, Project: t.TempDir()}.Run(canceled(t), fleettest.Everyone)
	require.ErrorIs(t, err, context.Canceled)
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestADirtyDeployAndCodeOfAnotherGoAreSaidToBe(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	// The function is never made: nobody has uploaded its code.
	template := func(memory, key string) string {
		return `{"Metadata":{"roadshow:digest":"d` + memory + key + `"},"Conditions":{"Never":{"Fn::Equals":["a","b"]}},"Resources":{
			"Log":{"Type":"AWS::Logs::LogGroup"},
			"f":{"Type":"AWS::Lambda::Function","Condition":"Never","Properties":{"MemorySize":` + memory + `,"Code":{"S3Bucket":"b","S3Key":"` + key + `.zip"}}}}}`
	}
	program := fleet.Assembly{Dir: t.TempDir(), Document: assembly.Document{Commit: commit}}
	file := "dev.template.json"
	require.NoError(t, os.WriteFile(filepath.Join(program.Dir, file), []byte(template("128", "here")), 0o600))
	program.Document.Stages = []assembly.Synthesized{{Stage: assembly.Stage{Name: "dev"}, Role: "dev", File: file}}
	for name, tt := range map[string]struct {
		deployed string
		digest   string
		commits  []string
		state    fleet.ParityState
		problem  string
	}{
		"uncommitted changes": {
			template("256", "here"), "d256here",
			[]string{commit + "-dirty"},
			fleet.ParityDirty,
			"Stage dev was deployed with changes that were not committed, which nobody can make again.\nCommit them, and deploy it.",
		},
		"uncommitted changes that change nothing": {template("128", "here"), "d128here", []string{commit + "-dirty"}, fleet.ParityIdentical, ""},
		"other bytes of the same code": {
			template("128", "there"), "d128there", []string{commit}, fleet.ParityUnknown, "Stage dev: the code of f is not what commit 012345678 compiles to here, and all else is the same",
		},
		"other bytes, and more": {template("256", "there"), "d256there", []string{commit}, fleet.ParityDrifted, "Stage dev is not what its commit makes"},
		"changes that a commit has taken up since": {
			template("256", "there"), "d256there", []string{commit + "-dirty", commit}, fleet.ParityDrifted, "Stage dev is not what its commit makes",
		},
		"no digest": {`{"Resources":{"Log":{"Type":"AWS::Logs::LogGroup"}}}`, "", nil, fleet.ParityUnknown, "Stage dev: no commit is recorded for what is deployed"},
		"no commit": {template("256", "there"), "another", []string{commit}, fleet.ParityUnknown, "Stage dev: no commit is recorded for what is deployed"},
		"no bucket": {template("256", "there"), "", nil, fleet.ParityUnknown, "Stage dev: the commit recorded in s3://cdk-hnb659fds-assets-111111111111-us-east-1/d256there.commit could not be read"},
		"YAML":      {"Resources:\n  Log:\n    Type: AWS::Logs::LogGroup\n", "", nil, fleet.ParityUnknown, "template"},
	} {
		t.Run(name, func(t *testing.T) {
			a := openAccounts(t)
			stack := "dev-notes"
			_, err := a.CloudFormation(fleettest.Sandbox).CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: &stack, TemplateBody: &tt.deployed})
			require.NoError(t, err)
			a.Settle(fleettest.Sandbox, stack)
			for _, commit := range tt.commits {
				a.Committed(fleettest.Sandbox, tt.digest, commit)
			}
			found, _, err := fleet.Comparison{Fleet: a.Fleet(), Program: program, Project: t.TempDir()}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
			require.NoError(t, err)
			messages.Provoked(t, found[0].Problem)
			require.Equal(t, tt.state, found[0].State, found[0].Problem)
			if tt.problem == "" {
				require.Empty(t, found[0].Problem)
			}
			messages.Provoked(t, found[0].Problem)
			require.Contains(t, found[0].Problem, tt.problem)
		})
	}
}

// Without s3:ListBucket S3 refuses an object that is not there: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func TestACommitThatS3DoesNotTellOfIsNeitherRecordedNorAbsent(t *testing.T) {
	a := openAccounts(t)
	a.Deployed(fleettest.Sandbox, "")
	a.InjectFault(rehearsal.Fault{Account: fleettest.Sandbox.Account, Service: "s3", Operation: "GetObject", Status: 403, Code: "AccessDenied", Message: "Access Denied"})
	report := a.Fleet().Survey(t.Context(), []stages.Stage{fleettest.Sandbox}, nil)[0]
	require.Empty(t, report.Problem, "the stack was seen all the same")
	require.Equal(t, fleet.ConditionSound, report.Deployed.Condition)
	require.Empty(t, report.Deployed.Commit)
	require.Contains(t, report.Deployed.CommitProblem, "S3 does not say whether a commit is recorded in s3://cdk-hnb659fds-assets-111111111111-us-east-1/dev-notes.commit: AccessDenied: Access Denied\nAllow s3:GetObject")
	require.True(t, report.Unseen())

	for name, tt := range map[string]struct {
		log   string
		state fleet.ParityState
	}{
		"the program makes what is deployed": {"/notes/dev", fleet.ParityIdentical},
		"the program makes something else":   {"/notes/other", fleet.ParityUnknown},
	} {
		found, commits, err := fleet.Comparison{
			Fleet: a.Fleet(), Program: made(t, fleettest.Commit, map[string]string{"dev": tt.log}), Project: t.TempDir(),
		}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
		require.NoError(t, err)
		require.Empty(t, commits, name)
		require.Equal(t, tt.state, found[0].State, name)
		messages.Provoked(t, found[0].Problem)
		require.Contains(t, found[0].Problem, "Stage dev: S3 does not say whether a commit is recorded", name)
		require.True(t, found[0].Unseen(), name)
	}
}
