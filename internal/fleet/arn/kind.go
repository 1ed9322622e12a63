package arn

import (
	"strings"

	"github.com/roadshow-go/roadshow/stages"
)

// Kind is a kind of resource that its ARN tells.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
type Kind struct {
	// service and prefix are how the ARN's third part is and its sixth begins; what follows is the name.
	service, prefix string
	// Type is the CloudFormation type.
	Type string
	// paths tells that the name may hold slashes or colons. Where it may not, what has some is a part of
	// something else: a table's backup, an API's stage.
	paths bool
	// ID is how Cloud Control names it.
	ID Identifier
	// Order is when it is deleted: what others need has a higher one.
	Order int
	// Loses is what its deletion would lose, in words; empty is nothing that a deploy would not make again.
	Loses string
	// Hand is the command that deletes it where Cloud Control does not, in which NAME stands for the name; empty
	// where Cloud Control deletes it.
	Hand string
}

// ARN is the ARN of a thing of this kind by its name.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func (k *Kind) ARN(region, account, name string) string {
	prefix := "arn:" + stages.Partition(region) + ":" + k.service + ":"
	switch k.service {
	case "s3":
		return prefix + "::" + name
	case "iam":
		return prefix + ":" + account + ":" + k.prefix + name
	case "apigateway":
		return prefix + region + "::" + k.prefix + name
	case "ssm": // the ARN of /a is that of a
		name = strings.TrimPrefix(name, "/")
	}
	return prefix + region + ":" + account + ":" + k.prefix + name
}

// Identifier is the sort of id by which Cloud Control names a resource.
// https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html
type Identifier int

// The sorts of ids.
const (
	// ByName is the physical name.
	ByName Identifier = iota
	// ByARN is the ARN.
	ByARN
	// ByQueueURL is the URL of a queue.
	ByQueueURL
	// ByParameter is a parameter's name, which may begin with a slash that its ARN does not show.
	ByParameter
)

// kinds are those that stacks of package stack make, and those that are found beside them.
var kinds = []Kind{
	{service: "lambda", prefix: "event-source-mapping:", Type: "AWS::Lambda::EventSourceMapping", Order: 1},
	{service: "events", prefix: "rule/", Type: "AWS::Events::Rule", paths: true, ID: ByARN, Order: 1},
	{service: "cloudwatch", prefix: "alarm:", Type: "AWS::CloudWatch::Alarm", paths: true, Order: 1},
	{service: "scheduler", prefix: "schedule-group/", Type: "AWS::Scheduler::ScheduleGroup", ID: ByARN, Order: 1},
	{service: "elasticloadbalancing", prefix: "listener/", Type: "AWS::ElasticLoadBalancingV2::Listener", paths: true, ID: ByARN, Order: 1},
	{service: "apigateway", prefix: "/apis/", Type: "AWS::ApiGatewayV2::Api", Order: 2},
	{service: "apigateway", prefix: "/restapis/", Type: "AWS::ApiGateway::RestApi", Order: 2},
	{service: "lambda", prefix: "function:", Type: "AWS::Lambda::Function", Order: 3},
	{service: "states", prefix: "stateMachine:", Type: "AWS::StepFunctions::StateMachine", ID: ByARN, Order: 3},
	{service: "elasticloadbalancing", prefix: "loadbalancer/", Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", paths: true, ID: ByARN, Order: 3},
	{service: "codebuild", prefix: "project/", Type: "AWS::CodeBuild::Project", Order: 3},
	{service: "elasticloadbalancing", prefix: "targetgroup/", Type: "AWS::ElasticLoadBalancingV2::TargetGroup", paths: true, ID: ByARN, Order: 4},
	{service: "dax", prefix: "cache/", Type: "AWS::DAX::Cluster", Order: 4, Hand: "aws dax delete-cluster --cluster-name NAME"},
	{service: "sns", Type: "AWS::SNS::Topic", ID: ByARN, Order: 5, Loses: "its subscriptions from outside the stack"},
	{service: "sqs", Type: "AWS::SQS::Queue", ID: ByQueueURL, Order: 5, Loses: "the messages in it"},
	{service: "events", prefix: "event-bus/", Type: "AWS::Events::EventBus", Order: 5},
	{service: "logs", prefix: "log-group:", Type: LogGroupType, paths: true, Order: 5, Loses: "its logs"},
	{service: "dynamodb", prefix: "table/", Type: TableType, Order: 5, Loses: "its items"},
	{service: "s3", Type: BucketType, Order: 5, Loses: "its objects, and their older versions"},
	{service: "ssm", prefix: "parameter/", Type: "AWS::SSM::Parameter", paths: true, ID: ByParameter, Order: 5, Loses: "its value"},
	{service: "secretsmanager", prefix: "secret:", Type: secretType, paths: true, ID: ByARN, Order: 5, Loses: "its value"},
	{service: "cognito-idp", prefix: "userpool/", Type: "AWS::Cognito::UserPool", Order: 5, Loses: "its users"},
	{service: "ecr", prefix: "repository/", Type: "AWS::ECR::Repository", paths: true, Order: 5, Loses: "its images"},
	{service: "kinesis", prefix: "stream/", Type: "AWS::Kinesis::Stream", Order: 5, Loses: "the records in it"},
	{service: "iam", prefix: "policy/", Type: "AWS::IAM::ManagedPolicy", paths: true, ID: ByARN, Order: 6},
	{service: "iam", prefix: "role/", Type: roleType, Order: 7},
	{service: "ec2", prefix: "vpc-endpoint/", Type: "AWS::EC2::VPCEndpoint", Order: 8},
	{service: "ec2", prefix: "natgateway/", Type: "AWS::EC2::NatGateway", Order: 8},
	{service: "ec2", prefix: "vpc-flow-log/", Type: "AWS::EC2::FlowLog", Order: 8},
	{service: "ec2", prefix: "network-interface/", Type: "AWS::EC2::NetworkInterface", Order: 9},
	{service: "ec2", prefix: "elastic-ip/", Type: AddressType, Order: 9, Loses: "its address", Hand: "aws ec2 release-address --allocation-id NAME"},
	{service: "ec2", prefix: "security-group/", Type: "AWS::EC2::SecurityGroup", Order: 10},
	{service: "ec2", prefix: "internet-gateway/", Type: "AWS::EC2::InternetGateway", Order: 10},
	{service: "ec2", prefix: "subnet/", Type: "AWS::EC2::Subnet", Order: 11},
	{service: "ec2", prefix: "route-table/", Type: "AWS::EC2::RouteTable", Order: 11},
	{service: "ec2", prefix: "vpc/", Type: "AWS::EC2::VPC", Order: 12},
	{service: "kms", prefix: "key/", Type: KeyType, Order: 13, Loses: "all that is encrypted by it, a month from then"},
}

// Types that more than the table names.
const (
	// TableType, BucketType and LogGroupType are those of which things are found by their names too.
	TableType    = "AWS::DynamoDB::Table"
	BucketType   = "AWS::S3::Bucket"
	LogGroupType = "AWS::Logs::LogGroup"
	// KeyType is what others may be encrypted by.
	KeyType = "AWS::KMS::Key"
	// AddressType is known to CloudFormation by the address, and to everybody else by the id of its allocation.
	AddressType = "AWS::EC2::EIP"
	roleType    = "AWS::IAM::Role"
	secretType  = "AWS::SecretsManager::Secret"
)

// KindOf is the row of a CloudFormation type; nil where the table has none.
func KindOf(cfnType string) *Kind {
	for i := range kinds {
		if kinds[i].Type == cfnType {
			return &kinds[i]
		}
	}
	return nil
}
