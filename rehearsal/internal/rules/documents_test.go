package rules

import (
	"encoding/json"
	"iter"
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

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
func TestPoliciesAreHeldToTheQuotasOfAWSsPages(t *testing.T) {
	sized := func(bytes int) object {
		empty := size(object{"Statement": []any{object{"Effect": "Allow", "Action": "s3:*", "Resource": ""}}})
		return object{"Statement": []any{object{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::" + strings.Repeat("b", bytes-empty-len("arn:aws:s3:::"))}}}
	}
	for bytes, taken := range map[int]bool{6144: true, 6145: false} {
		refused := Create(nothing{}, &Resource{Type: "AWS::IAM::ManagedPolicy", Properties: object{"PolicyDocument": sized(bytes)}})
		assert.Equal(t, taken, refused == nil, "a managed policy of %d", bytes)
	}
	for bytes, taken := range map[int]bool{10240: true, 10241: false} {
		refused := Create(nothing{}, &Resource{Type: role, Properties: object{"Policies": []any{object{"PolicyDocument": sized(bytes)}}}})
		assert.Equal(t, taken, refused == nil, "a role's policies of %d", bytes)
	}
	for count, taken := range map[int]bool{20: true, 21: false} {
		statements := make([]any, count)
		for i := range statements {
			statements[i] = object{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
		}
		refused := Create(nothing{}, &Resource{Type: "AWS::SQS::QueuePolicy", Properties: object{"PolicyDocument": object{"Statement": statements}}})
		assert.Equal(t, taken, refused == nil, "%d statements", count)
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
