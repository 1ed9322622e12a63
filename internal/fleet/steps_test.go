package fleet_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/fleet"
	"github.com/roadshow-go/roadshow/internal/fleet/fleettest"
	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/rehearsal/refusals"
	"github.com/roadshow-go/roadshow/stages"
)

// preflightTests says which test shows what preflight does about a refusal of the book whose template does not show it. A
// row of the book that says preflight, and neither stands here nor can be driven by its template, fails the test below.
var preflightTests = map[string]string{
	"dynamodb-deletion-protection": "internal/fleet/remove_test.go TestWhatWouldFailHalfWayIsNotBegun",
	"cloudformation-region-off":    "internal/fleet/steps_test.go TestADeployIsNotBegunInARegionThatIsOff",
	"lambda-code-bucket":           "internal/fleet/steps_test.go TestADeployIsNotBegunWhereNothingIsBootstrapped",
}

func TestEachRefusalThatPreflightFindsHasItsTest(t *testing.T) {
	book, err := refusals.Load()
	require.NoError(t, err)
	for _, row := range book {
		if row.Roadshow != refusals.Preflight {
			assert.Empty(t, preflightTests[row.ID], "%s: the book says that Roadshow's answer is %s", row.ID, row.Roadshow)
			continue
		}
		t.Run(row.ID, func(t *testing.T) {
			if row.Beside != "" || len(row.Held) > 0 {
				taken := takenNames(t, row)
				require.Len(t, taken, 1)
				messages.Provoked(t, taken[0].String())
				assert.Regexp(t, ` exists already\. `, taken[0].Detail)
				assert.NotEmpty(t, taken[0].Taken.Obstacle, "it cannot be taken up, and preflight says so")
				if row.Beside != "" {
					assert.Equal(t, "beside", taken[0].Taken.Stack, "it says which stack has the name")
				}
				return
			}
			if row.Before != "" {
				findings := preflightOf(t, row.Before, row.Template)
				require.Len(t, findings, 1)
				assert.Equal(t, "steps", findings[0].Check)
				assert.Regexp(t, `^[A-Z].*\. See https://`, findings[0].Fix, "it says what to deploy first")
				messages.Provoked(t, findings[0].String())
				assert.Regexp(t, `^Resource \w+ \(AWS::\w+::\w+\), made at app\.go:7: `, findings[0].Detail)
				return
			}
			file, name, _ := strings.Cut(preflightTests[row.ID], " ")
			require.NotEmpty(t, name, "a test for the row, or another answer in the book")
			source, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
			require.NoError(t, err)
			assert.Regexp(t, `func `+regexp.QuoteMeta(name)+`\(`, string(source))
		})
	}
}

// takenNames is what a deploy finds, and does not begin, whose template gives a name that the account has already: in another
// stack, or made by a person.
func takenNames(t *testing.T, row refusals.Refusal) []fleet.Finding {
	t.Helper()
	a, stage := openAccounts(t), fleettest.Sandbox
	require.Equal(t, stage.Region, row.Region)
	a.Bootstrapped(stage, "CDKToolkit", "hnb659fds", 33)
	for _, held := range row.Held {
		_, err := a.Account(stage.Account).Create(stage.Region, held.Type, held.Properties)
		require.NoError(t, err)
	}
	if row.Beside != "" {
		_, err := a.CloudFormation(stage).CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: aws.String("beside"), TemplateBody: &row.Beside, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		})
		require.NoError(t, err)
		a.Settle(stage, "beside")
	}
	before := a.Writes(stage.Account)
	_, err := fleet.Deployment{Fleet: a.Fleet(), Assembly: fleettest.Program(t, row.Template)}.Run(t.Context(), []stages.Stage{stage})
	var refused *fleet.PreflightError
	require.ErrorAs(t, err, &refused)
	messages.Provoked(t, err.Error())
	assert.Equal(t, before, a.Writes(stage.Account), "nothing was changed")
	for _, finding := range refused.Findings {
		assert.Equal(t, "names", finding.Check, "%s", finding)
	}
	return refused.Findings
}

// preflightOf is what a deploy finds that would lead from a deployed template to another, and that does not begin.
func preflightOf(t *testing.T, deployed, wanted string) []fleet.Finding {
	t.Helper()
	a := openAccounts(t)
	a.Bootstrapped(fleettest.Sandbox, "CDKToolkit", "hnb659fds", 33)
	_, err := a.CloudFormation(fleettest.Sandbox).CreateStack(t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("dev-notes"), TemplateBody: &deployed, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		Tags: []types.Tag{
			{Key: aws.String("roadshow:service"), Value: aws.String("notes")},
			{Key: aws.String("roadshow:stage"), Value: aws.String("dev")},
			{Key: aws.String("roadshow:program"), Value: aws.String("example.com/notes")},
		},
	})
	require.NoError(t, err)
	a.Settle(fleettest.Sandbox, "dev-notes")
	before := a.Writes(fleettest.Sandbox.Account)
	ready := fleettest.Program(t, wanted)
	ready.Document.Program = "example.com/notes"
	for _, id := range []string{"table", "function", "cluster"} {
		ready.Document.Stages[0].Constructs = append(ready.Document.Stages[0].Constructs,
			assembly.Construct{ID: strings.ToUpper(id[:1]) + id[1:], At: stages.Position{File: "app.go", Line: 7}})
	}
	_, err = fleet.Deployment{Fleet: a.Fleet(), Assembly: ready}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
	var refused *fleet.PreflightError
	require.ErrorAs(t, err, &refused)
	messages.Provoked(t, err.Error())
	assert.Equal(t, before, a.Writes(fleettest.Sandbox.Account), "nothing was changed")
	return refused.Findings
}

func TestADeployIsNotBegunWhereNothingIsBootstrapped(t *testing.T) {
	a := openAccounts(t)
	ready := fleettest.Program(t, fleettest.WithFunction(7))
	require.NoError(t, os.WriteFile(filepath.Join(ready.Dir, "manifest.json"), []byte(`{"version": "54.0.0", "artifacts": {"dev-notes.assets": {
		"type": "cdk:asset-manifest", "properties": {"file": "dev-notes.assets.json", "requiresBootstrapStackVersion": 6}}}}`), 0o600))
	_, err := fleet.Deployment{Fleet: a.Fleet(), Assembly: ready}.Run(t.Context(), []stages.Stage{fleettest.Sandbox})
	var refused *fleet.PreflightError
	require.ErrorAs(t, err, &refused)
	messages.Provoked(t, err.Error())
	require.Len(t, refused.Findings, 1)
	assert.Equal(t, "bootstrap", refused.Findings[0].Check)
	assert.Equal(t, "Run `roadshow bootstrap dev`.", refused.Findings[0].Fix)
}

// An account answers in a region that it has not enabled as if the access key were unknown.
func TestADeployIsNotBegunInARegionThatIsOff(t *testing.T) {
	a, stage := openAccounts(t), fleettest.Sandbox
	a.InjectFault(rehearsal.Fault{
		Account: stage.Account, Region: stage.Region, Status: 403, Code: "InvalidClientTokenId", Message: "The security token included in the request is invalid",
	})
	_, err := fleet.Deployment{Fleet: a.Fleet(), Assembly: fleettest.Program(t, fleettest.WithFunction(7))}.Run(t.Context(), []stages.Stage{stage})
	var refused *fleet.PreflightError
	require.ErrorAs(t, err, &refused)
	messages.Provoked(t, err.Error())
	require.Len(t, refused.Findings, 1)
	assert.Equal(t, "Stage dev: STS refuses: InvalidClientTokenId: The security token included in the request is invalid.\n"+
		"Check the access key, and that region us-east-1 is enabled in the account: where it is off, AWS says the same.", refused.Findings[0].String())
	assert.Empty(t, a.Writes(stage.Account), "nothing was changed")
}
