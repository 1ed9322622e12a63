package stack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/assembly"
	"github.com/roadshow-go/roadshow/internal/gobuild"
	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// Architecture is the processor that a function runs on.
// https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html
type Architecture string

// The processors of Lambda.
const (
	ARM64 Architecture = gobuild.ARM64
	AMD64 Architecture = gobuild.AMD64
)

// FunctionConfig says what a Lambda function is. https://docs.aws.amazon.com/lambda/latest/dg/lambda-functions.html
type FunctionConfig struct {
	// Package is the Go main package of the handler: an import path, or a folder that starts with "./"
	// and is taken from the module's root, whatever the working directory. Required, but with Prebuilt.
	Package string

	// Prebuilt is a handler that Go does not compile, instead of Package. Default: none.
	Prebuilt *PrebuiltConfig

	// Stages says which stages have the function. Default: every stage.
	Stages stages.Selector

	// Memory in MiB, 128 to 10240; processing power grows with it. Default: 256.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
	Memory int

	// Timeout of one invocation, 1 second to 15 minutes, in whole seconds. Default: 10 seconds. Behind an
	// HTTP API nobody waits longer than 30 seconds.
	Timeout time.Duration

	// Architecture of the processor. Default: [ARM64].
	Architecture Architecture

	// EphemeralStorage is the size of /tmp in MiB, 512 to 10240. Default: 512.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
	EphemeralStorage int

	// ReservedConcurrency is how many invocations may run at once, and how many the account keeps free for
	// the function; 1 and above. Default: no limit of its own, and what the account has left.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
	ReservedConcurrency int

	// ProvisionedConcurrency is how many instances are kept started, at most ReservedConcurrency where both
	// are given. Each is paid by the hour, used or not. The function then has an alias, live, and whatever
	// invokes it (routes, triggers, grants, its URL) invokes that. A function with a URL has the alias anyway, so
	// that its address stays when this is turned on or off. Default: none.
	// https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html
	ProvisionedConcurrency int

	// Tracing records invocations with X-Ray, which is paid by the trace. Default: not.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
	Tracing bool

	// Layers are ARNs of layer versions, at most five; ${AWS::Region} in one is the stage's region.
	// Default: none. https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html
	Layers []string

	// URL gives the function an address of its own. Default: none.
	URL *URLConfig

	// Async says what becomes of asynchronous invocations that fail. Default: what AWS does, which tries
	// three times over 6 hours and then drops the event; but a function that a topic, a bus or a schedule
	// triggers keeps it in a queue, as with an empty AsyncConfig.
	Async *AsyncConfig

	// Environment are variables of the handler, besides those that grants bring. Names are two or more letters,
	// digits and underscores, first a letter; those that Lambda sets itself, such as AWS_REGION, are refused,
	// those that it reads, such as AWS_LAMBDA_EXEC_WRAPPER, are not. At most 4 KB together. Never a secret: they stand in the template. Default: none.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
	Environment map[string]string

	// Access is what the function may do with other components; each grant also brings the environment
	// variable that says where the component is. See also [Function.Allow]. Default: nothing.
	Access []Grant

	// Network is where the function is placed. A grant on a service that the network does not reach is
	// refused. Where the stage does not have the network, the function is in none. A deploy that takes a
	// function out of its network waits until Lambda has removed its interfaces. Default: none, with
	// the whole internet; or that of DAX, where a table with DAX is granted.
	// https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
	Network *Network

	// Description for people, at most 256 characters. Default: none.
	Description string

	// Name is the function's own part of its physical name {stage}-{service}-{name}, or [Generated].
	// Default: the id.
	Name string

	// Revision, 2 and above, enters the physical name, so that CloudFormation can replace the function.
	// Default: none.
	Revision int

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awslambda.FunctionProps)
}

const (
	defaultMemory  = 256
	defaultTimeout = 10 * time.Second
	maxLayers      = 5
	maxEnvironment = 4096
	// aliasName is that of the version that is kept started. An alias is unique within its function, whose
	// name carries the stage.
	aliasName = "live"
)

// lambdaVariables are those that Lambda sets and lets nobody else set.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
var lambdaVariables = []string{
	"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
	"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
}

var layerPattern = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:([a-z0-9-]+|\$\{AWS::Region\}):[0-9]{12}:layer:[A-Za-z0-9_-]+:[0-9]+$`)

func (c FunctionConfig) validate() *ConfigError {
	switch {
	case c.Package == "" && c.Prebuilt == nil:
		return &ConfigError{Field: "Package", Got: "empty", Want: "a Go main package", Fix: `write Package: "./functions/create-note"`}
	case c.Package != "" && c.Prebuilt != nil:
		return &ConfigError{
			Field: "Package", Got: fmt.Sprintf("%q, while Prebuilt.Path is %q", c.Package, c.Prebuilt.Path), Want: "the only one of the two", Fix: "leave the other out",
		}
	case c.Architecture != "" && c.Architecture != ARM64 && c.Architecture != AMD64:
		return &ConfigError{Field: "Architecture", Got: fmt.Sprintf("%q", c.Architecture), Want: "arm64 or amd64", Fix: "write stack.ARM64, or leave it out"}
	case c.ReservedConcurrency > 0 && c.ProvisionedConcurrency > c.ReservedConcurrency:
		return &ConfigError{
			Field: "ProvisionedConcurrency", Got: fmt.Sprintf("%d, while ReservedConcurrency is %d", c.ProvisionedConcurrency, c.ReservedConcurrency),
			Want: "at most ReservedConcurrency", Fix: "raise the one or lower the other",
		}
	case len(c.Layers) > maxLayers:
		return &ConfigError{Field: "Layers", Got: fmt.Sprintf("%d layers", len(c.Layers)), Want: "at most 5", Fix: "join some of them"}
	}
	for i, layer := range c.Layers {
		version := strings.LastIndex(layer, ":") + 1
		if slices.ContainsFunc(c.Layers[:i], func(other string) bool { return strings.HasPrefix(other, layer[:version]) }) {
			return &ConfigError{
				Field: "Layers", Got: fmt.Sprintf("%q, of which another version is there", layer), Want: "a layer that is there only once", Fix: "leave one of the two out",
			}
		}
		if !layerPattern.MatchString(layer) {
			return &ConfigError{
				Field: "Layers", Got: fmt.Sprintf("%q", layer), Want: "the ARN of a layer's version",
				Fix: `write "arn:aws:lambda:${AWS::Region}:123456789012:layer:name:1"`,
			}
		}
	}
	size := 0
	for _, name := range sortedKeys(c.Environment) {
		if value := c.Environment[name]; !strings.Contains(value, "${Token[") { // how long those are, the deploy decides
			size += len(name) + len(value)
		}
		if !environmentPattern.MatchString(name) {
			return &ConfigError{
				Field: "Environment", Got: fmt.Sprintf("%q", name), Want: "a name of two or more letters, digits and underscores, first a letter",
				Fix: "rename the variable",
			}
		}
		if slices.Contains(lambdaVariables, name) {
			return &ConfigError{
				Field: "Environment", Got: fmt.Sprintf("%q", name), Want: "a name that Lambda does not set itself",
				Fix: "rename the variable",
			}
		}
	}
	if size > maxEnvironment {
		return &ConfigError{
			Field: "Environment", Got: fmt.Sprintf("%d bytes of names and values", size), Want: "at most 4096 together", Fix: "keep it in a parameter, a secret or a bucket",
		}
	}
	if c.Prebuilt != nil {
		if problem := c.Prebuilt.validate(); problem != nil {
			return problem
		}
	}
	if c.URL != nil {
		if problem := c.URL.validate(); problem != nil {
			return problem
		}
	}
	if c.Async != nil {
		return c.Async.validate()
	}
	return nil
}

// props maps the config to the L2's.
func (fn *Function) props(group awslogs.LogGroup) *awslambda.FunctionProps {
	c := fn.config
	architecture := architectureARM()
	if fn.architecture() == AMD64 {
		architecture = architectureAMD()
	}
	memory := c.Memory
	if memory == 0 {
		memory = defaultMemory
	}
	props := &awslambda.FunctionProps{
		FunctionName:  jsiiconv.String(fn.name),
		Description:   jsiiconv.String(c.Description),
		Runtime:       runtimeProvided(),
		Architecture:  architecture,
		Handler:       jsiiconv.String("bootstrap"),
		Code:          fn.stack.codePlaceholder(),
		MemorySize:    jsiiconv.Number(memory),
		Timeout:       seconds(fn.timeout()),
		Environment:   jsiiconv.StringMap(c.Environment),
		Role:          fn.role,
		LogGroup:      group,
		LoggingFormat: awslambda.LoggingFormat_JSON,
		Layers:        fn.layers(),
	}
	if c.Prebuilt != nil {
		props.Runtime = runtimeCalled(c.Prebuilt.Runtime)
		props.Handler = jsiiconv.String(c.Prebuilt.Handler)
	}
	if c.EphemeralStorage != 0 {
		props.EphemeralStorageSize = awscdk.Size_Mebibytes(jsiiconv.Number(c.EphemeralStorage))
	}
	if c.ReservedConcurrency != 0 {
		props.ReservedConcurrentExecutions = jsiiconv.Number(c.ReservedConcurrency)
	}
	return props
}

// overridden takes up what others rely on and an Override may have changed: the role that grants go to, and the name
// that other functions are granted.
func (fn *Function) overridden(props *awslambda.FunctionProps) {
	if props.Role != nil && props.Role != awsiam.IRole(fn.role) {
		fn.siblings.Node().TryRemoveChild(jsiiconv.String("Role"))
		fn.role = props.Role
	}
	fn.name = ""
	if name := props.FunctionName; name != nil && !*awscdk.Token_IsUnresolved(name) {
		fn.name = *name
	}
}

// logsTo is the ARN of the group that the function logs to, with its streams: its own, or one that an Override gives.
func (fn *Function) logsTo(props *awslambda.FunctionProps, own awslogs.LogGroup) *string {
	given, known := props.LogGroup.(awslogs.ILogGroup) // the CDK refuses anything else
	if !known || given == awslogs.ILogGroup(own) {
		return own.LogGroupArn()
	}
	fn.siblings.Node().TryRemoveChild(jsiiconv.String("LogGroup"))
	return given.LogGroupArn()
}

// layers are nil where there are none.
func (fn *Function) layers() *[]awslambda.ILayerVersion {
	if len(fn.config.Layers) == 0 {
		return nil
	}
	layers := make([]awslambda.ILayerVersion, len(fn.config.Layers))
	for i, layer := range fn.config.Layers {
		arn := jsiiconv.String(layer)
		if strings.Contains(layer, "${") {
			arn = awscdk.Fn_Sub(arn, nil)
		}
		layers[i] = awslambda.LayerVersion_FromLayerVersionArn(fn.siblings, jsiiconv.String("Layer"+strconv.Itoa(i+1)), arn)
	}
	return &layers
}

// NewFunction makes a Lambda function of a Go package, or of a prebuilt handler, with a role of its own that may write to its own
// log group and do what Access grants, and nothing else. A mistake panics with a [*ConfigError].
func NewFunction(s *Stack, id string, config FunctionConfig) *Function {
	fn := &Function{
		component: s.begin("function", id, config.Stages, s.faultsIn(config, config.validate())),
		config:    config, environment: map[string]string{}, triggers: map[string]stages.Position{},
	}
	fn.name = s.record(fn.component, stages.LambdaFunction, config.Name, config.Revision)
	logGroup := s.record(fn.component, stages.LambdaLogGroup, config.Name, config.Revision)
	if config.Async != nil {
		fn.catchFailures(fn.at)
	}
	if !fn.present {
		return fn
	}
	fn.siblings = fn.scope()
	group := awslogs.NewLogGroup(fn.siblings, jsiiconv.String("LogGroup"), &awslogs.LogGroupProps{
		LogGroupName: jsiiconv.String(logGroup), Retention: s.retention().logRetention, RemovalPolicy: s.retention().logs,
	})
	fn.role = newRole(fn.siblings, "Role", lambdaPrincipal())
	props := fn.props(group)
	fn.placeholder = props.Code
	if config.Override != nil {
		config.Override(props)
		fn.overridden(props)
	}
	fn.allow(statement{actions: logWrite, resources: []*string{fn.logsTo(props, group)}})
	fn.L2 = awslambda.NewFunction(fn.siblings, jsiiconv.String("Function"), props)
	fn.l1 = fn.L2.Node().DefaultChild().(awslambda.CfnFunction)
	for name := range config.Environment {
		fn.environment[name] = "Environment"
	}
	if props.Code == fn.placeholder {
		s.functions = append(s.functions, fn)
	}
	if config.Tracing {
		fn.allow(statement{actions: traceWrite, resources: []*string{jsiiconv.String("*")}})
		// Not by the L2, which would add the statement itself.
		fn.l1.SetTracingConfig(&awslambda.CfnFunction_TracingConfigProperty{Mode: jsiiconv.String("Active")})
	}
	// A URL is one of an alias or of the function itself, for good: to change from one to the other gives it another
	// address. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-url.html
	if config.ProvisionedConcurrency > 0 || config.URL != nil {
		alias := &awslambda.AliasProps{AliasName: jsiiconv.String(aliasName), Version: fn.L2.CurrentVersion()}
		if config.ProvisionedConcurrency > 0 {
			alias.ProvisionedConcurrentExecutions = jsiiconv.Number(config.ProvisionedConcurrency)
		}
		fn.alias = awslambda.NewAlias(fn.siblings, jsiiconv.String("Alias"), alias)
	}
	if fn.failures != nil {
		fn.failures.make(fn)
	}
	if config.URL != nil {
		fn.addURL(*config.URL)
	}
	if config.Network != nil && config.Network.present {
		fn.place(fn.at, config.Network.network, config.Network.String())
	}
	fn.Allow(config.Access...)
	return fn
}

// Function is a Lambda function, or knows that its stage has none.
type Function struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the function. [Function.With] asks first.
	L2 awslambda.Function

	config      FunctionConfig
	name        string // physical; "" where CloudFormation generates it
	l1          awslambda.CfnFunction
	siblings    constructs.Construct // what the function's own resources stand in
	role        awsiam.IRole
	alias       awslambda.Alias // nil without provisioned concurrency and URL
	url         awslambda.FunctionUrl
	failures    *failures // nil until something wants it
	triggers    map[string]stages.Position
	environment map[string]string // which grant or config brought a variable, by its name
	links       []assembly.Link   // what grants brought, in their order
	placement   *placement
	placeholder awslambda.Code
}

func (fn *Function) timeout() time.Duration {
	if fn.config.Timeout == 0 {
		return defaultTimeout
	}
	return fn.config.Timeout
}

func (fn *Function) architecture() Architecture {
	if fn.config.Architecture == "" {
		return ARM64
	}
	return fn.config.Architecture
}

// source is what the function's code is made from.
func (fn *Function) source() source {
	if fn.config.Prebuilt != nil {
		return source{prebuilt: fn.config.Prebuilt.Path}
	}
	return source{compiled: gobuild.Function{Package: fn.config.Package, Arch: string(fn.architecture())}}
}

// setCode replaces the placeholder by the code.
func (fn *Function) setCode(code gobuild.Output, stub bool) {
	fn.l1.SetCode(fn.stack.assets.add(fn.stack, fn.id, code, stub))
}

// setEnvironment adds a variable that a grant brings: <ID> of the component it comes from, and the rest of its
// name.
func (fn *Function) setEnvironment(at stages.Position, from, id, rest string, value *string) {
	name := environmentName(id) + rest
	switch before, taken := fn.environment[name]; {
	case taken && before == from:
		return
	case taken:
		fn.fault(at, "environment variable", fmt.Sprintf("%s twice (from %s and from %s)", name, before, from), "set from one place only", "rename one of the two")
	}
	fn.environment[name] = from
	fn.links = append(fn.links, assembly.Link{ID: id, Of: from, Variable: name})
	fn.L2.AddEnvironment(jsiiconv.String(name), value, nil)
}

// invoked is what everything that invokes the function invokes: its alias, where it has one.
func (fn *Function) invoked() awslambda.IFunction {
	if fn.alias != nil {
		return fn.alias
	}
	return fn.L2
}

// arn is that of what is invoked, spelled out where the name is known: a reference would tie two
// functions that invoke each other into a circle.
func (fn *Function) arn() *string {
	if fn.name == "" {
		return fn.invoked().FunctionArn()
	}
	return fn.stack.CDK.FormatArn(&awscdk.ArnComponents{
		Service: jsiiconv.String("lambda"), Resource: jsiiconv.String("function"), ResourceName: fn.nameForOthers(),
		ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
}

func (fn *Function) nameForOthers() *string {
	switch {
	case fn.name == "":
		return fn.invoked().FunctionName()
	case fn.alias != nil:
		return jsiiconv.String(fn.name + ":" + aliasName)
	}
	return jsiiconv.String(fn.name)
}

// placement is the function's place in a network.
type placement struct {
	network  *network
	wantedBy string
	group    awsec2.CfnSecurityGroup
}

// place moves the function into a network, once.
func (fn *Function) place(at stages.Position, n *network, wantedBy string) *placement {
	if placed := fn.placement; placed != nil {
		if placed.network != n {
			fn.refusal("https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html", at, "Network", fmt.Sprintf("that of %s and that of %s", placed.wantedBy, wantedBy), "one network",
				"give the function and the DAX of its tables the same Network")
		}
		return placed
	}
	group := n.securityGroup(fn.siblings, "SecurityGroup", "Function "+fn.id, n.ports...)
	n.admit(fn, group)
	fn.placement = &placement{network: n, wantedBy: wantedBy, group: group}
	fn.allowNetworkInterfaces(group)
	fn.l1.SetVpcConfig(&awslambda.CfnFunction_VpcConfigProperty{
		SecurityGroupIds: jsiiconv.Pointers(append([]*string{group.AttrGroupId()}, n.joined...)), SubnetIds: jsiiconv.Pointers(n.subnetIDs),
	})
	n.principals = append(n.principals, principal{component: fn.component, at: fn.at, role: fn.role})
	return fn.placement
}

// reach refuses, once everything is defined, a grant on a service that the function's network has no way to.
func (fn *Function) reach(at stages.Position, target component, service string) {
	fn.stack.deferredChecks = append(fn.stack.deferredChecks, func() {
		if placed := fn.placement; placed != nil && !placed.network.reaches(service) {
			fn.refusal(internetPage, at, "Access", fmt.Sprintf("%s of %s, while %s places the function in a network without internet", service, target, placed.wantedBy),
				"a service that the network reaches ("+placed.network.reached()+")", placed.network.remedy(service))
		}
	})
}

// With reaches the L2 construct; it does nothing where the stage does not have the function.
func (fn *Function) With(change func(awslambda.Function)) *Function {
	if fn.present {
		change(fn.L2)
	}
	return fn
}

func (fn *Function) construct() constructs.IConstruct { return fn.L2 }

// Allow grants the function more, after both ends exist: two functions may invoke each other.
func (fn *Function) Allow(grants ...Grant) {
	at := stages.Caller()
	for _, grant := range grants {
		grant.to(fn, at)
	}
}

// Invoke is the right to call the function; it brings <ID>_FUNCTION, its name.
func (fn *Function) Invoke() Grant {
	return Grant{on: fn, verb: "Invoke", apply: func(to *Function, at stages.Position) {
		to.reach(at, fn.component, "Lambda")
		to.allow(statement{actions: functionInvoke, resources: []*string{fn.arn()}})
		to.setEnvironment(at, fn.String(), fn.id, "_FUNCTION", fn.nameForOthers())
	}}
}
