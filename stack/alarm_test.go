package stack_test

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/stretchr/testify/assert"

	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func init() {
	settings = append(settings, setting{
		zero: stack.AlarmConfig{Threshold: 3},
		make: func(s *stack.Stack, config any) {
			watching := config.(stack.AlarmConfig)
			if fn := stack.NewFunction(s, "f", code()); reflect.ValueOf(watching.On).IsZero() {
				watching.On = fn.Errors()
			}
			stack.NewAlarm(s, "a", watching)
		},
		values: map[string]any{
			"On":     componentValue(func(s *stack.Stack) any { return stack.NewQueue(s, "q", stack.QueueConfig{}).OldestMessage() }),
			"Stages": stages.Only(production), "Threshold": 7, "Period": time.Minute, "Periods": 3,
			"Topic":   componentValue(func(s *stack.Stack) any { return stack.NewTopic(s, "told", stack.TopicConfig{}) }),
			"Actions": []string{told}, "Description": "x", "Name": "other", "Revision": 2,
			"Override": func(props *awscloudwatch.AlarmProps) { props.AlarmDescription = text("x") },
		},
	})
}

const told = "arn:aws:sns:us-east-1:111111111111:alarms"

// watched is an alarm on each metric that there is.
func watched(s *stack.Stack) {
	fn := stack.NewFunction(s, "get", code())
	stack.NewAlarm(s, "get-errors", stack.AlarmConfig{On: fn.Errors()})
	stack.NewAlarm(s, "get-throttles", stack.AlarmConfig{On: fn.Throttles()})
	stack.NewAlarm(s, "orders-oldest", stack.AlarmConfig{On: stack.NewQueue(s, "orders", stack.QueueConfig{}).OldestMessage()})
	stack.NewAlarm(s, "api-errors", stack.AlarmConfig{On: stack.NewHTTPAPI(s, "api", stack.HTTPAPIConfig{}).ServerErrors()})
}

func TestAnAlarmWatchesTheMetricOfItsComponent(t *testing.T) {
	template := stacktest.Synth(t, app(watched), production)
	for id, want := range map[string]map[string]any{
		"get-errors": {
			"Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistic": "Sum",
			"Dimensions":       []any{map[string]any{"Name": "FunctionName", "Value": map[string]any{"Ref": template.Resource(t, "AWS::Lambda::Function", "get").LogicalID}}},
			"AlarmDescription": `errors of function "get"`, "AlarmName": "production-shop-get-errors",
		},
		"get-throttles": {"Namespace": "AWS/Lambda", "MetricName": "Throttles", "Statistic": "Sum"},
		"orders-oldest": {"Namespace": "AWS/SQS", "MetricName": "ApproximateAgeOfOldestMessage", "Statistic": "Maximum", "Threshold": 900.0},
		"api-errors": {
			"Namespace": "AWS/ApiGateway", "MetricName": "5xx", "Statistic": "Sum", "Threshold": 1.0, "Period": 300.0, "EvaluationPeriods": 1.0,
			"Dimensions":         []any{map[string]any{"Name": "ApiId", "Value": map[string]any{"Ref": template.Resource(t, "AWS::ApiGatewayV2::Api", "api").LogicalID}}},
			"ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
		},
	} {
		alarm := template.Resource(t, "AWS::CloudWatch::Alarm", id).Properties
		for property, value := range want {
			assert.Equal(t, value, alarm[property], "%s.%s", id, property)
		}
		assert.NotContains(t, alarm, "AlarmActions")
	}
}

func TestAnAlarmExistsWhereItsTierHasAThresholdOrItsConfig(t *testing.T) {
	for stage, want := range map[stages.Stage]int{dev: 0, staging: 3, production: 4} {
		assert.Len(t, stacktest.Synth(t, app(watched), stage).Resources("AWS::CloudWatch::Alarm"), want, stage.Name)
	}
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		stack.NewAlarm(s, "get-errors", stack.AlarmConfig{On: stack.NewFunction(s, "get", code()).Errors(), Threshold: 20})
	}), dev)
	assert.Equal(t, 20.0, template.Resource(t, "AWS::CloudWatch::Alarm", "get-errors").Properties["Threshold"])
}

func TestAnAlarmFollowsWhatItWatches(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		absent := code()
		absent.Stages = stages.Except(production)
		alarm := stack.NewAlarm(s, "get-errors", stack.AlarmConfig{On: stack.NewFunction(s, "get", absent).Errors()})
		assert.False(t, alarm.Present())
		alarm.With(func(awscloudwatch.Alarm) { t.Error("With reached an alarm that is not there") })
		_, ok := stack.L1[awscloudwatch.CfnAlarm](alarm)
		assert.False(t, ok)
	}), production)
	assert.Empty(t, template.Resources("AWS::CloudWatch::Alarm"))
}

func TestAnAlarmTellsItsTopicAndTheTopicLetsIt(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		alarms := stack.NewTopic(s, "alarms", stack.TopicConfig{})
		stack.NewAlarm(s, "get-errors", stack.AlarmConfig{On: stack.NewFunction(s, "get", code()).Errors(), Topic: alarms, Actions: []string{told}})
	}), production)
	topic := map[string]any{"Ref": template.Resource(t, "AWS::SNS::Topic", "alarms").LogicalID}
	alarm := template.Resource(t, "AWS::CloudWatch::Alarm", "get-errors")
	assert.Equal(t, []any{topic, told}, alarm.Properties["AlarmActions"])
	policy := template.Resource(t, "AWS::SNS::TopicPolicy", "alarms").Properties["PolicyDocument"].(map[string]any)
	assert.Contains(t, policy["Statement"], map[string]any{
		"Effect": "Allow", "Action": "sns:Publish", "Resource": topic, "Principal": map[string]any{"Service": "cloudwatch.amazonaws.com"}, "Sid": "1",
		"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": map[string]any{"Fn::GetAtt": []any{alarm.LogicalID, "Arn"}}}},
	})
}

func TestAnAlarmDoesNotTellATopicThatItsStageLacks(t *testing.T) {
	err := refusal(t, production, func(s *stack.Stack) {
		alarms := stack.NewTopic(s, "alarms", stack.TopicConfig{Stages: stages.Except(production)})
		stack.NewAlarm(s, "get-errors", stack.AlarmConfig{On: stack.NewFunction(s, "get", code()).Errors(), Topic: alarms})
	})
	assert.Equal(t, `stack/alarm_test.go:LINE: alarm "get-errors": Topic is topic "alarms", which some stage that has the alarm does not have; `+
		`it must be a topic of every stage that has the alarm. Give both the same Stages.`, withoutLines(err.Error()))
}

func TestWrongAlarmConfigsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*stack.AlarmConfig)
		want   string
	}{
		"nothing to watch":     {func(c *stack.AlarmConfig) { *c = stack.AlarmConfig{} }, `On is missing; it must be a metric of a component. Write On: fn.Errors() or the like.`},
		"a negative threshold": {func(c *stack.AlarmConfig) { c.Threshold = -1 }, `Threshold is -1; it must be 1 and above, at most 9007199254740992. Leave it out for the tier's.`},
		"a period of seconds":  {func(c *stack.AlarmConfig) { c.Period = 30 * time.Second }, `Period is 30s; it must be 1m to 24h in whole minutes. Write Period: 5 * time.Minute, or leave it out.`},
		"a negative period":    {func(c *stack.AlarmConfig) { c.Period = -time.Minute }, `Period is -1m0s; it must be 1m to 24h in whole minutes. Write Period: 5 * time.Minute, or leave it out.`},
		"a period above a day": {func(c *stack.AlarmConfig) { c.Period = 25 * time.Hour }, `Period is 25h0m0s; it must be 1m to 24h in whole minutes. Write Period: 5 * time.Minute, or leave it out.`},
		"negative periods":     {func(c *stack.AlarmConfig) { c.Periods = -1 }, `Periods is -1; it must be 1 to 10080. Write Periods: 3, or leave it out.`},
		"periods above a week": {
			func(c *stack.AlarmConfig) { c.Period, c.Periods = 24*time.Hour, 8 }, `Periods is 8 of 24h0m0s; it must be at most 168h together. Write fewer or shorter ones.`,
		},
		"too many actions": {func(c *stack.AlarmConfig) { c.Actions = make([]string, 6) }, `Actions is 6, with Topic; it must be at most 5. Have a topic tell the others.`},
		"an action that is no ARN": {
			func(c *stack.AlarmConfig) { c.Actions = []string{"alarms"} }, `Actions is "alarms"; it must be an ARN, and be there only once. Write Actions: []string{"arn:aws:sns:us-east-1:123456789012:alarms"}.`,
		},
		"an action twice": {
			func(c *stack.AlarmConfig) { c.Actions = []string{told, told} }, `Actions is "` + told + `"; it must be an ARN, and be there only once. Write Actions: []string{"arn:aws:sns:us-east-1:123456789012:alarms"}.`,
		},
		"a description above the limit": {func(c *stack.AlarmConfig) { c.Description = strings.Repeat("x", 1025) }, `Description is 1025 characters; it must be at most 1024. Shorten it.`},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) {
				config := stack.AlarmConfig{On: stack.NewFunction(s, "get", code()).Errors()}
				tt.change(&config)
				stack.NewAlarm(s, "get-errors", config)
			})
			assert.Equal(t, `stack/alarm_test.go:LINE: alarm "get-errors": `+tt.want, withoutLines(err.Error()))
		})
	}
	t.Run("a FIFO topic", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) {
			fifo := stack.NewTopic(s, "alarms", stack.TopicConfig{FIFO: true})
			stack.NewAlarm(s, "get-errors", stack.AlarmConfig{On: stack.NewFunction(s, "get", code()).Errors(), Topic: fifo})
		})
		assert.Equal(t, `stack/alarm_test.go:LINE: alarm "get-errors": Topic is FIFO topic "alarms"; it must be a standard topic: CloudWatch knows no groups of messages. Leave out its FIFO.`,
			withoutLines(err.Error()))
	})
}

// threshold is an alarm's, or "none" where there is no such alarm.
func threshold(template *stacktest.Template, id string) string {
	for _, alarm := range template.Resources("AWS::CloudWatch::Alarm") {
		if strings.HasPrefix(alarm.LogicalID, strings.ReplaceAll(id, "-", "")) {
			return strconv.Itoa(int(alarm.Properties["Threshold"].(float64)))
		}
	}
	return "none"
}
