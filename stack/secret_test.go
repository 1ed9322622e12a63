package stack_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func init() {
	settings = append(settings, setting{
		zero: stack.SecretConfig{},
		make: func(s *stack.Stack, config any) { stack.NewSecret(s, "s", config.(stack.SecretConfig)) },
		values: map[string]any{
			"Stages": stages.Only(production), "Generate": 32, "Description": "x", "Name": "other", "Revision": 2,
			"Override": func(props *awssecretsmanager.SecretProps) { props.Description = text("x") },
		},
	})
}

func TestASecretIsMadeEmptyAndTheStackTellsHowToSetIt(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewSecret(s, "api-key", stack.SecretConfig{}) }), dev)
	secret := template.Resource(t, "AWS::SecretsManager::Secret", "api-key").Properties
	assert.Equal(t, "dev-shop-api-key", secret["Name"])
	assert.NotContains(t, secret, "SecretString")
	assert.NotContains(t, secret, "GenerateSecretString")
	assert.Equal(t, "aws secretsmanager put-secret-value --region us-east-1 --secret-id dev-shop-api-key --secret-string file:///dev/stdin",
		output(t, template, "ApiKeySetCommand"))
}

func TestAGeneratedSecretNeedsNoCommand(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewSecret(s, "signing", stack.SecretConfig{Generate: 48}) }), dev)
	secret := template.Resource(t, "AWS::SecretsManager::Secret", "signing").Properties
	assert.Equal(t, map[string]any{"PasswordLength": 48.0}, secret["GenerateSecretString"])
	assert.NotContains(t, template.Body, "Outputs")
}

func TestASecretWhoseNameIsGeneratedIsSetByItsARN(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewSecret(s, "api-key", stack.SecretConfig{Name: stack.Generated}) }), dev)
	secret := template.Resource(t, "AWS::SecretsManager::Secret", "api-key")
	assert.NotContains(t, secret.Properties, "Name")
	assert.Equal(t, map[string]any{"Fn::Join": []any{"", []any{
		"aws secretsmanager put-secret-value --region us-east-1 --secret-id ", map[string]any{"Ref": secret.LogicalID}, " --secret-string file:///dev/stdin",
	}}}, output(t, template, "ApiKeySetCommand"))
}

func TestAVerbOfASecretGrantsExactlyItsActions(t *testing.T) {
	for name, tt := range map[string]struct {
		verb    func(*stack.Secret) stack.Grant
		actions []any
	}{
		"Read reads and cannot write":  {(*stack.Secret).Read, []any{"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"}},
		"Write writes and cannot read": {(*stack.Secret).Write, []any{"secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"}},
	} {
		t.Run(name, func(t *testing.T) {
			template := stacktest.Synth(t, app(func(s *stack.Stack) {
				fn := code()
				fn.Access = []stack.Grant{tt.verb(stack.NewSecret(s, "api-key", stack.SecretConfig{}))}
				stack.NewFunction(s, "get", fn)
			}), dev)
			arn := map[string]any{"Ref": template.Resource(t, "AWS::SecretsManager::Secret", "api-key").LogicalID}
			assert.Equal(t, []any{allowance(tt.actions, arn)}, rights(t, template, "get")[1:])
			assert.Equal(t, map[string]any{"Variables": map[string]any{"API_KEY_SECRET_ARN": arn}},
				template.Resource(t, "AWS::Lambda::Function", "get").Properties["Environment"])
		})
	}
}

func TestAnAbsentSecret(t *testing.T) {
	absent := stack.SecretConfig{Stages: stages.Except(dev)}
	t.Run("is refused to a function that needs it", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) {
			stack.NewFunction(s, "get", code()).Allow(stack.NewSecret(s, "api-key", absent).Read())
		})
		assert.Equal(t, `stack/secret_test.go:LINE: function "get": Access is Read of secret "api-key", which some stage that has the function does not have; `+
			`it must be a component of every stage of the function. Give both the same Stages, or write .Read().Optional().`, withoutLines(err.Error()))
	})
	t.Run("has doors that lead nowhere, and no output", func(t *testing.T) {
		template := stacktest.Synth(t, app(func(s *stack.Stack) {
			secret := stack.NewSecret(s, "api-key", absent).With(func(awssecretsmanager.Secret) { t.Error("With reached a secret that is not there") })
			_, ok := stack.L1[awssecretsmanager.CfnSecret](secret)
			assert.False(t, ok)
			stack.NewFunction(s, "get", code()).Allow(secret.Read().Optional())
		}), dev)
		assert.Empty(t, template.Resources("AWS::SecretsManager::Secret"))
		assert.NotContains(t, template.Body, "Outputs")
	})
}

func TestWrongSecretConfigsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		config stack.SecretConfig
		want   string
	}{
		"too short a value":           {stack.SecretConfig{Generate: 11}, `Generate is 11; it must be 12 to 4096 characters. Write Generate: 32, or leave it out to set the value by hand.`},
		"too long a value":            {stack.SecretConfig{Generate: 4097}, `Generate is 4097; it must be 12 to 4096 characters. Write Generate: 32, or leave it out to set the value by hand.`},
		"a description above 2048":    {stack.SecretConfig{Description: strings.Repeat("x", 2049)}, `Description is 2049 characters; it must be at most 2048. Shorten it.`},
		"a length below no character": {stack.SecretConfig{Generate: -1}, `Generate is -1; it must be 12 to 4096 characters. Write Generate: 32, or leave it out to set the value by hand.`},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewSecret(s, "api-key", tt.config) })
			assert.Equal(t, `stack/secret_test.go:LINE: secret "api-key": `+tt.want, withoutLines(err.Error()))
		})
	}
}

// output is the value of one of the template's outputs.
func output(t *testing.T, template *stacktest.Template, id string) any {
	t.Helper()
	outputs, _ := template.Body["Outputs"].(map[string]any)
	if !assert.Contains(t, outputs, id) {
		return nil
	}
	return outputs[id].(map[string]any)["Value"]
}
