package stack

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"

	"github.com/roadshow-go/roadshow/stages"
)

// tierRetention is what a tier does to what has state. docs/tiers.md is this table for people.
type tierRetention struct {
	// data is what happens to tables and buckets, their keys, and to whatever else holds data that nobody can make again.
	data awscdk.RemovalPolicy
	// messages is what happens to queues, and to what they hold.
	messages awscdk.RemovalPolicy
	// logs is what happens to log groups.
	logs awscdk.RemovalPolicy
	// logRetention is how long a log event is kept.
	logRetention awslogs.RetentionDays
	// backup keeps a table restorable to any second of its last 35 days.
	backup bool
	// versions keeps what is overwritten or deleted in a bucket.
	versions bool
	// guard makes AWS refuse to delete a table, and CloudFormation to delete the stack.
	guard bool
}

// tierRetentions holds one row for each tier. Retained data is retained except on create, so that a first
// deploy that fails can be repeated: what it made half way is removed again.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
var tierRetentions = map[stages.Tier]tierRetention{
	stages.Sandbox: {
		data: awscdk.RemovalPolicy_DESTROY, messages: awscdk.RemovalPolicy_DESTROY, logs: awscdk.RemovalPolicy_DESTROY, logRetention: awslogs.RetentionDays_ONE_WEEK,
	},
	stages.Standard: {
		data: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE, messages: awscdk.RemovalPolicy_DESTROY, logs: awscdk.RemovalPolicy_DESTROY,
		logRetention: awslogs.RetentionDays_ONE_MONTH, backup: true, versions: true,
	},
	stages.Protected: {
		data: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE, messages: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE,
		logs:         awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE,
		logRetention: awslogs.RetentionDays_ONE_YEAR, backup: true, versions: true, guard: true,
	},
}

// alarmThresholds is what a tier wants to be told of: the thresholds of alarms that have none of their own.
// Zero is no alarm. docs/tiers.md is this table for people.
type alarmThresholds struct {
	// errors, throttles and serverErrors are how many within a period are too many.
	errors, throttles, serverErrors int
	// oldest is how long a message may wait.
	oldest time.Duration
}

// tierAlarms holds one row for each tier.
var tierAlarms = map[stages.Tier]alarmThresholds{
	stages.Sandbox:   {},
	stages.Standard:  {errors: 5, serverErrors: 5, oldest: time.Hour},
	stages.Protected: {errors: 1, throttles: 1, serverErrors: 1, oldest: 15 * time.Minute},
}
