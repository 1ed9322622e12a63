package stack_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func TestAFunctionsDefaults(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewFunction(s, "get-order", code()) }), dev)
	fn := template.Resource(t, "AWS::Lambda::Function", "get-order").Properties
	assert.Equal(t, "dev-shop-get-order", fn["FunctionName"])
	assert.Equal(t, "provided.al2023", fn["Runtime"])
	assert.Equal(t, "bootstrap", fn["Handler"])
	assert.Equal(t, []any{"arm64"}, fn["Architectures"])
	assert.Equal(t, 256.0, fn["MemorySize"])
	assert.Equal(t, 10.0, fn["Timeout"])
	assert.NotContains(t, fn, "VpcConfig")
	assert.NotContains(t, fn, "Environment")
	assert.Equal(t, "/aws/lambda/dev-shop-get-order", template.Resource(t, "AWS::Logs::LogGroup", "get-order").Properties["LogGroupName"])
}

func TestAFunctionMayOnlyWriteItsOwnLogs(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewFunction(s, "get", code()) }), dev)
	group := template.Resource(t, "AWS::Logs::LogGroup", "get").LogicalID
	assert.Equal(t, []any{
		allowance([]any{"logs:CreateLogStream", "logs:PutLogEvents"}, map[string]any{"Fn::GetAtt": []any{group, "Arn"}}),
	}, rights(t, template, "get"))
	assert.NotContains(t, template.Resource(t, "AWS::IAM::Role", "get").Properties, "ManagedPolicyArns")
}

func TestWrongFunctionConfigsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*stack.FunctionConfig)
		want   string
	}{
		"no package": {
			func(c *stack.FunctionConfig) { c.Package = "" },
			`Package is empty; it must be a Go main package. Write Package: "./functions/create-note".`,
		},
		"too little memory": {
			func(c *stack.FunctionConfig) { c.Memory = 127 },
			`Memory is 127; it must be 128 to 10240 MiB. Write Memory: 256, or leave it out.`,
		},
		"too much memory": {
			func(c *stack.FunctionConfig) { c.Memory = 10241 },
			`Memory is 10241; it must be 128 to 10240 MiB. Write Memory: 256, or leave it out.`,
		},
		"a timeout above Lambda's": {
			func(c *stack.FunctionConfig) { c.Timeout = 16 * time.Minute },
			`Timeout is 16m0s; it must be 1s to 15m in whole seconds. Write Timeout: 10 * time.Second, or leave it out.`,
		},
		"a timeout that forgot its unit": {
			func(c *stack.FunctionConfig) { c.Timeout = 30 },
			`Timeout is 30ns; it must be 1s to 15m in whole seconds. Write Timeout: 10 * time.Second, or leave it out.`,
		},
		"a processor that Lambda does not have": {
			func(c *stack.FunctionConfig) { c.Architecture = "riscv64" },
			`Architecture is "riscv64"; it must be arm64 or amd64. Write stack.ARM64, or leave it out.`,
		},
		"a variable that is no name": {
			func(c *stack.FunctionConfig) { c.Environment = map[string]string{"MY-MODE": "x"} },
			`Environment is "MY-MODE", with "-"; it must be made of letters, digits and underscores. Leave that character out.`,
		},
		"a variable of Lambda's own": {
			func(c *stack.FunctionConfig) { c.Environment = map[string]string{"AWS_REGION": "x"} },
			`Environment is "AWS_REGION"; it must be a name that Lambda does not set itself. Rename the variable.`,
		},
		"a variable of one letter": {
			func(c *stack.FunctionConfig) { c.Environment = map[string]string{"X": "x"} },
			`Environment is "X"; it must be a name of two or more letters, digits and underscores, first a letter. Rename the variable.`,
		},
		"a description above the limit": {
			func(c *stack.FunctionConfig) { c.Description = strings.Repeat("ä", 257) },
			`Description is 257 characters; it must be at most 256. Shorten it.`,
		},
		"more variables than Lambda takes": {
			func(c *stack.FunctionConfig) {
				c.Environment = map[string]string{"AA": strings.Repeat("x", 4094), "BB": "x"}
			},
			`Environment is 4099 bytes of names and values; it must be at most 4096 together. Keep it in a parameter, a secret or a bucket.`,
		},
		"an empty grant": {
			func(c *stack.FunctionConfig) { c.Access = []stack.Grant{{}} },
			`Access is an empty grant; it must be a verb of a component. Write notes.Read(), queue.Send() or the like.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			config := code()
			tt.change(&config)
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewFunction(s, "get", config) })
			assert.Equal(t, `stack/function_test.go:LINE: function "get": `+tt.want, withoutLines(err.Error()))
		})
	}
}

func TestAMistakeInAnAbsentFunctionIsAMistake(t *testing.T) {
	config := code()
	config.Stages, config.Memory = stages.Only(production), 1
	err := refusal(t, dev, func(s *stack.Stack) { stack.NewFunction(s, "get", config) })
	messages.ErrorContains(t, err, "Memory is 1")
}

func TestTwoFunctionsMayInvokeEachOther(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		ping, pong := stack.NewFunction(s, "ping", code()), stack.NewFunction(s, "pong", code())
		ping.Allow(pong.Invoke())
		pong.Allow(ping.Invoke())
	}), dev)
	assert.Contains(t, rights(t, template, "ping"), allowance("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111111111111:function:dev-shop-pong"))
	environment := template.Resource(t, "AWS::Lambda::Function", "pong").Properties["Environment"]
	assert.Equal(t, map[string]any{"Variables": map[string]any{"PING_FUNCTION": "dev-shop-ping"}}, environment)
}

func TestAGeneratedNameIsLeftToCloudFormation(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := code()
		config.Name = stack.Generated
		worker := stack.NewFunction(s, "worker", config)
		stack.NewFunction(s, "caller", code()).Allow(worker.Invoke())
	}), dev)
	assert.NotContains(t, template.Resource(t, "AWS::Lambda::Function", "worker").Properties, "FunctionName")
	for _, name := range template.Assembly.Ledger {
		assert.NotEqual(t, "worker", name.Owner)
	}
}

func TestAVariableHasOneSource(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) {
		config := code()
		config.Environment = map[string]string{"ORDERS_TABLE": "mine"}
		config.Access = []stack.Grant{stack.NewTable(s, "orders", key()).Read()}
		stack.NewFunction(s, "get", config)
	})
	assert.Equal(t, `stack/function_test.go:LINE: function "get": environment variable is ORDERS_TABLE twice (from Environment and from table "orders"); it must be set from one place only. Rename one of the two.`,
		withoutLines(err.Error()))
}

func TestTheThreeDoors(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := code()
		config.Override = func(props *awslambda.FunctionProps) { props.Description = text("before") }
		fn := stack.NewFunction(s, "get", config)
		fn.With(func(l2 awslambda.Function) { l2.AddEnvironment(text("AFTER"), text("yes"), nil) })
		below, ok := stack.L1[awslambda.CfnFunction](fn)
		require.True(t, ok)
		below.AddPropertyOverride(text("PackageType"), "Zip")
	}), dev)
	fn := template.Resource(t, "AWS::Lambda::Function", "get").Properties
	assert.Equal(t, "before", fn["Description"])
	assert.Equal(t, map[string]any{"Variables": map[string]any{"AFTER": "yes"}}, fn["Environment"])
	assert.Equal(t, "Zip", fn["PackageType"])
}

func TestTheDoorsOfAnAbsentFunctionLeadNowhere(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		config := code()
		config.Stages = stages.Except(dev)
		fn := stack.NewFunction(s, "get", config)
		assert.False(t, fn.Present())
		fn.With(func(awslambda.Function) { t.Error("With reached a function that is not there") })
		_, ok := stack.L1[awslambda.CfnFunction](fn)
		assert.False(t, ok)
		fn.Allow(stack.NewTable(s, "orders", key()).Read())
	}), dev)
	assert.Empty(t, template.Resources("AWS::Lambda::Function"))
}

// allowance is a statement of a policy as the template has it.
func allowance(actions, resource any) map[string]any {
	return map[string]any{"Effect": "Allow", "Action": actions, "Resource": resource}
}

// rights are the statements of a component's role, without those on network interfaces.
func rights(t *testing.T, template *stacktest.Template, id string) []any {
	t.Helper()
	prefix := strings.ReplaceAll(id, "-", "")
	found := slices.DeleteFunc(template.Resources("AWS::IAM::Policy"), func(policy stacktest.Resource) bool {
		return !strings.HasPrefix(policy.LogicalID, prefix) || strings.HasPrefix(policy.LogicalID, prefix+"NetworkPolicy")
	})
	require.Len(t, found, 1)
	return policyStatements(found[0])
}

func TestWhatAWSTakesIsTaken(t *testing.T) {
	for name, change := range map[string]func(*stack.FunctionConfig){
		"a variable that Lambda reads": func(c *stack.FunctionConfig) {
			c.Environment = map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
		},
		"a description in characters of several bytes": func(c *stack.FunctionConfig) { c.Description = strings.Repeat("ä", 256) },
	} {
		t.Run(name, func(t *testing.T) {
			config := code()
			change(&config)
			_, err := stacktest.TrySynth(t, app(func(s *stack.Stack) { stack.NewFunction(s, "get", config) }), dev)
			assert.NoError(t, err)
		})
	}
}
