package stack_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func init() {
	made := stack.ParameterConfig{Value: "eu"}
	described, overridden := made, made
	described.Description = "x"
	overridden.Override = func(props *awsssm.StringParameterProps) { props.Description = text("x") }
	settings = append(settings, setting{
		zero: stack.ParameterConfig{},
		make: func(s *stack.Stack, config any) { stack.NewParameter(s, "p", config.(stack.ParameterConfig)) },
		values: map[string]any{
			"Stages": stages.Only(production), "Value": "eu", "Secret": true, "Name": "other",
			"Description": wholeValue{made, described}, "Override": wholeValue{made, overridden},
		},
	})
}

func TestAParameterWithAValueIsMadeByTheStack(t *testing.T) {
	define := func(s *stack.Stack) {
		stack.NewParameter(s, "partner", stack.ParameterConfig{Value: stages.Pick(s, "https://test.example", stages.When(production, "https://live.example"))})
	}
	for stage, want := range map[stages.Stage]string{dev: "https://test.example", production: "https://live.example"} {
		template := stacktest.Synth(t, app(define), stage)
		parameter := template.Resource(t, "AWS::SSM::Parameter", "partner").Properties
		assert.Equal(t, "/roadshow/"+stage.Name+"/shop/partner", parameter["Name"])
		assert.Equal(t, "String", parameter["Type"])
		assert.Equal(t, want, parameter["Value"])
	}
}

func TestAParameterWithoutAValueIsSetByHand(t *testing.T) {
	for kind, config := range map[string]stack.ParameterConfig{"String": {}, "SecureString": {Secret: true}} {
		template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewParameter(s, "partner", config) }), dev)
		assert.Empty(t, template.Resources("AWS::SSM::Parameter"))
		assert.Equal(t, "aws ssm put-parameter --region us-east-1 --name /roadshow/dev/shop/partner --type "+kind+" --overwrite --value file:///dev/stdin",
			output(t, template, "PartnerSetCommand"))
	}
}

func TestAParameterIsReadFromTheStagesPathAtDeployTime(t *testing.T) {
	define := func(config stack.ParameterConfig) func(s *stack.Stack) {
		return func(s *stack.Stack) {
			partner, fn := stack.NewParameter(s, "partner", config), code()
			fn.Environment = map[string]string{"PARTNER": partner.Value() + "/v1", "AGAIN": partner.Value()}
			stack.NewFunction(s, "get", fn)
		}
	}
	template := stacktest.Synth(t, app(define(stack.ParameterConfig{})), production)
	environment := template.Resource(t, "AWS::Lambda::Function", "get").Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
	reference, _ := environment["AGAIN"].(map[string]any)
	assert.Equal(t, map[string]any{"Fn::Join": []any{"", []any{reference, "/v1"}}}, environment["PARTNER"])
	assert.Equal(t, map[string]any{"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/roadshow/production/shop/partner"},
		template.Body["Parameters"].(map[string]any)[reference["Ref"].(string)])

	made := stacktest.Synth(t, app(define(stack.ParameterConfig{Value: "https://test.example"})), dev)
	environment = made.Resource(t, "AWS::Lambda::Function", "get").Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
	assert.Equal(t, "https://test.example/v1", environment["PARTNER"], "what the stack itself makes needs no way round")

	absent := stacktest.Synth(t, app(define(stack.ParameterConfig{Stages: stages.Except(dev)})), dev)
	environment = absent.Resource(t, "AWS::Lambda::Function", "get").Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
	assert.Equal(t, "/v1", environment["PARTNER"])
}

func TestASecretParameterIsReadAtRunTimeOnly(t *testing.T) {
	err := refusal(t, dev, func(s *stack.Stack) { stack.NewParameter(s, "partner", stack.ParameterConfig{Secret: true}).Value() })
	assert.Equal(t, `stack/parameter_test.go:LINE: parameter "partner": Value is read from a Secret; it must be a plain parameter: templates and environments show what they hold. `+
		`Grant Read, and read it at run time.`, withoutLines(err.Error()))
}

func TestReadOfAParameterGrantsExactlyThat(t *testing.T) {
	for _, config := range []stack.ParameterConfig{{}, {Secret: true}, {Value: "x"}} {
		template := stacktest.Synth(t, app(func(s *stack.Stack) {
			stack.NewFunction(s, "get", code()).Allow(stack.NewParameter(s, "partner", config).Read())
		}), dev)
		assert.Equal(t, []any{
			allowance([]any{"ssm:GetParameter", "ssm:GetParameters"}, "arn:aws:ssm:us-east-1:111111111111:parameter/roadshow/dev/shop/partner"),
		}, rights(t, template, "get")[1:])
		assert.Equal(t, map[string]any{"Variables": map[string]any{"PARTNER_PARAMETER": "/roadshow/dev/shop/partner"}},
			template.Resource(t, "AWS::Lambda::Function", "get").Properties["Environment"])
	}
}

func TestTheDoorsOfAParameter(t *testing.T) {
	stacktest.Synth(t, app(func(s *stack.Stack) {
		reached := 0
		made := stack.NewParameter(s, "made", stack.ParameterConfig{Value: "x"}).With(func(awsssm.StringParameter) { reached++ })
		_, ok := stack.L1[awsssm.CfnParameter](made)
		assert.True(t, ok)
		never := func(awsssm.StringParameter) { t.Error("With reached a parameter that the stack does not make") }
		byHand := stack.NewParameter(s, "by-hand", stack.ParameterConfig{}).With(never)
		_, ok = stack.L1[awsssm.CfnParameter](byHand)
		assert.False(t, ok)
		absent := stack.NewParameter(s, "absent", stack.ParameterConfig{Value: "x", Stages: stages.Except(dev)}).With(never)
		_, ok = stack.L1[awsssm.CfnParameter](absent)
		assert.False(t, ok)
		assert.Equal(t, 1, reached)
	}), dev)
}

func TestWrongParameterConfigsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		config stack.ParameterConfig
		want   string
	}{
		"a secret in code":              {stack.ParameterConfig{Value: "x", Secret: true}, `Value is set beside Secret; it must be left out: a secret stands neither in code nor in a template. Leave the Value out, and set it by the command in the stack's outputs.`},
		"a value above the limit":       {stack.ParameterConfig{Value: strings.Repeat("x", 4097)}, `Value is 4097 bytes; it must be at most 4096. Shorten it.`},
		"a description above the limit": {stack.ParameterConfig{Value: "x", Description: strings.Repeat("x", 1025)}, `Description is 1025 characters; it must be at most 1024. Shorten it.`},
		"a description of nothing":      {stack.ParameterConfig{Description: "x"}, `Description is set without a Value; it must be left out where the stack does not make the parameter. Leave it out, or write a Value.`},
		"an override of nothing": {
			stack.ParameterConfig{Override: func(*awsssm.StringParameterProps) {}}, `Override is set without a Value; it must be left out where the stack does not make the parameter. Leave it out, or write a Value.`,
		},
		"a generated name": {stack.ParameterConfig{Name: stack.Generated}, `Name is stack.Generated; it must be a name, which is its path. Leave it out.`},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewParameter(s, "partner", tt.config) })
			assert.Equal(t, `stack/parameter_test.go:LINE: parameter "partner": `+tt.want, withoutLines(err.Error()))
		})
	}
}
