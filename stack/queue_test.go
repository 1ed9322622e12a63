package stack_test

import (
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/roadshow-go/roadshow/internal/messages"
	"github.com/roadshow-go/roadshow/stack"
	"github.com/roadshow-go/roadshow/stack/stacktest"
	"github.com/roadshow-go/roadshow/stages"
)

func init() {
	settings = append(settings, setting{
		zero: stack.QueueConfig{},
		make: func(s *stack.Stack, config any) { stack.NewQueue(s, "q", config.(stack.QueueConfig)) },
		values: map[string]any{
			"Stages": stages.Only(production), "FIFO": true, "VisibilityTimeout": time.Minute, "Retention": time.Hour, "Delay": time.Minute,
			"DeduplicateByContent": wholeValue{stack.QueueConfig{FIFO: true}, stack.QueueConfig{FIFO: true, DeduplicateByContent: true}},
			"MaxReceives":          3, "NoDeadLetterQueue": true, "Name": "other", "Revision": 2,
			"Override": func(props *awssqs.QueueProps) { props.QueueName = text("x") },
		},
	}, setting{
		zero: stack.QueueTriggerConfig{},
		make: func(s *stack.Stack, config any) {
			stack.NewQueue(s, "q", stack.QueueConfig{}).Triggers(stack.NewFunction(s, "f", code()), config.(stack.QueueTriggerConfig))
		},
		values: map[string]any{
			"BatchSize": 5, "Window": time.Second, "WholeBatches": true, "MaxConcurrency": 2,
			"Filters":  []stack.Pattern{{"body": stack.Pattern{"kind": []string{"refund"}}}},
			"Override": func(props *awslambda.CfnEventSourceMappingProps) { props.KmsKeyArn = text("x") },
		},
	})
}

func TestAQueuesDefaults(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewQueue(s, "orders", stack.QueueConfig{}) }), dev)
	queues := byName(template, "AWS::SQS::Queue", "QueueName")
	require.Len(t, queues, 2)
	queue, dead := queues["dev-shop-orders"], queues["dev-shop-orders-dead-letters"]
	assert.Equal(t, true, queue.Properties["SqsManagedSseEnabled"])
	assert.Equal(t, true, dead.Properties["SqsManagedSseEnabled"])
	assert.Equal(t, map[string]any{
		"deadLetterTargetArn": map[string]any{"Fn::GetAtt": []any{dead.LogicalID, "Arn"}}, "maxReceiveCount": 5.0,
	}, queue.Properties["RedrivePolicy"])
	assert.Equal(t, 1209600.0, dead.Properties["MessageRetentionPeriod"])
	assert.NotContains(t, queue.Properties, "FifoQueue")
}

func TestAQueueTakesTLSOnly(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewQueue(s, "orders", stack.QueueConfig{}) }), dev)
	policies := template.Resources("AWS::SQS::QueuePolicy")
	require.Len(t, policies, 2)
	for _, policy := range policies {
		statements := policy.Properties["PolicyDocument"].(map[string]any)["Statement"].([]any)
		require.Len(t, statements, 1)
		only := statements[0].(map[string]any)
		assert.Equal(t, "Deny", only["Effect"])
		assert.Equal(t, map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}, only["Condition"])
	}
}

func TestAFIFOQueueHasFIFODeadLetters(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) { stack.NewQueue(s, "orders", stack.QueueConfig{FIFO: true}) }), dev)
	queues := byName(template, "AWS::SQS::Queue", "QueueName")
	for _, name := range []string{"dev-shop-orders.fifo", "dev-shop-orders-dead-letters.fifo"} {
		assert.Equal(t, true, queues[name].Properties["FifoQueue"], name)
	}
}

func TestAVerbOfAQueueGrantsExactlyItsActions(t *testing.T) {
	for _, tt := range []struct {
		name string
		verb func(*stack.Queue) stack.Grant
		want any
	}{
		{"Send sends and cannot receive", (*stack.Queue).Send, "sqs:SendMessage"},
		{
			"Consume receives and cannot send", (*stack.Queue).Consume,
			[]any{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			template := stacktest.Synth(t, app(func(s *stack.Stack) {
				fn := code()
				fn.Access = []stack.Grant{tt.verb(stack.NewQueue(s, "orders", stack.QueueConfig{NoDeadLetterQueue: true}))}
				stack.NewFunction(s, "get", fn)
			}), dev)
			queue := template.Resource(t, "AWS::SQS::Queue", "orders").LogicalID
			assert.Equal(t, []any{allowance(tt.want, attribute(queue, "Arn"))}, rights(t, template, "get")[1:])
			environment := template.Resource(t, "AWS::Lambda::Function", "get").Properties["Environment"]
			assert.Equal(t, map[string]any{"Variables": map[string]any{"ORDERS_QUEUE_URL": map[string]any{"Ref": queue}}}, environment)
		})
	}
}

func TestAQueueTriggersAFunction(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		fn := stack.NewFunction(s, "handle", code())
		stack.NewQueue(s, "orders", stack.QueueConfig{NoDeadLetterQueue: true}).Triggers(fn, stack.QueueTriggerConfig{
			BatchSize: 100, Window: 2 * time.Second, MaxConcurrency: 5,
			Filters: []stack.Pattern{{"body": stack.Pattern{"total": []any{stack.Pattern{"numeric": []any{">", 100}}}}}},
		})
	}), dev)
	queue, fn := template.Resource(t, "AWS::SQS::Queue", "orders"), template.Resource(t, "AWS::Lambda::Function", "handle").LogicalID
	assert.Equal(t, []any{allowance([]any{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}, attribute(queue.LogicalID, "Arn"))},
		rights(t, template, "handle")[1:])
	mapping := template.Resource(t, "AWS::Lambda::EventSourceMapping", "handle").Properties
	delete(mapping, "Tags")
	assert.Equal(t, map[string]any{
		"FunctionName": attribute(fn, "Arn"), "EventSourceArn": attribute(queue.LogicalID, "Arn"),
		"BatchSize": 100.0, "MaximumBatchingWindowInSeconds": 2.0, "FunctionResponseTypes": []any{"ReportBatchItemFailures"},
		"ScalingConfig":  map[string]any{"MaximumConcurrency": 5.0},
		"FilterCriteria": map[string]any{"Filters": []any{map[string]any{"Pattern": `{"body":{"total":[{"numeric":[">",100]}]}}`}}},
	}, mapping)
	assert.Equal(t, 62.0, queue.Properties["VisibilityTimeout"], "six times 10s, and the window")
}

func TestAQueueSuitsTheSlowestFunctionThatItTriggers(t *testing.T) {
	for name, tt := range map[string]struct {
		config stack.QueueConfig
		want   any
	}{
		"where nothing is said":          {stack.QueueConfig{}, 360.0},
		"but keeps what the config says": {stack.QueueConfig{VisibilityTimeout: time.Hour}, 3600.0},
		"and what an override says": {stack.QueueConfig{Override: func(props *awssqs.QueueProps) {
			props.VisibilityTimeout = awscdk.Duration_Seconds(number(90))
		}}, 90.0},
	} {
		t.Run(name, func(t *testing.T) {
			template := stacktest.Synth(t, app(func(s *stack.Stack) {
				queue := stack.NewQueue(s, "orders", tt.config)
				queue.Triggers(stack.NewFunction(s, "slow", with(func(c *stack.FunctionConfig) { c.Timeout = time.Minute })), stack.QueueTriggerConfig{})
				queue.Triggers(stack.NewFunction(s, "quick", code()), stack.QueueTriggerConfig{})
			}), dev)
			assert.Equal(t, tt.want, byName(template, "AWS::SQS::Queue", "QueueName")["dev-shop-orders"].Properties["VisibilityTimeout"])
		})
	}
}

func number(value float64) *float64 { return &value }

func TestDeadLettersTriggerAFunctionToo(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		orders := stack.NewQueue(s, "orders", stack.QueueConfig{})
		orders.DeadLetters().Triggers(stack.NewFunction(s, "look", code()), stack.QueueTriggerConfig{})
		stack.NewFunction(s, "redrive", code()).Allow(orders.DeadLetters().Consume())
	}), dev)
	assert.Len(t, template.Resources("AWS::Lambda::EventSourceMapping"), 1)
	assert.Equal(t, []string{"ORDERS_DEAD_LETTERS_QUEUE_URL"}, variables(template.Resource(t, "AWS::Lambda::Function", "redrive").Properties))
}

func TestATriggerFollowsItsQueueAndItsFunction(t *testing.T) {
	define := func(s *stack.Stack) {
		there := code()
		there.Stages = stages.Except(dev)
		fn := stack.NewFunction(s, "handle", there)
		stack.NewQueue(s, "orders", stack.QueueConfig{Stages: stages.Except(production)}).Triggers(fn, stack.QueueTriggerConfig{})
	}
	for stage, want := range map[stages.Stage]int{dev: 0, staging: 1, production: 0} {
		template := stacktest.Synth(t, app(define), stage)
		assert.Len(t, template.Resources("AWS::Lambda::EventSourceMapping"), want, stage.Name)
		names := 0
		for _, name := range template.Assembly.Ledger {
			if name.Kind == stages.SQSQueue.Title {
				names++
			}
		}
		assert.Equal(t, 6, names, "queue and dead letters of three stages")
	}
}

func TestTheDoorsOfAQueue(t *testing.T) {
	template := stacktest.Synth(t, app(func(s *stack.Stack) {
		queue := stack.NewQueue(s, "orders", stack.QueueConfig{})
		queue.With(func(l2 awssqs.Queue) { l2.ApplyRemovalPolicy("RETAIN") })
		below, ok := stack.L1[awssqs.CfnQueue](queue)
		require.True(t, ok)
		below.AddPropertyOverride(text("MaximumMessageSize"), 2048)
		absent := stack.NewQueue(s, "absent", stack.QueueConfig{Stages: stages.Only(production)})
		absent.With(func(awssqs.Queue) { t.Error("With reached a queue that is not there") })
		_, ok = stack.L1[awssqs.CfnQueue](absent)
		assert.False(t, ok)
		assert.False(t, absent.DeadLetters().Present())
	}), dev)
	queue := byName(template, "AWS::SQS::Queue", "QueueName")["dev-shop-orders"]
	assert.Equal(t, "Retain", queue.DeletionPolicy)
	assert.Equal(t, 2048.0, queue.Properties["MaximumMessageSize"])
}

func TestWrongQueueConfigsAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		config stack.QueueConfig
		want   string
	}{
		"a visibility above SQS's": {
			stack.QueueConfig{VisibilityTimeout: 13 * time.Hour},
			`VisibilityTimeout is 13h0m0s; it must be 1s to 12h in whole seconds. Write VisibilityTimeout: time.Minute, or leave it out.`,
		},
		"a retention that forgot its unit": {
			stack.QueueConfig{Retention: 30}, `Retention is 30ns; it must be 1m to 336h in whole seconds. Write Retention: 24 * time.Hour, or leave it out.`,
		},
		"a delay above SQS's": {
			stack.QueueConfig{Delay: time.Hour}, `Delay is 1h0m0s; it must be 1s to 15m in whole seconds. Write Delay: time.Minute, or leave it out.`,
		},
		"too many receives": {stack.QueueConfig{MaxReceives: 1001}, `MaxReceives is 1001; it must be 1 to 1000. Write MaxReceives: 5, or leave it out.`},
		"fewer than none":   {stack.QueueConfig{MaxReceives: -1}, `MaxReceives is -1; it must be 1 to 1000. Write MaxReceives: 5, or leave it out.`},
		"deduplication of a standard queue": {
			stack.QueueConfig{DeduplicateByContent: true},
			`DeduplicateByContent is true, while FIFO is false; it must be left out of a standard queue. Write FIFO: true, or leave DeduplicateByContent out.`,
		},
		"receives without dead letters": {
			stack.QueueConfig{NoDeadLetterQueue: true, MaxReceives: 3}, `MaxReceives is 3, while NoDeadLetterQueue is true; it must be the only one of the two. Leave the other out.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) { stack.NewQueue(s, "orders", tt.config) })
			assert.Equal(t, `stack/queue_test.go:LINE: queue "orders": `+tt.want, withoutLines(err.Error()))
		})
	}
	t.Run("dead letters of a queue without", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) {
			stack.NewQueue(s, "orders", stack.QueueConfig{NoDeadLetterQueue: true}).DeadLetters()
		})
		assert.Equal(t, `stack/queue_test.go:LINE: queue "orders": DeadLetters is asked for, while NoDeadLetterQueue is true; it must be a queue with dead letters. Leave NoDeadLetterQueue out.`,
			withoutLines(err.Error()))
	})
}

func TestWrongQueueTriggersAreRefused(t *testing.T) {
	reserved := code()
	reserved.ReservedConcurrency = 3
	for name, tt := range map[string]struct {
		queue  stack.QueueConfig
		fn     stack.FunctionConfig
		config stack.QueueTriggerConfig
		want   string
	}{
		"a batch above Lambda's": {
			stack.QueueConfig{},
			code(),
			stack.QueueTriggerConfig{BatchSize: 10001, Window: time.Second},
			`BatchSize is 10001; it must be 1 to 10000. Write BatchSize: 10, or leave it out.`,
		},
		"a large batch without a window": {
			stack.QueueConfig{},
			code(),
			stack.QueueTriggerConfig{BatchSize: 11},
			`BatchSize is 11 without a Window; it must be at most 10. Write Window: time.Second, or a smaller batch.`,
		},
		"a large batch of a FIFO queue": {
			stack.QueueConfig{FIFO: true},
			code(),
			stack.QueueTriggerConfig{BatchSize: 11},
			`BatchSize is 11 of FIFO queue "orders"; it must be 1 to 10. Write BatchSize: 10, or leave it out.`,
		},
		"a window of a FIFO queue": {
			stack.QueueConfig{FIFO: true},
			code(),
			stack.QueueTriggerConfig{Window: time.Second},
			`Window is 1s of FIFO queue "orders"; it must be left out: a FIFO queue has no window. Leave it out.`,
		},
		"a window above Lambda's": {
			stack.QueueConfig{},
			code(),
			stack.QueueTriggerConfig{Window: time.Hour},
			`Window is 1h0m0s; it must be 1s to 5m in whole seconds. Write Window: time.Second, or leave it out.`,
		},
		"a concurrency below Lambda's": {
			stack.QueueConfig{},
			code(),
			stack.QueueTriggerConfig{MaxConcurrency: 1},
			`MaxConcurrency is 1; it must be 2 to 1000. Write MaxConcurrency: 10, or leave it out.`,
		},
		"a concurrency above the function's": {
			stack.QueueConfig{},
			reserved,
			stack.QueueTriggerConfig{MaxConcurrency: 5},
			`MaxConcurrency is 5, while ReservedConcurrency of function "handle" is 3; it must be at most that. Raise the one or lower the other.`,
		},
		"a filter without a list": {
			stack.QueueConfig{},
			code(),
			stack.QueueTriggerConfig{Filters: []stack.Pattern{{"body": stack.Pattern{"kind": "refund"}}}},
			`Filters is no list at "body.kind"; it must be a list of what the field may be. Write stack.Pattern{"kind": []string{"refund"}}.`,
		},
		"a filter that is no JSON": {
			stack.QueueConfig{},
			code(),
			stack.QueueTriggerConfig{Filters: []stack.Pattern{{"body": make(chan int)}}},
			`Filters is json: unsupported type: chan int; it must be made of values that JSON has. Write text, numbers, lists and patterns.`,
		},
		"too many filters": {
			stack.QueueConfig{}, code(), stack.QueueTriggerConfig{Filters: make([]stack.Pattern, 6)}, `Filters is 6; it must be at most 5. Join some of them.`,
		},
		"a visibility shorter than the function needs": {
			stack.QueueConfig{VisibilityTimeout: 59 * time.Second},
			code(),
			stack.QueueTriggerConfig{},
			`VisibilityTimeout is 59s of queue "orders", while Timeout of function "handle" is 10s; it must be at least 1m0s: six times that, and the Window. Leave VisibilityTimeout out, or shorten the Timeout.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(t, dev, func(s *stack.Stack) {
				stack.NewQueue(s, "orders", tt.queue).Triggers(stack.NewFunction(s, "handle", tt.fn), tt.config)
			})
			assert.Equal(t, `stack/queue_test.go:LINE: trigger of function "handle" by queue "orders": `+tt.want, withoutLines(err.Error()))
		})
	}
	t.Run("no function", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) {
			stack.NewQueue(s, "orders", stack.QueueConfig{}).Triggers(nil, stack.QueueTriggerConfig{})
		})
		messages.ErrorContains(t, err, `queue "orders": function is nil; it must be a function`)
	})
	t.Run("a function twice", func(t *testing.T) {
		err := refusal(t, dev, func(s *stack.Stack) {
			queue, fn := stack.NewQueue(s, "orders", stack.QueueConfig{}), stack.NewFunction(s, "handle", code())
			queue.Triggers(fn, stack.QueueTriggerConfig{})
			queue.Triggers(fn, stack.QueueTriggerConfig{})
		})
		assert.Equal(t, `stack/queue_test.go:LINE: queue "orders": function is function "handle" again (first at stack/queue_test.go:LINE); it must be there only once. Remove one of the two.`,
			withoutLines(err.Error()))
	})
}

// byName are a template's resources of a type, by their physical names.
func byName(template *stacktest.Template, cfnType, property string) map[string]stacktest.Resource {
	named := map[string]stacktest.Resource{}
	for _, resource := range template.Resources(cfnType) {
		if name, ok := resource.Properties[property].(string); ok {
			named[name] = resource
		}
	}
	return named
}

func attribute(logicalID, name string) map[string]any {
	return map[string]any{"Fn::GetAtt": []any{logicalID, name}}
}
