package rehearsal_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/rehearsal/internal/rules"
)

// The names that AWS's own pages allow are taken, and others are not: lengths at their limits, and characters.
func TestNamesAreTakenAsAWSsPagesSay(t *testing.T) {
	server := start(t)
	long := func(length int) string { return strings.Repeat("n", length) }
	policy := m{"Statement": []any{m{"Effect": "Allow", "Principal": m{"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}}}
	for _, kind := range []struct {
		page, on, property string
		with               m
		taken, refused     []string
	}{
		{
			"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html", "AWS::SQS::Queue", "QueueName", nil,
			[]string{"n", "a-b_C9", long(80)},
			[]string{long(81), "a b", "a.b", "a/b", "jobs.fifo"},
		},
		{
			"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html", "AWS::SQS::Queue", "QueueName",
			m{"FifoQueue": true},
			[]string{"jobs.fifo", long(75) + ".fifo"},
			[]string{long(76) + ".fifo", "jobs", "jobs.FIFO"},
		},
		{
			"https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html", "AWS::SNS::Topic", "TopicName", nil,
			[]string{"n", "a-b_C9", long(256)},
			[]string{long(257), "a b", "a.b", "news.fifo"},
		},
		{
			"https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html", "AWS::SNS::Topic", "TopicName",
			m{"FifoTopic": true},
			[]string{"news.fifo"},
			[]string{"news"},
		},
		{
			"https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html", "AWS::DynamoDB::Table", "TableName",
			m{"BillingMode": "PAY_PER_REQUEST", "KeySchema": []any{m{"AttributeName": "id", "KeyType": "HASH"}}, "AttributeDefinitions": []any{m{"AttributeName": "id", "AttributeType": "S"}}},
			[]string{"abc", "A.b-c_9", long(255)},
			[]string{"ab", long(256), "a b c", "a/b", "tab\u00e9"},
		},
		{
			"https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html", "AWS::Lambda::Function", "FunctionName",
			m{"Role": "arn:aws:iam::111111111111:role/work", "Runtime": "nodejs22.x", "Handler": "index.handler", "Code": m{"ZipFile": "x"}},
			[]string{"f", "a-b_C9", long(64)},
			[]string{long(65), "a.b", "a b"},
		},
		{
			"https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html", "AWS::Logs::LogGroup", "LogGroupName", nil,
			[]string{"n", "/aws/lambda/a_b-c.d#1", long(512)},
			[]string{long(513), "a b", "a:b"},
		},
		{
			"https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html", "AWS::Events::Rule", "Name",
			m{"EventPattern": m{"source": []any{"a"}}},
			[]string{"n", "a.b-c_D9", long(64)},
			[]string{long(65), "a/b", "a b"},
		},
		{
			"https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html", "AWS::Events::EventBus", "Name", nil,
			[]string{"n", "a.b-c_D9", long(256)},
			[]string{long(257), "a/b", "a b", "default"},
		},
		{
			"https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html", "AWS::Scheduler::Schedule", "Name",
			m{"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": m{"Mode": "OFF"}, "Target": m{"Arn": "arn:aws:lambda:us-east-1:111111111111:function:f", "RoleArn": "arn:aws:iam::111111111111:role/schedules"}},
			[]string{"n", "a.b-c_D9", long(64)},
			[]string{long(65), "a/b", "a b"},
		},
		{
			"https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html", "AWS::IAM::Role", "RoleName",
			m{"AssumeRolePolicyDocument": policy},
			[]string{"n", "a+b=c,d.e@f-g_H", long(64)},
			[]string{long(65), "a b", "a/b", "a:b"},
		},
		{
			"https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html", "AWS::SecretsManager::Secret", "Name",
			m{"SecretString": "x"},
			[]string{"n", "a/b_c+d=e.f@g-h", long(512)},
			[]string{long(513), "a b", "a:b"},
		},
		{
			"https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_CreateCluster.html", "AWS::DAX::Cluster", "ClusterName",
			m{"IAMRoleARN": "arn:aws:iam::111111111111:role/dax", "NodeType": "dax.t3.small", "ReplicationFactor": 1},
			[]string{"n", "a-b9", long(20)},
			[]string{long(21), "9a", "a_b", "a-", "a--b"},
		},
		{
			"https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html", "AWS::CloudWatch::Alarm", "AlarmName",
			m{"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "MetricName": "Errors", "Namespace": "AWS/Lambda", "Period": 60, "Statistic": "Sum", "Threshold": 1},
			[]string{"n", "any text: 100 %", long(255)},
			[]string{long(256)},
		},
		{
			"https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html", "AWS::KMS::Alias", "AliasName",
			m{"TargetKeyId": "{key}"},
			[]string{"alias/n", "alias/a/b_C-9", "alias/" + long(250)},
			[]string{"n", "alias/a b", "alias/" + long(251)},
		},
	} {
		account := server.Account(dev)
		for name, service := range map[string]string{"work": "lambda", "schedules": "scheduler", "dax": "dax"} {
			trust := m{"Statement": []any{m{"Effect": "Allow", "Principal": m{"Service": service + ".amazonaws.com"}, "Action": "sts:AssumeRole"}}}
			_, _ = account.Create("us-east-1", "AWS::IAM::Role", m{"RoleName": name, "AssumeRolePolicyDocument": trust}) // the first time
		}
		create := func(name string) error {
			properties := m{kind.property: name}
			maps.Copy(properties, kind.with)
			if properties["TargetKeyId"] != nil {
				key, err := account.Create("us-east-1", "AWS::KMS::Key", m{})
				if err != nil {
					return err
				}
				properties["TargetKeyId"] = key.PhysicalID
			}
			if violations := rules.Violations(kind.on, properties); len(violations) > 0 {
				return errors.New(violations[0]) // CloudFormation says so before it asks the service
			}
			_, err := account.Create("us-east-1", kind.on, properties)
			return err
		}
		for _, name := range kind.taken {
			assert.NoError(t, create(name), "%s %q (%s)", kind.on, name, kind.page)
		}
		for _, name := range kind.refused {
			assert.Error(t, create(name), "%s %q (%s)", kind.on, name, kind.page)
		}
	}
}
