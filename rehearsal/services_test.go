package rehearsal_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

func table(name string) map[string]any {
	return map[string]any{
		"TableName": name, "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": []any{map[string]any{"AttributeName": "id", "AttributeType": "S"}},
		"KeySchema":            []any{map[string]any{"AttributeName": "id", "KeyType": "HASH"}},
	}
}

// makes creates a resource in dev's account.
func makes(t *testing.T, server *rehearsal.Server, kind string, properties map[string]any) rehearsal.Resource {
	t.Helper()
	made, err := server.Account(dev).Create(region, kind, properties)
	require.NoError(t, err)
	return made
}

// role creates a role of dev that a service may assume.
func role(t *testing.T, server *rehearsal.Server, name, service string) rehearsal.Resource {
	t.Helper()
	return makes(t, server, "AWS::IAM::Role", map[string]any{
		"RoleName": name, "AssumeRolePolicyDocument": map[string]any{"Statement": []any{map[string]any{
			"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": service},
		}}},
	})
}

func TestATablesNameIsTakenInItsAccountAndRegionOnly(t *testing.T) {
	server := start(t)
	makes(t, server, "AWS::DynamoDB::Table", table("dev-notes"))

	_, err := server.Account(dev).Create(region, "AWS::DynamoDB::Table", table("dev-notes"))
	require.ErrorContains(t, err, "Resource of type 'AWS::DynamoDB::Table' with identifier 'dev-notes' already exists.")
	_, err = server.Account(dev).Create("eu-west-1", "AWS::DynamoDB::Table", table("dev-notes"))
	require.NoError(t, err)
	_, err = server.Account(production).Create(region, "AWS::DynamoDB::Table", table("dev-notes"))
	require.NoError(t, err)
}

func TestARolesNameIsTakenInItsWholeAccount(t *testing.T) {
	server := start(t)
	role(t, server, "deploy", "lambda.amazonaws.com")
	_, err := server.Account(dev).Create("eu-west-1", "AWS::IAM::Role", map[string]any{"RoleName": "deploy", "AssumeRolePolicyDocument": map[string]any{}})
	require.ErrorContains(t, err, "Resource of type 'AWS::IAM::Role' with identifier 'deploy' already exists.")

	client := iam.NewFromConfig(as(server, dev))
	got, err := client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("deploy")})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::111111111111:role/deploy", *got.Role.Arn)
	_, err = client.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("none")})
	requireCode(t, err, "NoSuchEntity")
}

func TestAProtectedTableIsNotDeletedUntilItsProtectionIsOff(t *testing.T) {
	server := start(t)
	properties := table("production-notes")
	properties["DeletionProtectionEnabled"] = true
	properties["PointInTimeRecoverySpecification"] = map[string]any{"PointInTimeRecoveryEnabled": true}
	makes(t, server, "AWS::DynamoDB::Table", properties)
	client := dynamodb.NewFromConfig(as(server, dev))
	name := aws.String("production-notes")

	described, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: name})
	require.NoError(t, err)
	require.True(t, *described.Table.DeletionProtectionEnabled)
	require.Equal(t, types.TableStatusActive, described.Table.TableStatus)
	require.Equal(t, types.KeyTypeHash, described.Table.KeySchema[0].KeyType)
	backups, err := client.DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: name})
	require.NoError(t, err)
	require.Equal(t, types.PointInTimeRecoveryStatusEnabled, backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus)

	_, err = client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: name})
	requireCode(t, err, "ValidationException")
	require.ErrorContains(t, err, "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	require.ErrorContains(t, server.Account(dev).Delete(region, "AWS::DynamoDB::Table", *name), "protected against deletion")

	_, err = client.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: name, DeletionProtectionEnabled: aws.Bool(false)})
	require.NoError(t, err)
	_, err = client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: name})
	require.NoError(t, err)
	_, err = client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: name})
	requireCode(t, err, "ResourceNotFoundException")
}

func TestTablesAreMadeAndListedByTheAPI(t *testing.T) {
	server := start(t)
	client := dynamodb.NewFromConfig(as(server, dev))
	asked := &dynamodb.CreateTableInput{
		TableName: aws.String("by-hand"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	}
	_, err := client.CreateTable(t.Context(), asked)
	require.NoError(t, err)
	_, err = client.CreateTable(t.Context(), asked)
	requireCode(t, err, "ResourceInUseException")
	listed, err := client.ListTables(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"by-hand"}, listed.TableNames)
}

func TestNamesBeyondAServicesLimitsAreRefused(t *testing.T) {
	server := start(t)
	for kind, name := range map[string]string{
		"AWS::DynamoDB::Table": "no spaces please",
		"AWS::S3::Bucket":      "No-Capitals",
		"AWS::SQS::Queue":      strings.Repeat("q", 81),
	} {
		properties := table(name)
		if kind != "AWS::DynamoDB::Table" {
			properties = map[string]any{map[string]string{"AWS::S3::Bucket": "BucketName", "AWS::SQS::Queue": "QueueName"}[kind]: name}
		}
		_, err := server.Account(dev).Create(region, kind, properties)
		require.ErrorContains(t, err, "Properties validation failed for resource", kind)
	}
}

func TestABucketOfAnAccountsRegionalNamespaceIsItsOwn(t *testing.T) {
	server := start(t)
	bucket := map[string]any{"BucketName": "notes-111111111111-us-east-1-an", "BucketNamespace": "account-regional"}
	_, err := server.Account(production).Create(region, "AWS::S3::Bucket", bucket)
	require.ErrorContains(t, err, "must end in -333333333333-us-east-1-an")
	_, err = server.Account(production).Create(region, "AWS::S3::Bucket", map[string]any{"BucketName": "notes-111111111111-us-east-1-an"})
	require.ErrorContains(t, err, "reserved")
	makes(t, server, "AWS::S3::Bucket", bucket)
}

func TestAFunctionNeedsItsRoleAndItsCode(t *testing.T) {
	server := start(t)
	made := role(t, server, "execution", "lambda.amazonaws.com")
	makes(t, server, "AWS::S3::Bucket", map[string]any{"BucketName": "assets"})
	function := func() map[string]any {
		return map[string]any{
			"FunctionName": "create-note", "Handler": "bootstrap", "Runtime": "provided.al2023", "Architectures": []any{"arm64"},
			"MemorySize": int64(256), "Role": made.Attributes["Arn"], "Code": map[string]any{"S3Bucket": "assets", "S3Key": "code.zip"},
			"Environment": map[string]any{"Variables": map[string]any{"NOTES_TABLE": "dev-notes"}},
		}
	}
	create := func(change func(map[string]any)) error {
		properties := function()
		change(properties)
		_, err := server.Account(dev).Create(region, "AWS::Lambda::Function", properties)
		return err
	}
	as := as(server, dev)
	require.ErrorContains(t, create(func(map[string]any) {}), "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")

	objects := s3.NewFromConfig(as, func(o *s3.Options) { o.UsePathStyle = true })
	_, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("assets"), Key: aws.String("code.zip"), Body: strings.NewReader("a zip")})
	require.NoError(t, err)
	require.ErrorContains(t, create(func(p map[string]any) { p["Role"] = "arn:aws:iam::111111111111:role/none" }), "The role defined for the function cannot be assumed by Lambda.")
	require.ErrorContains(t, create(func(p map[string]any) { delete(p, "Handler") }), "Runtime and Handler are mandatory")
	require.ErrorContains(t, create(func(p map[string]any) {
		p["Environment"] = map[string]any{"Variables": map[string]any{"AWS_REGION": "here"}}
	}), "Reserved keys used in this request: AWS_REGION")
	require.ErrorContains(t, create(func(p map[string]any) {
		p["VpcConfig"] = map[string]any{"SubnetIds": []any{"subnet-none"}}
	}), "The subnet ID 'subnet-none' does not exist")
	require.NoError(t, create(func(map[string]any) {}))
	require.ErrorContains(t, create(func(map[string]any) {}), "Resource of type 'AWS::Lambda::Function' with identifier 'create-note' already exists.")

	client := lambda.NewFromConfig(as)
	for _, name := range []string{"create-note", "arn:aws:lambda:us-east-1:111111111111:function:create-note"} {
		got, err := client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(name)})
		require.NoError(t, err)
		require.EqualValues(t, 256, *got.MemorySize)
		require.Equal(t, map[string]string{"NOTES_TABLE": "dev-notes"}, got.Environment.Variables)
		require.Equal(t, "mkRVdGXvxkS3EX6T6vE8M82Vb19PEsohvVGulOqXFpo=", *got.CodeSha256)
	}
	listed, err := client.ListFunctions(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, listed.Functions, 1)
}

// network makes a VPC with two subnets and a security group.
func network(t *testing.T, server *rehearsal.Server) (vpc rehearsal.Resource, subnets []any, group rehearsal.Resource) {
	t.Helper()
	vpc = makes(t, server, "AWS::EC2::VPC", map[string]any{"CidrBlock": "10.0.0.0/16", "Tags": []any{map[string]any{"Key": "Name", "Value": "notes"}}})
	for i, cidr := range []string{"10.0.0.0/24", "10.0.1.0/24"} {
		subnet := makes(t, server, "AWS::EC2::Subnet", map[string]any{"VpcId": vpc.PhysicalID, "CidrBlock": cidr, "AvailabilityZone": region + string(rune('a'+i))})
		subnets = append(subnets, subnet.PhysicalID)
	}
	group = makes(t, server, "AWS::EC2::SecurityGroup", map[string]any{"GroupDescription": "of the cluster", "VpcId": vpc.PhysicalID})
	return vpc, subnets, group
}

func TestANetworkIsDescribedAndKeptWhileItIsUsed(t *testing.T) {
	server := start(t)
	vpc, subnets, group := network(t, server)
	makes(t, server, "AWS::EC2::SecurityGroupIngress", map[string]any{
		"GroupId": group.PhysicalID, "IpProtocol": "tcp", "FromPort": int64(9111), "ToPort": int64(9111), "SourceSecurityGroupId": group.PhysicalID,
	})
	client := ec2.NewFromConfig(as(server, dev))

	byTag := []ec2types.Filter{{Name: aws.String("tag:Name"), Values: []string{"notes"}}}
	vpcs, err := client.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{Filters: byTag})
	require.NoError(t, err)
	require.Equal(t, vpc.PhysicalID, *vpcs.Vpcs[0].VpcId)
	require.Regexp(t, `^vpc-[0-9a-f]{17}$`, *vpcs.Vpcs[0].VpcId)

	byVPC := []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpc.PhysicalID}}}
	found, err := client.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{Filters: byVPC})
	require.NoError(t, err)
	require.Len(t, found.Subnets, 2)
	groups, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{Filters: byVPC})
	require.NoError(t, err)
	require.Len(t, groups.SecurityGroups, 2, "the VPC brings its default group along")
	groups, err = client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{group.PhysicalID}})
	require.NoError(t, err)
	require.EqualValues(t, 9111, *groups.SecurityGroups[0].IpPermissions[0].FromPort)
	require.Equal(t, group.PhysicalID, *groups.SecurityGroups[0].IpPermissions[0].UserIdGroupPairs[0].GroupId)

	zones, err := client.DescribeAvailabilityZones(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, "use1-az1", *zones.AvailabilityZones[0].ZoneId)
	_, err = client.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-none"}})
	requireCode(t, err, "InvalidVpcID.NotFound")

	console := server.Account(dev)
	require.ErrorContains(t, console.Delete(region, "AWS::EC2::VPC", vpc.PhysicalID), "has dependencies and cannot be deleted")
	require.NoError(t, console.Delete(region, "AWS::EC2::SecurityGroup", group.PhysicalID))
	for _, id := range subnets {
		require.NoError(t, console.Delete(region, "AWS::EC2::Subnet", id.(string)))
	}
	require.NoError(t, console.Delete(region, "AWS::EC2::VPC", vpc.PhysicalID))
}

func TestAClusterWithEncryptionInTransitHasATLSEndpoint(t *testing.T) {
	server := start(t)
	_, subnets, group := network(t, server)
	makes(t, server, "AWS::DAX::SubnetGroup", map[string]any{"SubnetGroupName": "notes", "SubnetIds": subnets})
	properties := map[string]any{
		"ClusterName": "production-notes", "NodeType": "dax.t3.small", "ReplicationFactor": int64(3), "ClusterEndpointEncryptionType": "TLS",
		"IAMRoleARN": "arn:aws:iam::111111111111:role/cluster", "SubnetGroupName": "notes", "SecurityGroupIds": []any{group.PhysicalID},
		"SSESpecification": map[string]any{"SSEEnabled": true},
	}
	_, err := server.Account(dev).Create(region, "AWS::DAX::Cluster", properties)
	require.ErrorContains(t, err, "No permission to assume role")
	role(t, server, "cluster", "dax.amazonaws.com")
	made := makes(t, server, "AWS::DAX::Cluster", properties)
	require.Regexp(t, `^daxs://production-notes\.[a-z0-9]{6}\.dax-clusters\.us-east-1\.amazonaws\.com$`, made.Attributes["ClusterDiscoveryEndpointURL"])

	client := dax.NewFromConfig(as(server, dev))
	got, err := client.DescribeClusters(t.Context(), &dax.DescribeClustersInput{ClusterNames: []string{"production-notes"}})
	require.NoError(t, err)
	require.Len(t, got.Clusters[0].Nodes, 3)
	require.Equal(t, made.Attributes["ClusterDiscoveryEndpointURL"], *got.Clusters[0].ClusterDiscoveryEndpoint.URL)
	require.EqualValues(t, 9111, got.Clusters[0].ClusterDiscoveryEndpoint.Port)
	_, err = client.DescribeClusters(t.Context(), &dax.DescribeClustersInput{ClusterNames: []string{"none"}})
	requireCode(t, err, "ClusterNotFoundFault")

	// No cluster runs here: a function finds no endpoint, and asks DynamoDB.
	functions := deploys(t, server, map[string]any{"Environment": map[string]any{"Variables": map[string]any{
		"NOTES_TABLE": made.Attributes["ClusterDiscoveryEndpointURL"],
	}}})
	asked, _ := invokes(t, functions, &lambda.InvokeInput{})
	require.Empty(t, asked.Environment["NOTES_TABLE"])
}

func TestAnAPIShowsItsRoutesStagesAndIntegrations(t *testing.T) {
	server := start(t)
	api := makes(t, server, "AWS::ApiGatewayV2::Api", map[string]any{"Name": "dev-notes", "ProtocolType": "HTTP"})
	require.Regexp(t, `^https://[a-z0-9]{10}\.execute-api\.us-east-1\.amazonaws\.com$`, api.Attributes["ApiEndpoint"])
	id := aws.String(api.PhysicalID)
	integration := makes(t, server, "AWS::ApiGatewayV2::Integration", map[string]any{"ApiId": *id, "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0"})
	route := map[string]any{"ApiId": *id, "RouteKey": "POST /notes", "Target": "integrations/" + integration.PhysicalID}
	makes(t, server, "AWS::ApiGatewayV2::Route", route)
	makes(t, server, "AWS::ApiGatewayV2::Stage", map[string]any{"ApiId": *id, "StageName": "$default", "AutoDeploy": true})
	_, err := server.Account(dev).Create(region, "AWS::ApiGatewayV2::Route", route)
	require.ErrorContains(t, err, "Route with key POST /notes already exists for this API")

	client := apigatewayv2.NewFromConfig(as(server, dev))
	apis, err := client.GetApis(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, api.Attributes["ApiEndpoint"], *apis.Items[0].ApiEndpoint)
	routes, err := client.GetRoutes(t.Context(), &apigatewayv2.GetRoutesInput{ApiId: id})
	require.NoError(t, err)
	require.Equal(t, "POST /notes", *routes.Items[0].RouteKey)
	stages, err := client.GetStages(t.Context(), &apigatewayv2.GetStagesInput{ApiId: id})
	require.NoError(t, err)
	require.Equal(t, "$default", *stages.Items[0].StageName)
	require.True(t, *stages.Items[0].AutoDeploy)
}
