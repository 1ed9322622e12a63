package stack

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// Metric is what an alarm watches, made by a component: [Function.Errors], [Function.Throttles],
// [Queue.OldestMessage], [HTTPAPI.ServerErrors]. The zero value is no metric.
type Metric struct {
	of        granted
	what      string // as the alarm's description says it
	namespace string
	name      string
	statistic string
	// dimensions tell the component from others; asked only where it is present.
	dimensions func() map[string]*string
	// threshold is the tier's.
	threshold func(alarmThresholds) int
}

// Errors counts the invocations that failed.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (fn *Function) Errors() Metric {
	return fn.metric("errors", "Errors", func(v alarmThresholds) int { return v.errors })
}

// Throttles counts the invocations that were refused because too many ran.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (fn *Function) Throttles() Metric {
	return fn.metric("throttles", "Throttles", func(v alarmThresholds) int { return v.throttles })
}

func (fn *Function) metric(what, name string, threshold func(alarmThresholds) int) Metric {
	return Metric{
		of: fn, what: what, namespace: "AWS/Lambda", name: name, statistic: "Sum", threshold: threshold,
		dimensions: func() map[string]*string { return map[string]*string{"FunctionName": fn.L2.FunctionName()} },
	}
}

// OldestMessage is how many seconds the oldest message has waited.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
func (q *Queue) OldestMessage() Metric {
	return Metric{
		of: q, what: "age of the oldest message", namespace: "AWS/SQS", name: "ApproximateAgeOfOldestMessage", statistic: "Maximum",
		threshold:  func(v alarmThresholds) int { return int(v.oldest.Seconds()) },
		dimensions: func() map[string]*string { return map[string]*string{"QueueName": q.L2.QueueName()} },
	}
}

// ServerErrors counts the responses with status 500 and above.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
func (api *HTTPAPI) ServerErrors() Metric {
	return Metric{
		of: api, what: "server errors", namespace: "AWS/ApiGateway", name: "5xx", statistic: "Sum",
		threshold:  func(v alarmThresholds) int { return v.serverErrors },
		dimensions: func() map[string]*string { return map[string]*string{"ApiId": api.L2.ApiId()} },
	}
}

// AlarmConfig says what a CloudWatch alarm watches, and whom it tells. An alarm without a Threshold has
// its tier's (docs/tiers.md), and does not exist where the tier has none. It is paid by the month.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
type AlarmConfig struct {
	// On is what it watches, such as fn.Errors(). Where the stage does not have the component, it does not
	// have the alarm. Required.
	On Metric

	// Stages says which stages have the alarm, among those whose tier has a threshold. Default: every one.
	Stages stages.Selector

	// Threshold is the value that is too much, within one Period, 1 and above; seconds for the age of a
	// message. Default: the tier's.
	Threshold int

	// Period is what values are summed over: whole minutes, at most a day. Default: 5 minutes.
	Period time.Duration

	// Periods in a row must reach the threshold, 1 and above, at most 7 days together. Default: 1.
	Periods int

	// Topic is told when the alarm begins: a standard topic of every stage that has the alarm. Default: nobody.
	Topic *Topic

	// Actions are the ARNs of whatever else is to be told, such as the topic of an account that another
	// stack made, by a pick; with Topic at most 5. Default: none.
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
	Actions []string

	// Description for people, at most 1024 characters. Default: what it watches.
	Description string

	// Name is the alarm's own part of its physical name {stage}-{service}-{name}, or [Generated].
	// Default: the id.
	Name string

	// Revision, 2 and above, enters the physical name, so that CloudFormation can replace the alarm.
	// Default: none.
	Revision int

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awscloudwatch.AlarmProps)
}

const (
	defaultPeriod = 5 * time.Minute
	maxPeriod     = 24 * time.Hour
	maxWatched    = 7 * 24 * time.Hour
	maxActions    = 5
)

var actionARN = regexp.MustCompile(`^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:[a-z0-9]*:.+$`)

// watched is how far back an alarm can look: a week by periods of an hour and more, a day by shorter ones.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func watched(period time.Duration) time.Duration {
	if period < time.Hour {
		return day
	}
	return maxWatched
}

func (c AlarmConfig) validate() *ConfigError {
	switch {
	case c.On.of == nil:
		return &ConfigError{Field: "On", Got: "missing", Want: "a metric of a component", Fix: "write On: fn.Errors() or the like"}
	case c.period()*time.Duration(c.periods()) > watched(c.period()):
		return &ConfigError{
			Field: "Periods", Got: fmt.Sprintf("%d of %s", c.periods(), c.period()), Want: fmt.Sprintf("at most %s together", plainTime(watched(c.period()))),
			Fix: "write fewer or shorter ones",
		}
	case c.actions() > maxActions:
		return &ConfigError{Field: "Actions", Got: fmt.Sprintf("%d, with Topic", c.actions()), Want: "at most 5", Fix: "have a topic tell the others"}
	case c.Topic != nil && c.Topic.config.FIFO:
		return &ConfigError{Field: "Topic", Got: "FIFO " + c.Topic.String(), Want: "a standard topic: CloudWatch knows no groups of messages", Fix: "leave out its FIFO"}
	}
	for i, action := range c.Actions {
		if !actionARN.MatchString(action) || slices.Contains(c.Actions[:i], action) {
			return &ConfigError{
				Field: "Actions", Got: fmt.Sprintf("%q", action), Want: "an ARN, and be there only once", Fix: `write Actions: []string{"arn:aws:sns:us-east-1:123456789012:alarms"}`,
			}
		}
	}
	return nil
}

func (c AlarmConfig) actions() int {
	if c.Topic != nil {
		return len(c.Actions) + 1
	}
	return len(c.Actions)
}

func (c AlarmConfig) period() time.Duration {
	if c.Period == 0 {
		return defaultPeriod
	}
	return c.Period
}

func (c AlarmConfig) periods() int { return max(c.Periods, 1) }

// Alarm is a CloudWatch alarm, or knows that its stage has none.
type Alarm struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the alarm. [Alarm.With] asks first.
	L2 awscloudwatch.Alarm
}

// NewAlarm makes an alarm, where the stage has what it watches and a threshold for it. A mistake panics
// with a [*ConfigError].
func NewAlarm(s *Stack, id string, config AlarmConfig) *Alarm {
	alarm := &Alarm{component: s.begin("alarm", id, config.Stages, s.faultsIn(config, config.validate()))}
	name := s.record(alarm.component, stages.Alarm, config.Name, config.Revision)
	threshold := config.Threshold
	if threshold == 0 {
		threshold = config.On.threshold(tierAlarms[s.stage().Tier])
	}
	alarm.present = alarm.present && threshold > 0 && config.On.of.Present()
	if !alarm.present {
		return alarm
	}
	if config.Topic != nil && !config.Topic.present {
		alarm.fault(alarm.at, "Topic", config.Topic.String()+", which some stage that has the alarm does not have", "a topic of every stage that has the alarm",
			"give both the same Stages")
	}
	props := config.props(name, threshold)
	if config.Override != nil {
		config.Override(props)
	}
	alarm.L2 = awscloudwatch.NewAlarm(alarm.scope(), jsiiconv.String("Alarm"), props)
	l1 := alarm.L2.Node().DefaultChild().(awscloudwatch.CfnAlarm)
	var actions []*string
	if config.Topic != nil {
		config.Topic.publishedBy("cloudwatch.amazonaws.com", l1.AttrArn())
		actions = append(actions, config.Topic.L2.TopicArn())
	}
	for _, action := range config.Actions {
		actions = append(actions, jsiiconv.String(action))
	}
	if len(actions) > 0 {
		l1.SetAlarmActions(&actions)
	}
	return alarm
}

// props maps the config to the L2's.
func (c AlarmConfig) props(name string, threshold int) *awscloudwatch.AlarmProps {
	description := c.Description
	if description == "" {
		description = fmt.Sprintf("%s of %s", c.On.what, c.On.of)
	}
	dimensions := c.On.dimensions()
	return &awscloudwatch.AlarmProps{
		AlarmName: jsiiconv.String(name), AlarmDescription: jsiiconv.String(description),
		Metric: awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
			Namespace: jsiiconv.String(c.On.namespace), MetricName: jsiiconv.String(c.On.name), DimensionsMap: &dimensions,
			Statistic: jsiiconv.String(c.On.statistic), Period: seconds(c.period()),
		}),
		Threshold: jsiiconv.Number(threshold), EvaluationPeriods: jsiiconv.Number(c.periods()),
		ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
		// Nothing happened: nothing is wrong.
		TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING,
	}
}

// With reaches the L2 construct; it does nothing where the stage does not have the alarm.
func (alarm *Alarm) With(change func(awscloudwatch.Alarm)) *Alarm {
	if alarm.present {
		change(alarm.L2)
	}
	return alarm
}

func (alarm *Alarm) construct() constructs.IConstruct { return alarm.L2 }
