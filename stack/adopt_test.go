package stack_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// existing is a stack as a program makes it that knows only the CDK.
func existing(t *testing.T, env *awscdk.Environment) (awscdk.App, awscdk.Stack, string) {
	t.Helper()
	stacktest.Synth(t, app(func(*stack.Stack) {}), dev) // the CDK's runtime is ready then
	outdir := t.TempDir()
	cdkApp := awscdk.NewApp(&awscdk.AppProps{Outdir: &outdir})
	existing := awscdk.NewStack(cdkApp, text("Legacy"), &awscdk.StackProps{Env: env})
	awssqs.NewQueue(existing, text("Jobs"), nil)
	return cdkApp, existing, filepath.Join(outdir, "Legacy.template.json")
}

func TestAnExistingStackAdoptsComponentsAndKeepsWhatItHas(t *testing.T) {
	cdkApp, legacy, file := existing(t, &awscdk.Environment{Account: &dev.Account, Region: &dev.Region})
	require.NoError(t, app(func(s *stack.Stack) {
		orders := key()
		orders.Override = func(props *awsdynamodb.TableProps) { props.TableName = text("legacy-orders") }
		table := stack.NewTable(s, "orders", orders)
		if below, ok := stack.L1[awsdynamodb.CfnTable](table); ok {
			below.OverrideLogicalId(text("OrdersTable0A1B2C3D"))
		}
		fn := code()
		fn.Access = []stack.Grant{table.Read()}
		stack.NewFunction(s, "get", fn)
	}).AdoptStubbed(legacy, dev))
	cdkApp.Synth(nil)

	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var template struct{ Resources map[string]stacktest.Resource }
	require.NoError(t, json.Unmarshal(data, &template))
	assert.Equal(t, "legacy-orders", template.Resources["OrdersTable0A1B2C3D"].Properties["TableName"])
	assert.Contains(t, template.Resources["OrdersTable0A1B2C3D"].Properties, "Tags")
	for id, resource := range template.Resources {
		switch resource.Type {
		case "AWS::SQS::Queue":
			assert.NotContains(t, resource.Properties, "Tags", "%s is not ours", id)
		case "AWS::Lambda::Function":
			assert.Equal(t, "dev-shop-get", resource.Properties["FunctionName"])
			assert.NotContains(t, resource.Properties["Code"].(map[string]any)["S3Bucket"], "placeholder")
		}
	}
}

func TestAStackOfAnotherPlaceAdoptsNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		env  *awscdk.Environment
		want string
	}{
		"another account": {
			&awscdk.Environment{Account: &production.Account, Region: &dev.Region},
			`adopted stack "Legacy": account is 333333333333; it must be 111111111111, that of stage dev. Set Env in its StackProps to the stage's account and region.`,
		},
		"another region": {
			&awscdk.Environment{Account: &dev.Account, Region: &staging.Region},
			`adopted stack "Legacy": region is eu-west-1; it must be us-east-1, that of stage dev. Set Env in its StackProps to the stage's account and region.`,
		},
		"no account": {
			nil,
			`adopted stack "Legacy": account is not set; it must be 111111111111, that of stage dev. Set Env in its StackProps to the stage's account and region.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, legacy, _ := existing(t, tt.env)
			err := app(func(*stack.Stack) { t.Error("defined") }).AdoptStubbed(legacy, dev)
			require.Error(t, err)
			messages.Provoked(t, err.Error())
			assert.Equal(t, tt.want, withoutLines(err.Error()))
		})
	}
}

func TestAMistakeInAnAdoptedComponentIsAnError(t *testing.T) {
	_, legacy, _ := existing(t, &awscdk.Environment{Account: &dev.Account, Region: &dev.Region})
	err := app(func(s *stack.Stack) { stack.NewTable(s, "orders", stack.TableConfig{}) }).AdoptStubbed(legacy, dev)
	messages.ErrorContains(t, err, `table "orders": PartitionKey is missing`)
}

func TestTheCommandsAccountSelectsTheStageOfAnExistingProgram(t *testing.T) {
	t.Setenv("CDK_DEFAULT_ACCOUNT", staging.Account)
	t.Setenv("CDK_CONTEXT_JSON", "")
	selected, err := app(nil).Selected()
	require.NoError(t, err)
	assert.Equal(t, staging, selected)

	t.Setenv("CDK_CONTEXT_JSON", `{"stage":"production"}`)
	_, err = app(nil).Selected()
	var wrong *stages.WrongAccountError
	assert.ErrorAs(t, err, &wrong)

	t.Setenv("CDK_DEFAULT_ACCOUNT", "")
	t.Setenv("CDK_CONTEXT_JSON", `{"stage":"all"}`)
	_, err = app(nil).Selected()
	messages.ErrorContains(t, err, "makes one stack at a time")

	for context, want := range map[string]string{
		`{`:                                 `context: CDK_CONTEXT_JSON is not JSON: unexpected end of JSON input`,
		`{"stage":""}`:                      `-c stage: name is ""; it must be the name of a stage. Write -c stage=NAME.`,
		`{"stage":7}`:                       `-c stage: name is "7"; it must be the name of a stage. Write -c stage=NAME.`,
		`{"roadshow:validate":"sometimes"}`: `-c roadshow:validate: value is "sometimes"; it must be always or never. Leave it out to validate what has changed.`,
	} {
		t.Setenv("CDK_CONTEXT_JSON", context)
		_, err = app(nil).Selected()
		require.Error(t, err)
		messages.Provoked(t, err.Error())
		assert.Equal(t, want, withoutLines(err.Error()))
	}
}

func TestAStagesBootstrapAndBoundaryAreUsed(t *testing.T) {
	bank := stages.Stage{Name: "bank", Account: "444444444444", Region: "us-east-1", Qualifier: "bank", PermissionsBoundary: "team/limits"}
	withBank := app(func(s *stack.Stack) { stack.NewFunction(s, "get", code()) })
	withBank.Stages = append(stages.Set{bank}, set...)
	template := stacktest.Synth(t, withBank, bank)
	fn := template.Resource(t, "AWS::Lambda::Function", "get").Properties
	assert.Equal(t, "cdk-bank-assets-444444444444-us-east-1", fn["Code"].(map[string]any)["S3Bucket"])
	assert.Contains(t, string(template.JSON), "policy/team/limits")
	assert.Contains(t, template.Resource(t, "AWS::IAM::Role", "get").Properties, "PermissionsBoundary")
	requireIdentical(t, withBank)
}

func TestAnEphemeralStageCarriesItsTimeToLive(t *testing.T) {
	preview := app(func(s *stack.Stack) { stack.NewTable(s, "orders", key()) })
	preview.Stages = append(stages.Set{dev.Template("pr-*").ExpiresAfter(72 * 3600e9)}, set...)
	stage, err := preview.Stages.Find("pr-417")
	require.NoError(t, err)
	table := stacktest.Synth(t, preview, stage).Resource(t, "AWS::DynamoDB::Table", "orders")
	assert.Equal(t, "pr-417--shop--orders", table.Properties["TableName"])
	assert.Contains(t, table.Properties["Tags"], map[string]any{"Key": stack.TagTimeToLive, "Value": "72h0m0s"})
	requireIdentical(t, preview)
}
