package rehearsal

import "regexp"

// rule is what the rehearsal knows of a resource type beyond the table in
// internal/spec. In its templates {Property} is a property of the resource,
// {name} its physical name, {account}, {region}, {partition} and {suffix} the
// place, {address} an IP address, and {hex:17}, {lower:10}, {upper:17}, {digits:4} and {uuid} made-up
// ids; a second argument, {hex:17:acl}, makes another of the same length.
type rule struct {
	scope uniqueness
	// ref is what Ref gives; what the table says when it is empty.
	ref string
	// attributes replace those that the table's types suggest.
	attributes map[string]string
	// longest, shortest and charset limit the name.
	longest, shortest int
	charset           *regexp.Regexp
	lower             bool // generated names are in lower case
	// needs are resources that properties refer to.
	needs []need
	// check looks at everything else before a resource is made or changed.
	check func(*store, *Resource) error
	// keep refuses a deletion.
	keep func(*store, *Resource) error
	// unmakeable says why a resource of this type cannot exist here.
	unmakeable string
}

// need is a reference that the service behind a type checks.
type need struct {
	property, kind string
	// missing is the service's refusal of a reference to nothing; %s is the
	// reference.
	missing string
	// blocks is its refusal to delete what is still referred to. Where it is
	// empty, what refers goes with it, as an API's routes do.
	blocks string
}

// lets is the blocks of a reference that neither keeps nor goes.
const lets = "-"

// ruleOf is the rule of a type, the zero rule for most.
func ruleOf(kind string) *rule {
	if r, found := typeRules[kind]; found {
		return r
	}
	return &rule{}
}

const (
	noVPC           = "The vpc ID '%s' does not exist (Service: Ec2, Status Code: 400, Request ID: {request})"
	vpcInUse        = "The vpc '%s' has dependencies and cannot be deleted. (Service: Ec2, Status Code: 400, Request ID: {request})"
	noSubnet        = "The subnet ID '%s' does not exist (Service: Ec2, Status Code: 400, Request ID: {request})"
	subnetInUse     = "The subnet '%s' has dependencies and cannot be deleted. (Service: Ec2, Status Code: 400, Request ID: {request})"
	noGroup         = "The security group '%s' does not exist (Service: Ec2, Status Code: 400, Request ID: {request})"
	groupInUse      = "resource %s has a dependent object (Service: Ec2, Status Code: 400, Request ID: {request})"
	noRouteTable    = "The routeTable ID '%s' does not exist (Service: Ec2, Status Code: 400, Request ID: {request})"
	routeTableInUse = "The routeTable '%s' has dependencies and cannot be deleted. (Service: Ec2, Status Code: 400, Request ID: {request})"
	noFunction      = "Function not found: %s (Service: Lambda, Status Code: 404, Request ID: {request})"
	noAPI           = "Invalid API identifier specified %s (Service: ApiGatewayV2, Status Code: 404, Request ID: {request})"
	noRole          = "The role with name %s cannot be found. (Service: Iam, Status Code: 404, Request ID: {request})"
)

// typeRules hold checks that look at the rules of other types, which a variable's
// initializer could not.
var typeRules map[string]*rule

func init() { typeRules = resourceRules() }

// The length limits are those of the services' own pages:
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_CreateCluster.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
//
// What Ref and GetAtt give is on the page of each type:
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
func resourceRules() map[string]*rule {
	return map[string]*rule{
		"AWS::S3::Bucket": {
			scope: inWorld, longest: 63, shortest: 3, charset: regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`), lower: true,
			attributes: map[string]string{
				"Arn":                 "arn:{partition}:s3:::{name}",
				"DomainName":          "{name}.s3.{suffix}",
				"DualStackDomainName": "{name}.s3.dualstack.{region}.{suffix}",
				"RegionalDomainName":  "{name}.s3.{region}.{suffix}",
				"WebsiteURL":          "http://{name}.s3-website-{region}.{suffix}",
			},
			keep: keepFullBucket,
		},
		"AWS::S3::BucketPolicy": {
			needs: []need{{"Bucket", "AWS::S3::Bucket", "The specified bucket does not exist (Service: S3, Status Code: 404, Request ID: {request})", ""}},
		},

		"AWS::IAM::Role": {
			scope: inAccount, longest: 64, shortest: 1, charset: iamName,
			attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:role{path}{name}", "RoleId": "AROA{upper:17}"},
		},
		"AWS::IAM::User": {
			scope: inAccount, longest: 64, shortest: 1, charset: iamName,
			attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:user{path}{name}"},
		},
		"AWS::IAM::Group": {
			scope: inAccount, longest: 128, shortest: 1, charset: iamName,
			attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:group{path}{name}"},
		},
		"AWS::IAM::InstanceProfile": {
			scope: inAccount, longest: 128, shortest: 1, charset: iamName,
			attributes: map[string]string{"Arn": "arn:{partition}:iam::{account}:instance-profile{path}{name}"},
		},
		"AWS::IAM::ManagedPolicy": {
			scope: inAccount, longest: 128, shortest: 1, charset: iamName, ref: "arn:{partition}:iam::{account}:policy{path}{name}",
			attributes: map[string]string{"PolicyArn": "arn:{partition}:iam::{account}:policy{path}{name}", "PolicyId": "ANPA{upper:17}", "DefaultVersionId": "v1"},
		},
		"AWS::IAM::Policy": {
			scope: inAccount, ref: "{name}", attributes: map[string]string{"Id": "{name}"},
			needs: []need{{"Roles", "AWS::IAM::Role", noRole, "Cannot delete entity, must delete policies first. (Service: Iam, Status Code: 409, Request ID: {request})"}},
		},

		"AWS::Lambda::Function": {
			longest: 64, shortest: 1, charset: regexp.MustCompile(`^[a-zA-Z0-9-_]+$`), check: loadFunction,
			needs: []need{
				{"VpcConfig.SubnetIds", "AWS::EC2::Subnet", noSubnet, subnetInUse},
				{"VpcConfig.SecurityGroupIds", "AWS::EC2::SecurityGroup", noGroup, groupInUse},
			},
		},
		"AWS::Lambda::Version": {
			ref:        "arn:{partition}:lambda:{region}:{account}:function:{function}:{version}",
			attributes: map[string]string{"FunctionArn": "arn:{partition}:lambda:{region}:{account}:function:{function}:{version}", "Version": "{version}"},
			needs:      []need{{"FunctionName", "AWS::Lambda::Function", noFunction, ""}},
			check:      checkVersion,
		},
		"AWS::Lambda::Alias": {
			ref:        "arn:{partition}:lambda:{region}:{account}:function:{function}:{name}",
			attributes: map[string]string{"AliasArn": "arn:{partition}:lambda:{region}:{account}:function:{function}:{name}"},
			needs:      []need{{"FunctionName", "AWS::Lambda::Function", noFunction, ""}},
		},
		"AWS::Lambda::Permission": {
			ref: "{name}", attributes: map[string]string{"Id": "{name}"},
			needs: []need{{"FunctionName", "AWS::Lambda::Function", noFunction, ""}},
		},
		"AWS::Lambda::Url": {
			ref: "{arn}", attributes: map[string]string{"FunctionArn": "{arn}", "FunctionUrl": "https://{lower:32}.lambda-url.{region}.on.aws/"},
			needs: []need{{"TargetFunctionArn", "AWS::Lambda::Function", noFunction, ""}},
		},
		"AWS::Lambda::EventSourceMapping": {
			ref: "{uuid}",
			attributes: map[string]string{
				"Id": "{uuid}", "EventSourceMappingArn": "arn:{partition}:lambda:{region}:{account}:event-source-mapping:{uuid}",
			},
			needs: []need{{"FunctionName", "AWS::Lambda::Function", noFunction, lets}},
		},
		"AWS::Lambda::LayerVersion": {
			ref:        "arn:{partition}:lambda:{region}:{account}:layer:{name}:1",
			attributes: map[string]string{"LayerVersionArn": "arn:{partition}:lambda:{region}:{account}:layer:{name}:1"},
			check:      func(s *store, r *Resource) error { return s.loadCode(r, "Content") },
		},

		"AWS::DynamoDB::Table": {
			longest: 255, shortest: 3, charset: dynamoName,
			attributes: map[string]string{"StreamArn": "{tablestream}"},
		},
		"AWS::DynamoDB::GlobalTable": {
			longest: 255, shortest: 3, charset: dynamoName,
			attributes: map[string]string{
				"Arn": "arn:{partition}:dynamodb:{region}:{account}:table/{name}", "TableId": "{uuid}",
				"StreamArn": "arn:{partition}:dynamodb:{region}:{account}:table/{name}/stream/2026-01-01T00:00:00.000",
			},
		},

		"AWS::DAX::Cluster": {
			longest: 20, shortest: 1, charset: daxName, lower: true,
			attributes: map[string]string{
				"Id":  "{name}",
				"Arn": "arn:{partition}:dax:{region}:{account}:cache/{name}",
				// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAXEncryptionInTransit.html
				"ClusterDiscoveryEndpoint":    "{name}.{lower:6}.dax-clusters.{region}.{suffix}:{daxport}",
				"ClusterDiscoveryEndpointURL": "{daxscheme}://{name}.{lower:6}.dax-clusters.{region}.{suffix}",
			},
			needs: []need{
				{"SubnetGroupName", "AWS::DAX::SubnetGroup", "The requested subnet group name does not refer to an existing subnet group. (Service: Dax, Status Code: 400, Request ID: {request})", "The specified subnet group is currently in use. (Service: Dax, Status Code: 400, Request ID: {request})"},
				{"ParameterGroupName", "AWS::DAX::ParameterGroup", "The specified parameter group does not exist. (Service: Dax, Status Code: 400, Request ID: {request})", "One or more parameters in a parameter group are in an invalid state. (Service: Dax, Status Code: 400, Request ID: {request})"},
				{"SecurityGroupIds", "AWS::EC2::SecurityGroup", noGroup, groupInUse},
			},
		},
		"AWS::DAX::SubnetGroup": {
			longest: 255, shortest: 1, charset: daxName, lower: true, ref: "{name}", attributes: map[string]string{"Id": "{name}"},
			needs: []need{{"SubnetIds", "AWS::EC2::Subnet", noSubnet, subnetInUse}},
		},
		"AWS::DAX::ParameterGroup": {longest: 255, shortest: 1, charset: daxName, lower: true},

		"AWS::ApiGatewayV2::Api": {
			ref: "{lower:10}",
			attributes: map[string]string{
				"ApiId": "{lower:10}", "ApiEndpoint": "{apischeme}://{lower:10}.execute-api.{region}.{suffix}",
				"ExecuteApiArn": "arn:{partition}:execute-api:{region}:{account}:{lower:10}",
			},
		},
		"AWS::ApiGatewayV2::Route":       {ref: "{lower:7}", attributes: map[string]string{"RouteId": "{lower:7}"}, needs: ofAPI},
		"AWS::ApiGatewayV2::Integration": {ref: "{lower:7}", attributes: map[string]string{"IntegrationId": "{lower:7}"}, needs: ofAPI},
		"AWS::ApiGatewayV2::Authorizer":  {ref: "{lower:6}", attributes: map[string]string{"AuthorizerId": "{lower:6}"}, needs: ofAPI},
		"AWS::ApiGatewayV2::Deployment":  {ref: "{lower:6}", attributes: map[string]string{"DeploymentId": "{lower:6}"}, needs: ofAPI},
		"AWS::ApiGatewayV2::Stage":       {needs: ofAPI},

		"AWS::EC2::VPC": {
			ref: "vpc-{hex:17}",
			attributes: map[string]string{
				"VpcId": "vpc-{hex:17}", "DefaultSecurityGroup": "sg-{hex:17}", "DefaultNetworkAcl": "acl-{hex:17}", "CidrBlock": "{CidrBlock}",
			},
		},
		"AWS::EC2::Subnet": {
			ref: "subnet-{hex:17}",
			attributes: map[string]string{
				"SubnetId": "subnet-{hex:17}", "VpcId": "{VpcId}", "CidrBlock": "{CidrBlock}", "AvailabilityZone": "{AvailabilityZone}",
				"AvailabilityZoneId": "{zoneid}", "NetworkAclAssociationId": "aclassoc-{hex:17}",
			},
			needs: inVPC,
		},
		"AWS::EC2::SecurityGroup": {
			ref: "sg-{hex:17}", attributes: map[string]string{"GroupId": "sg-{hex:17}", "Id": "sg-{hex:17}", "VpcId": "{VpcId}"}, needs: inVPC,
		},
		networkInterfaceType: {
			ref: "eni-{hex:17}", attributes: map[string]string{"Id": "eni-{hex:17}"},
			needs: []need{{"SubnetId", "AWS::EC2::Subnet", noSubnet, subnetInUse}, {"GroupSet", "AWS::EC2::SecurityGroup", noGroup, groupInUse}},
		},
		"AWS::EC2::SecurityGroupIngress": {
			ref: "sgr-{hex:17}", attributes: map[string]string{"Id": "sgr-{hex:17}"},
			needs: []need{{"GroupId", "AWS::EC2::SecurityGroup", noGroup, ""}, {"SourceSecurityGroupId", "AWS::EC2::SecurityGroup", noGroup, groupInUse}},
		},
		"AWS::EC2::SecurityGroupEgress": {
			ref: "sgr-{hex:17}", attributes: map[string]string{"Id": "sgr-{hex:17}"},
			needs: []need{{"GroupId", "AWS::EC2::SecurityGroup", noGroup, ""}, {"DestinationSecurityGroupId", "AWS::EC2::SecurityGroup", noGroup, groupInUse}},
		},
		"AWS::EC2::RouteTable": {
			ref: "rtb-{hex:17}", attributes: map[string]string{"RouteTableId": "rtb-{hex:17}"}, needs: inVPC,
		},
		"AWS::EC2::Route": {
			ref: "{RouteTableId}|{destination}", attributes: map[string]string{"CidrBlock": "{destination}"},
			needs: []need{{"RouteTableId", "AWS::EC2::RouteTable", noRouteTable, ""}},
		},
		"AWS::EC2::SubnetRouteTableAssociation": {
			ref: "rtbassoc-{hex:17}", attributes: map[string]string{"Id": "rtbassoc-{hex:17}"},
			needs: []need{{"RouteTableId", "AWS::EC2::RouteTable", noRouteTable, routeTableInUse}, {"SubnetId", "AWS::EC2::Subnet", noSubnet, ""}},
		},
		"AWS::EC2::VPCEndpoint": {
			ref: "vpce-{hex:17}", attributes: map[string]string{"Id": "vpce-{hex:17}", "CreationTimestamp": "2026-01-01 00:00:00 +0000 UTC"},
			needs: []need{
				{"VpcId", "AWS::EC2::VPC", noVPC, vpcInUse},
				{"RouteTableIds", "AWS::EC2::RouteTable", noRouteTable, lets},
				{"SubnetIds", "AWS::EC2::Subnet", noSubnet, subnetInUse},
				{"SecurityGroupIds", "AWS::EC2::SecurityGroup", noGroup, groupInUse},
			},
		},
		"AWS::EC2::InternetGateway":      {ref: "igw-{hex:17}", attributes: map[string]string{"InternetGatewayId": "igw-{hex:17}"}},
		"AWS::EC2::VPCGatewayAttachment": {ref: "IGW|{VpcId}", attributes: map[string]string{"AttachmentType": "IGW"}, needs: inVPC},
		"AWS::EC2::NatGateway": {
			ref: "nat-{hex:17}", attributes: map[string]string{"NatGatewayId": "nat-{hex:17}"},
			needs: []need{{"SubnetId", "AWS::EC2::Subnet", noSubnet, subnetInUse}},
		},
		"AWS::EC2::EIP": {
			ref: "{address}", attributes: map[string]string{"PublicIp": "{address}", "AllocationId": "eipalloc-{hex:17}"},
		},
		"AWS::EC2::NetworkAcl":     {ref: "acl-{hex:17}", attributes: map[string]string{"Id": "acl-{hex:17}"}, needs: inVPC},
		"AWS::EC2::FlowLog":        {ref: "fl-{hex:17}", attributes: map[string]string{"Id": "fl-{hex:17}"}},
		"AWS::EC2::LaunchTemplate": {ref: "lt-{hex:17}", attributes: map[string]string{"LaunchTemplateId": "lt-{hex:17}"}},
		"AWS::EC2::Instance":       {ref: "i-{hex:17}", attributes: map[string]string{"InstanceId": "i-{hex:17}"}},

		"AWS::Logs::LogGroup": {
			longest: 512, shortest: 1, charset: regexp.MustCompile(`^[.\-_/#A-Za-z0-9]+$`),
			attributes: map[string]string{"Arn": "arn:{partition}:logs:{region}:{account}:log-group:{name}:*"},
		},
		"AWS::SNS::Topic": {
			longest: 256, shortest: 1, charset: regexp.MustCompile(`^[a-zA-Z0-9_-]+(\.fifo)?$`), ref: "arn:{partition}:sns:{region}:{account}:{name}",
			attributes: map[string]string{"TopicArn": "arn:{partition}:sns:{region}:{account}:{name}", "TopicName": "{name}"},
		},
		"AWS::SNS::Subscription": {
			ref: "{TopicArn}:{uuid}", attributes: map[string]string{"Arn": "{TopicArn}:{uuid}"},
			needs: []need{{"TopicArn", "AWS::SNS::Topic", "Topic does not exist (Service: Sns, Status Code: 404, Request ID: {request})", ""}},
		},
		"AWS::SQS::Queue": {
			longest: 80, shortest: 1, charset: regexp.MustCompile(`^[a-zA-Z0-9_-]+(\.fifo)?$`), ref: "https://sqs.{region}.{suffix}/{account}/{name}",
			attributes: map[string]string{
				"Arn": "arn:{partition}:sqs:{region}:{account}:{name}", "QueueName": "{name}", "QueueUrl": "https://sqs.{region}.{suffix}/{account}/{name}",
			},
		},
		"AWS::SSM::Parameter": {
			longest: 1011, shortest: 1, charset: regexp.MustCompile(`^[a-zA-Z0-9_./-]+$`),
			attributes: map[string]string{"Type": "{Type}", "Value": "{Value}"},
		},
		"AWS::KMS::Key": {
			ref: "{uuid}", attributes: map[string]string{"KeyId": "{uuid}", "Arn": "arn:{partition}:kms:{region}:{account}:key/{uuid}"},
		},
		"AWS::KMS::Alias": {
			longest: 256, shortest: 1,
			needs: []need{{"TargetKeyId", "AWS::KMS::Key", "Key '%s' does not exist (Service: Kms, Status Code: 400, Request ID: {request})", ""}},
		},
		"AWS::ECR::Repository": {
			longest: 256, shortest: 2, lower: true,
			attributes: map[string]string{
				"Arn": "arn:{partition}:ecr:{region}:{account}:repository/{name}", "RepositoryUri": "{account}.dkr.ecr.{region}.{suffix}/{name}",
			},
		},
		"AWS::SecretsManager::Secret": {
			longest: 512, shortest: 1, ref: "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{lower:6}",
			attributes: map[string]string{"Id": "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}-{lower:6}"},
		},
		"AWS::Events::Rule": {
			longest: 64, shortest: 1, charset: regexp.MustCompile(`^[.\-_A-Za-z0-9]+$`), ref: "{busname}",
			attributes: map[string]string{"Arn": "arn:{partition}:events:{region}:{account}:rule/{buspath}", "RuleName": "{name}"},
		},
		"AWS::CloudWatch::Alarm":   {longest: 255, shortest: 1},
		"AWS::Scheduler::Schedule": {longest: 64, shortest: 1, attributes: map[string]string{"Arn": "arn:{partition}:scheduler:{region}:{account}:schedule/default/{name}"}},
		"AWS::StepFunctions::StateMachine": {
			longest: 80, shortest: 1, ref: "arn:{partition}:states:{region}:{account}:stateMachine:{name}",
			attributes: map[string]string{"Arn": "arn:{partition}:states:{region}:{account}:stateMachine:{name}", "Name": "{name}"},
		},
		"AWS::Cognito::UserPool": {
			ref: "{region}_{upper:9}",
			attributes: map[string]string{
				"UserPoolId": "{region}_{upper:9}", "Arn": "arn:{partition}:cognito-idp:{region}:{account}:userpool/{region}_{upper:9}",
				"ProviderName": "cognito-idp.{region}.{suffix}/{region}_{upper:9}", "ProviderURL": "https://cognito-idp.{region}.{suffix}/{region}_{upper:9}",
			},
		},

		"AWS::CDK::Metadata":         {ref: "{uuid}"},
		"AWS::CloudFormation::Stack": {unmakeable: "the rehearsal does not deploy nested stacks"},
	}
}

var (
	iamName    = regexp.MustCompile(`^[\w+=,.@-]+$`)
	dynamoName = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)
	daxName    = regexp.MustCompile(`^[a-zA-Z](-?[a-zA-Z0-9])*$`)

	inVPC = []need{{"VpcId", "AWS::EC2::VPC", noVPC, vpcInUse}}
	ofAPI = []need{{"ApiId", "AWS::ApiGatewayV2::Api", noAPI, ""}}
)
