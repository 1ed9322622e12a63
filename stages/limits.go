package stages

// Scope is within what a physical name must be unique.
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
)

var scopeNames = [...]string{"region", "account", "world", "none"}

// String is the scope's name in lower case.
func (s Scope) String() string { return scopeNames[s] }

// MarshalText writes the scope's name, as in the assembly.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Kind is a kind of thing that has a physical name, and AWS's rules for that name.
type Kind struct {
	// Title is what people call it, such as "Lambda function".
	Title string
	// Type is its CloudFormation type; empty where it has none.
	Type string
	// Min and Max are the least and greatest length in characters.
	Min, Max int
	// Extra lists the characters allowed besides lower-case letters, digits and the hyphen.
	Extra string
	// Upper tells that upper-case letters are allowed.
	Upper bool
	// FoldsCase tells that AWS takes two names that differ only in case for one.
	FoldsCase bool
	// Namespace groups the kinds whose names may not meet; empty is the kind's own.
	Namespace string
	// Scope is within what the name is unique.
	Scope Scope
	// Prefix stands before the name and counts into Max, such as "/aws/lambda/".
	Prefix string
	// Docs is the AWS page that states the rules.
	Docs string
}

// The kinds that components use.
var (
	Stack = Kind{
		Title: "CloudFormation stack", Type: "AWS::CloudFormation::Stack", Min: 1, Max: 128, Upper: true, Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-using-console-create-stack-parameters.html",
	}
	LambdaFunction = Kind{
		Title: "Lambda function", Type: "AWS::Lambda::Function", Min: 1, Max: 64, Upper: true, Extra: "_", Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html",
	}
	LogGroup = Kind{
		Title: "log group", Type: "AWS::Logs::LogGroup", Min: 1, Max: 512, Upper: true, Extra: "_/.#", Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
	}
	// LambdaLogGroup is the log group that Lambda writes a function's logs to; its name follows the function's.
	LambdaLogGroup = Kind{
		Title: "log group", Type: "AWS::Logs::LogGroup", Min: 1, Max: len("/aws/lambda/") + 64, Upper: true, Extra: "_", Scope: ScopeRegion,
		Prefix: "/aws/lambda/",
		Docs: "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
	}
	DynamoDBTable = Kind{
		Title: "DynamoDB table", Type: "AWS::DynamoDB::Table", Min: 3, Max: 255, Upper: true, Extra: "_.", Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html",
	}
	DAXCluster = Kind{
		Title: "DAX cluster", Type: "AWS::DAX::Cluster", Min: 1, Max: 20, Scope: ScopeRegion,
		Docs: "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_CreateCluster.html",
	}
	HTTPAPI = Kind{
		Title: "HTTP API", Type: "AWS::ApiGatewayV2::Api", Min: 1, Max: 128, Upper: true, Extra: "_.", Scope: ScopeNone,
		Docs: "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html",
	}
)
