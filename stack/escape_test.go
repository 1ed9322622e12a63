package stack_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/stretchr/testify/assert"

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
