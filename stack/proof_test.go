package stack_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
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
		"an asset": func(s *stack.Stack) {
			made := awss3assets.NewAsset(s.CDK, text("Asset"), &awss3assets.AssetProps{Path: text(file)})
			awscdk.NewCfnOutput(s.CDK, text("Where"), &awscdk.CfnOutputProps{Value: made.S3ObjectUrl()})
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
		"the zones of the region": func(s *stack.Stack) {
			queueOf(s, "QueueName", call("Select", 0, map[string]any{"Fn::GetAZs": ""}))
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

func TestWhatIsKeptOfTheFirstStageIsFound(t *testing.T) {
	const runs = "ROADSHOW_TEST_FIRST"
	if os.Getenv(runs) != "" || os.Getenv("ROADSHOW_STACKTEST_AGAIN") != "" { // the child, and its second process
		var once sync.Once
		big := false
		stacktest.RequireParity(t, app(func(s *stack.Stack) {
			once.Do(func() { big = isProd(s) })
			config := code()
			if big {
				config.Memory = 512
			}
			stack.NewFunction(s, "f", config)
		}))
		return
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	command.Env = append(os.Environ(), runs+"=yes")
	output, err := command.CombinedOutput()
	require.ErrorAs(t, err, new(*exec.ExitError))
	message := string(output)
	assert.Regexp(t, `(?s)1 difference between a stage made by itself and beside other stages:\s+Resources\.fFunction\w+\.Properties\.MemorySize\s+`+
		`AWS::Lambda::Function, made at stack/proof_test\.go:\d+\s+production, beside other stages: 256\s+production, by itself:\s+512`, message)
}
