package fleet

import (
	"cmp"
	"strings"
)

// kind is a kind of resource that its ARN tells.
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
type kind struct {
	// service and prefix are how the ARN's third part is and its sixth begins; what follows is the name.
	service, prefix string
	// cfn is the CloudFormation type.
	cfn string
	// paths tells that the name may hold slashes or colons. Where it may not, what has some is a part of
	// something else: a table's backup, an API's stage.
	paths bool
	// id is how Cloud Control names it: by its name, its ARN, or as its own page says.
	// https://docs.aws.amazon.com/cloudcontrolapi/latest/userguide/resource-identifier.html
	id identifier
	// order is when it is deleted: what others need, later.
	order int
	// loses is what its deletion would lose; empty is nothing that a deploy would not make again.
	loses string
	// hand is the command that deletes it where Cloud Control does not; NAME stands for the name.
	hand string
}

type identifier int

const (
	byName identifier = iota
	byARN
	byQueueURL
	byParameter
)

// kinds are those that stacks of package stack make, and those that are found beside them.
var kinds = []kind{
	{service: "lambda", prefix: "event-source-mapping:", cfn: "AWS::Lambda::EventSourceMapping", order: 1},
	{service: "events", prefix: "rule/", cfn: "AWS::Events::Rule", paths: true, id: byARN, order: 1},
	{service: "cloudwatch", prefix: "alarm:", cfn: "AWS::CloudWatch::Alarm", paths: true, order: 1},
	{service: "scheduler", prefix: "schedule-group/", cfn: "AWS::Scheduler::ScheduleGroup", id: byARN, order: 1},
	{service: "elasticloadbalancing", prefix: "listener/", cfn: "AWS::ElasticLoadBalancingV2::Listener", paths: true, id: byARN, order: 1},
	{service: "apigateway", prefix: "/apis/", cfn: "AWS::ApiGatewayV2::Api", order: 2},
	{service: "apigateway", prefix: "/restapis/", cfn: "AWS::ApiGateway::RestApi", order: 2},
	{service: "lambda", prefix: "function:", cfn: "AWS::Lambda::Function", order: 3},
	{service: "states", prefix: "stateMachine:", cfn: "AWS::StepFunctions::StateMachine", id: byARN, order: 3},
	{service: "elasticloadbalancing", prefix: "loadbalancer/", cfn: "AWS::ElasticLoadBalancingV2::LoadBalancer", paths: true, id: byARN, order: 3},
	{service: "codebuild", prefix: "project/", cfn: "AWS::CodeBuild::Project", order: 3},
	{service: "elasticloadbalancing", prefix: "targetgroup/", cfn: "AWS::ElasticLoadBalancingV2::TargetGroup", paths: true, id: byARN, order: 4},
	{service: "dax", prefix: "cache/", cfn: "AWS::DAX::Cluster", order: 4, hand: "aws dax delete-cluster --cluster-name NAME"},
	{service: "sns", cfn: "AWS::SNS::Topic", id: byARN, order: 5, loses: "its subscriptions from outside the stack"},
	{service: "sqs", cfn: "AWS::SQS::Queue", id: byQueueURL, order: 5, loses: "the messages in it"},
	{service: "events", prefix: "event-bus/", cfn: "AWS::Events::EventBus", order: 5},
	{service: "logs", prefix: "log-group:", cfn: "AWS::Logs::LogGroup", paths: true, order: 5, loses: "its logs"},
	{service: "dynamodb", prefix: "table/", cfn: tableType, order: 5, loses: "its items"},
	{service: "s3", cfn: bucketType, order: 5, loses: "its objects, and their older versions"},
	{service: "ssm", prefix: "parameter/", cfn: "AWS::SSM::Parameter", paths: true, id: byParameter, order: 5, loses: "its value"},
	{service: "secretsmanager", prefix: "secret:", cfn: "AWS::SecretsManager::Secret", paths: true, id: byARN, order: 5, loses: "its value"},
	{service: "cognito-idp", prefix: "userpool/", cfn: "AWS::Cognito::UserPool", order: 5, loses: "its users"},
	{service: "ecr", prefix: "repository/", cfn: "AWS::ECR::Repository", paths: true, order: 5, loses: "its images"},
	{service: "kinesis", prefix: "stream/", cfn: "AWS::Kinesis::Stream", order: 5, loses: "the records in it"},
	{service: "iam", prefix: "policy/", cfn: "AWS::IAM::ManagedPolicy", paths: true, id: byARN, order: 6},
	{service: "iam", prefix: "role/", cfn: "AWS::IAM::Role", order: 7},
	{service: "ec2", prefix: "vpc-endpoint/", cfn: "AWS::EC2::VPCEndpoint", order: 8},
	{service: "ec2", prefix: "natgateway/", cfn: "AWS::EC2::NatGateway", order: 8},
	{service: "ec2", prefix: "vpc-flow-log/", cfn: "AWS::EC2::FlowLog", order: 8},
	{service: "ec2", prefix: "network-interface/", cfn: "AWS::EC2::NetworkInterface", order: 9},
	{service: "ec2", prefix: "elastic-ip/", cfn: addressType, order: 9, loses: "its address", hand: "aws ec2 release-address --allocation-id NAME"},
	{service: "ec2", prefix: "security-group/", cfn: "AWS::EC2::SecurityGroup", order: 10},
	{service: "ec2", prefix: "internet-gateway/", cfn: "AWS::EC2::InternetGateway", order: 10},
	{service: "ec2", prefix: "subnet/", cfn: "AWS::EC2::Subnet", order: 11},
	{service: "ec2", prefix: "route-table/", cfn: "AWS::EC2::RouteTable", order: 11},
	{service: "ec2", prefix: "vpc/", cfn: "AWS::EC2::VPC", order: 12},
	{service: "kms", prefix: "key/", cfn: keyType, order: 13, loses: "all that is encrypted by it, a month from then"},
}

// The types that are found by their names too.
const (
	tableType    = "AWS::DynamoDB::Table"
	bucketType   = "AWS::S3::Bucket"
	logGroupType = "AWS::Logs::LogGroup"
)

// keyType is what others may be encrypted by.
const keyType = "AWS::KMS::Key"

// addressType is known to CloudFormation by the address, and to everybody else by the id of its allocation.
const addressType = "AWS::EC2::EIP"

// lambdaLogs is what the name of a function's log group begins with.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
const lambdaLogs = "/aws/lambda/"

// goesWith tells what is deleted with the thing that it is a part of, and is no row of its own.
func goesWith(service, resource string) bool {
	switch service {
	case "apigateway":
		return strings.Count(resource, "/") > 2
	case "cloudformation": // a stack is seen among the stacks
		return true
	}
	return false
}

// arnParts are an ARN's; fewer than six where it is none.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func arnParts(arn string) (service, region, account, resource string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" {
		return "", "", "", "", false
	}
	return parts[2], parts[3], parts[4], parts[5], true
}

// readARN fills in what an ARN tells.
func (o *Orphan) readARN(arn string) {
	service, region, account, resource, ok := arnParts(arn)
	o.ARN, o.Name, o.region = arn, arn, region
	if !ok {
		return
	}
	for i := range kinds {
		k := &kinds[i]
		name, fits := strings.CutPrefix(resource, k.prefix)
		if k.service != service || !fits || name == "" || !k.paths && strings.ContainsAny(name, "/:") && k.cfn != "AWS::IAM::Role" {
			continue
		}
		o.kind, o.Type, o.Name, o.ids = k, k.cfn, name, []string{name}
		switch k.id {
		case byARN:
			o.ids = []string{arn}
		case byQueueURL:
			o.ids = []string{"https://sqs." + region + "." + domain(region) + "/" + account + "/" + name}
		case byParameter: // the ARN of /a is that of a
			o.ids = []string{name, "/" + name}
			if strings.Contains(name, "/") {
				o.ids = []string{"/" + name}
			}
			o.Name = o.ids[0] // which of the two it is, Cloud Control tells
		}
		switch k.cfn {
		case "AWS::SecretsManager::Secret": // six characters follow the name
			o.Name = name[:max(0, strings.LastIndex(name, "-"))]
		case "AWS::IAM::Role": // a path goes before the name
			o.Name = name[strings.LastIndex(name, "/")+1:]
			o.ids = []string{o.Name}
		}
		return
	}
}

// readPhysical fills in what CloudFormation tells: a type and a physical id.
func (o *Orphan) readPhysical(cfn, id string) {
	if cfn == "AWS::DynamoDB::GlobalTable" {
		cfn = tableType // an ARN does not tell them apart, and DynamoDB does not either
	}
	o.Type, o.Name, o.ids, o.region = cfn, id, []string{id}, o.Region
	if strings.HasPrefix(cfn, "AWS::IAM::") {
		o.region = ""
	}
	if strings.HasPrefix(id, "arn:") {
		given := *o
		if o.readARN(id); o.Type != cfn {
			*o = given
		}
	}
	for i := range kinds {
		if kinds[i].cfn == cfn {
			o.kind = &kinds[i]
			break
		}
	}
	switch {
	case o.kind == nil:
	case o.kind.id == byQueueURL:
		o.Name = id[strings.LastIndex(id, "/")+1:]
	case o.kind.id == byParameter && strings.LastIndex(id, "/") == 0:
		o.Name = id[1:] // as the ARN has it
	case cfn == "AWS::Events::Rule" && o.ARN == "":
		o.ARN = "arn:" + partition(o.Region) + ":events:" + o.Region + ":" + o.Account + ":rule/" + strings.ReplaceAll(id, "|", "/")
		o.Name, o.ids = strings.ReplaceAll(id, "|", "/"), []string{o.ARN}
	}
}

// physicalIDs are those that CloudFormation may know it by in a stack, or know what uses it by.
func (o *Orphan) physicalIDs() []string {
	ids := append([]string{o.Name}, o.ids...)
	if o.Type == "AWS::Events::Rule" {
		ids = append(ids, strings.ReplaceAll(o.Name, "/", "|"))
	}
	if function, its := strings.CutPrefix(o.Name, lambdaLogs); its && o.Type == logGroupType {
		ids = append(ids, function) // Lambda writes it for as long as there is the function
	}
	return ids
}

// keys are the ids under which a stack may have the thing, whatever its type is there: one of another type
// that has the name, as a custom resource has, hides an orphan, and that is better than a false one.
func (o *Orphan) keys() []string {
	keys := o.physicalIDs()
	if o.stack != "" {
		keys = append(keys, o.stack)
	}
	if _, _, _, resource, ok := arnParts(o.ARN); ok {
		keys = append(keys, o.ARN, resource, resource[strings.LastIndexAny(resource, ":/")+1:])
		if at := strings.IndexAny(resource, ":/"); at >= 0 {
			keys = append(keys, resource[at+1:], "/"+resource[at+1:])
		}
	}
	return keys
}

// loss is what deleting it would lose, in words.
func (o *Orphan) loss() string {
	if o.kind == nil {
		if IsStateful(o.Type) {
			return "what it holds"
		}
		return "not known"
	}
	return cmp.Or(o.kind.loses, "nothing that a deploy would not make again")
}

// domain is that of a region's endpoints, partition the part of AWS that it belongs to.
func domain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
