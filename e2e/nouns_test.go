package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/awsenv"
	"github.com/roadshow-go/roadshow/internal/rehearse"
	"github.com/roadshow-go/roadshow/rehearsal"
	"github.com/roadshow-go/roadshow/stages"
)

// golden is what this test has to know of a template.
type golden struct {
	Parameters map[string]struct{ Default string }
	Resources  map[string]struct {
		Type       string
		Properties struct {
			Code struct{ S3Bucket, S3Key string }
		}
	}
}

// TestTheTemplateOfEveryNounDeploys deploys the goldens of stack, in which every noun has every feature of
// its own: a property that CloudFormation does not know, a reference to an attribute that a resource does
// not have, or a missing resource fails here. They are the templates that a user's program synthesizes; the
// handlers' code is not needed.
func TestTheTemplateOfEveryNounDeploys(t *testing.T) {
	if elsewhere() {
		t.Skip("on the rehearsal only: the goldens are of its accounts, and name VPCs and certificates that exist nowhere")
	}
	t.Parallel()
	// As in the tests of stack.
	set := []stages.Stage{
		{Name: dev, Account: "111111111111", Region: "us-east-1"},
		{Name: staging, Account: "222222222222", Region: "eu-west-1"},
		{Name: production, Account: "333333333333", Region: "us-east-1"},
	}
	world, err := rehearse.Open(awsenv.Place{Checkout: checkout, Folder: filepath.Join(folder, t.Name())}, rehearsal.Config{}, set...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, world.Close()) })

	importing := map[string]int{}
	for _, stage := range set {
		config, err := world.Config(t.Context(), stage.Name)
		require.NoError(t, err)
		client := cloudformation.NewFromConfig(config)
		objects := s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
		bodies, templates := map[string]string{}, map[string]golden{}
		for _, service := range []string{"messaging", "storage", "surroundings"} {
			body, err := os.ReadFile(filepath.Join(checkout, "stack", "testdata", service+"."+stage.Name+".golden.json"))
			require.NoError(t, err)
			var template golden
			require.NoError(t, json.Unmarshal(body, &template))
			bodies[service], templates[service] = string(body), template
		}
		existing := deploy(t, client, &cloudformation.CreateStackInput{StackName: aws.String("before"), TemplateBody: aws.String(prerequisites(t, templates, nil))})
		// Those that surroundings names exist nowhere.
		network := strings.NewReplacer(
			"vpc-0a1b2c3d", existing["VPC"], "vpc-1a1b2c3d", existing["VPC"], "sg-0a1b2c3d", existing["SecurityGroup"],
			"subnet-0a1b2c3d", existing["One"], "subnet-1a1b2c3d", existing["Two"],
		)
		for service, template := range templates {
			t.Run(service+" in "+stage.Name, func(t *testing.T) {
				upload := func(bucket, key, content string) {
					_, err := objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)})
					require.NoError(t, err)
				}
				var bucket string
				for _, resource := range template.Resources {
					if code := resource.Properties.Code; code.S3Key != "" {
						bucket = code.S3Bucket
						upload(bucket, code.S3Key, "code")
					}
				}
				// By the bootstrap's bucket, as the cdk command does: the templates are too large for a request.
				upload(bucket, service+".json", network.Replace(bodies[service]))
				name := stage.Name + "-" + service
				url := aws.String(world.Server.URL() + "/" + bucket + "/" + service + ".json")
				capabilities := []types.Capability{types.CapabilityCapabilityNamedIam}
				deploy(t, client, &cloudformation.CreateStackInput{StackName: &name, TemplateURL: url, Capabilities: capabilities})

				exports, made := map[string]string{}, 0
				for _, resource := range world.Server.Resources(stage.Account, stage.Region) {
					if resource.Stack != name {
						continue
					}
					made++
					if exported.MatchString(resource.Name) {
						exports[kindOf(resource.Name)] = resource.Properties["Value"].(string)
					}
				}
				require.Equal(t, len(template.Resources), made)
				for kind, arn := range exports {
					require.Regexp(t, `^arn:aws:(kms:.+:(key/.+|alias/aws/sns)|ssm:.+:parameter/roadshow/`+stage.Name+`/`+service+`/.+|.+[:/]`+name+`-.+)$`, arn, "what an export of a %s tells", kind)
				}

				// What is exported can be imported: had notes exported just that, the next deploy would read it.
				want := map[string]string{}
				for _, parameter := range template.Parameters {
					if arn := exports[kindOf(parameter.Default)]; arn != "" {
						want[parameter.Default] = arn
					}
				}
				if len(want) == 0 {
					return
				}
				_, err := client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
					StackName: aws.String("before"), TemplateBody: aws.String(prerequisites(t, templates, want)),
				})
				require.NoError(t, err)
				settled(t, client, "before", types.StackStatusUpdateComplete)
				_, err = client.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{StackName: &name, TemplateURL: url, Capabilities: capabilities})
				require.NoError(t, err)
				got := map[string]string{}
				for _, parameter := range settled(t, client, name, types.StackStatusUpdateComplete).Parameters {
					if path := aws.ToString(parameter.ParameterValue); want[path] != "" {
						got[path] = aws.ToString(parameter.ResolvedValue)
					}
				}
				require.Equal(t, want, got)
				importing[stage.Name] = len(want)
			})
		}
	}
	require.Len(t, importing, len(set))
	require.GreaterOrEqual(t, importing[production], 8, "a table, a bucket, a queue, a topic, a function, a bus, a secret and a parameter")
}

// exported is a path that other services read an ARN from.
var exported = regexp.MustCompile(`^/roadshow/[^/]+/[^/]+/[^/]+\.[^/]+$`)

// kindOf is the end of such a path, which says what it is of.
func kindOf(path string) string { return strings.TrimPrefix(filepath.Ext(path), ".") }

// arns are what another service might export, by the kind of the path. What events and messages come from exists.
var arns = map[string]any{
	"topic": map[string]any{"Ref": "Topic"}, "topic-key": "arn:aws:kms:us-east-1:111111111111:alias/aws/sns", "bus": map[string]any{"Fn::GetAtt": []string{"Bus", "Arn"}},
	"table": "arn:aws:dynamodb:us-east-1:111111111111:table/dev-notes-notes", "table-key": "arn:aws:kms:us-east-1:111111111111:key/1",
	"bucket": "arn:aws:s3:::dev-notes-papers", "bucket-key": "arn:aws:kms:us-east-1:111111111111:key/2",
	"queue":    "arn:aws:sqs:us-east-1:111111111111:dev-notes-work",
	"function": "arn:aws:lambda:us-east-1:111111111111:function:dev-notes-render",
	"secret":   "arn:aws:secretsmanager:us-east-1:111111111111:secret:dev-notes-mail-key-a1b2c3", "parameter": "arn:aws:ssm:us-east-1:111111111111:parameter/roadshow/dev/notes/rate",
}

// prerequisites is a template of what templates find in their account: the bootstrap's bucket, and the
// parameters that they read, with values by path, and a VPC that is there before.
func prerequisites(t *testing.T, templates map[string]golden, values map[string]string) string {
	t.Helper()
	needed := map[string]map[string]any{}
	for _, template := range templates {
		for _, parameter := range template.Parameters {
			var value any = cmp.Or(values[parameter.Default], "30")
			if arn, exported := arns[kindOf(parameter.Default)]; exported && value == "30" {
				value = arn
			}
			needed[parameter.Default] = map[string]any{"Type": "AWS::SSM::Parameter", "Properties": map[string]any{
				"Name": parameter.Default, "Type": "String", "Value": value,
			}}
		}
		for _, resource := range template.Resources {
			if bucket := resource.Properties.Code.S3Bucket; bucket != "" {
				needed[bucket] = map[string]any{"Type": "AWS::S3::Bucket", "Properties": map[string]any{"BucketName": bucket}}
			}
		}
	}
	in := map[string]any{"Ref": "VPC"}
	resources := map[string]any{
		"VPC":           map[string]any{"Type": "AWS::EC2::VPC", "Properties": map[string]any{"CidrBlock": "10.9.0.0/16"}},
		"One":           map[string]any{"Type": "AWS::EC2::Subnet", "Properties": map[string]any{"VpcId": in, "CidrBlock": "10.9.0.0/24"}},
		"Two":           map[string]any{"Type": "AWS::EC2::Subnet", "Properties": map[string]any{"VpcId": in, "CidrBlock": "10.9.1.0/24"}},
		"SecurityGroup": map[string]any{"Type": "AWS::EC2::SecurityGroup", "Properties": map[string]any{"VpcId": in, "GroupDescription": "existing"}},
		"Topic":         map[string]any{"Type": "AWS::SNS::Topic", "Properties": map[string]any{"TopicName": "their-news"}},
		"Bus":           map[string]any{"Type": "AWS::Events::EventBus", "Properties": map[string]any{"Name": "their-events"}},
	}
	outputs := map[string]any{}
	for name := range resources {
		outputs[name] = map[string]any{"Value": map[string]any{"Ref": name}}
	}
	outputs["SecurityGroup"] = map[string]any{"Value": map[string]any{"Fn::GetAtt": []string{"SecurityGroup", "GroupId"}}}
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		resources[fmt.Sprintf("Needed%d", len(resources))] = needed[name]
	}
	text, err := json.Marshal(map[string]any{"Resources": resources, "Outputs": outputs})
	require.NoError(t, err)
	return string(text)
}

// deploy makes a stack, and returns its outputs.
func deploy(t *testing.T, client *cloudformation.Client, stack *cloudformation.CreateStackInput) map[string]string {
	t.Helper()
	_, err := client.CreateStack(t.Context(), stack)
	require.NoError(t, err)
	outputs := map[string]string{}
	for _, output := range settled(t, client, *stack.StackName, types.StackStatusCreateComplete).Outputs {
		outputs[*output.OutputKey] = *output.OutputValue
	}
	return outputs
}

// settled waits for the end of what is done to a stack; where it is not the end that is wanted, it says why.
func settled(t *testing.T, client *cloudformation.Client, name string, want types.StackStatus) types.Stack {
	t.Helper()
	var stack types.Stack
	require.Eventually(t, func() bool {
		described, err := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name})
		if err != nil {
			return false
		}
		stack = described.Stacks[0]
		return !strings.HasSuffix(string(stack.StackStatus), "_IN_PROGRESS")
	}, time.Minute, 5*time.Millisecond)
	if stack.StackStatus == want {
		return stack
	}
	pages := cloudformation.NewDescribeStackEventsPaginator(client, &cloudformation.DescribeStackEventsInput{StackName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, event := range page.StackEvents {
			if strings.HasSuffix(string(event.ResourceStatus), "_FAILED") {
				t.Logf("%s (%s): %s", *event.LogicalResourceId, aws.ToString(event.ResourceType), aws.ToString(event.ResourceStatusReason))
			}
		}
	}
	require.Equal(t, want, stack.StackStatus, "of stack %s", name)
	return stack
}
