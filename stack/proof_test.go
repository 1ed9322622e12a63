package stack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/parity"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// isProd is how a program finds out all the same.
func isProd(s *stack.Stack) bool { return accountOf(s) == production.Account }

// queueOf is a raw queue with one property that the template decides when it is deployed.
func queueOf(s *stack.Stack, property string, value any) awssqs.CfnQueue {
	queue := awssqs.NewCfnQueue(s.CDK, text("Queue"), &awssqs.CfnQueueProps{})
	queue.AddPropertyOverride(text(property), value)
	return queue
}

func ref(name string) map[string]any { return map[string]any{"Ref": name} }

func call(name string, arguments ...any) map[string]any {
	return map[string]any{"Fn::" + name: arguments}
}

// condition puts a condition into the template that is decided when it is deployed.
func condition(s *stack.Stack, left, right any) {
	awscdk.NewCfnCondition(s.CDK, text("Chosen"), &awscdk.CfnConditionProps{Expression: awscdk.Fn_ConditionEquals(left, right)})
}

func TestAnUndeclaredDifferenceOfAnyKindIsNotIdentical(t *testing.T) {
	other := t.TempDir()
	for name, content := range map[string]string{"one": "one", "two": "two"} {
		require.NoError(t, os.WriteFile(filepath.Join(other, name), []byte(content), 0o600))
	}
	asset := func(s *stack.Stack, taken bool, config awss3assets.AssetProps) {
		file := "one"
		if taken {
			file = "two"
		}
		config.Path = text(filepath.Join(other, file))
		made := awss3assets.NewAsset(s.CDK, text("Asset"), &config)
		awscdk.NewCfnOutput(s.CDK, text("Where"), &awscdk.CfnOutputProps{Value: made.S3ObjectKey()})
	}
	nested := func(s *stack.Stack, seconds float64) {
		inside := awscdk.NewNestedStack(s.CDK, text("Inside"), nil)
		awssqs.NewQueue(inside, text("Queue"), &awssqs.QueueProps{
			QueueName: text(s.Name(stages.SQSQueue, "jobs")), RetentionPeriod: awscdk.Duration_Seconds(&seconds),
		})
	}
	for name, tt := range map[string]struct {
		define func(s *stack.Stack)
		path   string
		want   parity.Outcome
	}{
		"a name that a branch chooses": {func(s *stack.Stack) {
			config := key()
			if isProd(s) {
				config.Name = "orders-b"
			}
			stack.NewTable(s, "orders", config)
		}, `Names["orders, DynamoDB table"]`, parity.Different},
		"a revision that a branch chooses": {func(s *stack.Stack) {
			config := key()
			if isProd(s) {
				config.Revision = 2
			}
			stack.NewTable(s, "orders", config)
		}, `Names["orders, DynamoDB table"]`, parity.Different},
		"two components that swap their names": {func(s *stack.Stack) {
			one, two := key(), key()
			one.Name, two.Name = "a", "b"
			if isProd(s) {
				one.Name, two.Name = "b", "a"
			}
			stack.NewTable(s, "one", one)
			stack.NewTable(s, "two", two)
		}, `Names["one, DynamoDB table"]`, parity.Different},
		"an import of another service": {func(s *stack.Stack) {
			service := "orders"
			if isProd(s) {
				service = "invoices"
			}
			imported := stack.ImportTable(s, stack.Ref{Service: service, ID: "table"}, stack.ImportTableConfig{})
			stack.NewFunction(s, "f", code()).Allow(imported.Read())
		}, "Names", parity.Different},
		"a condition on the region": {func(s *stack.Stack) {
			condition(s, ref("AWS::Region"), "eu-west-1")
			queueOf(s, "DelaySeconds", call("If", "Chosen", 1, 2))
		}, "Resources.Queue.Properties.DelaySeconds", parity.Different},
		"a condition on the stack's name": {func(s *stack.Stack) {
			condition(s, ref("AWS::StackName"), "production-shop")
			queueOf(s, "DelaySeconds", call("If", "Chosen", 1, ref("AWS::NoValue")))
		}, "Resources.Queue.Properties.DelaySeconds", parity.Different},
		"a condition on an account that is joined from halves": {func(s *stack.Stack) {
			condition(s, ref("AWS::AccountId"), call("Join", "", []any{production.Account[:6], production.Account[6:]}))
			queueOf(s, "DelaySeconds", call("If", "Chosen", 1, 2))
		}, "Resources.Queue.Properties.DelaySeconds", parity.Different},
		"a resource with a condition": {func(s *stack.Stack) {
			condition(s, call("Select", 0, call("Split", "-", ref("AWS::Region"))), "eu")
			awssqs.NewCfnQueue(s.CDK, text("Queue"), nil).AddOverride(text("Condition"), "Chosen")
		}, "Resources.Queue", parity.Different},
		"a condition on a part of the stack's id": {func(s *stack.Stack) {
			account := production.Account
			condition(s, call("Select", 4, call("Split", ":", ref("AWS::StackId"))), call("Join", "", []any{account[:6], account[6:]}))
			queueOf(s, "DelaySeconds", call("If", "Chosen", 1, 2))
		}, "Resources.Queue.Properties.DelaySeconds", parity.Different},
		"a condition on the topics that a deploy is given": {func(s *stack.Stack) {
			condition(s, call("Select", 0, ref("AWS::NotificationARNs")), "arn:aws:sns:us-east-1:444444444444:deploys")
			queueOf(s, "DelaySeconds", call("If", "Chosen", 1, 2))
		}, "Conditions", parity.CouldNotTell},
		"a condition of a nested stack on what it is given": {func(s *stack.Stack) {
			inside := awscdk.NewNestedStack(s.CDK, text("Inside"), &awscdk.NestedStackProps{Parameters: &map[string]*string{"Where": awscdk.Aws_REGION()}})
			awscdk.NewCfnParameter(inside, text("Where"), nil)
			awscdk.NewCfnCondition(inside, text("Chosen"), &awscdk.CfnConditionProps{Expression: awscdk.Fn_ConditionEquals(ref("Where"), "eu-west-1")})
			awssqs.NewCfnQueue(inside, text("Queue"), nil).AddPropertyOverride(text("DelaySeconds"), call("If", "Chosen", 1, 2))
		}, "Template.Resources.Queue.Properties.DelaySeconds", parity.Different},
		"a condition of a nested stack on its name": {func(s *stack.Stack) {
			inside := awscdk.NewNestedStack(s.CDK, text("Inside"), nil)
			awscdk.NewCfnCondition(inside, text("Chosen"), &awscdk.CfnConditionProps{
				Expression: awscdk.Fn_ConditionEquals(call("Select", 0, call("Split", "-", ref("AWS::StackName"))), "production"),
			})
			awssqs.NewCfnQueue(inside, text("Queue"), nil).AddPropertyOverride(text("DelaySeconds"), call("If", "Chosen", 1, 2))
		}, "Template.Resources.Queue.Properties.DelaySeconds", parity.Different},
		"a condition of a nested stack on a name that it is given": {func(s *stack.Stack) {
			table, ok := stack.L1[awsdynamodb.CfnTable](stack.NewTable(s, "orders", key()))
			require.True(t, ok)
			inside := awscdk.NewNestedStack(s.CDK, text("Inside"), &awscdk.NestedStackProps{Parameters: &map[string]*string{"Table": table.Ref()}})
			awscdk.NewCfnParameter(inside, text("Table"), nil)
			awscdk.NewCfnCondition(inside, text("Chosen"), &awscdk.CfnConditionProps{
				Expression: awscdk.Fn_ConditionEquals(call("Select", 0, call("Split", "-", ref("Table"))), "production"),
			})
			awssqs.NewCfnQueue(inside, text("Queue"), nil).AddPropertyOverride(text("DelaySeconds"), call("If", "Chosen", 1, 2))
		}, "Template.Conditions", parity.CouldNotTell},
		"a nested stack whose template stands elsewhere": {func(s *stack.Stack) {
			awscdk.NewCfnStack(s.CDK, text("Elsewhere"), &awscdk.CfnStackProps{TemplateUrl: text("https://templates.s3.us-east-1.amazonaws.com/queue.json")})
		}, "Resources.Elsewhere.Properties.TemplateURL", parity.CouldNotTell},
		"a module of the account's registry": {func(s *stack.Stack) {
			awscdk.NewCfnResource(s.CDK, text("Jobs"), &awscdk.CfnResourceProps{Type: text("Shop::SQS::Jobs::MODULE")})
		}, "Resources.Jobs", parity.CouldNotTell},
		"a text that is encoded": {func(s *stack.Stack) {
			condition(s, ref("AWS::Region"), "eu-west-1")
			queueOf(s, "QueueName", map[string]any{"Fn::Base64": call("If", "Chosen", "a", "b")})
		}, "Resources.Queue.Properties.QueueName", parity.Different},
		"a function that cannot be computed": {func(s *stack.Stack) {
			queueOf(s, "QueueName", call("Select", 9, []any{ref("AWS::Region")}))
		}, "Resources.Queue.Properties", parity.CouldNotTell},
		"metadata that is called as the digest of a deploy": {func(s *stack.Stack) {
			stack.NewTable(s, "orders", key())
			s.CDK.AddMetadata(text(parity.DigestKey), map[bool]string{true: "a", false: "b"}[isProd(s)])
		}, "Metadata", parity.Different},
		"a mapping by region": {func(s *stack.Stack) {
			awscdk.NewCfnMapping(s.CDK, text("Delays"), &awscdk.CfnMappingProps{Mapping: &map[string]*map[string]any{
				"us-east-1": {"delay": 1}, "eu-west-1": {"delay": 2},
			}})
			queueOf(s, "DelaySeconds", call("FindInMap", "Delays", ref("AWS::Region"), "delay"))
		}, "Resources.Queue.Properties.DelaySeconds", parity.Different},
		"a part of the region": {func(s *stack.Stack) {
			queueOf(s, "QueueName", call("Select", 0, call("Split", "-", ref("AWS::Region"))))
		}, "Resources.Queue.Properties.QueueName", parity.Different},
		"a transform": {func(s *stack.Stack) {
			s.CDK.AddTransform(text("AWS::LanguageExtensions"))
			stack.NewTable(s, "orders", key())
		}, "Transform", parity.CouldNotTell},
		"a parameter whose value the deploy gives": {func(s *stack.Stack) {
			delay := awscdk.NewCfnParameter(s.CDK, text("Delay"), &awscdk.CfnParameterProps{Type: text("Number")})
			queueOf(s, "DelaySeconds", delay.ValueAsNumber())
		}, "Resources.Queue.Properties", parity.CouldNotTell},
		"a dynamic reference": {func(s *stack.Stack) {
			queueOf(s, "DelaySeconds", "{{resolve:ssm:/delay}}")
		}, "Resources.Queue.Properties.DelaySeconds", parity.CouldNotTell},
		"a dynamic reference joined from pieces": {func(s *stack.Stack) {
			queueOf(s, "DelaySeconds", call("Join", "", []any{"{{res", "olve:ssm:/", ref("AWS::Region"), "}}"}))
		}, "Resources.Queue.Properties", parity.CouldNotTell},
		"an import of an export": {func(s *stack.Stack) {
			queueOf(s, "QueueName", map[string]any{"Fn::ImportValue": "shared-queue"})
		}, "Resources.Queue.Properties", parity.CouldNotTell},
		"a nested stack of other content": {func(s *stack.Stack) {
			nested(s, map[bool]float64{true: 60, false: 120}[isProd(s)])
		}, "Template.Resources.Queue", parity.Different},
		"an asset of other content": {func(s *stack.Stack) {
			asset(s, isProd(s), awss3assets.AssetProps{})
		}, "Outputs.Where.Value", parity.Different},
		"an asset of other content under one name": {func(s *stack.Stack) {
			asset(s, isProd(s), awss3assets.AssetProps{AssetHash: text("fixed"), AssetHashType: awscdk.AssetHashType_CUSTOM})
		}, "Assets.", parity.Different},
		"a link of an asset that leads elsewhere": {func(s *stack.Stack) {
			folder := linked(t, map[bool]string{true: "one", false: "two"}[isProd(s)])
			made := awss3assets.NewAsset(s.CDK, text("Asset"), &awss3assets.AssetProps{Path: text(folder), AssetHash: text("fixed"), AssetHashType: awscdk.AssetHashType_CUSTOM})
			awscdk.NewCfnOutput(s.CDK, text("Where"), &awscdk.CfnOutputProps{Value: made.S3ObjectKey()})
		}, "Assets.", parity.Different},
		"a pick inside a branch": {func(s *stack.Stack) {
			if isProd(s) {
				stages.Pick(s, 1, stages.When(dev, 2))
			}
			stack.NewTable(s, "orders", key())
		}, "Choices", parity.Different},
		"all zones of the region": {func(s *stack.Stack) {
			queueOf(s, "QueueName", call("Join", "-", map[string]any{"Fn::GetAZs": ""}))
		}, "Resources.Queue.Properties", parity.CouldNotTell},
		"a list of the zones": {func(s *stack.Stack) {
			queueOf(s, "RedriveAllowPolicy", map[string]any{"sourceQueueArns": map[string]any{"Fn::GetAZs": ref("AWS::Region")}})
		}, "Resources.Queue.Properties", parity.CouldNotTell},
		"a zone that not every account has": {func(s *stack.Stack) {
			queueOf(s, "QueueName", call("Select", 3, map[string]any{"Fn::GetAZs": ""}))
		}, "Resources.Queue.Properties", parity.CouldNotTell},
		"what a custom resource answers": {func(s *stack.Stack) {
			custom := awscdk.NewCfnCustomResource(s.CDK, text("Custom"), &awscdk.CfnCustomResourceProps{ServiceToken: text("arn:aws:sns:us-east-1:444444444444:answers")})
			queueOf(s, "QueueName", custom.GetAtt(text("Name"), awscdk.ResolutionTypeHint_STRING))
		}, "Resources.Queue.Properties", parity.CouldNotTell},
		"the id that a custom resource gives itself": {func(s *stack.Stack) {
			custom := awscdk.NewCfnCustomResource(s.CDK, text("Custom"), &awscdk.CfnCustomResourceProps{ServiceToken: text("arn:aws:sns:us-east-1:444444444444:answers")})
			queueOf(s, "QueueName", custom.Ref())
		}, "Resources.Queue.Properties", parity.CouldNotTell},
		"another property of a custom resource": {func(s *stack.Stack) {
			custom := awscdk.NewCfnCustomResource(s.CDK, text("Custom"), &awscdk.CfnCustomResourceProps{ServiceToken: text("arn:aws:sns:us-east-1:444444444444:answers")})
			custom.AddPropertyOverride(text("Size"), map[bool]int{true: 2, false: 1}[isProd(s)])
		}, "Resources.Custom.Properties.Size", parity.Different},
		"the account of another stage behind a digit": {func(s *stack.Stack) {
			queueOf(s, "QueueName", "jobs-9"+production.Account)
		}, "Resources.Queue.Properties.QueueName", parity.CouldNotTell},
		"the account of another stage with dashes": {func(s *stack.Stack) {
			account := production.Account
			queueOf(s, "QueueName", "jobs-"+account[:4]+"-"+account[4:8]+"-"+account[8:])
		}, "Resources.Queue.Properties.QueueName", parity.Different},
		"the account of another stage joined from halves": {func(s *stack.Stack) {
			queueOf(s, "QueueName", call("Join", "", []any{production.Account[:6], production.Account[6:]}))
		}, "Resources.Queue.Properties.QueueName", parity.Different},
		"another stage's table as a constant": {func(s *stack.Stack) {
			stack.NewTable(s, "orders", key())
			queueOf(s, "QueueName", "production-shop-orders")
		}, "Resources.Queue.Properties.QueueName", parity.Different},
		"a constant that is the stage's name": {func(s *stack.Stack) {
			queueOf(s, "QueueName", map[string]string{"dev": "dev", "staging": "staging", "production": "production"}[nameOf(s)])
		}, "Resources.Queue.Properties.QueueName", parity.CouldNotTell},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := proven(t, app(tt.define))
			require.Equal(t, tt.want, verdict.Outcome(), "%s", verdict)
			var places []string
			at := map[string]stages.Position{}
			for _, list := range [][]parity.Difference{verdict.Differences, verdict.Ambiguous} {
				for _, one := range list {
					places, at[one.Path] = append(places, one.Path), one.At
				}
			}
			for _, one := range verdict.Foreign {
				places, at[one.Path] = append(places, one.Path), one.At
			}
			for _, one := range verdict.DeployReads {
				places, at[one.Path] = append(places, one.Path), one.At
			}
			assert.Contains(t, strings.Join(places, "\n"), tt.path)
			for path, line := range at {
				assert.Equal(t, "stack/proof_test.go", line.File, "%s: %s", path, line)
				assert.Positive(t, line.Line)
			}
		})
	}
}

// linked is a folder with links: to a file of that name, to a folder, and to what is not there.
func linked(t *testing.T, file string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "inner"), 0o700))
	for _, name := range []string{"one", "two"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "inner", name), []byte(name), 0o600))
	}
	for link, target := range map[string]string{"file": filepath.Join("inner", file), "folder": "inner", "nothing": "not-there"} {
		require.NoError(t, os.Symlink(target, filepath.Join(folder, link)))
	}
	return folder
}

func TestALawfulProgramIsIdentical(t *testing.T) {
	file := filepath.Join(t.TempDir(), "asset")
	require.NoError(t, os.WriteFile(file, []byte("content"), 0o600))
	for name, define := range map[string]func(s *stack.Stack){
		"a nested stack with a queue named by the ledger": func(s *stack.Stack) {
			inside := awscdk.NewNestedStack(s.CDK, text("Inside"), nil)
			awssqs.NewQueue(inside, text("Queue"), &awssqs.QueueProps{QueueName: text(s.Name(stages.SQSQueue, "jobs"))})
		},
		"a nested stack in a nested stack": func(s *stack.Stack) {
			inside := awscdk.NewNestedStack(awscdk.NewNestedStack(s.CDK, text("Inside"), nil), text("Deeper"), nil)
			awssqs.NewQueue(inside, text("Queue"), &awssqs.QueueProps{QueueName: text(s.Name(stages.SQSQueue, "jobs"))})
		},
		"a nested stack that refers to what stands around it": func(s *stack.Stack) {
			table, ok := stack.L1[awsdynamodb.CfnTable](stack.NewTable(s, "orders", key()))
			require.True(t, ok)
			inside := awscdk.NewNestedStack(s.CDK, text("Inside"), nil)
			awssqs.NewQueue(inside, text("Queue"), &awssqs.QueueProps{QueueName: text(s.Name(stages.SQSQueue, "jobs"))})
			awscdk.NewCfnOutput(inside, text("Table"), &awscdk.CfnOutputProps{Value: table.AttrArn()})
		},
		"a text with the region that is encoded": func(s *stack.Stack) {
			queueOf(s, "RedriveAllowPolicy", map[string]any{"sourceQueueArns": []any{map[string]any{"Fn::Base64": map[string]any{"Fn::Sub": "aws configure set region ${AWS::Region}"}}}})
		},
		"an asset": func(s *stack.Stack) {
			made := awss3assets.NewAsset(s.CDK, text("Asset"), &awss3assets.AssetProps{Path: text(file)})
			awscdk.NewCfnOutput(s.CDK, text("Where"), &awscdk.CfnOutputProps{Value: made.S3ObjectUrl()})
		},
		"an asset with links to a file, to a folder and to nothing, behind a link": func(s *stack.Stack) {
			link := filepath.Join(t.TempDir(), "link")
			require.NoError(t, os.Symlink(linked(t, "one"), link))
			awss3assets.NewAsset(s.CDK, text("Asset"), &awss3assets.AssetProps{Path: text(link), AssetHash: text("fixed"), AssetHashType: awscdk.AssetHashType_CUSTOM})
		},
		"a name that is picked": func(s *stack.Stack) {
			config := key()
			config.Name = stages.Pick(s, "orders", stages.When(production, "orders-b"))
			stack.NewTable(s, "orders", config)
		},
		"an import, which says of itself what it reads": func(s *stack.Stack) {
			imported := stack.ImportTable(s, stack.Ref{Service: "orders", ID: "table"}, stack.ImportTableConfig{})
			stack.NewFunction(s, "f", code()).Allow(imported.Read())
		},
		"a condition that holds everywhere alike": func(s *stack.Stack) {
			condition(s, ref("AWS::Partition"), "aws")
			queueOf(s, "DelaySeconds", call("If", "Chosen", 1, 2))
		},
		"a zone that every account has": func(s *stack.Stack) {
			queueOf(s, "QueueName", call("Select", 2, map[string]any{"Fn::GetAZs": ref("AWS::Region")}))
		},
		"a network": func(s *stack.Stack) { stack.NewNetwork(s, "main", stack.NetworkConfig{}) },
	} {
		t.Run(name, func(t *testing.T) {
			verdict := proven(t, app(define))
			assert.True(t, verdict.Identical(), "%s", verdict)
		})
	}
}

func TestOneStackForAStage(t *testing.T) {
	for name, define := range map[string]func(s *stack.Stack){
		"beside it":   func(s *stack.Stack) { awscdk.NewStack(awscdk.Stage_Of(s.CDK), text("Second"), nil) },
		"below it":    func(s *stack.Stack) { awscdk.NewStack(s.CDK, text("Second"), nil) },
		"in its name": func(s *stack.Stack) { awscdk.NewStage(awscdk.Stage_Of(s.CDK), text("Second"), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			outdir := t.TempDir()
			_, err := app(func(s *stack.Stack) {
				stack.NewTable(s, "orders", key())
				define(s)
			}).Synthesize(stack.Synthesis{Outdir: outdir, StubFunctions: true, Nested: true})
			var refused *stack.ConfigError
			require.ErrorAs(t, err, &refused)
			assert.Contains(t, refused.Thing, "Second")
			assert.Equal(t, "stack/proof_test.go", refused.At.File)
			assert.NoFileExists(t, filepath.Join(outdir, "manifest.json"))
			assert.NoFileExists(t, filepath.Join(outdir, "assembly-dev", "manifest.json"))
		})
	}
}

func TestADifferenceOfARawConstructHasItsLine(t *testing.T) {
	var want stages.Position
	verdict := proven(t, app(func(s *stack.Stack) {
		seconds := map[bool]float64{true: 60, false: 120}[isProd(s)]
		want = lineBelow()
		awssqs.NewQueue(s.CDK, text("Queue"), &awssqs.QueueProps{RetentionPeriod: awscdk.Duration_Seconds(&seconds)})
	}))
	require.Len(t, verdict.Differences, 3)
	assert.Equal(t, want, verdict.Differences[0].At)
}

func TestADifferenceOfAnAssetAndOfAChoiceHasItsLine(t *testing.T) {
	file := [2]string{filepath.Join(t.TempDir(), "asset"), filepath.Join(t.TempDir(), "asset")}
	for i := range file {
		require.NoError(t, os.WriteFile(file[i], []byte(strconv.Itoa(i)), 0o600))
	}
	var asset, pick stages.Position
	verdict := proven(t, app(func(s *stack.Stack) {
		path := file[0]
		if isProd(s) {
			path = file[1]
			pick = lineBelow()
			stages.Pick(s, 1, stages.When(dev, 2))
		}
		asset = lineBelow()
		awss3assets.NewAsset(s.CDK, text("Asset"), &awss3assets.AssetProps{Path: text(path), AssetHash: text("fixed"), AssetHashType: awscdk.AssetHashType_CUSTOM})
	}))
	lines := map[string]stages.Position{}
	for _, one := range verdict.Differences {
		name, _, _ := strings.Cut(one.Path, ".")
		lines[name] = one.At
	}
	assert.Equal(t, map[string]stages.Position{"Assets": asset, "Choices": pick}, lines, "%s", verdict)
}

// Values of the identity that are also pieces of ordinary texts: a constant that is chosen by stage is not taken for
// them, and one that is the same everywhere is no difference.
func TestATextThatSwallowsAnIdentityIsNotIdentical(t *testing.T) {
	digits := stages.Set{
		{Name: "one", Account: "111111111111", Region: "us-east-1", Qualifier: "1"},
		{Name: "two", Account: "222222222222", Region: "us-east-1", Qualifier: "22"},
	}
	short := stages.Set{
		{Name: "a", Account: "111111111111", Region: "us-east-1"},
		{Name: "ab", Account: "222222222222", Region: "us-east-1"},
		{Name: "a-b", Account: "333333333333", Region: "us-east-1"},
	}
	bounded := stages.Set{
		{Name: "one", Account: "111111111111", Region: "us-east-1", PermissionsBoundary: "team"},
		{Name: "two", Account: "222222222222", Region: "us-east-1", PermissionsBoundary: "org/guests"},
	}
	twins := stages.Set{
		{Name: "one", Account: "111111111111", Region: "us-east-1"},
		{Name: "two", Account: "111111111112", Region: "eu-west-1"},
	}
	mode := func(value string) func(s *stack.Stack) {
		return func(s *stack.Stack) {
			config := code()
			config.Environment = map[string]string{"MODE": value}
			stack.NewFunction(s, "f", config)
		}
	}
	// by chooses a text by the account, as a program would that has found out.
	by := func(set stages.Set, texts ...string) func(s *stack.Stack) {
		return func(s *stack.Stack) {
			for i, stage := range set {
				if accountOf(s) == stage.Account {
					mode(texts[i])(s)
				}
			}
		}
	}
	const variable = ".Properties.Environment.Variables.MODE"
	for name, tt := range map[string]struct {
		set    stages.Set
		define func(s *stack.Stack)
		want   parity.Outcome
	}{
		"a qualifier that is a digit, as a text":          {digits, by(digits, "1", "22"), parity.CouldNotTell},
		"a qualifier that is a digit, in a text":          {digits, by(digits, "size-1", "size-22"), parity.CouldNotTell},
		"a qualifier that is a digit, of the other stage": {digits, by(digits, "22", "1"), parity.Different},
		"a qualifier that is a digit, as a number": {digits, func(s *stack.Stack) {
			queueOf(s, "DelaySeconds", map[string]int{"1": 1, "2": 22}[accountOf(s)[:1]])
		}, parity.Different},
		"a qualifier that is a digit, everywhere alike": {digits, mode("1 and 22, of cdk-1-assets"), parity.Identical},

		"a name of one letter in a word":         {short, by(short, "data", "dabtab", "da-bta-b"), parity.CouldNotTell},
		"a name that begins another":             {short, by(short, "a-queue", "ab-queue", "a-b-queue"), parity.CouldNotTell},
		"names that change places":               {short, by(short, "ab", "a", "a-b"), parity.Different},
		"a word where only one stage has a name": {short, by(short, "a", "b", "b"), parity.Different},
		"a name of one letter, everywhere alike": {short, mode("a day at data-a-b, ab"), parity.Identical},

		"the name of a boundary as a text":              {bounded, by(bounded, "team", "org/guests"), parity.CouldNotTell},
		"the name of a boundary behind another word":    {bounded, by(bounded, "policy/team", "policy/org/guests"), parity.CouldNotTell},
		"the name of a boundary, of the other stage":    {bounded, by(bounded, "org/guests", "team"), parity.Different},
		"the name of a boundary, everywhere alike":      {bounded, mode("team of org/guests"), parity.Identical},
		"a region with a letter behind it":              {twins, by(twins, "us-east-1x9", "eu-west-1x9"), parity.CouldNotTell},
		"a region with a digit behind it":               {twins, by(twins, "us-east-10", "eu-west-10"), parity.CouldNotTell},
		"a part of a region":                            {twins, by(twins, "us-east", "eu-west"), parity.Different},
		"the region of the other stage":                 {twins, by(twins, "eu-west-1", "us-east-1"), parity.Different},
		"a region without its hyphens":                  {twins, by(twins, "useast1", "euwest1"), parity.Different},
		"a region, everywhere alike":                    {twins, mode("us-east-1 and eu-west-1x"), parity.Identical},
		"its own account behind a digit":                {twins, by(twins, "9111111111111", "9111111111112"), parity.CouldNotTell},
		"its own account before a digit":                {twins, by(twins, "1111111111119", "1111111111129"), parity.CouldNotTell},
		"its own account with dashes":                   {twins, by(twins, "1111-1111-1111", "1111-1111-1112"), parity.Different},
		"the account of the other stage with dashes":    {twins, by(twins, "1111-1111-1112", "1111-1111-1111"), parity.Different},
		"the account of the other stage":                {twins, by(twins, "111111111112", "111111111111"), parity.Different},
		"the account of the other stage behind a digit": {twins, by(twins, "9111111111112", "9111111111111"), parity.Different},
		"the digit in which the accounts differ":        {twins, by(twins, "1", "2"), parity.Different},
		"digits, everywhere alike":                      {twins, mode("4444-4444-4444 and 9444444444444"), parity.Identical},
	} {
		t.Run(name, func(t *testing.T) {
			verdict := proven(t, stack.App{Service: "shop", Stages: tt.set, Define: tt.define})
			require.Equal(t, tt.want, verdict.Outcome(), "%s", verdict)
			for _, one := range slices.Concat(verdict.Differences, verdict.Ambiguous) {
				if strings.HasSuffix(one.Path, variable) {
					assert.Equal(t, "stack/proof_test.go", one.At.File)
				}
			}
		})
	}
}

// failure is what a test prints that fails because the stages of the app are not identical. It runs in a process of its
// own, as do the further processes of its proof.
func failure(t *testing.T, app stack.App) string {
	t.Helper()
	const runs = "ROADSHOW_TEST_FAILURE"
	if os.Getenv(runs) != "" || os.Getenv("ROADSHOW_STACKTEST_AGAIN") != "" { // the child, and its second process
		stacktest.RequireParity(t, app)
		t.Skip("the proof found nothing, and the rest of the test is for the parent process, which wants a failure here")
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	command.Env = append(os.Environ(), runs+"=yes")
	output, err := command.CombinedOutput()
	require.ErrorAs(t, err, new(*exec.ExitError), "%s", output)
	return string(output)
}

// What a package keeps of the stage that it first saw. Nothing else in this test's binary writes them.
var (
	keptInMap     = map[string]int{}
	keptByPointer *int
	keptWhereZero int
	keptByGetter  = sync.OnceValue(func() int { return sizeOf(current) })
	current       *stack.Stack
)

func sizeOf(s *stack.Stack) int {
	if isProd(s) {
		return 512
	}
	return 256
}

func TestWhatIsKeptOfTheFirstStageIsFound(t *testing.T) {
	var once sync.Once
	var keptOnce int
	message := failure(t, app(func(s *stack.Stack) {
		once.Do(func() { keptOnce = sizeOf(s) })
		if _, known := keptInMap["size"]; !known {
			keptInMap["size"] = sizeOf(s)
		}
		if keptByPointer == nil {
			keptByPointer = new(sizeOf(s))
		}
		if keptWhereZero == 0 {
			keptWhereZero = sizeOf(s)
		}
		current = s
		for i, memory := range []int{keptOnce, keptInMap["size"], *keptByPointer, keptWhereZero, keptByGetter()} {
			config := code()
			config.Memory = memory
			stack.NewFunction(s, []string{"once", "map", "pointer", "zero", "getter"}[i], config)
		}
	}))
	assert.Contains(t, message, "5 differences between a stage made by itself and beside other stages:")
	for name, id := range map[string]string{
		"by a sync.Once": "once", "in a map that was empty": "map", "by a pointer that was nil": "pointer", "in a variable of the package that was zero": "zero",
		"by a function that is asked once": "getter",
	} {
		t.Run(name, func(t *testing.T) {
			assert.Regexp(t, `(?s)Resources\.`+id+`Function\w+\.Properties\.MemorySize\s+`+
				`AWS::Lambda::Function, made at stack/proof_test\.go:\d+\s+production, beside other stages: 256\s+production, by itself:\s+512`, message)
		})
	}
}

// What is set of the stack as a whole has no construct, and so no line in the CDK's own record.
func TestWhatDiffersOfTheStackHasTheLineThatSetsIt(t *testing.T) {
	message := failure(t, app(func(s *stack.Stack) {
		stack.NewTable(s, "orders", key())
		inside := awscdk.NewNestedStack(s.CDK, text("Inside"), nil)
		awssqs.NewCfnQueue(inside, text("Queue"), nil)
		s.CDK.TemplateOptions().SetDescription(text("first"))
		if isProd(s) {
			s.CDK.SetTerminationProtection(new(false))
			s.CDK.Tags().SetTag(text("cost"), text("undeclared"), nil, nil)
			s.CDK.TemplateOptions().SetDescription(text("undeclared"))
			s.CDK.AddMetadata(text("owner"), "undeclared")
			inside.TemplateOptions().SetTransforms(&[]*string{text("AWS::LanguageExtensions")})
		}
		s.CDK.AddTransform(text("AWS::Serverless-2016-10-31"))
	}))
	for path, want := range map[string][]string{
		`Stack\.TerminationProtection`: {`s.CDK.SetTerminationProtection(`}, `Stack\["Tags.cost"\]`: {`s.CDK.Tags().SetTag(text("cost")`},
		`Description`: {`SetDescription(text("first"`, `SetDescription(text("undeclared"`}, `Metadata`: {`s.CDK.AddMetadata(text("owner")`},
		// A macro of the stack and one of a nested stack are set by the same method.
		`Resources\.\w+\.Template\.Transform`:                         {`inside.TemplateOptions().SetTransforms(`, `s.CDK.AddTransform(text("AWS::Serverless`},
		`macro "AWS::Serverless-2016-10-31", read by .* at Transform`: {`inside.TemplateOptions().SetTransforms(`, `s.CDK.AddTransform(text("AWS::Serverless`},
	} {
		var lines []string
		for _, text := range want {
			lines = append(lines, `stack/proof_test\.go:`+sourceLine(t, text))
		}
		assert.Regexp(t, `(?m)^\s+`+path+`\s+made at `+strings.Join(lines, " or ")+`$`, message)
	}
}

// sourceLine is the line of this file that holds a text, but for those that ask for it.
func sourceLine(t *testing.T, text string) string {
	t.Helper()
	source, err := os.ReadFile("proof_test.go")
	require.NoError(t, err)
	for i, line := range strings.Split(string(source), "\n") {
		if code := strings.TrimSpace(line); (strings.HasPrefix(code, "s.CDK.") || strings.HasPrefix(code, "inside.")) && strings.Contains(code, text) {
			return strconv.Itoa(i + 1)
		}
	}
	t.Fatalf("no line has %s", text)
	return ""
}

func TestASecondRunIsOnAnotherDay(t *testing.T) {
	message := failure(t, app(func(s *stack.Stack) {
		config := code()
		config.Description = "of the year " + strconv.Itoa(time.Now().Year()) //roadshow:acknowledge the second run shows that it makes a difference
		stack.NewFunction(s, "f", config)
	}))
	assert.Regexp(t, `(?s)3 differences between two runs of the same program:.*dev, second run: "of the year 2000"`, message)
}

func TestWhatTheCodeReadsFailsATestUntilItIsAcknowledged(t *testing.T) {
	t.Run("not acknowledged", func(t *testing.T) {
		message := failure(t, app(func(s *stack.Stack) {
			config := code()
			config.Description = strings.Repeat("x", len(os.Getenv("SHOP_DESCRIPTION"))*0)
			stack.NewFunction(s, "f", config)
		}))
		assert.Contains(t, message, "it cannot be proven that the stages of shop are identical")
		assert.Regexp(t, `(?s)cannot be proven: reads 1 value besides the stage:\s+stack/proof_test\.go:\d+: environment: os\.Getenv\("SHOP_DESCRIPTION"\)`, message)
	})
	t.Run("acknowledged without a reason", func(t *testing.T) {
		message := failure(t, app(func(s *stack.Stack) {
			config := code()
			config.Description = os.Getenv("SHOP_DESCRIPTION") //roadshow:acknowledge
			stack.NewFunction(s, "f", config)
		}))
		assert.Contains(t, message, "the acknowledgement gives no reason")
	})
	t.Run("acknowledged where nothing is read", func(t *testing.T) {
		message := failure(t, app(func(s *stack.Stack) {
			stack.NewFunction(s, "f", code()) //roadshow:acknowledge nothing is read
		}))
		assert.Contains(t, message, "nothing is read here that needs an acknowledgement. Remove the comment.")
	})
	t.Run("acknowledged with a reason", func(t *testing.T) {
		stacktest.RequireParity(t, app(func(s *stack.Stack) {
			config := code()
			config.Description = strings.Repeat("x", len(os.Getenv("SHOP_DESCRIPTION"))*0) //roadshow:acknowledge it counts for nothing
			stack.NewFunction(s, "f", config)
		}))
	})
}

func TestWhatADeployReadsFailsATestUntilItIsAcknowledged(t *testing.T) {
	t.Run("not acknowledged", func(t *testing.T) {
		message := failure(t, app(func(s *stack.Stack) {
			queueOf(s, "QueueName", "{{resolve:ssm:/name}}")
		}))
		assert.Contains(t, message, "the stages of shop are not identical")
		assert.Regexp(t, `(?s)1 value read at deploy time that no template tells and nobody has acknowledged:\s+`+
			`dynamic reference \{\{resolve:ssm:/name\}\}, read by dev, staging, production at Resources\.Queue\.\w+`, message)
	})
	t.Run("acknowledged with a reason", func(t *testing.T) {
		stacktest.RequireParity(t, app(func(s *stack.Stack) {
			awssqs.NewCfnQueue(s.CDK, text("Queue"), &awssqs.CfnQueueProps{QueueName: text("{{resolve:ssm:/name}}")}) //roadshow:acknowledge the parameter is the same in every account
			awssqs.NewCfnQueue(s.CDK, text("Other"), &awssqs.CfnQueueProps{                                           //roadshow:acknowledge exported by the account's own baseline
				QueueName: awscdk.Fn_ImportValue(text("shared-queue")),
			})
		}))
	})
}
