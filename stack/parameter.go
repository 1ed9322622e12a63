package stack

import (
	"fmt"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// ParameterConfig says what a parameter of the Systems Manager is, at /roadshow/{stage}/{service}/{id}.
// With a Value the stack makes it. Its zero value is one that the stack does not make: somebody sets it by
// the command in the stack's output <Id>SetCommand, in each stage to what is right there.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html
type ParameterConfig struct {
	// Stages says which stages have the parameter. Default: every stage.
	Stages stages.Selector

	// Value is plain text of at most 4096 bytes, which stands in the template; never a secret. It may be a
	// pick. Default: none, the parameter is set by hand.
	Value string

	// Secret tells that the parameter is encrypted, with the account's key for parameters. CloudFormation
	// cannot make such a one, so it is set by hand, and read at run time only. Default: it is plain text.
	// https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html
	Secret bool

	// Description for people, at most 1024 characters; only beside a Value. Default: none.
	Description string

	// Name is the parameter's own part of its path. Default: the id.
	Name string

	// Override changes the L2's properties just before it is made, where there is a Value. Default: none.
	Override func(*awsssm.StringParameterProps)
}

func (c ParameterConfig) validate() *ConfigError {
	switch {
	case c.Value != "" && c.Secret:
		return &ConfigError{
			Field: "Value", Got: "set beside Secret", Want: "left out: a secret stands neither in code nor in a template",
			Fix: "leave the Value out, and set it by the command in the stack's outputs",
		}
	case c.Description != "" && c.Value == "":
		return &ConfigError{Field: "Description", Got: "set without a Value", Want: "left out where the stack does not make the parameter", Fix: "leave it out, or write a Value"}
	case c.Override != nil && c.Value == "":
		return &ConfigError{Field: "Override", Got: "set without a Value", Want: "left out where the stack does not make the parameter", Fix: "leave it out, or write a Value"}
	case c.Name == Generated:
		return &ConfigError{Field: "Name", Got: "stack.Generated", Want: "a name, which is its path", Fix: "leave it out"}
	}
	return nil
}

// Parameter is a parameter of the Systems Manager, or knows that its stage has none.
type Parameter struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the parameter, or does not make it.
	// [Parameter.With] asks first.
	L2 awsssm.StringParameter

	config   ParameterConfig
	path     string
	scoped   constructs.Construct
	atDeploy awscdk.CfnParameter // made when Value is first wanted
}

// NewParameter makes a parameter, or refers to one that is set by hand. A mistake panics with a
// [*ConfigError].
func NewParameter(s *Stack, id string, config ParameterConfig) *Parameter {
	parameter := &Parameter{component: s.begin("parameter", id, config.Stages, s.faultsIn(config, config.validate())), config: config}
	parameter.path = s.record(parameter.component, stages.SSMParameter, config.Name, 0)
	if !parameter.present {
		return parameter
	}
	parameter.scoped = parameter.scope()
	if config.Value == "" {
		kind := "String"
		if config.Secret {
			kind = "SecureString"
		}
		parameter.tellCommand(parameter.scoped, fmt.Sprintf("aws ssm put-parameter --region %s --name %s --type %s --overwrite --value file:///dev/stdin",
			s.stage().Region, parameter.path, kind))
		return parameter
	}
	props := &awsssm.StringParameterProps{
		ParameterName: jsiiconv.String(parameter.path), StringValue: jsiiconv.String(config.Value), Description: jsiiconv.String(config.Description),
	}
	if config.Override != nil {
		config.Override(props)
	}
	parameter.L2 = awsssm.NewStringParameter(parameter.scoped, jsiiconv.String("Parameter"), props)
	if props.ParameterName == nil {
		parameter.path = *parameter.L2.ParameterName()
	} else {
		parameter.path = *props.ParameterName
	}
	return parameter
}

// Value is what the parameter holds when the stack is deployed, for settings that take text, such as
// [FunctionConfig.Environment]; "" where the stage does not have the parameter. One that is set by hand
// must be set before, or the deploy fails and says so. A mistake panics with a [*ConfigError].
func (p *Parameter) Value() string {
	if p.config.Secret {
		p.fault(stages.Caller(), "Value", "read from a Secret", "a plain parameter: templates and environments show what they hold",
			"grant Read, and read it at run time")
	}
	if !p.present {
		return ""
	}
	if p.config.Value != "" {
		return p.config.Value
	}
	if p.atDeploy == nil {
		id := "Value"
		if p.config.Name != "" {
			id += "-" + p.config.Name
		}
		p.atDeploy = fromPath(p.scoped, id, p.path)
		p.stack.atDeploy[p.path] = fmt.Sprintf("a parameter that is set by hand, declared at %s", p.at)
	}
	return *p.atDeploy.ValueAsString()
}

// fromPath is a parameter of the template that CloudFormation reads from the Systems Manager at each deploy.
// A dynamic reference would not do: CloudFormation would see no change when the parameter has changed. The
// id must change with the path: the cdk command keeps the former path of a parameter of the same name.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-supplied-parameter-types.html
func fromPath(scope constructs.Construct, id, path string) awscdk.CfnParameter {
	return awscdk.NewCfnParameter(scope, jsiiconv.String(id), &awscdk.CfnParameterProps{
		Type: jsiiconv.String("AWS::SSM::Parameter::Value<String>"), Default: path,
	})
}

// Read is the right to read the value at run time; it brings <ID>_PARAMETER, the parameter's path.
func (p *Parameter) Read() Grant {
	return Grant{on: p, verb: "Read", apply: func(fn *Function, at stages.Position) {
		fn.reach(at, p.component, "Systems Manager")
		fn.allow(statement{actions: parameterRead, resources: []*string{p.arn()}})
		fn.setEnvironment(at, p.String(), p.id, "_PARAMETER", jsiiconv.String(p.path))
	}}
}

// arn is spelled out, because the parameter may not be the stack's. A path begins with the slash that follows the
// resource, and the name that an Override gives may not.
func (p *Parameter) arn() *string {
	path := p.path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return p.stack.CDK.FormatArn(&awscdk.ArnComponents{
		Service: jsiiconv.String("ssm"), Resource: jsiiconv.String("parameter" + path), ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME,
	})
}

// With reaches the L2 construct; it does nothing where the stage does not have the parameter, or it is set
// by hand.
func (p *Parameter) With(change func(awsssm.StringParameter)) *Parameter {
	if p.L2 != nil {
		change(p.L2)
	}
	return p
}

// construct is what the parameter's own things stand in, where the stack does not make it.
func (p *Parameter) construct() constructs.IConstruct {
	if p.L2 != nil {
		return p.L2
	}
	return p.scoped
}
