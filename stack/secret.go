package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// SecretConfig says what a secret of Secrets Manager is. Its value never stands in code or in a template:
// the secret is made empty, and the stack's output <Id>SetCommand is the command that sets it; or AWS
// generates it. Reading it before it is set is an error. It is encrypted with the account's key for secrets.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/intro.html
type SecretConfig struct {
	// Stages says which stages have the secret. Default: every stage.
	Stages stages.Selector

	// Generate is the length of a random value that AWS makes once, 12 to 4096 letters, digits and signs;
	// for what no other party must know, such as a key to sign with. A change makes another value.
	// Default: none, the secret is made empty.
	// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
	Generate int

	// Description for people, at most 2048 characters. Default: none.
	Description string

	// Name is the secret's own part of its physical name {stage}-{service}-{name}, or [Generated].
	// Default: the id.
	Name string

	// Revision, 2 and above, enters the physical name, so that CloudFormation can replace the secret. Its
	// value must be set again. Default: none.
	Revision int

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awssecretsmanager.SecretProps)
}

// Secret is a secret of Secrets Manager, or knows that its stage has none.
type Secret struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the secret. [Secret.With] asks first.
	L2 awssecretsmanager.Secret
}

// NewSecret makes a secret, empty or generated. A mistake panics with a [*ConfigError].
func NewSecret(s *Stack, id string, config SecretConfig) *Secret {
	secret := &Secret{component: s.begin("secret", id, config.Stages, s.faultsIn(config, nil))}
	name := s.record(secret.component, stages.Secret, config.Name, config.Revision)
	if !secret.present {
		return secret
	}
	props := config.props(name, s.retention())
	if config.Override != nil {
		config.Override(props)
	}
	scope := secret.scope()
	secret.L2 = awssecretsmanager.NewSecret(scope, jsiiconv.String("Secret"), props)
	if props.GenerateSecretString == nil {
		// The L2 would generate a value, which nobody could tell from the one that is to be set.
		l1 := secret.L2.Node().DefaultChild().(awssecretsmanager.CfnSecret)
		l1.AddPropertyDeletionOverride(jsiiconv.String("GenerateSecretString"))
		called := props.SecretName
		if called == nil {
			called = secret.L2.SecretArn()
		}
		secret.tellCommand(scope, fmt.Sprintf("aws secretsmanager put-secret-value --region %s --secret-id %s --secret-string file:///dev/stdin", s.stage().Region, *called))
	}
	return secret
}

// props maps the config to the L2's.
func (c SecretConfig) props(name string, tier tierRetention) *awssecretsmanager.SecretProps {
	props := &awssecretsmanager.SecretProps{
		SecretName: jsiiconv.String(name), Description: jsiiconv.String(c.Description), RemovalPolicy: tier.data,
	}
	if c.Generate > 0 {
		props.GenerateSecretString = &awssecretsmanager.SecretStringGenerator{PasswordLength: jsiiconv.Number(c.Generate)}
	}
	return props
}

// tellCommand makes the output that says how to set a value which the stack does not know. The command
// reads the value from its input, so that no history of a shell keeps it.
func (c component) tellCommand(scope constructs.Construct, command string) {
	output := awscdk.NewCfnOutput(scope, jsiiconv.String("SetCommand"), &awscdk.CfnOutputProps{Value: jsiiconv.String(command)})
	output.OverrideLogicalId(jsiiconv.String(outputName(c.id) + "SetCommand"))
}

// Read is the right to read the value; it brings <ID>_SECRET_ARN.
func (secret *Secret) Read() Grant { return secret.grant("Read", secretRead) }

// Write is the right to set another value, and not to read it; it brings <ID>_SECRET_ARN.
func (secret *Secret) Write() Grant { return secret.grant("Write", secretWrite) }

func (secret *Secret) grant(verb string, actions []string) Grant {
	return Grant{on: secret, verb: verb, apply: func(fn *Function, at stages.Position) {
		fn.reach(at, secret.component, "Secrets Manager")
		fn.allow(statement{actions: actions, resources: []*string{secret.L2.SecretArn()}})
		fn.setEnvironment(at, secret.String(), secret.id, "_SECRET_ARN", secret.L2.SecretArn())
	}}
}

// With reaches the L2 construct; it does nothing where the stage does not have the secret.
func (secret *Secret) With(change func(awssecretsmanager.Secret)) *Secret {
	if secret.present {
		change(secret.L2)
	}
	return secret
}

func (secret *Secret) construct() constructs.IConstruct { return secret.L2 }
