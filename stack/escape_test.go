package stack_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

// The doors of the nouns whose own tests do not open them.
func TestTheDoorsOfANounLeadBelowWhereItIsThere(t *testing.T) {
	for stage, want := range map[stages.Stage]int{dev: 0, production: 5} {
		with, below := 0, 0
		count := func(_ any, ok bool) {
			if ok {
				below++
			}
		}
		stacktest.Synth(t, app(func(s *stack.Stack) {
			with, below = 0, 0
			there := stages.Only(production)
			notes := key()
			notes.Stages = there
			table := stack.NewTable(s, "notes", notes).With(func(awsdynamodb.Table) { with++ })
			bucket := stack.NewBucket(s, "files", stack.BucketConfig{Stages: there}).With(func(awss3.Bucket) { with++ })
			secret := stack.NewSecret(s, "api-key", stack.SecretConfig{Stages: there}).With(func(awssecretsmanager.Secret) { with++ })
			api := stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{Stages: there}).With(func(awsapigatewayv2.HttpApi) { with++ })
			alarm := stack.NewAlarm(s, "errors", stack.AlarmConfig{On: stack.NewFunction(s, "get", code()).Errors(), Threshold: 1, Stages: there}).
				With(func(awscloudwatch.Alarm) { with++ })
			count(stack.L1[awsdynamodb.CfnTable](table))
			count(stack.L1[awss3.CfnBucket](bucket))
			count(stack.L1[awssecretsmanager.CfnSecret](secret))
			count(stack.L1[awsapigatewayv2.CfnApi](api))
			count(stack.L1[awscloudwatch.CfnAlarm](alarm))
			count(stack.L1[awss3.CfnBucket](table)) // which is none
		}), stage)
		assert.Equal(t, want, with, stage.Name)
		assert.Equal(t, want, below, stage.Name)
	}
}

func TestATopicWithAKeyOfTheProgramsOwnKeepsIt(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		theirs := awskms.NewKey(s.CDK, text("Theirs"), nil)
		news := stack.NewTopic(s, "news", stack.TopicConfig{Override: func(props *awssns.TopicProps) { props.MasterKey = theirs }})
		stack.NewAlarm(s, "errors", stack.AlarmConfig{On: stack.NewFunction(s, "get", code()).Errors(), Threshold: 1, Topic: news})
	}), dev)
	assert.Len(t, template.Resources("AWS::KMS::Key"), 1)
}

func TestWhoMayPublishToATopicThatAlarmsPublishToMayUseItsKey(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		news := stack.NewTopic(s, "news", stack.TopicConfig{})
		get := stack.NewFunction(s, "get", code())
		get.Allow(news.Publish())
		stack.NewAlarm(s, "errors", stack.AlarmConfig{On: get.Errors(), Threshold: 1, Topic: news})
	}), dev)
	key := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::KMS::Key", "news").LogicalID, "Arn"}}
	assert.Contains(t, rights(t, template, "get"), allowance([]any{"kms:Decrypt", "kms:GenerateDataKey"}, key))
}

func TestTheClustersOfTwoTablesShareANetwork(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		get := stack.NewFunction(s, "get", code())
		for _, id := range []string{"notes", "orders"} {
			get.Allow(stack.NewTable(s, id, withDAX(stack.DAXConfig{})).Read())
		}
	}), dev)
	assert.Len(t, template.Resources("AWS::DAX::Cluster"), 2)
	assert.Len(t, template.Resources("AWS::EC2::VPC"), 1)
	// Its gateway leads to both tables.
	text := fmt.Sprint(through(t, template, "daxnetworkDynamoDB"))
	for _, id := range []string{"notes", "orders"} {
		assert.Contains(t, text, template.Resource(t, "AWS::DynamoDB::Table", id).LogicalID)
	}
}

func TestAKeyIsOfItsType(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewTable(s, "blobs", stack.TableConfig{PartitionKey: stack.BinaryKey("digest"), SortKey: stack.NumberKey("at")})
	}), dev)
	assert.Equal(t, []any{
		map[string]any{"AttributeName": "digest", "AttributeType": "B"}, map[string]any{"AttributeName": "at", "AttributeType": "N"},
	}, template.Resource(t, "AWS::DynamoDB::Table", "blobs").Properties["AttributeDefinitions"])
}

func TestGrantsGoToTheRoleThatAnOverrideGives(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		fn := code()
		fn.Network = stack.NewNetwork(s, "main", stack.NetworkConfig{})
		fn.Override = func(props *awslambda.FunctionProps) {
			props.Role = awsiam.Role_FromRoleArn(s.CDK, text("Theirs"), text("arn:aws:iam::111111111111:role/theirs"), nil)
		}
		fn.Access = []stack.Grant{stack.NewTable(s, "notes", key()).Read()}
		stack.NewFunction(s, "get", fn)
	}), dev)
	assert.Equal(t, "arn:aws:iam::111111111111:role/theirs", template.Resource(t, "AWS::Lambda::Function", "get").Properties["Role"])
	for _, role := range template.Resources("AWS::IAM::Role") {
		assert.NotContains(t, role.LogicalID, "get", "a role that nobody has")
	}
	policy := template.Resource(t, "AWS::IAM::Policy", "Theirs").Properties
	assert.Equal(t, []any{"theirs"}, policy["Roles"])
	table := map[string]any{"Fn::GetAtt": []any{template.Resource(t, "AWS::DynamoDB::Table", "notes").LogicalID, "Arn"}}
	assert.Contains(t, policy["PolicyDocument"].(map[string]any)["Statement"], allowance(readItems, table))
	assert.Equal(t, []any{admitted(readItems, table)}, through(t, template, "mainDynamoDB"))
}

func TestTheNameThatAnOverrideGivesIsTheOneThatIsGranted(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		old := code()
		old.Override = func(props *awslambda.FunctionProps) { props.FunctionName = text("legacy-get") }
		limit := stack.NewParameter(s, "limit", stack.ParameterConfig{
			Value: "10", Override: func(props *awsssm.StringParameterProps) { props.ParameterName = text("legacy-limit") },
		})
		key := stack.NewSecret(s, "api-key", stack.SecretConfig{Override: func(props *awssecretsmanager.SecretProps) { props.SecretName = text("legacy-key") }})
		call := code()
		call.Access = []stack.Grant{stack.NewFunction(s, "get", old).Invoke(), limit.Read(), key.Read()}
		stack.NewFunction(s, "call", call)
	}), dev)
	assert.Contains(t, rights(t, template, "call"), allowance("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111111111111:function:legacy-get"))
	assert.Contains(t, rights(t, template, "call"), allowance([]any{"ssm:GetParameter", "ssm:GetParameters"}, "arn:aws:ssm:us-east-1:111111111111:parameter/legacy-limit"))
	variables := template.Resource(t, "AWS::Lambda::Function", "call").Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
	assert.Equal(t, "legacy-get", variables["GET_FUNCTION"])
	assert.Equal(t, "legacy-limit", variables["LIMIT_PARAMETER"])
	assert.Contains(t, output(t, template, "ApiKeySetCommand"), "--secret-id legacy-key ")
}

func TestAFunctionMayWriteTheLogGroupThatAnOverrideGivesAndNoOther(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		fn := code()
		fn.Override = func(props *awslambda.FunctionProps) { props.LogGroup = awslogs.NewLogGroup(s.CDK, text("Theirs"), nil) }
		stack.NewFunction(s, "get", fn)
	}), dev)
	groups := template.Resources("AWS::Logs::LogGroup")
	require.Len(t, groups, 1)
	assert.Equal(t, []any{allowance([]any{"logs:CreateLogStream", "logs:PutLogEvents"}, map[string]any{"Fn::GetAtt": []any{groups[0].LogicalID, "Arn"}})}, rights(t, template, "get"))
}
