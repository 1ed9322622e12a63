package rules

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tables of this file are taken from AWS's own pages, so that the rules are compared with what AWS says of itself.

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rate-expressions.html
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func TestScheduleExpressionsOfAWSsPagesAreReadAsTheyAreThere(t *testing.T) {
	for expression, valid := range map[string]bool{
		"cron(0 10 * * ? *)":            true,
		"cron(15 12 * * ? *)":           true,
		"cron(0 18 ? * MON-FRI *)":      true,
		"cron(0 8 1 * ? *)":             true,
		"cron(0/15 * * * ? *)":          true,
		"cron(0/10 * ? * MON-FRI *)":    true,
		"cron(0/5 8-17 ? * MON-FRI *)":  true,
		"cron(0/30 20-2 ? * MON-FRI *)": true, // over midnight
		"cron(0 12 * * ? *)":            true,
		"cron(0 9 ? * 2#1 *)":           true, // the first Monday
		"cron(15 10 ? * 6L 2022-2023)":  true, // the last Friday
		"cron(0 0 3W * ? *)":            true, // the weekday closest to the third
		"cron(0 0 L * ? *)":             true,
		"cron(0 10 * * * *)":            false, // no question mark
		"cron(0 10 1 * MON *)":          false, // both days
		"cron(0 10 ? * ? *)":            false, // neither
		"cron(60 10 * * ? *)":           false, // minutes are 0-59
		"cron(0 24 * * ? *)":            false, // hours are 0-23
		"cron(0 10 32 * ? *)":           false, // days are 1-31
		"cron(0 10 1 13 ? *)":           false, // months are 1-12
		"cron(0 10 ? * 8 *)":            false, // days of the week are 1-7
		"cron(0 10 ? * 0 *)":            false, // of which Sunday is 1
		"cron(0 10 1 1 ? 1969)":         false, // years are 1970-2199
		"cron(0 10 1 1 ? 2200)":         false,
		"cron(0 10 * * ?)":              false, // six fields
		"rate(1 minute)":                true,
		"rate(5 minutes)":               true,
		"rate(1 hour)":                  true,
		"rate(1 hours)":                 false, // 1 goes with the singular
		"rate(5 hour)":                  false, // more go with the plural
		"rate(0 minutes)":               false,
		"rate(1.5 hours)":               false,
		"rate(10 seconds)":              false,
	} {
		assert.Equal(t, valid, isCron(expression) || isRate(expression), expression)
	}
	for expression, valid := range map[string]bool{
		"at(2022-11-20T13:00:00)":      true,
		"at(2022-11-20T13:00:00Z)":     false, // the time zone is a field of its own
		"cron(15 10 ? * 6L 2022-2023)": true,
		"rate(5 minutes)":              true,
		"rate(0 minutes)":              false,
		"rate(30 seconds)":             false,
	} {
		assert.Equal(t, valid, schedulerTakes(expression), expression)
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-best-practices.html
func TestEventPatternsOfAWSsPagesAreTaken(t *testing.T) {
	for _, pattern := range []string{
		`{"source": ["aws.ec2"]}`,
		`{"detail": {"eventVersion": [""]}}`,
		`{"detail": {"responseElements": [null]}}`,
		`{"time": [{"prefix": "2017-10-02"}]}`,
		`{"detail": {"service": [{"prefix": {"equals-ignore-case": "EventB"}}]}}`,
		`{"FileName": [{"suffix": ".png"}]}`,
		`{"detail": {"FileName": [{"suffix": {"equals-ignore-case": ".png"}}]}}`,
		`{"detail": {"state": [{"anything-but": "initializing"}]}}`,
		`{"detail": {"x-limit": [{"anything-but": [100, 200, 300]}]}}`,
		`{"detail": {"state": [{"anything-but": {"equals-ignore-case": ["initializing", "stopped"]}}]}}`,
		`{"detail": {"state": [{"anything-but": {"prefix": "init"}}]}}`,
		`{"detail": {"FileName": [{"anything-but": {"suffix": ".txt"}}]}}`,
		`{"detail": {"FilePath": [{"anything-but": {"wildcard": "*/lib/*"}}]}}`,
		`{"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}], "d-count": [{"numeric": ["<", 10]}], "x-limit": [{"numeric": ["=", 3.018e2]}]}}`,
		`{"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/24"}]}}`,
		`{"detail": {"state": [{"exists": true}]}}`,
		`{"detail-type": [{"equals-ignore-case": "ec2 instance state-change notification"}]}`,
		`{"EventBusArn": [{"wildcard": "arn:aws:events:us-east-1:*:event-bus/*"}]}`,
		`{"detail": {"$or": [{"Location": ["New York"]}, {"Metric": [{"numeric": [">", 4]}]}]}}`,
	} {
		var read object
		require.NoError(t, json.Unmarshal([]byte(pattern), &read), pattern)
		assert.Empty(t, eventPattern(read), pattern)
	}
}

// nothing is an account that holds nothing.
type nothing struct{}

func (nothing) Now() time.Time                              { return time.Time{} }
func (nothing) Find(*Resource, string, string) *Resource    { return nil }
func (nothing) Of(*Resource, string) iter.Seq[*Resource]    { return func(func(*Resource) bool) {} }
func (nothing) Deleted(*Resource, string, string) time.Time { return time.Time{} }

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
func TestNamesOfAWSsPagesAreReadAsTheyAreThere(t *testing.T) {
	bucketTaken := func(name string) bool {
		return Create(nothing{}, &Resource{Type: bucket, Name: name, Account: "111111111111", Region: "us-east-1", Properties: object{}}) == nil
	}
	for name, valid := range map[string]bool{
		"amzn-s3-demo-bucket1-a1b2c3d4": false, // a prefix that AWS keeps to itself
		"example.com":                   true,
		"www.example.com":               true,
		"my.example.s3.bucket":          true,
		"doc..example":                  false,
		"192.168.5.4":                   false,
		"xn--bucket":                    false,
		"sthree-bucket":                 false,
		"bucket-s3alias":                false,
		"bucket--ol-s3":                 false,
	} {
		assert.Equal(t, valid, bucketTaken(name), name)
	}
	parameterTaken := func(name string) bool {
		return Create(nothing{}, &Resource{Type: parameter, Name: name, Properties: object{"Type": "String", "Value": "x"}}) == nil
	}
	for name, valid := range map[string]bool{
		"/Dev/DBServer/MySQL/db-string13": true,
		"MyParameter":                     true,
		"/aws/parameter":                  false,
		"aws-parameter":                   false,
		"/ssm/parameter":                  false,
		"Dev/DBServer":                    false,
		"/Level-1/L2/L3/L4/L5/L6/L7/L8/L9/L10/L11/L12/L13/L14/parameter-name":         true,
		"/Level-1/L2/L3/L4/L5/L6/L7/L8/L9/L10/L11/L12/L13/L14/L15/L16/parameter-name": false,
		"/my parameter": false,
	} {
		assert.Equal(t, valid, parameterTaken(name), name)
	}
}

// repeated is a list of so many texts.
func repeated(count int, form string) []any {
	all := make([]any, count)
	for i := range all {
		all[i] = fmt.Sprintf(form, i)
	}
	return all
}

func TestPoliciesAreHeldToTheQuotasOfAWSsPages(t *testing.T) {
	allow := func(action, resource string, with object) object {
		statement := object{"Effect": "Allow", "Action": action, "Resource": resource, "Principal": "*"}
		maps.Copy(statement, with)
		return object{"Statement": []any{statement}}
	}
	// sized is a policy of so many bytes.
	sized := func(action, resource string, principal any, bytes int) object {
		text := func(length int) object {
			statement := object{"Effect": "Allow", "Action": action, "Resource": resource, "Condition": object{"StringLike": object{"aws:PrincipalTag/t": strings.Repeat("x", length)}}}
			if principal != nil {
				statement["Principal"] = principal
			}
			return object{"Statement": []any{statement}}
		}
		return text(bytes - size(text(0)))
	}
	many := func(count int, action, resource string) object {
		var all []any
		for range count {
			all = append(all, allow(action, resource, nil)["Statement"].([]any)...)
		}
		return object{"Statement": all}
	}
	conditions := func(count int) object {
		tags := object{}
		for i := range count {
			tags[fmt.Sprintf("aws:PrincipalTag/t%d", i)] = "x"
		}
		return object{"Condition": object{"StringEquals": tags}}
	}
	principals := func(count int) object {
		return object{"Principal": object{"AWS": repeated(count, "arn:aws:iam::222222222222:user/u-%d")}}
	}
	const topicARN = "arn:aws:sns:us-east-1:111111111111:news"
	for page, quotas := range map[string]map[string]struct {
		on, property string
		most         int
		policy       func(count int) any
	}{
		"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html": {
			"a managed policy":  {"AWS::IAM::ManagedPolicy", "PolicyDocument", 6144, func(n int) any { return sized("s3:*", "*", nil, n) }},
			"a role's policies": {role, "Policies", 10240, func(n int) any { return []any{object{"PolicyDocument": sized("s3:*", "*", nil, n)}} }},
			"a role's trust": {role, "AssumeRolePolicyDocument", 2048, func(n int) any {
				trust := sized("sts:AssumeRole", "*", object{"Service": "lambda.amazonaws.com"}, n+len(`"Resource":"*",`))
				delete(trust["Statement"].([]any)[0].(object), "Resource")
				return trust
			}},
			"a role's managed policies": {role, "ManagedPolicyArns", 10, func(n int) any { return repeated(n, "arn:aws:iam::aws:policy/p%d") }},
		},
		"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html": {
			"bytes":                 {"AWS::SQS::QueuePolicy", "PolicyDocument", 8192, func(n int) any { return sized("sqs:SendMessage", "*", "*", n) }},
			"statements":            {"AWS::SQS::QueuePolicy", "PolicyDocument", 20, func(n int) any { return many(n, "sqs:SendMessage", "*") }},
			"principals":            {"AWS::SQS::QueuePolicy", "PolicyDocument", 50, func(n int) any { return allow("sqs:SendMessage", "*", principals(n)) }},
			"conditions":            {"AWS::SQS::QueuePolicy", "PolicyDocument", 10, func(n int) any { return allow("sqs:SendMessage", "*", conditions(n)) }},
			"actions per statement": {"AWS::SQS::QueuePolicy", "PolicyDocument", 7, func(n int) any { return allow("", "*", object{"Action": repeated(n, "sqs:Action%d")}) }},
		},
		"https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html#sns-policy-quotas": {
			"bytes":      {"AWS::SNS::TopicPolicy", "PolicyDocument", 30 * 1024, func(n int) any { return sized("sns:Publish", topicARN, "*", n) }},
			"statements": {"AWS::SNS::TopicPolicy", "PolicyDocument", 100, func(n int) any { return many(n, "sns:Publish", topicARN) }},
			"principals": {"AWS::SNS::TopicPolicy", "PolicyDocument", 200, func(n int) any { return allow("sns:Publish", topicARN, principals(n)) }},
			"resources": {"AWS::SNS::TopicPolicy", "PolicyDocument", 1, func(n int) any {
				return allow("sns:Publish", "", object{"Resource": slices.Repeat([]any{topicARN}, n)})
			}},
		},
		"https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html": {
			"a bucket's policy": {"AWS::S3::BucketPolicy", "PolicyDocument", 20 * 1024, func(n int) any { return sized("s3:GetObject", "arn:aws:s3:::b/*", object{"AWS": "222222222222"}, n) }},
		},
		"https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html": {
			"a key's policy": {key, "KeyPolicy", 32 * 1024, func(n int) any {
				policy := sized("kms:Decrypt", "*", object{"Service": "sns.amazonaws.com"}, n)
				root := allow("kms:*", "*", object{"Principal": object{"AWS": "arn:aws:iam::111111111111:root"}})["Statement"].([]any)
				policy["Statement"] = append(policy["Statement"].([]any), root...)
				condition := policy["Statement"].([]any)[0].(object)["Condition"].(object)["StringLike"].(object)
				condition["aws:PrincipalTag/t"] = strings.Repeat("x", n-size(policy)+len(condition["aws:PrincipalTag/t"].(string)))
				return policy
			}},
		},
	} {
		for what, of := range quotas {
			for count, taken := range map[int]bool{of.most: true, of.most + 1: false} {
				refused := Create(nothing{}, &Resource{
					Type: of.on, Name: "x", Account: "111111111111", Region: "us-east-1", Partition: "aws",
					Properties: object{of.property: of.policy(count), "Topics": []any{topicARN}, "Bucket": "b"},
				})
				assert.Equal(t, taken, refused == nil, "%s, %d: %v (%s)", what, count, refused, page)
			}
		}
	}
}

// https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
// https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html
// The third is what AWS was seen to refuse: https://github.com/localstack/localstack/blob/main/tests/aws/services/sns/test_sns_filter_policy.py
func TestTheCombinationsOfAFilterAreThoseOfAWSsPages(t *testing.T) {
	for filter, want := range map[string]struct{ keys, combinations int }{
		`{"key_a": ["1", "2", "3"], "key_b": ["1"], "key_c": ["1", "2"]}`:                                                                           {3, 6},
		`{"key_a": {"key_b": {"key_c": ["1", "2", "3", "4"]}}, "key_d": {"key_e": ["1", "2", "3"]}}`:                                                {2, 72},
		`{"key_a": {"key_b": {"key_c": ["1", "2", "3", "4"]}}, "key_d": {"key_e": ["1", "2", "3"]}, "key_f": ["1", "2", "3"]}`:                      {3, 216},
		`{"source": ["cw"], "$or": [{"metricName": ["a", "b"]}, {"metricType": ["m"], "$or": [{"metricId": [1, 2]}, {"spaceId": [1, 2, 3]}]}]}`:     {5, 7},
		`{"$or": [{"metricName": ["a", "b"]}, {"namespace": ["c", "d"]}], "detail": {"scope": ["s"], "$or": [{"source": ["x"]}, {"type": ["y"]}]}}`: {5, 32},
	} {
		var read object
		require.NoError(t, json.Unmarshal([]byte(filter), &read), filter)
		keys, combinations := filterSums(read, 1)
		assert.Equal(t, want, struct{ keys, combinations int }{keys, combinations}, filter)
		assert.Equal(t, combinations > 150, filterPolicy(read, true) != "", filter)
	}
	for number, taken := range map[string]bool{"1000000000": true, "-1000000000": true, "1000000000.5": false, "-1000000001": false, "0.12345": true} {
		var read object
		require.NoError(t, json.Unmarshal([]byte(`{"total": [{"numeric": ["<", `+number+`]}]}`), &read))
		assert.Equal(t, taken, filterPolicy(read, false) == "", number)
	}
}

// https://docs.aws.amazon.com/cli/latest/reference/dax/describe-parameters.html
// https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
func TestTimesToLiveAndDisplayNamesHaveTheirLimitsInMillisecondsAndCharacters(t *testing.T) {
	for millis, taken := range map[string]bool{"0": true, "2592000000": true, "-1": false, "soon": false} { // 30 days
		refused := Create(nothing{}, &Resource{Type: "AWS::DAX::ParameterGroup", Properties: object{"ParameterNameValues": object{"record-ttl-millis": millis}}})
		assert.Equal(t, taken, refused == nil, "%s ms", millis)
	}
	for count, taken := range map[int]bool{100: true, 101: false} {
		refused := Create(nothing{}, &Resource{Type: topic, Name: "t", Properties: object{"DisplayName": strings.Repeat("ü", count)}})
		assert.Equal(t, taken, refused == nil, "%d characters of two bytes", count)
	}
}
