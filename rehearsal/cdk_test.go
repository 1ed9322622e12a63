package rehearsal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/rehearsal"
)

// command runs the real cdk command with one profile of an account.
type command struct {
	t       *testing.T
	server  *rehearsal.Server
	home    string // of the command: settings, credentials, caches
	profile string
	app     string // the cloud assembly
}

func newCommand(t *testing.T, server *rehearsal.Server) *command {
	t.Helper()
	modules, err := filepath.Abs("../node_modules/.bin")
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(modules, "cdk")); err != nil {
		t.Skip("the cdk command is not installed: make test installs it")
	}
	t.Cleanup(func() {
		for _, call := range server.Calls() {
			require.NotEqual(t, 501, call.Status, "the command asks for what is not rehearsed: %+v", call)
		}
	})
	home := t.TempDir()
	write(t, home, "credentials", "[dev]\naws_access_key_id=AKIADEV\naws_secret_access_key=dev secret\n"+
		"[production]\naws_access_key_id=AKIAPRODUCTION\naws_secret_access_key=production secret\n")
	write(t, home, "config", "[profile dev]\nregion=us-east-1\n[profile production]\nregion=us-east-1\n")
	return &command{t: t, server: server, home: home, profile: "dev", app: t.TempDir()}
}

// environment has what the command needs and nothing of whoever runs the test,
// who may have real credentials. A proxy that does not exist keeps what would
// leave loopback from leaving it.
func (c *command) environment() []string {
	modules, _ := filepath.Abs("../node_modules/.bin")
	return []string{
		"PATH=" + modules + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + c.home, "TMPDIR=" + c.home,
		"AWS_ENDPOINT_URL=" + c.server.URL(), "AWS_ENDPOINT_URL_STS=" + c.server.URL(),
		"AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION=" + c.server.URL(), "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=" + filepath.Join(c.home, "config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(c.home, "credentials"),
		"CDK_HOME=" + filepath.Join(c.home, "cdk"), "CDK_DISABLE_VERSION_CHECK=1", "CI=true",
		"HTTPS_PROXY=http://127.0.0.1:1", "https_proxy=http://127.0.0.1:1", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
	}
}

func (c *command) run(arguments ...string) (string, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Minute)
	defer cancel()
	arguments = append(arguments, "--app", c.app, "--profile", c.profile, "--no-notices", "--no-color")
	cdk := exec.CommandContext(ctx, "cdk", arguments...)
	modules, _ := filepath.Abs("../node_modules/.bin")
	cdk.Path = filepath.Join(modules, "cdk")
	cdk.Err, cdk.Env, cdk.Dir = nil, c.environment(), c.home
	var out bytes.Buffer
	cdk.Stdout, cdk.Stderr = &out, &out
	err := cdk.Run()
	c.t.Logf("cdk %s\n%s", strings.Join(arguments, " "), out.String())
	return out.String(), err
}

func (c *command) must(arguments ...string) string {
	c.t.Helper()
	out, err := c.run(arguments...)
	require.NoError(c.t, err, out)
	return out
}

// devAfterBootstrap is what dev's account holds after `cdk bootstrap`, of which
// TestTheRealCommandBootstrapsDeploysChangesAndDestroys is the test.
var devAfterBootstrap struct {
	once  sync.Once
	saved string
}

// bootstrapDev brings that into dev's account. The command is run once for all tests.
func (c *command) bootstrapDev() {
	c.t.Helper()
	devAfterBootstrap.once.Do(func() {
		first := newCommand(c.t, start(c.t))
		first.assemble("dev-notes", dev, m{"Resources": m{}}, false)
		first.must("bootstrap", "aws://"+dev+"/"+region)
		devAfterBootstrap.saved = saved(c.t, first.server)
	})
	require.NotEmpty(c.t, devAfterBootstrap.saved, "another test could not bootstrap; its message says why")
	require.NoError(c.t, c.server.Load(strings.NewReader(devAfterBootstrap.saved)))
}

func write(t *testing.T, folder, name, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
}

// assemble writes a cloud assembly with one stack, as a CDK program would.
func (c *command) assemble(stack, account string, template map[string]any, protected bool) {
	c.t.Helper()
	text, err := json.MarshalIndent(template, "", " ")
	require.NoError(c.t, err)
	write(c.t, c.app, "notes.template.json", string(text))
	if _, err := os.Stat(filepath.Join(c.app, "asset.code")); err != nil {
		// Random, so that it cannot be compressed: the command sends a zip of
		// more than five megabytes in parts, which a Go function can be.
		program := make([]byte, 6<<20)
		_, _ = rand.Read(program)
		write(c.t, c.app, "asset.code/bootstrap", string(program))
	}
	role := func(name string) string {
		return fmt.Sprintf("arn:${AWS::Partition}:iam::%s:role/cdk-hnb659fds-%s-role-%s-us-east-1", account, name, account)
	}
	bucket := "cdk-hnb659fds-assets-" + account + "-us-east-1"
	file := func(path, packaging, key string) map[string]any {
		return map[string]any{
			"displayName": path, "source": map[string]any{"path": path, "packaging": packaging},
			"destinations": map[string]any{"here": map[string]any{
				"bucketName": bucket, "objectKey": key, "region": region, "assumeRoleArn": role("file-publishing"),
			}},
		}
	}
	key := fmt.Sprintf("%x.json", sha256.Sum256(text))
	documents := map[string]any{
		"notes.assets.json": map[string]any{"version": "48.0.0", "files": map[string]any{
			"template": file("notes.template.json", "file", key), "code": file("asset.code", "zip", "code.zip"),
		}, "dockerImages": map[string]any{}},
		"manifest.json": map[string]any{"version": "48.0.0", "artifacts": map[string]any{
			"notes.assets": map[string]any{"type": "cdk:asset-manifest", "properties": map[string]any{
				"file": "notes.assets.json", "requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version",
			}},
			"notes": map[string]any{
				"type": "aws:cloudformation:stack", "environment": "aws://" + account + "/" + region, "displayName": "notes",
				"dependencies": []string{"notes.assets"},
				"properties": map[string]any{
					"templateFile": "notes.template.json", "stackName": stack, "terminationProtection": protected, "validateOnSynth": false,
					"tags": map[string]any{"roadshow:service": "notes"}, "assumeRoleArn": role("deploy"),
					"cloudFormationExecutionRoleArn": role("cfn-exec"), "stackTemplateAssetObjectUrl": "s3://" + bucket + "/" + key,
					"requiresBootstrapStackVersion": 6, "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version",
					"lookupRole": map[string]any{"arn": role("lookup"), "requiresBootstrapStackVersion": 8, "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version"},
				},
			},
		}},
	}
	for name, document := range documents {
		text, err := json.MarshalIndent(document, "", " ")
		require.NoError(c.t, err)
		write(c.t, c.app, name, string(text))
	}
}

type m = map[string]any

func ref(id string) m                { return m{"Ref": id} }
func att(id, name string) m          { return m{"Fn::GetAtt": []any{id, name}} }
func of(kind string, properties m) m { return m{"Type": kind, "Properties": properties} }
func join(parts ...any) m            { return m{"Fn::Join": []any{"", parts}} }
func trustingService(service string) m {
	return m{"Version": "2012-10-17", "Statement": []any{m{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": m{"Service": service}}}}
}

// notes is a stack of everything that the notes service is made of.
func notes(stage, account string, memory int, withDAX bool) m {
	name := func(part string) string { return stage + "-notes-" + part }
	function := m{
		"FunctionName": name("create"), "Handler": "bootstrap", "Runtime": "provided.al2023", "Architectures": []any{"arm64"}, "MemorySize": memory,
		"Role": att("Role", "Arn"), "Code": m{"S3Bucket": "cdk-hnb659fds-assets-" + account + "-us-east-1", "S3Key": "code.zip"},
		"Environment": m{"Variables": m{"NOTES_TABLE": ref("Table")}},
	}
	resources := m{
		"Table": m{"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Properties": m(table(name("table")))},
		"Role": of("AWS::IAM::Role", m{
			"RoleName": name("create"), "AssumeRolePolicyDocument": trustingService("lambda.amazonaws.com"),
			"ManagedPolicyArns": []string{"arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"},
		}),
		"Policy": of("AWS::IAM::Policy", m{"PolicyName": "table", "Roles": []any{ref("Role")}, "PolicyDocument": m{
			"Version": "2012-10-17", "Statement": []any{m{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": att("Table", "Arn")}},
		}}),
		"Log":         of("AWS::Logs::LogGroup", m{"LogGroupName": "/aws/lambda/" + name("create"), "RetentionInDays": 30}),
		"Function":    m{"Type": "AWS::Lambda::Function", "DependsOn": []any{"Policy", "Log"}, "Properties": function},
		"Api":         of("AWS::ApiGatewayV2::Api", m{"Name": name("api"), "ProtocolType": "HTTP"}),
		"Integration": of("AWS::ApiGatewayV2::Integration", m{"ApiId": ref("Api"), "IntegrationType": "AWS_PROXY", "IntegrationUri": att("Function", "Arn"), "PayloadFormatVersion": "2.0"}),
		"Route":       of("AWS::ApiGatewayV2::Route", m{"ApiId": ref("Api"), "RouteKey": "POST /notes", "Target": join("integrations/", ref("Integration"))}),
		"Stage":       of("AWS::ApiGatewayV2::Stage", m{"ApiId": ref("Api"), "StageName": "$default", "AutoDeploy": true}),
		"Permission": of("AWS::Lambda::Permission", m{
			"Action": "lambda:InvokeFunction", "FunctionName": att("Function", "Arn"), "Principal": "apigateway.amazonaws.com",
			"SourceArn": join("arn:", ref("AWS::Partition"), ":execute-api:", ref("AWS::Region"), ":", ref("AWS::AccountId"), ":", ref("Api"), "/*/*/notes"),
		}),
	}
	outputs := m{"Url": m{"Value": att("Api", "ApiEndpoint")}}
	if withDAX {
		zone := func(i int) m { return m{"Fn::Select": []any{i, m{"Fn::GetAZs": ref("AWS::Region")}}} }
		for id, resource := range (m{
			"Vpc":          of("AWS::EC2::VPC", m{"CidrBlock": "10.0.0.0/16"}),
			"SubnetA":      of("AWS::EC2::Subnet", m{"VpcId": ref("Vpc"), "CidrBlock": "10.0.0.0/24", "AvailabilityZone": zone(0)}),
			"SubnetB":      of("AWS::EC2::Subnet", m{"VpcId": ref("Vpc"), "CidrBlock": "10.0.1.0/24", "AvailabilityZone": zone(1)}),
			"Routes":       of("AWS::EC2::RouteTable", m{"VpcId": ref("Vpc")}),
			"RoutesA":      of("AWS::EC2::SubnetRouteTableAssociation", m{"RouteTableId": ref("Routes"), "SubnetId": ref("SubnetA")}),
			"Endpoint":     of("AWS::EC2::VPCEndpoint", m{"VpcId": ref("Vpc"), "ServiceName": join("com.amazonaws.", ref("AWS::Region"), ".dynamodb"), "RouteTableIds": []any{ref("Routes")}}),
			"ClusterGroup": of("AWS::EC2::SecurityGroup", m{"GroupDescription": "cluster", "VpcId": ref("Vpc")}),
			"CallerGroup":  of("AWS::EC2::SecurityGroup", m{"GroupDescription": "functions", "VpcId": ref("Vpc")}),
			"Admit": of("AWS::EC2::SecurityGroupIngress", m{
				"GroupId": att("ClusterGroup", "GroupId"), "IpProtocol": "tcp", "FromPort": 9111, "ToPort": 9111, "SourceSecurityGroupId": att("CallerGroup", "GroupId"),
			}),
			"ClusterRole": of("AWS::IAM::Role", m{"RoleName": name("dax"), "AssumeRolePolicyDocument": trustingService("dax.amazonaws.com")}),
			"Subnets":     of("AWS::DAX::SubnetGroup", m{"SubnetGroupName": name("dax"), "SubnetIds": []any{ref("SubnetA"), ref("SubnetB")}}),
			"Parameters":  of("AWS::DAX::ParameterGroup", m{"ParameterGroupName": name("dax")}),
			"Cluster": of("AWS::DAX::Cluster", m{
				"ClusterName": stage[:4] + "-notes", "NodeType": "dax.t3.small", "ReplicationFactor": 3, "IAMRoleARN": att("ClusterRole", "Arn"),
				"ClusterEndpointEncryptionType": "TLS", "SSESpecification": m{"SSEEnabled": true}, "SubnetGroupName": ref("Subnets"),
				"ParameterGroupName": ref("Parameters"), "SecurityGroupIds": []any{att("ClusterGroup", "GroupId")},
			}),
		}) {
			resources[id] = resource
		}
		function["VpcConfig"] = m{"SubnetIds": []any{ref("SubnetA"), ref("SubnetB")}, "SecurityGroupIds": []any{att("CallerGroup", "GroupId")}}
		function["Environment"] = m{"Variables": m{"NOTES_TABLE": ref("Table"), "NOTES_DAX_ENDPOINT": att("Cluster", "ClusterDiscoveryEndpointURL")}}
	}
	return m{"Resources": resources, "Outputs": outputs}
}

func TestTheRealCommandBootstrapsDeploysChangesAndDestroys(t *testing.T) {
	t.Parallel()
	server := start(t)
	cdk := newCommand(t, server)
	cdk.assemble("dev-notes", dev, notes("dev", dev, 256, false), false)
	require.Contains(t, cdk.must("bootstrap", "aws://"+dev+"/"+region), "bootstrapped.")
	require.Contains(t, cdk.must("bootstrap", "aws://"+dev+"/"+region), "(no changes)")

	require.Contains(t, cdk.must("list"), "notes")
	require.Contains(t, cdk.must("diff"), "[+] AWS::DynamoDB::Table")
	require.Contains(t, cdk.must("deploy", "--require-approval", "never"), "execute-api.us-east-1.amazonaws.com")
	// The row cloudformation-nothing-to-change of the book is no failure of the command.
	require.Contains(t, cdk.must("deploy", "--require-approval", "never"), "(no changes)")
	require.Contains(t, cdk.must("diff"), "There were no differences")

	functions := lambda.NewFromConfig(as(server, dev))
	memory := func() int32 {
		got, err := functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("dev-notes-create")})
		require.NoError(t, err)
		require.Equal(t, "dev-notes-table", got.Environment.Variables["NOTES_TABLE"])
		return *got.MemorySize
	}
	require.EqualValues(t, 256, memory())
	// What the book's rows cloudformation-capability and cloudformation-template-size refuse does not happen to the command: it
	// gives the capability that a role with a name needs, and uploads a template that is too long for a call.
	long := notes("dev", dev, 512, false)
	long["Metadata"] = m{"Text": strings.Repeat("x", 60_000)}
	cdk.assemble("dev-notes", dev, long, false)
	require.Contains(t, cdk.must("diff"), "MemorySize")
	cdk.must("deploy", "--require-approval", "never")
	require.EqualValues(t, 512, memory())

	cdk.must("destroy", "--force")
	stacks := cloudformation.NewFromConfig(as(server, dev))
	_, err := stacks.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("dev-notes")})
	requireCode(t, err, "ValidationError")
	require.ErrorContains(t, err, "Stack with id dev-notes does not exist")
	_, err = functions.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("dev-notes-create")})
	requireCode(t, err, "ResourceNotFoundException")
	tables, err := dynamodb.NewFromConfig(as(server, dev)).ListTables(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, []string{"dev-notes-table"}, tables.TableNames, "the table is retained")
	parts := 0
	for _, call := range server.Calls() {
		if call.Operation == "UploadPart" {
			parts++
		}
	}
	require.Equal(t, 2, parts, "six megabytes come in two parts")
}

func TestTheRealCommandTakesUpWhatADestroyedStackHasLeft(t *testing.T) {
	t.Parallel()
	server := start(t)
	cdk := newCommand(t, server)
	stays := func(kind string, properties m) m {
		return m{"Type": kind, "DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain", "Properties": properties}
	}
	data := m{"Table": stays("AWS::DynamoDB::Table", m(table("dev-notes-table")))}
	all := m{"Table": data["Table"], "Bucket": stays("AWS::S3::Bucket", m{"BucketName": "dev-notes-files"})}
	cdk.assemble("dev-notes", dev, m{"Resources": all}, false)
	cdk.bootstrapDev()
	cdk.must("deploy", "--require-approval", "never")
	tables, name := dynamodb.NewFromConfig(as(server, dev)), aws.String("dev-notes-table")
	described, err := tables.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: name})
	require.NoError(t, err)
	item := map[string]dynamodbtypes.AttributeValue{}
	for _, part := range described.Table.KeySchema {
		item[*part.AttributeName] = &dynamodbtypes.AttributeValueMemberS{Value: "one"}
	}
	_, err = tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: name, Item: item})
	require.NoError(t, err)
	files, object := s3.NewFromConfig(as(server, dev), func(o *s3.Options) { o.UsePathStyle = true }), &s3.GetObjectInput{Bucket: aws.String("dev-notes-files"), Key: aws.String("a")}
	_, err = files.PutObject(t.Context(), &s3.PutObjectInput{Bucket: object.Bucket, Key: object.Key, Body: strings.NewReader("hello")})
	require.NoError(t, err)
	cdk.must("destroy", "--force")

	cdk.assemble("dev-notes", dev, m{"Resources": data}, false)
	out, err := cdk.run("deploy", "--require-approval", "never")
	require.Error(t, err, "the table's name is taken")
	require.Contains(t, out, "already exists")
	cdk.must("deploy", "--require-approval", "never", "--import-existing-resources")
	cdk.assemble("dev-notes", dev, m{"Resources": all}, false)
	cdk.must("import", "--resource-mapping-inline", `{"Bucket":{"BucketName":"dev-notes-files"}}`)
	require.Equal(t, "IMPORT_COMPLETE", string(finished(t, cloudformation.NewFromConfig(as(server, dev)), "dev-notes").StackStatus))
	require.Contains(t, cdk.must("deploy", "--require-approval", "never"), "(no changes)")

	kept, err := tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: name})
	require.NoError(t, err)
	require.Equal(t, []map[string]dynamodbtypes.AttributeValue{item}, kept.Items)
	_, err = files.GetObject(t.Context(), object)
	require.NoError(t, err)
}

func TestADeployWithoutRollbackIsRolledBackByTheRealCommand(t *testing.T) {
	t.Parallel()
	server := start(t)
	cdk := newCommand(t, server)
	cdk.assemble("dev-notes", dev, notes("dev", dev, 256, false), false)
	cdk.bootstrapDev()
	server.InjectFault(rehearsal.Fault{ResourceType: "AWS::Lambda::Function", Operation: "Create", Count: 1, Code: "ServiceInternalError", Message: "a passing fault"})

	out, err := cdk.run("deploy", "--require-approval", "never", "--no-rollback")
	require.Error(t, err)
	require.Contains(t, out, "a passing fault")
	cdk.must("rollback")
	cdk.must("deploy", "--require-approval", "never", "--method", "direct")
	cdk.must("diff", "--method", "template")
}
