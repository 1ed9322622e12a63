package stages

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Scope is how far a physical name must be unique: where no two things of a kind may share it.
type Scope int

const (
	// ScopeRegion is one account in one region.
	ScopeRegion Scope = iota
	// ScopeAccount is one account, over all its regions.
	ScopeAccount
	// ScopeWorld is every account of the partition.
	ScopeWorld
	// ScopeNone is no uniqueness: AWS tells such things apart by an id of its own.
	ScopeNone
	// ScopeParent is one parent: a rule's event bus, an alias's function, a security group's VPC.
	// See [Entry.Parent].
	ScopeParent
	// ScopeEveryAccount is one region, over all accounts.
	ScopeEveryAccount
)

var scopeNames = [...]string{"region", "account", "world", "none", "parent", "region of every account"}

// String is the scope's name in lower case.
func (s Scope) String() string {
	if s < 0 || int(s) >= len(scopeNames) {
		return "unknown scope"
	}
	return scopeNames[s]
}

// MarshalText writes the scope's name, as in the assembly.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a scope's name.
func (s *Scope) UnmarshalText(text []byte) error {
	at := slices.Index(scopeNames[:], string(text))
	if at < 0 {
		return &FieldError{
			Thing: "scope", Field: "name", Got: quote(string(text)), Want: "region, account, world, none, parent or region of every account", Fix: "correct the name",
		}
	}
	*s = Scope(at)
	return nil
}

// Kind is a kind of thing that has a physical name, and AWS's rules for that name. [Kinds] lists
// those that Roadshow knows; a value of your own serves for any other:
//
//	stages.Kind{Title: "Kinesis stream", Type: "AWS::Kinesis::Stream", Min: 1, Max: 128, Upper: true, Extra: "_."}
type Kind struct {
	// Title is what people call it, such as "Lambda function".
	Title string
	// Type is its CloudFormation type; empty where it has none.
	Type string
	// Property is the property of the type that holds the name, such as FunctionName.
	Property string
	// Min and Max are the least and greatest length in characters, prefix and suffix included.
	Min, Max int
	// Extra lists the characters allowed besides lower-case letters, digits and the hyphen. Only
	// those that a component's name may hold matter: underscore and dot. Any other becomes a
	// hyphen.
	Extra string
	// Upper tells that upper-case letters are allowed.
	Upper bool
	// FoldsCase tells that AWS takes two names that differ only in case for one.
	FoldsCase bool
	// Namespace groups the kinds whose names may not meet; empty is the kind's Type.
	Namespace string
	// Scope is how far the name must be unique.
	Scope Scope
	// Prefix stands before the name, Suffix behind it; both count into Max. In a suffix, {account}
	// and {region} stand for those of the part.
	Prefix, Suffix string
	// Separator stands between stage, service and name. Default: "-", and "--" where the stage's or
	// the service's name holds a hyphen itself.
	Separator string
	// SingleHyphens tells that AWS refuses two hyphens in a row. A stage or a service with a hyphen
	// then has a hash in its names.
	SingleHyphens bool
	// Refused finds names that AWS refuses although each character is allowed; Allowed says in
	// words what it wants instead.
	Refused *regexp.Regexp
	Allowed string
	// Docs is the AWS page that states the rules.
	Docs string
}

// The kinds that components use, one row each, in alphabetical order. A rule that the page named by
// Docs leaves open is explained above its row.
var (
	// Alarm is a CloudWatch alarm. AWS allows nearly every character.
	Alarm = Kind{
		Title: "CloudWatch alarm", Type: "AWS::CloudWatch::Alarm", Property: "AlarmName", Min: 1, Max: 255, Upper: true, Extra: "_.",
		Namespace: "CloudWatch alarm", Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
	}
	// CodeBuildProject is a CodeBuild project. The page of CreateProject still says 255 characters;
	// the quotas say 150, and the lesser of two statements is safe.
	CodeBuildProject = Kind{
		Title: "CodeBuild project", Type: "AWS::CodeBuild::Project", Property: "Name", Min: 2, Max: 150, Upper: true, Extra: "_",
		Scope: ScopeAccount,
		Docs:  "https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html",
	}
	// CompositeAlarm is a CloudWatch composite alarm; its name may not be that of an [Alarm].
	CompositeAlarm = Kind{
		Title: "CloudWatch composite alarm", Type: "AWS::CloudWatch::CompositeAlarm", Property: "AlarmName", Min: 1, Max: 255,
		Upper: true, Extra: "_.", Namespace: "CloudWatch alarm", Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html",
	}
	// Dashboard is a CloudWatch dashboard, which belongs to no region.
	Dashboard = Kind{
		Title: "CloudWatch dashboard", Type: "AWS::CloudWatch::Dashboard", Property: "DashboardName", Min: 1, Max: 255,
		Upper: true, Extra: "_", Scope: ScopeAccount,
		Docs: "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutDashboard.html",
	}
	// DAXCluster is a DynamoDB Accelerator cluster. AWS stores its name in lower case.
	DAXCluster = Kind{
		Title: "DAX cluster", Type: "AWS::DAX::Cluster", Property: "ClusterName", Min: 1, Max: 20, FoldsCase: true, SingleHyphens: true, Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_CreateCluster.html",
	}
	// DAXParameterGroup is a DAX parameter group. AWS states no limit; 63 is the least that it
	// states for an identifier of a related database service.
	DAXParameterGroup = Kind{
		Title: "DAX parameter group", Type: "AWS::DAX::ParameterGroup", Property: "ParameterGroupName", Min: 1, Max: 63,
		FoldsCase: true, SingleHyphens: true, Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_CreateParameterGroup.html",
	}
	// DAXSubnetGroup is a DAX subnet group, which AWS stores in lower case; its limit is as for
	// [DAXParameterGroup].
	DAXSubnetGroup = Kind{
		Title: "DAX subnet group", Type: "AWS::DAX::SubnetGroup", Property: "SubnetGroupName", Min: 1, Max: 63,
		FoldsCase: true, SingleHyphens: true, Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_CreateSubnetGroup.html",
	}
	// DynamoDBTable is a DynamoDB table, also a global one.
	DynamoDBTable = Kind{
		Title: "DynamoDB table", Type: "AWS::DynamoDB::Table", Property: "TableName", Min: 3, Max: 255, Upper: true, Extra: "_.",
		Scope: ScopeRegion,
		Docs:  "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html",
	}
	// EventBus is an EventBridge event bus.
	EventBus = Kind{
		Title: "event bus", Type: "AWS::Events::EventBus", Property: "Name", Min: 1, Max: 256, Upper: true, Extra: "_.", Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html",
	}
	// EventRule is an EventBridge rule; its parent is its event bus.
	EventRule = Kind{
		Title: "event rule", Type: "AWS::Events::Rule", Property: "Name", Min: 1, Max: 64, Upper: true, Extra: "_.", Scope: ScopeParent,
		Docs: "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html",
	}
	// HTTPAPI is an API Gateway HTTP or WebSocket API. Its name is a label: several APIs may share
	// it.
	HTTPAPI = Kind{
		Title: "HTTP API", Type: "AWS::ApiGatewayV2::Api", Property: "Name", Min: 1, Max: 128, Upper: true, Extra: "_.", Scope: ScopeNone,
		Docs: "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html",
	}
	// IAMPolicy is a managed policy.
	IAMPolicy = Kind{
		Title: "IAM policy", Type: "AWS::IAM::ManagedPolicy", Property: "ManagedPolicyName", Min: 1, Max: 128, Upper: true, Extra: "_.",
		FoldsCase: true, Scope: ScopeAccount,
		Docs: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html",
	}
	// IAMRole is a role.
	IAMRole = Kind{
		Title: "IAM role", Type: "AWS::IAM::Role", Property: "RoleName", Min: 1, Max: 64, Upper: true, Extra: "_.",
		FoldsCase: true, Scope: ScopeAccount,
		Docs: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
	}
	// KMSAlias is the alias of an encryption key.
	KMSAlias = Kind{
		Title: "KMS alias", Type: "AWS::KMS::Alias", Property: "AliasName", Min: len("alias/") + 1, Max: 256, Upper: true, Extra: "_",
		Scope: ScopeRegion, Prefix: "alias/",
		Docs: "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html",
	}
	// LambdaAlias is an alias of a function, its parent.
	LambdaAlias = Kind{
		Title: "Lambda alias", Type: "AWS::Lambda::Alias", Property: "Name", Min: 1, Max: 128, Upper: true, Extra: "_", Scope: ScopeParent,
		Docs: "https://docs.aws.amazon.com/lambda/latest/api/API_CreateAlias.html",
	}
	// LambdaFunction is a Lambda function.
	LambdaFunction = Kind{
		Title: "Lambda function", Type: "AWS::Lambda::Function", Property: "FunctionName", Min: 1, Max: 64, Upper: true, Extra: "_",
		Scope: ScopeRegion,
		Docs:  "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
	}
	// LambdaLayer is a layer. Two layers of one name would be versions of one layer.
	LambdaLayer = Kind{
		Title: "Lambda layer", Type: "AWS::Lambda::LayerVersion", Property: "LayerName", Min: 1, Max: 140, Upper: true, Extra: "_",
		Scope: ScopeRegion,
		Docs:  "https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html",
	}
	// LambdaLogGroup is the log group that Lambda writes a function's logs to; its name follows the
	// function's.
	LambdaLogGroup = Kind{
		Title: "log group", Type: "AWS::Logs::LogGroup", Property: "LogGroupName", Min: 1, Max: len("/aws/lambda/") + 64,
		Upper: true, Extra: "_", Scope: ScopeRegion, Prefix: "/aws/lambda/",
		Docs: "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
	}
	// LogGroup is any other CloudWatch log group.
	LogGroup = Kind{
		Title: "log group", Type: "AWS::Logs::LogGroup", Property: "LogGroupName", Min: 1, Max: 512, Upper: true, Extra: "_/.#",
		Scope: ScopeRegion,
		Docs:  "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
	}
	// S3Bucket is a bucket in S3's account-regional namespace (BucketNamespace: account-regional),
	// which no other account can take names of: the name carries account and region, and they cost
	// at most 31 of its 63 characters. No dot, which breaks TLS on virtual-hosted addresses. S3
	// offers the namespace everywhere but in me-south-1 and me-central-1.
	S3Bucket = Kind{
		Title: "S3 bucket", Type: "AWS::S3::Bucket", Property: "BucketName", Min: 3, Max: 63, Scope: ScopeWorld,
		Suffix:  "-{account}-{region}-an",
		Refused: regexp.MustCompile(`^(xn--|sthree-|amzn-s3-demo-)`), Allowed: `a name that does not begin with "sthree-" or "amzn-s3-demo-"`,
		Docs: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
	}
	// Schedule is an EventBridge Scheduler schedule; its parent is its group.
	Schedule = Kind{
		Title: "schedule", Type: "AWS::Scheduler::Schedule", Property: "Name", Min: 1, Max: 64, Upper: true, Extra: "_.", Scope: ScopeParent,
		Docs: "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html",
	}
	// ScheduleGroup is a group of schedules.
	ScheduleGroup = Kind{
		Title: "schedule group", Type: "AWS::Scheduler::ScheduleGroup", Property: "Name", Min: 1, Max: 64, Upper: true, Extra: "_.",
		Scope: ScopeRegion,
		Docs:  "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html",
	}
	// Secret is a Secrets Manager secret. AWS ends its ARN in a hyphen and six characters, so a
	// name that ends so itself can be taken for another's ARN; such a name gets a hash.
	Secret = Kind{
		Title: "secret", Type: "AWS::SecretsManager::Secret", Property: "Name", Min: 1, Max: 512, Upper: true, Extra: "_.", Scope: ScopeRegion,
		Refused: regexp.MustCompile(`-[A-Za-z0-9]{6}$`), Allowed: "a name that does not end in a hyphen and six characters",
		Docs: "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html",
	}
	// SecurityGroup is an EC2 security group; its parent is its VPC.
	SecurityGroup = Kind{
		Title: "security group", Type: "AWS::EC2::SecurityGroup", Property: "GroupName", Min: 1, Max: 255, Upper: true, Extra: "_.",
		FoldsCase: true, Scope: ScopeParent,
		Refused: regexp.MustCompile(`^sg-`), Allowed: `a name that does not begin with "sg-"`,
		Docs: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html",
	}
	// SNSFIFOTopic is a first-in-first-out topic.
	SNSFIFOTopic = Kind{
		Title: "SNS FIFO topic", Type: "AWS::SNS::Topic", Property: "TopicName", Min: len(".fifo") + 1, Max: 256, Upper: true, Extra: "_",
		Scope: ScopeRegion, Suffix: ".fifo",
		Docs: "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
	}
	// SNSTopic is a standard topic.
	SNSTopic = Kind{
		Title: "SNS topic", Type: "AWS::SNS::Topic", Property: "TopicName", Min: 1, Max: 256, Upper: true, Extra: "_", Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
	}
	// SQSFIFOQueue is a first-in-first-out queue.
	SQSFIFOQueue = Kind{
		Title: "SQS FIFO queue", Type: "AWS::SQS::Queue", Property: "QueueName", Min: len(".fifo") + 1, Max: 80, Upper: true, Extra: "_",
		Scope: ScopeRegion, Suffix: ".fifo",
		Docs: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
	}
	// SQSQueue is a standard queue.
	SQSQueue = Kind{
		Title: "SQS queue", Type: "AWS::SQS::Queue", Property: "QueueName", Min: 1, Max: 80, Upper: true, Extra: "_", Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
	}
	// SSMParameter is a Systems Manager parameter, /roadshow/{stage}/{service}/{name}, so that one
	// statement of a policy covers a service. The 1011 characters that AWS allows include the ARN
	// before the name, which takes at most 56.
	SSMParameter = Kind{
		Title: "SSM parameter", Type: "AWS::SSM::Parameter", Property: "Name", Min: 2, Max: 1011 - 56, Upper: true, Extra: "_./",
		Scope: ScopeRegion, Prefix: "/roadshow/", Separator: "/",
		Docs: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html",
	}
	// Stack is a CloudFormation stack.
	Stack = Kind{
		Title: "CloudFormation stack", Type: "AWS::CloudFormation::Stack", Min: 1, Max: 128, Upper: true, Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html",
	}
	// StackExport is the exported output of a CloudFormation stack. Its page states the characters;
	// the length is that of an output's name.
	StackExport = Kind{
		Title: "CloudFormation export", Min: 1, Max: 255, Upper: true, Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/outputs-section-structure.html",
	}
	// StateMachine is a Step Functions state machine. Its name may hold more, but then it cannot
	// log.
	StateMachine = Kind{
		Title: "state machine", Type: "AWS::StepFunctions::StateMachine", Property: "StateMachineName", Min: 1, Max: 80,
		Upper: true, Extra: "_", Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html",
	}
)

// Kinds lists every kind that Roadshow knows, in alphabetical order of their Go names.
func Kinds() []Kind {
	return []Kind{
		Alarm, CodeBuildProject, CompositeAlarm, Dashboard, DAXCluster, DAXParameterGroup, DAXSubnetGroup, DynamoDBTable, EventBus,
		EventRule, HTTPAPI, IAMPolicy, IAMRole, KMSAlias, LambdaAlias, LambdaFunction, LambdaLayer, LambdaLogGroup, LogGroup, S3Bucket,
		Schedule, ScheduleGroup, Secret, SecurityGroup, SNSFIFOTopic, SNSTopic, SQSFIFOQueue, SQSQueue, SSMParameter, Stack, StackExport,
		StateMachine,
	}
}

// namedKinds are the kinds that a property names, by their type.
var namedKinds = sync.OnceValue(func() map[string][]Kind {
	byType := map[string][]Kind{}
	for _, kind := range append(Kinds(), APIDomain) {
		if kind.Property != "" {
			byType[kind.Type] = append(byType[kind.Type], kind)
		}
	}
	return byType
})

// Named is the kind of a resource in a template, and the physical name that its properties give it.
// Where two kinds are of one type, such as queues, the name tells them apart. It is not named where
// no kind is of that type, or where the properties hold no text for a name.
func Named(resource string, properties map[string]any) (kind Kind, name string, named bool) {
	for _, candidate := range namedKinds()[resource] {
		text, isText := properties[candidate.Property].(string)
		if !isText || text == "" {
			continue
		}
		// A suffix that holds {account} cannot be compared as text. It need not be: buckets, which have it, are of one kind.
		marked := candidate.Prefix+candidate.Suffix != "" && !strings.Contains(candidate.Suffix, "{")
		if marked && strings.HasPrefix(text, candidate.Prefix) && strings.HasSuffix(text, candidate.Suffix) {
			return candidate, text, true
		}
		if !named || !marked {
			kind, name, named = candidate, text, true
		}
	}
	return kind, name, named
}
