package stack

import (
	"fmt"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// AsyncConfig says what becomes of asynchronous invocations, those of topics, buses, schedules and
// buckets, that fail: they are tried again, and then kept in a queue.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
type AsyncConfig struct {
	// Retries after the first failure, 1 or 2. Default: 2.
	Retries int

	// NoRetries gives up after the first failure: for work that may not be done twice. Default: false.
	NoRetries bool

	// MaxAge is how long an event may wait and be retried, 1 minute to 6 hours, in whole seconds.
	// Default: 6 hours.
	MaxAge time.Duration

	// Failures is the queue that keeps events that could not be handled, together with the error. It may
	// not be a FIFO queue. Default: a queue of the function's own, <id>-failures, which keeps them 14 days.
	Failures *Queue
}

func (c AsyncConfig) validate() *ConfigError {
	if c.NoRetries && c.Retries != 0 {
		return &ConfigError{Field: "Async.NoRetries", Got: fmt.Sprintf("true, while Async.Retries is %d", c.Retries), Want: "the only one of the two", Fix: "leave the other out"}
	}
	return nil
}

// failures is where the events go that a function could not handle.
type failures struct {
	queue *Queue
	own   bool // the queue is the function's own
	made  bool
	// always tells that the function has it whatever triggers the function.
	always bool
}

// catchFailures says that events which the function cannot handle are to be kept. It is called whether or
// not the function is present; [failures.make] then makes what is needed. triggers are the components that ask
// for it, none is the function itself.
func (fn *Function) catchFailures(at stages.Position, triggers ...string) {
	fn.keepFailures(at)
	if !fn.failures.own {
		return
	}
	fn.failures.always = fn.failures.always || len(triggers) == 0
	fn.stack.ledger().Require(fn.failures.queue.id, func(entry *stages.Entry) {
		if entry.NeedsOne = append(entry.NeedsOne, triggers...); fn.failures.always {
			entry.NeedsOne = nil
		}
	})
}

func (fn *Function) keepFailures(at stages.Position) {
	if fn.failures != nil {
		return
	}
	if fn.config.Async == nil || fn.config.Async.Failures == nil {
		fn.failures = &failures{queue: newKeptQueue(fn.component, "failures", fn.config.Name, fn.config.Revision, false), own: true}
		return
	}
	queue := fn.config.Async.Failures
	if queue.config.FIFO {
		fn.refusal("https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html", at, "Async.Failures", fmt.Sprintf("FIFO %s, to which Lambda cannot send", queue), "a standard queue", "leave out FIFO there, or Failures here")
	}
	if fn.present && !queue.present {
		fn.fault(at, "Async.Failures", fmt.Sprintf("%s, which some stage that has the function does not have", queue),
			"a queue of every stage of the function", "give both the same Stages, or leave Failures out")
	}
	fn.failures = &failures{queue: queue}
}

// Failures is the queue of the events that the function could not handle, to be granted, watched, or to
// trigger another function; asking for it has them kept, as with an empty [AsyncConfig]. Its id is the
// function's with -failures, where it is the function's own.
func (fn *Function) Failures() *Queue {
	fn.catchFailures(stages.Caller())
	if fn.present {
		fn.failures.make(fn)
	}
	return fn.failures.queue
}

// make makes the function's own queue, and sends there what fails, once.
func (f *failures) make(fn *Function) {
	if f.made {
		return
	}
	f.made = true
	if f.own {
		f.queue.build(fn.siblings, "Failures", f.queue.props())
	}
	var async AsyncConfig
	if fn.config.Async != nil {
		async = *fn.config.Async
	}
	fn.allow(statement{actions: queueSend, resources: []*string{f.queue.L2.QueueArn()}})
	props := &awslambda.CfnEventInvokeConfigProps{
		FunctionName: fn.L2.FunctionName(), Qualifier: jsiiconv.String("$LATEST"),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: f.queue.L2.QueueArn()},
		},
	}
	if fn.alias != nil {
		props.Qualifier = fn.alias.AliasName()
	}
	if async.Retries != 0 || async.NoRetries {
		props.MaximumRetryAttempts = jsiiconv.Number(async.Retries)
	}
	if async.MaxAge != 0 {
		props.MaximumEventAgeInSeconds = jsiiconv.Number(int(async.MaxAge.Seconds()))
	}
	config := awslambda.NewCfnEventInvokeConfig(fn.siblings, jsiiconv.String("Async"), props)
	if fn.alias != nil {
		config.Node().AddDependency(fn.alias) // it is named, not referred to
	}
}
