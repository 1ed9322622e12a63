package stack

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"

	"github.com/roadshow-go/roadshow/internal/jsiiconv"
	"github.com/roadshow-go/roadshow/stages"
)

// QueueConfig says what an SQS queue is. It is encrypted, takes TLS only, and has a queue for messages
// that nobody could handle. What its stage's tier does to it stands in docs/tiers.md.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/welcome.html
type QueueConfig struct {
	// Stages says which stages have the queue. Default: every stage.
	Stages stages.Selector

	// FIFO keeps the order of messages of one group, and delivers each once. A change replaces the queue.
	// Default: a standard queue.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fifo-queues.html
	FIFO bool

	// DeduplicateByContent takes two messages of one body within five minutes for one, instead of asking
	// each sender for an id. With FIFO only. Default: false.
	DeduplicateByContent bool

	// VisibilityTimeout is how long a message that was received is hidden from other receivers, at most 12
	// hours, in whole seconds. It may not be less than six times the timeout of a function that the queue
	// triggers, plus the trigger's Window, as AWS recommends. Default: 30 seconds, or as much as that.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	VisibilityTimeout time.Duration

	// Retention is how long a message waits for a receiver, 1 minute to 14 days, in whole seconds.
	// Default: 4 days.
	Retention time.Duration

	// Delay hides a new message, at most 15 minutes, in whole seconds. Default: none.
	Delay time.Duration

	// MaxReceives is how often a message may be received before it moves to the dead-letter queue, 1 to
	// 1000. Default: 5, the least that AWS recommends for queues that trigger functions.
	MaxReceives int

	// NoDeadLetterQueue has messages that nobody can handle received again and again, until Retention ends
	// them. Default: such messages move to <name>-dead-letters, and wait there for 14 days.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
	NoDeadLetterQueue bool

	// Name is the queue's own part of its physical name {stage}-{service}-{name}, or [Generated]. SQS has
	// FIFO queues end in .fifo; that is added. Default: the id.
	Name string

	// Revision, 2 and above, enters the physical name, so that CloudFormation can replace the queue. The
	// old queue's messages do not move. Default: none.
	Revision int

	// Override changes the L2's properties just before it is made. Default: none.
	Override func(*awssqs.QueueProps)
}

// QueueTriggerConfig says how a queue's messages reach a function.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html
type QueueTriggerConfig struct {
	// BatchSize is how many messages an invocation gets at most: 1 to 10000, above 10 with a Window only, and
	// at most 10 of a FIFO queue. Default: 10.
	BatchSize int

	// Window is how long to wait for a full batch, at most 5 minutes, in whole seconds; not of a FIFO queue.
	// Default: none.
	Window time.Duration

	// WholeBatches has all messages of a batch received again where the handler reports that some failed.
	// Default: only those that the handler names as failed (batchItemFailures); none where it names none and
	// returns no error. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
	WholeBatches bool

	// MaxConcurrency is how many invocations the queue may cause at once, 2 to 1000, and at most the
	// function's ReservedConcurrency. Default: as many as Lambda allows.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
	MaxConcurrency int

	// Filters select messages, where any of up to five matches; the others are deleted. The fields are body
	// (with the fields of a JSON body below it), attributes and the like. Default: every message.
	// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html
	Filters []Pattern

	// Override changes the trigger's properties just before it is made. Default: none.
	Override func(*awslambda.CfnEventSourceMappingProps)
}

const (
	defaultVisibility  = 30 * time.Second
	defaultMaxReceives = 5
	// keptRetention is SQS's longest.
	keptRetention = 14 * 24 * time.Hour
)

func (c QueueConfig) validate() *ConfigError {
	switch {
	case c.DeduplicateByContent && !c.FIFO:
		return &ConfigError{
			Field: "DeduplicateByContent", Got: "true, while FIFO is false", Want: "left out of a standard queue", Fix: "write FIFO: true, or leave DeduplicateByContent out",
		}
	case c.NoDeadLetterQueue && c.MaxReceives != 0:
		return &ConfigError{
			Field: "MaxReceives", Got: fmt.Sprintf("%d, while NoDeadLetterQueue is true", c.MaxReceives), Want: "the only one of the two", Fix: "leave the other out",
		}
	}
	return nil
}

func (c QueueConfig) kind() stages.Kind {
	if c.FIFO {
		return stages.SQSFIFOQueue
	}
	return stages.SQSQueue
}

func (c QueueTriggerConfig) validate(q *Queue, fn *Function) *ConfigError {
	switch reserved := fn.config.ReservedConcurrency; {
	case q.config.FIFO && c.BatchSize > 10:
		return &ConfigError{Field: "BatchSize", Got: fmt.Sprintf("%d of FIFO %s", c.BatchSize, q), Want: "1 to 10", Fix: "write BatchSize: 10, or leave it out"}
	case q.config.FIFO && c.Window != 0:
		return &ConfigError{Field: "Window", Got: fmt.Sprintf("%s of FIFO %s", c.Window, q), Want: "left out: a FIFO queue has no window", Fix: "leave it out"}
	case c.BatchSize > 10 && c.Window == 0:
		return &ConfigError{Field: "BatchSize", Got: fmt.Sprintf("%d without a Window", c.BatchSize), Want: "at most 10", Fix: "write Window: time.Second, or a smaller batch"}
	case reserved > 0 && c.MaxConcurrency > reserved:
		return &ConfigError{
			Field: "MaxConcurrency", Got: fmt.Sprintf("%d, while ReservedConcurrency of %s is %d", c.MaxConcurrency, fn, reserved),
			Want: "at most that", Fix: "raise the one or lower the other",
		}
	case len(c.Filters) > 5:
		return &ConfigError{Field: "Filters", Got: strconv.Itoa(len(c.Filters)), Want: "at most 5", Fix: "join some of them"}
	}
	for _, filter := range c.Filters {
		if problem := filter.validate("Filters", lambdaFilter); problem != nil {
			return problem
		}
	}
	if least := c.visibility(fn); q.config.VisibilityTimeout != 0 && q.config.VisibilityTimeout < least {
		return &ConfigError{
			Field: "VisibilityTimeout", Got: fmt.Sprintf("%s of %s, while Timeout of %s is %s", q.config.VisibilityTimeout, q, fn, fn.timeout()),
			Want: fmt.Sprintf("at least %s: six times that, and the Window", least), Fix: "leave VisibilityTimeout out, or shorten the Timeout",
		}
	}
	return nil
}

// visibility is the least that a queue needs for the trigger.
func (c QueueTriggerConfig) visibility(fn *Function) time.Duration { return 6*fn.timeout() + c.Window }

// props maps the config to the L2's.
func (q *Queue) props() *awssqs.QueueProps {
	c := q.config
	props := &awssqs.QueueProps{
		QueueName:     jsiiconv.String(q.name),
		Encryption:    awssqs.QueueEncryption_SQS_MANAGED,
		EnforceSSL:    jsiiconv.Bool(true),
		RemovalPolicy: q.stack.retention().messages,
	}
	if c.FIFO {
		props.Fifo = jsiiconv.Bool(true)
		props.ContentBasedDeduplication = jsiiconv.Bool(c.DeduplicateByContent)
	}
	if c.VisibilityTimeout != 0 {
		props.VisibilityTimeout = seconds(c.VisibilityTimeout)
	}
	if c.Retention != 0 {
		props.RetentionPeriod = seconds(c.Retention)
	}
	if c.Delay != 0 {
		props.DeliveryDelay = seconds(c.Delay)
	}
	if q.deadLetters != nil {
		receives := c.MaxReceives
		if receives == 0 {
			receives = defaultMaxReceives
		}
		props.DeadLetterQueue = &awssqs.DeadLetterQueue{Queue: q.deadLetters.L2, MaxReceiveCount: jsiiconv.Number(receives)}
	}
	return props
}

// props maps the config to the event source mapping's.
func (c QueueTriggerConfig) props(q *Queue, fn *Function) *awslambda.CfnEventSourceMappingProps {
	props := &awslambda.CfnEventSourceMappingProps{FunctionName: fn.invoked().FunctionArn(), EventSourceArn: q.L2.QueueArn()}
	if c.BatchSize != 0 {
		props.BatchSize = jsiiconv.Number(c.BatchSize)
	}
	if c.Window != 0 {
		props.MaximumBatchingWindowInSeconds = jsiiconv.Number(int(c.Window.Seconds()))
	}
	if !c.WholeBatches {
		props.FunctionResponseTypes = jsiiconv.Strings("ReportBatchItemFailures")
	}
	if c.MaxConcurrency != 0 {
		props.ScalingConfig = &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsiiconv.Number(c.MaxConcurrency)}
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

// NewQueue makes an SQS queue, with a dead-letter queue. A mistake panics with a [*ConfigError].
func NewQueue(s *Stack, id string, config QueueConfig) *Queue {
	queue := &Queue{component: s.begin("queue", id, config.Stages, s.faultsIn(config, config.validate())), config: config}
	queue.name = s.record(queue.component, config.kind(), config.Name, config.Revision)
	if !config.NoDeadLetterQueue {
		queue.deadLetters = newKeptQueue(queue.component, "dead-letters", config.Name, config.Revision, config.FIFO)
	}
	if !queue.present {
		return queue
	}
	scope := queue.scope()
	if queue.deadLetters != nil {
		queue.deadLetters.build(scope, "DeadLetters", queue.deadLetters.props())
	}
	props := queue.props()
	if config.Override != nil {
		config.Override(props)
	}
	queue.fixed = props.VisibilityTimeout != nil
	queue.build(scope, "Queue", props)
	return queue
}

// newKeptQueue is the queue of another component, for what would otherwise be lost. It is not made yet.
func newKeptQueue(of component, what, name string, revision int, fifo bool) *Queue {
	queue := &Queue{component: of, config: QueueConfig{FIFO: fifo, Retention: keptRetention, NoDeadLetterQueue: true}}
	queue.noun, queue.id, queue.needs = "queue", of.id+"-"+what, []string{of.id}
	if name != "" && name != Generated {
		name += "-" + what
	}
	queue.name = of.stack.record(queue.component, queue.config.kind(), name, revision)
	return queue
}

// build makes the L2.
func (q *Queue) build(scope constructs.Construct, id string, props *awssqs.QueueProps) {
	q.L2 = awssqs.NewQueue(scope, jsiiconv.String(id), props)
}

// Queue is an SQS queue, or knows that its stage has none.
type Queue struct {
	component

	// L2 is the CDK's construct; nil where the stage does not have the queue. [Queue.With] asks first.
	L2 awssqs.Queue

	config      QueueConfig
	name        string        // physical; "" where CloudFormation generates it
	deadLetters *Queue        // nil without
	visibility  time.Duration // what the triggers so far need
	fixed       bool          // the config says the visibility, or its Override
	senders     senders       // services of AWS that send; nil while none does
}

// DeadLetters is the queue of the messages that nobody could handle, to be granted, or to trigger a
// function that looks into them. Its id is the queue's with -dead-letters. It panics with a [*ConfigError]
// where NoDeadLetterQueue says that there is none.
func (q *Queue) DeadLetters() *Queue {
	if q.deadLetters == nil {
		q.fault(stages.Caller(), "DeadLetters", "asked for, while NoDeadLetterQueue is true", "a queue with dead letters", "leave NoDeadLetterQueue out")
	}
	return q.deadLetters
}

// Triggers has the function handle the queue's messages; it gets the right to receive and delete them.
// Where the stage does not have the queue, or the function, there is no trigger. A mistake panics with a
// [*ConfigError].
func (q *Queue) Triggers(fn *Function, config QueueTriggerConfig) {
	at := stages.Caller()
	var problem *ConfigError
	if fn != nil {
		problem = config.validate(q, fn)
	}
	both := fn.triggeredBy(q.component, at, config, problem, true)
	if least := config.visibility(fn); q.present && !q.fixed && least > max(q.visibility, defaultVisibility) {
		q.visibility = least
		q.L2.Node().DefaultChild().(awssqs.CfnQueue).SetVisibilityTimeout(jsiiconv.Number(int(least.Seconds())))
	}
	if !both {
		return
	}
	fn.allow(statement{actions: queueTrigger, resources: []*string{q.L2.QueueArn()}})
	props := config.props(q, fn)
	if config.Override != nil {
		config.Override(props)
	}
	awslambda.NewCfnEventSourceMapping(fn.siblings, jsiiconv.String("From-"+q.id), props)
}

// takeFrom lets a service of AWS send messages, on behalf of one source.
func (q *Queue) takeFrom(service string, source *string) {
	if q.senders == nil {
		q.senders = senders{}
		q.stack.deferredChecks = append(q.stack.deferredChecks, func() {
			for _, statement := range q.senders.statements(queueSend, q.L2.QueueArn()) {
				q.L2.AddToResourcePolicy(statement)
			}
		})
	}
	q.senders.add(service, source)
}

// With reaches the L2 construct; it does nothing where the stage does not have the queue.
func (q *Queue) With(change func(awssqs.Queue)) *Queue {
	if q.present {
		change(q.L2)
	}
	return q
}

func (q *Queue) construct() constructs.IConstruct { return q.L2 }

// Send is the right to send messages; it brings <ID>_QUEUE_URL.
func (q *Queue) Send() Grant { return q.grant("Send", queueSend) }

// Consume is the right to receive messages, to keep them hidden, and to delete them; it brings
// <ID>_QUEUE_URL. A function that the queue triggers does not need it.
func (q *Queue) Consume() Grant { return q.grant("Consume", queueConsume) }

func (q *Queue) grant(verb string, actions []string) Grant {
	return Grant{on: q, verb: verb, apply: func(fn *Function, at stages.Position) {
		fn.reach(at, q.component, "SQS")
		fn.allow(statement{actions: actions, resources: []*string{q.L2.QueueArn()}})
		fn.setEnvironment(at, q.String(), q.id, "_QUEUE_URL", q.L2.QueueUrl())
	}}
}
