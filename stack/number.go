package stack

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// numberRule is what one numeric field of a config may be. Zero is always allowed there: it leaves the field out.
type numberRule struct {
	least, most int64
	// step is what a time must be a multiple of; zero for a plain number.
	step time.Duration
	// unit follows the range in words, such as "MiB".
	unit string
	// write is a value to write instead, as Go code; fix replaces the whole advice, where that is not enough.
	write, fix string
	// docs is AWS's page that states the range.
	docs string
}

// What no page limits is limited by what carries it: an integer of AWS's interfaces, or the whole numbers that the
// JSON of a template carries exactly.
const (
	mostInteger = math.MaxInt32
	mostExact   = 1 << 53
	mostDays    = math.MaxInt64 / int64(day) * int64(day)
	mostMinutes = math.MaxInt64 / int64(time.Minute) * int64(time.Minute)
	mostSeconds = mostInteger * int64(time.Second)
)

// numbers has a row for each numeric field of each config, by type and field. A test finds fields without one.
var numbers = map[string]numberRule{
	"AlarmConfig.Threshold": integer(1, mostExact, "", "", "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html").advice("leave it out for the tier's"),
	"AlarmConfig.Period":    span(time.Minute, maxPeriod, time.Minute, "5 * time.Minute", "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"),
	"AlarmConfig.Periods":   integer(1, int64(maxWatched/time.Minute), "", "3", "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"),

	"AsyncConfig.Retries": integer(1, 2, "", "1", "https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html"),
	"AsyncConfig.MaxAge":  span(time.Minute, 6*time.Hour, time.Second, "time.Hour", "https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html"),

	"BucketConfig.OldVersions": span(day, time.Duration(mostDays), day, "30 * 24 * time.Hour", "https://docs.aws.amazon.com/AmazonS3/latest/API/API_NoncurrentVersionExpiration.html"),
	"LifecycleConfig.Expire":   span(day, time.Duration(mostDays), day, "30 * 24 * time.Hour", "https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleExpiration.html"),
	"TransitionConfig.After":   span(day, time.Duration(mostDays), day, "30 * 24 * time.Hour", "https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html"),
	"BucketCORSConfig.MaxAge":  span(time.Second, time.Duration(mostSeconds), time.Second, "time.Hour", "https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSRule.html"),

	"CORSConfig.MaxAge":            span(time.Second, 24*time.Hour, time.Second, "time.Hour", "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html"),
	"LambdaAuthorizerConfig.Cache": span(time.Second, time.Hour, time.Second, "5 * time.Minute", "https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html"),
	"ThrottleConfig.Rate":          integer(1, mostInteger, "requests per second", "100", "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html"),
	"ThrottleConfig.Burst":         integer(1, mostInteger, "requests", "200", "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html"),

	"EventPattern.Retries": integer(1, 185, "", "10", "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html"),
	"EventPattern.MaxAge":  span(time.Minute, 24*time.Hour, time.Second, "time.Hour", "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html"),

	"MaxRequestsConfig.Read":  integer(1, maxUnits, "units per second", "1000", "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"),
	"MaxRequestsConfig.Write": integer(1, maxUnits, "units per second", "1000", "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"),
	"CapacityConfig.Min":      integer(1, maxUnits, "units", "5", "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"),
	"CapacityConfig.Max":      integer(1, maxUnits, "units", "50", "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html"),
	"CapacityConfig.Target":   integer(20, 90, "percent", "70", "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/AutoScaling.html"),
	"DAXConfig.Nodes":         integer(1, 11, "", "3", "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_dax_CreateCluster.html"),
	"DAXConfig.ItemTTL":       span(time.Millisecond, maxTTL, time.Millisecond, "5 * time.Minute", "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.cluster-management.html"),
	"DAXConfig.QueryTTL":      span(time.Millisecond, maxTTL, time.Millisecond, "5 * time.Minute", "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DAX.cluster-management.html"),

	"FunctionConfig.Memory":                 integer(128, 10240, "MiB", "256", "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"),
	"FunctionConfig.Timeout":                span(time.Second, 15*time.Minute, time.Second, "10 * time.Second", "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"),
	"FunctionConfig.EphemeralStorage":       integer(512, 10240, "MiB", "1024", "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"),
	"FunctionConfig.ReservedConcurrency":    integer(1, mostInteger, "", "10", "https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html"),
	"FunctionConfig.ProvisionedConcurrency": integer(1, mostInteger, "", "2", "https://docs.aws.amazon.com/lambda/latest/api/API_PutProvisionedConcurrencyConfig.html"),

	"NetworkConfig.Zones":       integer(1, maxZones, "", "2", "https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html"),
	"NetworkConfig.NATGateways": integer(1, maxZones, "gateways, one for each zone", "1", "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html"),
	"NetworkConfig.Ports":       integer(1, 65535, "", "", "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html").advice("write Ports: []int{5432}, or leave it out"),

	"QueueConfig.VisibilityTimeout": span(time.Second, 12*time.Hour, time.Second, "time.Minute", "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"),
	"QueueConfig.Retention":         span(time.Minute, keptRetention, time.Second, "24 * time.Hour", "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"),
	"QueueConfig.Delay":             span(time.Second, 15*time.Minute, time.Second, "time.Minute", "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html"),
	"QueueConfig.MaxReceives":       integer(1, 1000, "", "5", "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"),

	"QueueTriggerConfig.BatchSize":      integer(1, 10000, "", "10", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"),
	"QueueTriggerConfig.Window":         span(time.Second, 5*time.Minute, time.Second, "time.Second", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"),
	"QueueTriggerConfig.MaxConcurrency": integer(2, 1000, "", "10", "https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html"),

	"ScheduleConfig.Rate":    span(time.Minute, time.Duration(mostMinutes), time.Minute, "", "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html").advice("write Rate: time.Hour"),
	"ScheduleConfig.Window":  span(time.Minute, 24*time.Hour, time.Minute, "15 * time.Minute", "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_FlexibleTimeWindow.html"),
	"ScheduleConfig.Retries": integer(1, 185, "", "10", "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html"),
	"ScheduleConfig.MaxAge":  span(time.Minute, 24*time.Hour, time.Second, "time.Hour", "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html"),

	"SecretConfig.Generate": integer(12, 4096, "characters", "32", "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html").advice("write Generate: 32, or leave it out to set the value by hand"),

	"StreamConfig.BatchSize": integer(1, 10000, "", "100", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"),
	"StreamConfig.Window":    span(time.Second, 5*time.Minute, time.Second, "time.Second", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"),
	"StreamConfig.Retries":   integer(-1, 10000, "", "10", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"),
	"StreamConfig.MaxAge":    span(time.Minute, 24*time.Hour, time.Second, "time.Hour", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"),
	"StreamConfig.Parallel":  integer(1, 10, "", "2", "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"),
}

// integer is a row of plain numbers.
func integer(least, most int64, unit, write, docs string) numberRule {
	return numberRule{least: least, most: most, unit: unit, write: write, docs: docs}
}

// span is a row of times.
func span(least, most, step time.Duration, write, docs string) numberRule {
	return numberRule{least: int64(least), most: int64(most), step: step, write: write, docs: docs}
}

// advice replaces what a row says to write.
func (n numberRule) advice(fix string) numberRule {
	n.fix = fix
	return n
}

// takes tells whether a field may have the value.
func (n numberRule) takes(value int64) bool {
	return value == 0 || value >= n.least && value <= n.most && (n.step == 0 || value%int64(n.step) == 0)
}

// fault is that a field has a value that it may not have.
func (n numberRule) fault(path, field string, value int64) *ConfigError {
	problem := &ConfigError{Field: path, Got: strconv.FormatInt(value, 10), Want: n.wanted(), Fix: n.fix, Docs: n.docs}
	if n.step != 0 {
		problem.Got = time.Duration(value).String()
	}
	if problem.Fix == "" {
		problem.Fix = fmt.Sprintf("write %s: %s, or leave it out", field, n.write)
	}
	return problem
}

// wanted is the range in words.
func (n numberRule) wanted() string {
	if n.step == 0 {
		text := fmt.Sprintf("%d to %d", n.least, n.most)
		if n.most == mostInteger || n.most == mostExact {
			text = fmt.Sprintf("%d and above, at most %d", n.least, n.most)
		}
		if n.least < 0 {
			text = fmt.Sprintf("1 to %d, or %d for none", n.most, n.least)
		}
		if n.unit != "" {
			text += " " + n.unit
		}
		return text
	}
	whole := map[time.Duration]string{time.Millisecond: "milliseconds", time.Second: "seconds", time.Minute: "minutes", day: "days"}[n.step]
	if n.most == mostDays || n.most == mostMinutes || n.most == mostSeconds {
		return fmt.Sprintf("whole %s, at least one", whole)
	}
	return fmt.Sprintf("%s to %s in whole %s", plainTime(time.Duration(n.least)), plainTime(time.Duration(n.most)), whole)
}

// plainTime is a time as short as it can be read: 15m, not 15m0s.
func plainTime(value time.Duration) string {
	switch {
	case value%time.Hour == 0:
		return fmt.Sprintf("%dh", value/time.Hour)
	case value%time.Minute == 0:
		return fmt.Sprintf("%dm", value/time.Minute)
	}
	return value.String()
}
