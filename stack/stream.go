package stack

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// StartPosition is where a function begins to read a stream when its trigger is new.
type StartPosition string

// The positions to start at.
const (
	StartOldest StartPosition = "TRIM_HORIZON" // with the oldest change that the stream still holds
	StartLatest StartPosition = "LATEST"       // with changes after the deploy; those of its minutes may be missed
)

// StreamConfig says how a function reads a table's stream. The changes of one item come in order.
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
type StreamConfig struct {
	// Start is where the function begins. It matters only when the trigger is new. Default: [StartOldest].
	Start StartPosition

	// BatchSize is how many changes one invocation gets at most, 1 to 10000, and at most 6 MB. Default: 100.
	BatchSize int

	// Window is how long Lambda waits for a batch to fill, in whole seconds, at most 5 minutes. Default: not
	// at all.
	Window time.Duration

	// Bisect halves a batch that fails, so that one bad change does not hold up the others. Default: the
	// batch is tried again as it is.
	Bisect bool

	// Retries is how often a batch that fails is tried again, 1 to 10000; -1 is never. What is given up
	// goes to OnFailure, or is lost. Default: until its changes are too old.
	Retries int

	// MaxAge is how old a change may be, in whole seconds, 1 minute to 24 hours. Older ones go to OnFailure,
	// or are lost. Default: as long as the stream holds them, 24 hours.
	MaxAge time.Duration

	// Parallel is how many batches of one shard run at once, 1 to 10; the changes of one item stay in
	// order. Default: 1.
	Parallel int

	// WholeBatches tries a whole batch again where the handler reports that some changes failed. Default:
	// from the first that the handler names as failed (batchItemFailures); none where it names none and
	// returns no error. https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
	WholeBatches bool

	// OnFailure gets where in the stream the batches stand that were given up; a [Bucket] gets the changes
	// too. Default: nobody.
	OnFailure FailureDestination

	// Filters select changes, where any of up to five matches, such as {"eventName": ["INSERT"]}; the others
	// are passed over. Default: every change.
	// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
	Filters []Pattern

	// Override changes the trigger's properties just before it is made. Default: none.
	Override func(*awslambda.CfnEventSourceMappingProps)
}

// FailureDestination takes what a trigger has given up: a queue, a topic or a bucket.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type FailureDestination interface {
	Handle
	String() string

	// takeFailures lets a function send there, and is the destination's ARN.
	takeFailures(from *Function) *string

	// ordered tells that it is FIFO, to which Lambda cannot send.
	ordered() bool
}

func (c StreamConfig) validate() *ConfigError {
	switch {
	case c.Start != "" && c.Start != StartOldest && c.Start != StartLatest:
		return &ConfigError{Field: "Start", Got: fmt.Sprintf("%q", c.Start), Want: "stack.StartOldest or StartLatest", Fix: "write stack.StartLatest, or leave it out"}
	case len(c.Filters) > 5:
		return &ConfigError{Field: "Filters", Got: strconv.Itoa(len(c.Filters)), Want: "at most 5", Fix: "join some of them"}
	}
	for _, filter := range c.Filters {
		if problem := filter.validate("Filters", lambdaFilter); problem != nil {
			return problem
		}
	}
	return nil
}

// props maps the config to the resource's.
func (c StreamConfig) props() *awslambda.CfnEventSourceMappingProps {
	start := c.Start
	if start == "" {
		start = StartOldest
	}
	props := &awslambda.CfnEventSourceMappingProps{StartingPosition: jsiiconv.String(string(start))}
	if c.BatchSize != 0 {
		props.BatchSize = jsiiconv.Number(c.BatchSize)
	}
	if c.Window != 0 {
		props.MaximumBatchingWindowInSeconds = jsiiconv.Number(int(c.Window.Seconds()))
	}
	if c.Bisect {
		props.BisectBatchOnFunctionError = jsiiconv.Bool(true)
	}
	switch {
	case c.Retries > 0:
		props.MaximumRetryAttempts = jsiiconv.Number(c.Retries)
	case c.Retries < 0:
		props.MaximumRetryAttempts = jsiiconv.Number(0)
	}
	if c.MaxAge != 0 {
		props.MaximumRecordAgeInSeconds = jsiiconv.Number(int(c.MaxAge.Seconds()))
	}
	if c.Parallel != 0 {
		props.ParallelizationFactor = jsiiconv.Number(c.Parallel)
	}
	if !c.WholeBatches {
		props.FunctionResponseTypes = jsiiconv.Strings("ReportBatchItemFailures")
	}
	if len(c.Filters) > 0 {
		filters := make([]any, len(c.Filters))
		for i, filter := range c.Filters {
			filters[i] = &awslambda.CfnEventSourceMapping_FilterProperty{Pattern: jsiiconv.String(filter.String())}
		}
		props.FilterCriteria = &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{Filters: &filters}
	}
	return props
}

// StreamTo has a function read the table's stream: it is invoked with batches of changes
// (events.DynamoDBEvent), and may read this stream and nothing else of the table. Where the stage does not
// have the table, or the function, there is no trigger. A table without Stream is refused, as is whatever
// else is a mistake, by a panic with a [*ConfigError].
func (t *Table) StreamTo(fn *Function, config StreamConfig) {
	at := stages.Caller()
	both := fn.triggeredBy(t.component, at, config, config.validate(), true)
	if t.config.Stream == "" {
		t.refusal("https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html", at, "Stream", fmt.Sprintf("none, while %s reads it", fn), wantedStreamViews, "write Stream: stack.StreamNewAndOld in the table's config")
	}
	if !both {
		return
	}
	props := config.props()
	props.EventSourceArn, props.FunctionName = t.L2.TableStreamArn(), fn.invoked().FunctionArn()
	fn.allow(statement{actions: streamRead, resources: []*string{t.L2.TableStreamArn()}})
	if t.key != nil {
		fn.allow(statement{actions: keyRead, resources: []*string{t.key.KeyArn()}, via: "dynamodb"})
	}
	if to := config.OnFailure; to != nil {
		if !to.Present() {
			t.fault(at, "OnFailure", to.String()+", which some stage that has the table and "+fn.String()+" does not have",
				"a component of every such stage", "give all three the same Stages")
		}
		if to.ordered() {
			t.refusal("https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html", at, "OnFailure", fmt.Sprintf("FIFO %s, to which Lambda cannot send", to), "a standard one", "leave out FIFO there, or write another")
		}
		props.DestinationConfig = &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: to.takeFailures(fn)},
		}
	}
	if config.Override != nil {
		config.Override(props)
	}
	awslambda.NewCfnEventSourceMapping(fn.siblings, jsiiconv.String("From-"+t.id), props)
}

func (q *Queue) takeFailures(from *Function) *string {
	from.allow(statement{actions: queueSend, resources: []*string{q.L2.QueueArn()}})
	return q.L2.QueueArn()
}

func (q *Queue) ordered() bool { return q.config.FIFO }

func (t *Topic) takeFailures(from *Function) *string {
	t.allowPublish(from)
	return t.L2.TopicArn()
}

func (t *Topic) ordered() bool { return t.config.FIFO }

// takeFailures writes an object for each batch.
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
func (b *Bucket) takeFailures(from *Function) *string {
	for _, st := range b.statements(bucketList, objectWrite, bucketKeyWrite) {
		from.allow(st)
	}
	return b.L2.BucketArn()
}

func (b *Bucket) ordered() bool { return false }
